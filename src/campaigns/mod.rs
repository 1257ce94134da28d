//! Campaigns: for whom a campaign is now and on what occasion, and whether a matched pair becomes a mail or is skipped, and why.
//!
//! Each question is about one customer and one campaign. What only the whole shop knows (who else has the same address) and what the
//! ledger knows (earlier mails, opt-outs) is handed in. The room reads and writes nothing and knows no clock. `is_for` is asked for
//! every customer and campaign of the shop, and allocates only for those that match.

mod choose;
mod days;
mod occasion;
mod reach;
mod round;
mod said;
mod unmatched;
mod when;
mod wheres;

#[cfg(test)]
mod someone;
#[cfg(test)]
mod tests;

pub use choose::{Candidate, Mailed, Rival, choose, wins};
pub use reach::{place, reachable, same_place};
pub use round::{round, round_begins};

use crate::domain::job::Language;
use crate::domain::points::CashbackAs;
use crate::domain::{Campaign, Currency, Ladder, Occasion, Person, Unmatched, Zone};
use chrono::NaiveDate;

/// What a run hands to every campaign.
#[derive(Debug, Clone, Copy)]
pub struct RunFacts<'a> {
    pub zone: Zone,
    pub as_of: NaiveDate,
    pub closing: NaiveDate,
    /// No run of the job was adopted before: then nobody is new.
    pub first_run: bool,
    /// For the names of ranks in explanations.
    pub ladder: &'a Ladder,
    /// For amounts in explanations.
    pub currency: &'a Currency,
    /// Of the sentences of explanations.
    pub language: Language,
    /// What cashback counts in, where there is any.
    pub cashback: Option<CashbackAs>,
}

/// The first condition that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fails {
    Ranks,
    When(when::Key),
    /// The place in the campaign's list.
    Where(usize),
}

/// Whether a campaign is for a customer: its occasion, or the first condition that fails, in words.
pub fn matches(campaign: &Campaign, person: &Person<'_>, run: &RunFacts<'_>) -> Result<Occasion, Unmatched> {
    check(campaign, person, run)
        .map(|hit| occasion::occasion(&campaign.when, person, run, hit))
        .map_err(|fails| unmatched::describe(campaign, person, run, fails))
}

/// The same without the words.
#[must_use]
pub fn is_for(campaign: &Campaign, person: &Person<'_>, run: &RunFacts<'_>) -> Option<Occasion> {
    check(campaign, person, run).ok().map(|hit| occasion::occasion(&campaign.when, person, run, hit))
}

fn check(campaign: &Campaign, person: &Person<'_>, run: &RunFacts<'_>) -> Result<when::Hit, Fails> {
    if !campaign.ranks.holds(person.standing.rank) {
        return Err(Fails::Ranks);
    }
    let hit = when::check(&campaign.when, person, run).map_err(Fails::When)?;
    match campaign.wheres.iter().position(|condition| !wheres::holds(&condition.test, &person.column(&condition.column), run.zone)) {
        Some(at) => Err(Fails::Where(at)),
        None => Ok(hit),
    }
}
