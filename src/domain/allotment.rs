//! What there is not enough of for everybody: how much of it a campaign may give on one occasion, and what it gave.

use super::Currency;
use super::job::Language;
use super::money::grouped;

/// What runs gave to the people of a campaign on one occasion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// How many got its offer.
    pub offers: u64,
    /// What those may cost, minor units.
    pub offers_cost: i64,
    /// What all of its mails may cost, with an offer or without, minor units.
    pub cost: i64,
}

impl Spent {
    /// Adds one mail.
    pub fn add(&mut self, offered: bool, cost: i64) {
        self.cost = self.cost.saturating_add(cost);
        if offered {
            self.offers += 1;
            self.offers_cost = self.offers_cost.saturating_add(cost);
        }
    }
}

/// What a campaign has to give on one occasion: places, or money in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allotment {
    pub most: u64,
    /// Given by earlier runs.
    pub before: u64,
    /// Given by this run.
    pub now: u64,
}

impl Allotment {
    #[must_use]
    pub fn left(self) -> u64 {
        self.most.saturating_sub(self.before).saturating_sub(self.now)
    }

    /// What became of places, for people.
    #[must_use]
    pub fn told_of_places(self, language: Language) -> String {
        let [most, before, now, left] = [self.most, self.before, self.now, self.left()].map(grouped);
        language.pick(
            format!("{most} 人分のうち今回 {now} 人、前回までに {before} 人、残り {left} 人"),
            format!("{now} of {most} places given now, {before} by earlier runs, {left} left"),
        )
    }

    /// What became of a budget, for people.
    #[must_use]
    pub fn told_of_money(self, currency: &Currency, language: Language) -> String {
        let show = |minor: u64| currency.show(i64::try_from(minor).unwrap_or(i64::MAX));
        let [most, before, now, left] = [self.most, self.before, self.now, self.left()].map(show);
        language.pick(
            format!("予算 {most} のうち今回 {now}、前回までに {before}、残り {left}"),
            format!("{now} of {most} planned now, {before} by earlier runs, {left} left"),
        )
    }
}
