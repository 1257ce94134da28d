//! The mails that one customer gets, as they will be sent.

use super::error::Error;
use super::{letters, run};
use crate::domain::{Channel, Job};
use crate::runs;
use chrono::NaiveDate;
use std::path::PathBuf;

/// One mail of a plan.
pub struct Shown {
    pub mail_id: String,
    pub campaign: String,
    pub variant: Option<String>,
    pub rank: Option<String>,
    pub channel: Channel,
    pub address: String,
    pub subject: String,
    pub html: String,
    pub text: String,
    /// The whole mail; empty for what does not go by mail.
    pub eml: Vec<u8>,
}

/// The mails of a customer in the plan of a date. The Date header is the time at which the plan was made.
pub fn show(job: &Job, as_of: NaiveDate, customer: &str, campaign: Option<&str>) -> Result<Vec<Shown>, Error> {
    let (planned, opened) = run::open_plan(job, as_of)?;
    if opened.customer(customer)?.is_none() {
        return Err(Error::Data(format!("customer `{customer}` is not in the plan of {as_of}; `rankmail explain` tells more")));
    }
    if let Some(name) = campaign.filter(|name| !planned.campaigns.iter().any(|campaign| campaign.name == *name)) {
        let known: Vec<&str> = planned.campaigns.iter().map(|campaign| campaign.name.as_str()).collect();
        return Err(Error::Usage(format!("the plan of {as_of} has no campaign `{name}`; it has {}", known.join(", "))));
    }
    let writer = letters::Writer::open(&planned, &opened)?;
    let mails = opened.mails_of(customer)?;
    let wanted: Vec<_> = mails.iter().filter(|mail| campaign.is_none_or(|name| name == mail.campaign)).collect();
    let rendered = writer.render(&wanted)?;
    wanted
        .into_iter()
        .zip(rendered)
        .map(|(mail, rendered)| {
            let eml = match mail.channel {
                Channel::Mail => writer.compose(mail, &rendered, opened.summary.planned_at)?.bytes,
                Channel::Post | Channel::Line | Channel::Call => Vec::new(),
            };
            let content = rendered.content;
            Ok(Shown {
                mail_id: mail.mail_id.clone(),
                campaign: mail.campaign.clone(),
                variant: mail.variant.clone(),
                rank: mail.rank.clone(),
                channel: mail.channel,
                address: mail.address.clone(),
                subject: content.subject,
                html: content.html,
                text: content.text,
                eml,
            })
        })
        .collect()
}

/// Where the plan of a date lies.
#[must_use]
pub fn plan_folder(job: &Job, as_of: NaiveDate) -> PathBuf {
    runs::folder(&job.runs, &job.name, as_of)
}

/// The newest plan of a job, if there is one.
pub fn latest_plan(job: &Job) -> Result<Option<NaiveDate>, Error> {
    Ok(runs::plans(&job.runs, &job.name)?.into_iter().max())
}
