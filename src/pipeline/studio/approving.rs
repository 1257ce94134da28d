//! What the page of approvals asks: who has approved, whether the plan can still be approved, and samples for colleagues.

use super::super::approvals::Approvals;
use super::super::approve::{self, Approved, Request};
use super::super::destination::Server;
use super::super::error::Error;
use super::super::{approvals, inputs, trial};
use super::Studio;
use crate::domain::plan::MailRow;
use crate::domain::{Channel, Job};

/// What is to be known before somebody approves.
pub struct Approving {
    pub approvals: Approvals,
    /// Why the plan cannot be approved any more; for people.
    pub closed: Option<String>,
    /// Brakes that would stop a run today: name and what was seen.
    pub brakes: Vec<(String, String)>,
    /// Colleagues who may get samples.
    pub test_to: Vec<String>,
}

impl Studio {
    /// What is to be known before somebody approves the plan at the instant `now` (microseconds UTC), by the job file as it is now.
    pub fn approving(&self, now: i64) -> Result<Approving, Error> {
        let job = self.job_now()?;
        let planned = inputs::planned_job(&job, &self.opened)?;
        let mut brakes = self.summary().brakes.clone();
        brakes.extend(approve::brakes_of_today(&job, &planned, &self.opened, now)?);
        let closed = match approve::refuse_closed(&job, self.summary()) {
            Ok(()) => None,
            Err(Error::Usage(why)) => Some(why),
            Err(error) => return Err(error),
        };
        let approvals = approvals::of_plan(&job, self.summary().as_of, &self.summary().digest, planned.approvals)?;
        Ok(Approving { approvals, closed, brakes, test_to: job.mail.test_to })
    }

    /// Somebody approves the plan of this digest, which is the one that was shown.
    pub fn approve(&self, name: &str, digest: &str, now: i64) -> Result<Approved, Error> {
        let job = self.job_now()?;
        let as_of = Some(self.summary().as_of);
        // A part of a digest may be that of the next plan too, which nobody has seen.
        if digest.len() != self.summary().digest.len() {
            return Err(Error::Usage(job.language.pick(
                "どの計画を承認するのかが分かりません。ページを開き直してください".to_owned(),
                "it does not say which plan is approved; open the page again".to_owned(),
            )));
        }
        approve::approve(&Request { job: &job, as_of, name, digest: Some(digest), now })
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
        let mail = self.mail_for(campaign, customer.trim())?.ok_or_else(|| {
            Error::Data(job.language.pick(
                format!("この計画に `{campaign}` のメールはありません（顧客 `{customer}`）"),
                format!("the plan has no mail of `{campaign}` for the customer `{customer}`"),
            ))
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
