//! What the page of approvals asks: who has approved, whether the plan can still be approved, and samples for colleagues.

use super::super::approvals::Approvals;
use super::super::approve::{self, Approved, Request};
use super::super::destination::Server;
use super::super::error::Error;
use super::super::{approvals, inputs, run, send, trial};
use super::Studio;
use crate::domain::plan::{MailRow, Summary};
use crate::domain::{Channel, Job};
use crate::{ledger, runs};
use chrono::NaiveDate;

/// What is to be known before somebody approves.
pub struct Approving {
    pub approvals: Approvals,
    /// Why the plan cannot be approved any more, and what to do; for people.
    pub closed: Option<String>,
    /// Whether the plan that is shown still lies in its folder.
    pub is_there: bool,
    /// Whether `send` would still send mails of it.
    pub is_sendable: bool,
    /// Brakes on which the command that sends it would stop today, and which it accepts: name and what was seen.
    pub stops: Vec<(String, String)>,
    /// What the plan showed when it was made: `run` stops on that, `send` does not.
    pub shown: Vec<(String, String)>,
    /// Colleagues who may get samples.
    pub test_to: Vec<String>,
}

impl Studio {
    /// What is to be known before somebody approves the plan at the instant `now` (microseconds UTC), by the job file and the plan's folder
    /// as they are now.
    pub fn approving(&self, now: i64) -> Result<Approving, Error> {
        let job = self.job_now()?;
        let planned = inputs::planned_job(&job, &self.opened)?;
        let (as_of, there) = (self.summary().as_of, self.there(&job));
        let closed = match there.as_ref().map(|summary| approve::refuse_closed(&job, summary)) {
            Ok(Ok(())) => None,
            Ok(Err(Error::Usage(why))) => Some(why),
            Ok(Err(error)) => return Err(error),
            Err(why) => Some(why.clone()),
        };
        let is_sendable = there.is_ok() && (closed.is_none() || is_unfinished(&job, as_of)?);
        let stops = match &there {
            Ok(summary) if is_sendable => approve::stops_of_today(&job, &planned, &self.opened, summary, now)?,
            _ => Vec::new(),
        };
        let approvals = approvals::of_plan(&job, as_of, &self.summary().digest, planned.approvals)?.accepting(&stops);
        let shown = self.summary().brakes.clone();
        Ok(Approving { approvals, closed, is_there: there.is_ok(), is_sendable, stops, shown, test_to: job.mail.test_to })
    }

    /// Somebody approves the plan of this digest, which is the one that was shown.
    pub fn approve(&self, name: &str, digest: &str, now: i64) -> Result<Approved, Error> {
        let job = self.job_now()?;
        // A part of a digest may be that of the next plan too, which nobody has seen.
        if digest.len() != self.summary().digest.len() {
            return Err(Error::Usage(job.language.pick(
                "どの計画を承認するのかが分かりません。ページを開き直してください".to_owned(),
                "it does not say which plan is approved; open the page again".to_owned(),
            )));
        }
        approve::named(&job, name)?;
        let there = self.there(&job).map_err(Error::Usage)?;
        if there.digest != digest {
            return Err(Error::Usage(replaced(&job, digest, &there.digest)));
        }
        approve::approve(&Request { job: &job, as_of: Some(there.as_of), name, digest: Some(digest), now })
    }

    /// What the plan's folder says of itself at this moment, when it still holds the plan that is shown; else why not and what to do, for
    /// people.
    fn there(&self, job: &Job) -> Result<Summary, String> {
        let shown = self.summary();
        match runs::glance(&run::folder(job, shown.as_of)) {
            Ok(glance) if glance.summary.digest == shown.digest => Ok(glance.summary),
            Ok(glance) => Err(replaced(job, &shown.digest, &glance.summary.digest)),
            Err(error) => Err(self.gone().unwrap_or_else(|| error.to_string())),
        }
    }

    /// Sends one mail of the plan as a sample to a colleague in the job's `test_to`: that of a customer, or the first one of the campaign.
    pub fn sample(&self, campaign: &str, customer: &str, to: &str, server: Server, now: i64) -> Result<trial::Trial, Error> {
        let job = self.job_now()?;
        if job.mail.test_to.is_empty() {
            return Err(Error::Usage(job.language.pick(
                "テスト送信の宛先がありません。ジョブの [mail] に test_to = [\"team@example.com\"] と書いてください".to_owned(),
                "nobody may get test mails; write test_to = [\"team@example.com\"] into [mail] of the job".to_owned(),
            )));
        }
        self.there(&job).map_err(Error::Usage)?;
        let mail = self.mail_for(campaign, customer.trim())?.ok_or_else(|| {
            let customer = customer.trim();
            Error::Data(if customer.is_empty() {
                job.language.pick(
                    format!("この計画に `{campaign}` のメールはありません。ほかのキャンペーンを選んでください"),
                    format!("the plan has no mail of `{campaign}`; choose another campaign"),
                )
            } else {
                job.language.pick(
                    format!("この計画に `{campaign}` のメールはありません（顧客 `{customer}`）"),
                    format!("the plan has no mail of `{campaign}` for the customer `{customer}`"),
                )
            })
        })?;
        trial::trial_of(&job, &self.opened, mail, to, server, now)
    }

    fn mail_for(&self, campaign: &str, customer: &str) -> Result<Option<MailRow>, Error> {
        let is_it = |mail: &MailRow| mail.campaign == campaign && mail.channel == Channel::Mail;
        let mut customer = customer.to_owned();
        if customer.is_empty() {
            for mail in self.opened.mails_without_values()? {
                let mail = mail?;
                if is_it(&mail) {
                    customer = mail.customer_id;
                    break;
                }
            }
        }
        Ok(self.opened.mails_of(&customer)?.into_iter().find(is_it))
    }

    /// The job as its file is at this moment.
    fn job_now(&self) -> Result<Job, Error> {
        inputs::load_job(&self.job.path, Some(&self.job.runs))
    }
}

/// Another plan has taken the place of the one that was shown.
fn replaced(job: &Job, shown: &str, now: &str) -> String {
    job.language.pick(
        format!("表示した計画は作り直されています（表示: {shown}、現在: {now}）。新しい計画を開き、確かめてから承認してください"),
        format!("the plan was made again since you looked: its digest was {shown} and is {now} now; open the new plan, look at it, then approve that one"),
    )
}

/// Whether an adopted run has mails left.
fn is_unfinished(job: &Job, as_of: NaiveDate) -> Result<bool, Error> {
    let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
    Ok(ledger.map(|ledger| send::open_dates(job, &ledger)).transpose()?.is_some_and(|dates| dates.contains(&as_of)))
}
