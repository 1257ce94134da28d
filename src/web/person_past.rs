//! The past of one person: their mails with what became of each, and why nothing more is sent.

use super::sheet;
use super::words::counted;
use crate::domain::job::Language;
use crate::domain::{Job, SkipReason, State};
use crate::pipeline::studio::{PastState, Person};
use serde::Serialize;

/// Mails that are shown; further ones are counted.
const SHOWN: usize = 200;
/// What a server answered is shown so far.
const REPLY: usize = 120;

#[derive(Serialize)]
pub struct Past {
    rows: Vec<Row>,
    /// How many are not shown.
    more: Option<String>,
    stops: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    as_of: String,
    campaign: String,
    occasion: String,
    kind: &'static str,
    told: String,
    detail: Option<String>,
}

impl Past {
    pub fn of(job: &Job, person: &Person) -> Self {
        let language = job.language;
        let mails = &person.history;
        Self {
            rows: mails.iter().take(SHOWN).map(|mail| Row::of(job, mail)).collect(),
            more: further(language, mails.len(), SHOWN),
            stops: person.stops.iter().map(|stop| stopped(job, stop.reason, stop.at)).collect(),
        }
    }
}

impl Past {
    /// Lines of the stops, and of each mail that somebody had; those that are not shown have one.
    pub fn lines(&self, person: &Person) -> (usize, Vec<usize>) {
        let mut mails: Vec<usize> = self.rows.iter().map(Row::lines).collect();
        mails.resize(person.history.len(), 1);
        (self.stops.len(), mails)
    }
}

/// How many of something are left out where so many are shown.
pub fn further(language: Language, all: usize, shown: usize) -> Option<String> {
    let left = all.saturating_sub(shown) as u64;
    (left > 0).then(|| language.pick("ほか ", "and ").to_owned() + &counted(language, left, "件", "more", "more"))
}

impl Row {
    /// On paper, where it is in one of two columns.
    fn lines(&self) -> usize {
        let texts = [&self.as_of, &self.campaign, &self.occasion, &self.told, self.detail.as_ref().unwrap_or(&self.as_of)];
        sheet::lines(&texts.map(String::as_str).join(" "), sheet::HALF)
    }

    fn of(job: &Job, mail: &PastState) -> Self {
        let language = job.language;
        let mut told = mail.state.told(language).to_owned();
        if let Some(why) = mail.reason.as_deref().and_then(|reason| reason_told(language, reason)) {
            told += &language.pick(format!("（{why}）"), format!(" ({why})"));
        }
        told.extend(mail.at.map(|at| format!(" {}", moment(job, at))));
        for (kind, at) in &mail.reports {
            told += &language
                .pick(format!("、{} {}", kind.told(language), moment(job, *at)), format!("; {} {}", kind.told(language), moment(job, *at)));
        }
        let kind = match mail.state {
            State::Accepted if mail.reports.is_empty() => "good",
            State::Planned | State::Handing | State::Deferred | State::Held => "waits",
            _ => "bad",
        };
        // What a server says to an accepted mail is of no use to anybody.
        let answered = mail.reply.as_deref().filter(|reply| !reply.is_empty() && mail.state != State::Accepted);
        Self {
            as_of: mail.as_of.to_string(),
            campaign: if mail.job == job.name { mail.campaign.clone() } else { format!("{}: {}", mail.job, mail.campaign) },
            occasion: mail.occasion.clone(),
            kind,
            told,
            detail: answered.map(|reply| reply.chars().take(REPLY).collect()),
        }
    }
}

/// Day and time in the job's zone.
fn moment(job: &Job, at: i64) -> String {
    job.zone.local(at).map(|at| at.format("%Y-%m-%d %H:%M").to_string()).unwrap_or_default()
}

/// Why a mail ended as it did.
fn reason_told(language: Language, reason: &str) -> Option<&'static str> {
    Some(match reason {
        "unsubscribed" => language.pick("配信停止のため", "opted out"),
        "bounced" => language.pick("不達のアドレスのため", "the address had bounced"),
        "gave_up" => language.pick("再送をあきらめました", "given up"),
        "too_late" => language.pick("期限を過ぎました", "too late"),
        "resolved" => language.pick("担当者が確認", "settled by the operator"),
        _ => return None,
    })
}

fn stopped(job: &Job, reason: SkipReason, at: i64) -> String {
    let (language, at) = (job.language, moment(job, at));
    match reason {
        SkipReason::Unsubscribed => language.pick(format!("{at} から配信停止です（ご本人の希望）。"), format!("Opted out since {at}.")),
        _ => language.pick(
            format!("{at} から、このアドレスへの配信を止めています（不達）。"),
            format!("Nothing goes to the address since {at}: mails came back."),
        ),
    }
}
