//! What goes by other channels than mail: `send` puts it on lists, which other hands carry on.

use super::error::Error;
use super::letters::Writer;
use super::send::Request;
use crate::domain::list::{Entry, ListKind};
use crate::domain::plan::MailRow;
use crate::domain::{Channel, Job, Outcome, State, Value};
use crate::{ledger, lists, runs};
use chrono::NaiveDate;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What was put on lists.
#[derive(Default)]
pub struct Handed {
    /// How many rows were claimed for it.
    pub claims: u64,
    /// The lists that were written.
    pub files: Vec<PathBuf>,
}

/// The list of a channel; `None` for mail.
pub fn kind(channel: Channel) -> Option<ListKind> {
    match channel {
        Channel::Mail => None,
        Channel::Post => Some(ListKind::Post),
        Channel::Line => Some(ListKind::Line),
        Channel::Call => Some(ListKind::Call),
    }
}

/// Puts what is planned for other channels than mail on the run's lists: claimed first, settled when the list lies on the disk. Every list is
/// written whole, from what the ledger has handed over, so a run that was cut off leaves nobody out and nobody on it twice.
pub fn hand_over(
    request: &Request,
    planned: &Job,
    ledger: &mut ledger::Ledger,
    run: &ledger::Run,
    writer: &Writer,
    mails: &[MailRow],
) -> Result<Handed, Error> {
    if mails.is_empty() {
        return Ok(Handed::default());
    }
    let mut pending = BTreeSet::new();
    ledger.pending(&run.job, run.as_of, |mail_id, _| {
        pending.insert(mail_id.to_owned());
    })?;
    let most = request.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let open = mails.iter().filter(|mail| pending.contains(&mail.mail_id));
    let open: Vec<&MailRow> = open.take(most).collect();
    if open.is_empty() {
        return Ok(Handed::default());
    }
    // Whatever is wrong with a list is found before anybody on it is claimed.
    writer.prove(mails)?;
    let addresses = open.iter().map(|mail| Ok(same_address(&runs::values_read(&mail.values)?))).collect::<Result<Vec<String>, Error>>()?;
    let asked: Vec<(&str, &str)> = open.iter().zip(&addresses).map(|(mail, address)| (mail.mail_id.as_str(), address.as_str())).collect();
    let claims = ledger.claim_listed(run, &asked, (request.now)())?;
    let mut handed = Handed::default();
    // Who was stopped since comes off a list that an earlier attempt wrote.
    let touched: BTreeSet<(&str, Channel)> = open.iter().map(|mail| (mail.campaign.as_str(), mail.channel)).collect();
    for (campaign, channel) in touched {
        let list = List { job: request.job, planned, as_of: run.as_of, campaign, channel };
        handed.files.extend(list.write(ledger, writer, mails)?);
        let is_claimed = |(mail, claim): &(&&MailRow, &ledger::Claim)| {
            mail.campaign == campaign && mail.channel == channel && matches!(claim, ledger::Claim::Claimed { .. })
        };
        let claimed: Vec<&str> = open.iter().zip(&claims).filter(is_claimed).map(|(mail, _)| mail.mail_id.as_str()).collect();
        let path = path(request.job, run.as_of, campaign, channel);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        ledger.settle_listed(run, &claimed, &Outcome::Accepted { reply: format!("on the list {name}") }, (request.now)())?;
        handed.claims += claimed.len() as u64;
    }
    Ok(handed)
}

/// The list of a campaign's people in a run, whom a channel reaches.
pub struct List<'a> {
    pub job: &'a Job,
    /// The job as it was when the run was planned.
    pub planned: &'a Job,
    pub as_of: NaiveDate,
    pub campaign: &'a str,
    pub channel: Channel,
}

impl List<'_> {
    /// Writes the list whole, from what the ledger has handed over, and tells where it lies; nothing where nobody is on it and none was
    /// there.
    pub fn write(&self, ledger: &ledger::Ledger, writer: &Writer, mails: &[MailRow]) -> Result<Option<PathBuf>, Error> {
        let Some(kind) = kind(self.channel) else { return Ok(None) };
        let fates = ledger.fates(&self.job.name, self.as_of, self.campaign)?;
        let is_on = |mail: &&MailRow| {
            let fate = fates.get(&mail.mail_id);
            mail.campaign == self.campaign && mail.channel == self.channel && matches!(fate, Some(State::Handing | State::Accepted))
        };
        let rows: Vec<&MailRow> = mails.iter().filter(is_on).collect();
        let path = path(self.job, self.as_of, self.campaign, self.channel);
        if rows.is_empty() && !path.exists() {
            return Ok(None);
        }
        let (text, _) = lists::write(kind, &entries(&rows, Some(writer))?, self.planned.language);
        save(&path, &text)?;
        Ok(Some(path))
    }
}

/// RUNS/JOB/lists/AS-OF/CAMPAIGN.CHANNEL.csv
pub fn path(job: &Job, as_of: NaiveDate, campaign: &str, channel: Channel) -> PathBuf {
    job.runs.join(&job.name).join("lists").join(as_of.to_string()).join(format!("{campaign}.{}.csv", channel.word()))
}

fn save(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(failed)?;
    }
    let mut file = runs::Private::create(path)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    Ok(file.finish()?)
}

/// The rows of a plan as they stand on a list. What their templates say is on it only with a writer.
pub fn entries(rows: &[&MailRow], writer: Option<&Writer>) -> Result<Vec<Entry>, Error> {
    let messages = match writer {
        Some(writer) => writer.render(rows)?.into_iter().map(|rendered| rendered.content.text.trim_end().to_owned()).collect(),
        None => vec![String::new(); rows.len()],
    };
    rows.iter().zip(messages).map(|(row, message)| Ok(Entry { message, ..entry(row)? })).collect()
}

fn entry(mail: &MailRow) -> Result<Entry, Error> {
    let values = runs::values_read(&mail.values)?;
    let text = |group: &str, name: &str| match values.get(group).and_then(|group| group.get(name)) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let may_mail = mail.channel == Channel::Mail || values.get("mail_consent") == Some(&Value::Bool(true));
    Ok(Entry {
        customer_id: mail.customer_id.clone(),
        campaign: mail.campaign.clone(),
        rank: mail.rank.clone().unwrap_or_default(),
        name: text("customer", "name"),
        postal_code: text("customer", "postal_code"),
        postal_address: text("customer", "postal_address"),
        line_id: text("customer", "line_id"),
        phone: text("customer", "phone"),
        email: if may_mail { text("customer", "email") } else { String::new() },
        coupon_code: mail.coupon_code.clone().unwrap_or_default(),
        valid_until: mail.valid_until,
        gift: text("offer", "gift"),
        last_order: text("last_order", "date").parse().ok(),
        message: String::new(),
    })
}

/// The mail address of a row's customer in the form in which two are compared; empty where there is none.
pub fn same_address(values: &Value) -> String {
    match values.get("customer").and_then(|customer| customer.get("email")) {
        Some(Value::Text(address)) => address.to_lowercase(),
        _ => String::new(),
    }
}
