//! Test mails to a colleague: one for each campaign and rank, and the hard ones. It adopts nothing and claims nothing.

use super::destination::{Destination, Server};
use super::error::Error;
use super::{letters, run};
use crate::domain::delivery::RunTrouble;
use crate::domain::plan::MailRow;
use crate::domain::{Address, Channel, Job, Letter, Outcome, Value};
use crate::{runs, tables};
use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A code that no cart will take.
const DUMMY_CODE: &str = "TESTTESTTEST";

/// What was sent for a look.
pub struct Trial {
    pub destination: String,
    /// Campaign, rank and why this mail was chosen; and what came of it.
    pub mails: Vec<(String, Outcome)>,
}

/// Sends samples of the plan of a date to `to`: to the job's `test_to` addresses or one that the operator writes.
pub fn trial(job: &Job, as_of: NaiveDate, to: &str, server: Server, now: i64) -> Result<Trial, Error> {
    let Address::Usable { wire: address, .. } = tables::judge(to) else {
        return Err(Error::Usage(format!("`{to}` is not a mail address; write one like team@example.com")));
    };
    let (planned, opened) = run::open_plan(job, as_of)?;
    let writer = letters::Writer::open(&planned, &opened)?;
    let destination = Destination::of(job, server, job.runs.join(&job.name).join("test"))?;
    let (mut mailers, _) = destination.mailers(1, &Arc::default())?;
    let Some(mailer) = mailers.first_mut() else { return Err(Error::Server("there is no connection".to_owned())) };
    let mut mails = Vec::new();
    for (why, mail) in samples(&opened)? {
        let letter = letter(&writer, &mail, &why, &address, now)?;
        mailer.ready().map_err(failed)?;
        let outcome = mailer.send(std::slice::from_ref(&letter)).pop();
        mails.push((why, outcome.unwrap_or(Outcome::InDoubt { reply: "the mailer gave no answer".to_owned() })));
    }
    let destination = match destination {
        Destination::Outbox(folder) => folder.display().to_string(),
        smtp @ Destination::Smtp { .. } => smtp.name(),
    };
    Ok(Trial { destination, mails })
}

fn failed(trouble: RunTrouble) -> Error {
    match trouble {
        RunTrouble::Outbox { reply } => Error::Outbox(reply),
        RunTrouble::Unreachable { reply } | RunTrouble::Waiting { reply } | RunTrouble::Stopped { reply } => {
            Error::Server(format!("the mail server cannot be reached: {reply}"))
        }
        RunTrouble::Refused { reply } => Error::Server(format!("the mail server refuses us: {reply}")),
    }
}

/// The first mail of each campaign, variant and rank, then the longest name and the longest content.
pub fn samples(opened: &runs::Opened) -> Result<Vec<(String, MailRow)>, Error> {
    let mut firsts: BTreeMap<(String, Option<String>, Option<String>), MailRow> = BTreeMap::new();
    let mut longest_name: Option<(usize, MailRow)> = None;
    let mut most_content: Option<(usize, MailRow)> = None;
    for mail in opened.mails()? {
        let mail = mail?;
        if mail.channel != Channel::Mail {
            continue;
        }
        let values = runs::values_read(&mail.values)?;
        let name = match values.get("customer").and_then(|customer| customer.get("name")) {
            Some(Value::Text(name)) => name.chars().count(),
            _ => 0,
        };
        keep_longest(&mut longest_name, name, &mail);
        keep_longest(&mut most_content, mail.values.len(), &mail);
        firsts.entry((mail.campaign.clone(), mail.variant.clone(), mail.rank.clone())).or_insert(mail);
    }
    let mut chosen: Vec<(String, MailRow)> =
        firsts.into_iter().map(|((campaign, variant, rank), mail)| (told(&campaign, variant.as_deref(), rank.as_deref()), mail)).collect();
    chosen.extend(longest_name.map(|(_, mail)| ("longest name".to_owned(), mail)));
    chosen.extend(most_content.map(|(_, mail)| ("most content".to_owned(), mail)));
    Ok(chosen)
}

/// Which of a plan's mails a sample stands for.
pub fn told(campaign: &str, variant: Option<&str>, rank: Option<&str>) -> String {
    let variant = variant.map_or_else(String::new, |variant| format!("/{variant}"));
    format!("{campaign}{variant} {}", rank.unwrap_or("-"))
}

fn keep_longest(best: &mut Option<(usize, MailRow)>, size: usize, mail: &MailRow) {
    if best.as_ref().is_none_or(|(longest, _)| size > *longest) {
        *best = Some((size, mail.clone()));
    }
}

/// The mail as its customer would get it, but to the colleague, marked, and without a code or an opt-out link that works.
fn letter(writer: &letters::Writer, mail: &MailRow, why: &str, address: &str, now: i64) -> Result<Letter, Error> {
    let mut mail = mail.clone();
    if let Some(code) = &mail.coupon_code {
        mail.values = mail.values.replace(code.as_str(), DUMMY_CODE);
    }
    mail.values = writer.values_of_nobody(&mail.values)?;
    let mut rendered = writer.render_changed(&mail)?;
    rendered.content.subject = format!("[TEST {why}] {}", rendered.content.subject);
    address.clone_into(&mut mail.address);
    mail.mail_id = format!("test-{}", mail.mail_id);
    writer.compose(&mail, &rendered, now)
}
