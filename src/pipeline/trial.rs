//! Test mails to a colleague: one for each campaign and rank, and the hard ones. It adopts nothing and claims nothing.

use super::destination::{Destination, Server};
use super::error::Error;
use super::{inputs, letters, run};
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
    pub to: Vec<String>,
    pub destination: String,
    /// Campaign, rank and why this mail was chosen; and what came of it.
    pub mails: Vec<(String, Outcome)>,
}

/// Sends samples of the plan of a date to the job's `test_to` addresses, or to the one that the operator writes.
pub fn trial(job: &Job, as_of: NaiveDate, to: Option<&str>, server: Server, now: i64) -> Result<Trial, Error> {
    let recipients = recipients(job, to)?;
    let opened = runs::open(&run::folder(job, as_of))?;
    let samples = samples(&opened)?;
    send(job, &opened, &samples, recipients, server, now)
}

/// Sends one mail of a plan to one colleague.
pub fn trial_of(job: &Job, opened: &runs::Opened, mail: MailRow, to: &str, server: Server, now: i64) -> Result<Trial, Error> {
    let recipients = recipients(job, Some(to))?;
    let sample = (told(&mail.campaign, mail.variant.as_deref(), mail.rank.as_deref()), mail);
    send(job, opened, &[sample], recipients, server, now)
}

fn send(
    job: &Job,
    opened: &runs::Opened,
    samples: &[(String, MailRow)],
    recipients: Vec<String>,
    server: Server,
    now: i64,
) -> Result<Trial, Error> {
    let planned = inputs::planned_job(job, opened)?;
    let writer = letters::Writer::open(&planned, opened)?;
    let destination = Destination::of(job, server, job.runs.join(&job.name).join("test"))?;
    let (mut mailers, _) = destination.mailers(1, &Arc::default())?;
    let Some(mailer) = mailers.first_mut() else { return Err(Error::Server("there is no connection".to_owned())) };
    let mut mails = Vec::new();
    for (place, address) in recipients.iter().enumerate() {
        // Each mail has a name of its own, so that no colleague's takes the place of another's in an outbox.
        let mark = if place == 0 { "test".to_owned() } else { format!("test{}", place + 1) };
        for (why, mail) in samples {
            let letter = letter(&writer, mail, why, (address, &mark), now)?;
            mailer.ready().map_err(failed)?;
            let outcome = mailer.send(std::slice::from_ref(&letter)).pop();
            mails.push((why.clone(), outcome.unwrap_or(Outcome::InDoubt { reply: "the mailer gave no answer".to_owned() })));
        }
    }
    let destination = match destination {
        Destination::Outbox(folder) => folder.display().to_string(),
        smtp @ Destination::Smtp { .. } => smtp.name(),
    };
    Ok(Trial { to: recipients, destination, mails })
}

/// Where the samples go. An address that is not in the job's `test_to` is refused, where there is such a list.
fn recipients(job: &Job, to: Option<&str>) -> Result<Vec<String>, Error> {
    let allowed = &job.mail.test_to;
    let listed = allowed.iter().map(|to| usable(to)).collect::<Result<Vec<_>, _>>()?;
    let Some(to) = to else {
        if listed.is_empty() {
            return Err(Error::Usage("nobody to send to: write --to ADDRESS, or `test_to` in [mail]".to_owned()));
        }
        return Ok(listed);
    };
    let wire = usable(to)?;
    if !listed.is_empty() && !listed.iter().any(|listed| listed.eq_ignore_ascii_case(&wire)) {
        let allowed = allowed.join(", ");
        return Err(Error::Usage(format!("`{to}` is not in `test_to` of [mail], so no test mail goes there; it has {allowed}")));
    }
    Ok(vec![wire])
}

fn usable(to: &str) -> Result<String, Error> {
    match tables::judge(to) {
        Address::Usable { wire, .. } => Ok(wire.into()),
        _ => Err(Error::Usage(format!("`{to}` is not a mail address; write one like team@example.com"))),
    }
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
fn letter(writer: &letters::Writer, mail: &MailRow, why: &str, (address, mark): (&str, &str), now: i64) -> Result<Letter, Error> {
    let mut mail = mail.clone();
    if let Some(code) = &mail.coupon_code {
        mail.values = mail.values.replace(code.as_str(), DUMMY_CODE);
    }
    mail.values = writer.values_of_nobody(&mail.values)?;
    let mut rendered = writer.render_changed(&mail)?;
    rendered.content.subject = format!("[TEST {why}] {}", rendered.content.subject);
    address.clone_into(&mut mail.address);
    mail.mail_id = format!("{mark}-{}", mail.mail_id);
    writer.compose(&mail, &rendered, now)
}
