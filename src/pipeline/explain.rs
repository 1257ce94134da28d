//! Why a customer has this rank, and what became of every campaign.

use super::accounts;
use super::assess::{self, Assessed};
use super::error::Error;
use super::households::Household;
use super::inputs::{self, Inputs};
use super::progress::Watch;
use super::recommend::nothing_to_recommend;
use crate::campaigns;
use crate::domain::features::FeatureRow;
use crate::domain::job::Language;
use crate::domain::mail::Unmatched;
use crate::domain::plan::PlanPart;
use crate::domain::points::{Account, Holding};
use crate::domain::standing::Given;
use crate::domain::{Campaign, Channel, Dates, HistoryLine, Job, SkipReason, Standing};
use crate::ranks::{self, RankCheck};
use chrono::NaiveDate;

/// Everything that decided about one customer.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    pub campaign: String,
    pub fate: PairFate,
}

#[derive(Debug, Clone, PartialEq)]
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
        /// The campaigns of this run whose mails take its place, where they do.
        by: Vec<String>,
    },
}

/// Explains one customer at an as-of date. The whole shop is ranked for it, since tops and shared addresses depend on everybody;
/// nothing is written.
pub fn explain(job: &Job, as_of: NaiveDate, asked: &str, watch: &Watch) -> Result<Explanation, Error> {
    let inputs = inputs::open(job, as_of)?;
    let customer = inputs.merges.present(asked);
    let mut assessed = assess::run(job, &inputs, as_of, watch)?;
    let lines = inputs.purchases.history(customer, job.zone.midnight(as_of))?;
    let place = place(&assessed, inputs.shop.customers.partitions().of(customer), customer);
    let plan = place.map(|(at, row)| super::choose::look(job, &inputs, &mut assessed, at, row)).transpose()?;
    compose(job, &inputs, &assessed, (asked, lines), place.zip(plan))
}

/// Where a customer is among those who were assessed: the place of a part, and a row.
pub fn place(assessed: &Assessed, part: usize, customer: &str) -> Option<(usize, usize)> {
    let row = assessed.people.get(part)?.id.iter().position(|id| id == customer)?;
    Some((part, row))
}

/// Puts together what is known of a customer: the lines of the purchases, and where they take part the plan of their part of the shop.
pub fn compose(
    job: &Job,
    inputs: &Inputs,
    assessed: &Assessed,
    (asked, lines): (&str, Vec<HistoryLine>),
    found: Option<((usize, usize), PlanPart)>,
) -> Result<Explanation, Error> {
    let customer = inputs.merges.present(asked);
    let excluded = inputs.shop.customers.excluded(customer).map(str::to_owned);
    let known = found.map(|((at, row), plan)| known(job, inputs, assessed, &plan, (at, row)));
    if known.is_none() && excluded.is_none() && lines.is_empty() {
        return Err(Error::Data(job.language.pick(
            format!("お客様 `{customer}` は購買データにも顧客リストにもいません。番号を確かめてください"),
            format!("customer `{customer}` is neither in the purchases nor in the customer list"),
        )));
    }
    let former = (asked != customer).then(|| asked.to_owned());
    Ok(Explanation { customer: customer.to_owned(), merged: former, dates: assessed.dates.clone(), excluded, known, lines })
}

fn known(job: &Job, inputs: &Inputs, assessed: &Assessed, plan: &PlanPart, (at, row): (usize, usize)) -> Known {
    let part = &assessed.people[at];
    let known = part.rank_row(&inputs.shop, &assessed.dates.bounds(job.zone), row);
    Known {
        features: part.features[row],
        standing: part.standings[row],
        given: known.given,
        holdout: part.holdout[row],
        listed: part.listed[row].is_some(),
        household: part.households.get(&row).map(|household| (**household).clone()),
        checks: ranks::explain(&job.ladder, &assessed.dates, &assessed.tops, &known),
        pairs: pairs(job, inputs, assessed, plan, (at, row)),
        holding: part.holdings.get(row).copied().unwrap_or_default(),
        account: accounts::explain(job, assessed, at, row),
    }
}

/// Weighs every campaign for one row, with the very steps that plan everybody's mails.
fn pairs(job: &Job, inputs: &Inputs, assessed: &Assessed, plan: &PlanPart, (at, row): (usize, usize)) -> Vec<Pair> {
    let person = assessed.people[at].person(&inputs.shop, row);
    let facts = assess::facts(job, &assessed.dates, assessed.first_run);
    let pairs = job.campaigns.iter().enumerate().map(|(nth, campaign)| {
        let fate = match campaigns::matches(campaign, &person, &facts) {
            Err(unmatched) => PairFate::Unmatched(unmatched),
            Ok(_) if !assess::shares(campaign, person.id) => PairFate::Unmatched(outside(campaign, job.language)),
            Ok(_) if !assessed.people[at].matches(row, nth) => PairFate::Unmatched(nothing_to_recommend(campaign, job.language)),
            Ok(occasion) => fate(job, inputs, plan, (row, nth), occasion.word),
        };
        Pair { campaign: campaign.name.clone(), fate }
    });
    pairs.collect()
}

/// The condition of those who are outside of a campaign's share.
fn outside(campaign: &Campaign, language: Language) -> Unmatched {
    let wanted = campaign.share.map_or_else(String::new, |share| format!("{}%", (share * 1e6).round() / 1e4));
    let said = language.pick(
        format!("キャンペーンの対象は {wanted} の方で、その外です"),
        format!("the campaign goes to {wanted} of those it fits, and the customer is not among them"),
    );
    Unmatched { condition: "share".to_owned(), wanted, found: "outside".to_owned(), said }
}

/// Where a matched pair of a plan ended.
fn fate(job: &Job, inputs: &Inputs, plan: &PlanPart, (row, campaign): (usize, usize), occasion: String) -> PairFate {
    if let Some(mail) = plan.mails.iter().find(|mail| (mail.customer, mail.campaign) == (row, campaign)) {
        return PairFate::Mailed { channel: mail.channel, subject: mail.subject.clone(), occasion };
    }
    let skip = plan.skipped.iter().find(|skip| (skip.customer, skip.campaign) == (row, campaign));
    let reason = skip.map_or(SkipReason::RenderFailed, |skip| skip.reason);
    let mut by = Vec::new();
    if reason == SkipReason::Superseded {
        let own = plan.mails.iter().filter(|mail| mail.customer == row);
        let mails: Vec<(usize, bool)> = own.map(|mail| (mail.campaign, mail.offer.is_some())).collect();
        by = super::choose::superseding(job, inputs, campaign, &mails).into_iter().map(|at| job.campaigns[at].name.clone()).collect();
    }
    PairFate::Skipped { reason, occasion, by }
}
