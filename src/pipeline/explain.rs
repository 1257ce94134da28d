//! Why a customer has this rank, and what became of every campaign.

use super::accounts;
use super::assess::{self, Assessed};
use super::error::Error;
use super::households::Household;
use super::inputs::{self, Inputs};
use super::progress::Watch;
use super::recommend::nothing_to_recommend;
use crate::domain::features::FeatureRow;
use crate::domain::mail::Unmatched;
use crate::domain::plan::PlanPart;
use crate::domain::points::{Account, Holding};
use crate::domain::standing::Given;
use crate::domain::{Campaign, Channel, Dates, HistoryLine, Job, SkipReason, Standing};
use crate::ranks::{self, RankCheck};
use crate::{campaigns, features};
use chrono::NaiveDate;

/// Everything that decided about one customer.
pub struct Explanation {
    pub customer: String,
    /// The id that was asked for, where it was merged into this customer's.
    pub merged: Option<String>,
    pub dates: Dates,
    /// Left out by `[customers] exclude`: column and value.
    pub excluded: Option<String>,
    pub known: Option<Known>,
    pub lines: Vec<HistoryLine>,
}

/// What is known of a customer that takes part.
pub struct Known {
    pub features: FeatureRow,
    pub standing: Standing,
    /// A rank given by hand, whether or not it still lasts.
    pub given: Option<Given>,
    pub holdout: bool,
    pub listed: bool,
    /// The household whose figures these are.
    pub household: Option<Household>,
    pub checks: Vec<RankCheck>,
    pub pairs: Vec<Pair>,
    pub holding: Holding,
    /// Where rankmail keeps the accounts.
    pub account: Option<Account>,
}

/// One campaign for this customer.
pub struct Pair {
    pub campaign: String,
    pub fate: PairFate,
}

pub enum PairFate {
    /// A condition does not hold.
    Unmatched(Unmatched),
    Mailed {
        channel: Channel,
        /// Empty where the campaign's templates have none.
        subject: String,
        occasion: String,
    },
    Skipped {
        reason: SkipReason,
        occasion: String,
    },
}

/// Explains one customer at an as-of date. The whole shop is ranked for it, since tops and shared addresses depend on everybody;
/// nothing is written.
pub fn explain(job: &Job, as_of: NaiveDate, asked: &str, watch: &Watch) -> Result<Explanation, Error> {
    let inputs = inputs::open(job, as_of)?;
    let merges = std::sync::Arc::clone(&inputs.merges);
    let customer = merges.present(asked);
    let assessed = assess::run(job, &inputs, as_of, watch)?;
    let lines = inputs.purchases.history(customer, job.zone.midnight(as_of))?;
    let excluded = inputs.shop.customers.excluded(customer).map(str::to_owned);
    let known = known(job, &inputs, assessed, customer)?;
    let (dates, known) = known;
    if known.is_none() && excluded.is_none() && lines.is_empty() {
        return Err(Error::Data(format!("customer `{customer}` is neither in the purchases nor in the customer list")));
    }
    let former = (asked != customer).then(|| asked.to_owned());
    Ok(Explanation { customer: customer.to_owned(), merged: former, dates, excluded, known, lines })
}

fn known(job: &Job, inputs: &Inputs, mut assessed: Assessed, customer: &str) -> Result<(Dates, Option<Known>), Error> {
    let at = features::partition_of(customer);
    let dates = assessed.dates.clone();
    let row = assessed.people.get(at).and_then(|part| part.id.iter().position(|id| id == customer));
    let Some(row) = row else { return Ok((dates, None)) };
    let account = accounts::explain(job, &assessed, at, row);
    let fates = pairs(job, inputs, &mut assessed, at, row)?;
    let part = &assessed.people[at];
    let features = part.features[row];
    let known = part.rank_row(&inputs.shop, &dates.bounds(job.zone), row);
    let checks = ranks::explain(&job.ladder, &dates, &assessed.tops, &known);
    let explained = Known {
        features,
        standing: part.standings[row],
        given: known.given,
        holdout: part.holdout[row],
        listed: part.listed[row].is_some(),
        household: part.households.get(&row).map(|household| (**household).clone()),
        checks,
        pairs: fates,
        holding: part.holdings.get(row).copied().unwrap_or_default(),
        account,
    };
    Ok((dates, Some(explained)))
}

/// Weighs every campaign for one row, with the very steps that plan everybody's mails.
fn pairs(job: &Job, inputs: &Inputs, assessed: &mut Assessed, at: usize, row: usize) -> Result<Vec<Pair>, Error> {
    let plan = super::choose::look(job, inputs, assessed, at, row)?;
    let person = assessed.people[at].person(&inputs.shop, row);
    let facts = assess::facts(job, &assessed.dates, assessed.first_run);
    let pairs = job.campaigns.iter().enumerate().map(|(nth, campaign)| {
        let fate = match campaigns::matches(campaign, &person, &facts) {
            Err(unmatched) => PairFate::Unmatched(unmatched),
            Ok(_) if !assess::shares(campaign, person.id) => PairFate::Unmatched(outside(campaign)),
            Ok(_) if !assessed.people[at].matches(row, nth) => PairFate::Unmatched(nothing_to_recommend(campaign)),
            Ok(occasion) => fate(&plan, row, nth, occasion.word),
        };
        Pair { campaign: campaign.name.clone(), fate }
    });
    Ok(pairs.collect())
}

/// The condition of those who are outside of a campaign's share.
fn outside(campaign: &Campaign) -> Unmatched {
    let wanted = campaign.share.map_or_else(String::new, |share| format!("{}%", (share * 1e6).round() / 1e4));
    Unmatched { condition: "share".to_owned(), wanted, found: "outside".to_owned() }
}

/// Where a matched pair of a plan ended.
fn fate(plan: &PlanPart, row: usize, campaign: usize, occasion: String) -> PairFate {
    if let Some(mail) = plan.mails.iter().find(|mail| (mail.customer, mail.campaign) == (row, campaign)) {
        return PairFate::Mailed { channel: mail.channel, subject: mail.subject.clone(), occasion };
    }
    let skip = plan.skipped.iter().find(|skip| (skip.customer, skip.campaign) == (row, campaign));
    PairFate::Skipped { reason: skip.map_or(SkipReason::RenderFailed, |skip| skip.reason), occasion }
}
