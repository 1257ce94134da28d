//! What the adopted runs before this one gave of what a campaign has only so much of: places, seats, money.

use super::error::Error;
use super::previous;
use crate::domain::plan::PlanPart;
use crate::domain::{Campaign, Job, Spent};
use crate::{campaigns, ledger};
use chrono::NaiveDate;
use std::collections::HashMap;

/// What was given, by campaign and round.
#[derive(Debug, Clone, Default)]
pub struct SpentBefore(HashMap<(String, String), Spent>);

impl SpentBefore {
    pub fn of(&self, campaign: &Campaign, round: &str) -> Spent {
        self.0.get(&(campaign.name.clone(), round.to_owned())).copied().unwrap_or_default()
    }

    fn of_mut(&mut self, campaign: &Campaign, occasion: &str, as_of: NaiveDate) -> &mut Spent {
        self.0.entry((campaign.name.clone(), campaigns::round(campaign, occasion, as_of))).or_default()
    }

    /// Adds what a run that is only played gives.
    pub fn remember(&mut self, job: &Job, as_of: NaiveDate, parts: &[PlanPart]) {
        for mail in parts.iter().flat_map(|part| &part.mails) {
            let campaign = &job.campaigns[mail.campaign];
            if campaign.is_allotted() {
                self.of_mut(campaign, &mail.occasion, as_of).add(mail.offer.is_some(), mail.exposure);
            }
        }
    }
}

/// Counts the mails of the adopted runs before `as_of` as it was at the instant `until` (microseconds UTC), without those that came to
/// nothing. A mail that is still to be sent counts: it may go out. Only plans that may share a round with this run are opened.
pub fn read(job: &Job, ledger: &ledger::Ledger, as_of: NaiveDate, until: i64) -> Result<SpentBefore, Error> {
    let mut spent = SpentBefore::default();
    let allotted = job.campaigns.iter().filter(|campaign| campaign.is_allotted());
    let allotted: HashMap<&str, (&Campaign, NaiveDate)> =
        allotted.filter_map(|campaign| Some((campaign.name.as_str(), (campaign, campaigns::round_begins(campaign, as_of)?)))).collect();
    let Some(first) = allotted.values().map(|(_, begins)| *begins).min() else { return Ok(spent) };
    let runs = ledger.adoptions(&job.name)?;
    for adoption in runs.iter().filter(|run| (first..as_of).contains(&run.as_of) && run.adopted_at <= until) {
        let void = ledger.void_mails(&job.name, adoption.as_of, until)?;
        for row in previous::open_adopted_mails(job, adoption)?.spent()? {
            let row = row?;
            let known = allotted.get(row.campaign.as_str()).filter(|(_, begins)| *begins <= adoption.as_of);
            if let Some((campaign, _)) = known.filter(|_| !void.contains(&row.mail_id)) {
                spent.of_mut(campaign, &row.occasion, adoption.as_of).add(row.offered, row.exposure);
            }
        }
    }
    Ok(spent)
}
