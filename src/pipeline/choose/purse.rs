//! What one campaign may still give, on one occasion and within the run.

use super::candidates::Stake;
use crate::domain::{Allotment, OfferRule, Spent};

/// The first who does not get it closes it: nobody is served before a better customer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Purse {
    places: Option<u64>,
    /// Of the campaign's budget, minor units.
    money: Option<i64>,
    /// The budget is for all mails of the campaign, not for its offers alone.
    for_all: bool,
    /// No more offers.
    closed: bool,
    /// No more of what costs anything.
    broke: bool,
    /// Of those who wait and have no offer: how many cost nothing, and how many do.
    free: usize,
    paid: usize,
    /// What it began with.
    limits: (Option<Allotment>, Option<Allotment>),
}

impl Purse {
    /// What a campaign with this offer and this budget for all of its mails has to give, after what earlier runs gave on the same occasion.
    pub fn new(rule: Option<&OfferRule>, for_all: Option<i64>, before: Spent) -> Self {
        let allot = |most: u64, before: u64| Allotment { most, before, now: 0 };
        let minor = |amount: i64| u64::try_from(amount).unwrap_or(0);
        let places = rule.and_then(OfferRule::places).map(|most| allot(most, before.offers));
        let of_offers = rule.and_then(|rule| rule.budget).map(|most| allot(minor(most), minor(before.offers_cost)));
        let of_all = for_all.map(|most| allot(minor(most), minor(before.cost)));
        let budget = of_all.or(of_offers);
        Self {
            places: places.map(Allotment::left),
            money: budget.map(|budget| i64::try_from(budget.left()).unwrap_or(i64::MAX)),
            for_all: of_all.is_some(),
            limits: (places, budget),
            ..Self::default()
        }
    }

    /// The same for these who wait.
    pub fn before(mut self, stakes: impl Iterator<Item = Stake>) -> Self {
        for stake in stakes.filter(|stake| !stake.offered) {
            *(if stake.cost == 0 { &mut self.free } else { &mut self.paid }) += 1;
        }
        self
    }

    /// Takes what a pair needs out, and its cost out of what the run has left, if all of it is there.
    pub fn take(&mut self, stake: Stake, run: &mut Option<i64>) -> bool {
        let Stake { offered, cost } = stake;
        let covers = |left: Option<i64>| left.is_none_or(|left| cost <= left);
        let allowed = !offered || (!self.closed && self.places != Some(0) && (self.for_all || covers(self.money)));
        let paid = cost == 0 || (!self.broke && covers(*run) && (!self.for_all || covers(self.money)));
        let served = allowed && paid;
        self.broke |= allowed && !paid;
        self.closed |= offered && !served;
        if served {
            *run = run.map(|left| left - cost);
            if offered || self.for_all {
                self.money = self.money.map(|left| left - cost);
            }
            if offered {
                self.places = self.places.map(|places| places - 1);
            }
        }
        served
    }

    /// Puts back what was taken for a pair, so that the next one can have it.
    pub fn put_back(&mut self, stake: Stake, run: &mut Option<i64>) {
        *run = run.map(|left| left + stake.cost);
        if stake.offered || self.for_all {
            self.money = self.money.map(|left| left + stake.cost);
        }
        if stake.offered {
            self.places = self.places.map(|places| places + 1);
        }
        self.open();
    }

    /// One who waited has been served.
    pub fn served(&mut self, stake: Stake) {
        if !stake.offered {
            *(if stake.cost == 0 { &mut self.free } else { &mut self.paid }) -= 1;
        }
    }

    pub fn close(&mut self) {
        self.closed = true;
    }

    pub fn open(&mut self) {
        (self.closed, self.broke) = (false, false);
    }

    /// Whether nobody who waits can be served.
    pub fn is_shut(&self) -> bool {
        self.closed && self.free == 0 && (self.broke || self.paid == 0)
    }

    /// Places that are left.
    pub fn places(&self) -> Option<u64> {
        self.places
    }

    /// What became of the places and of the budget.
    pub fn allotments(&self) -> (Option<Allotment>, Option<Allotment>) {
        let (places, budget) = self.limits;
        let now = |began: Allotment, left: u64| Allotment { now: began.left().saturating_sub(left), ..began };
        let places = places.zip(self.places).map(|(began, left)| now(began, left));
        let money = self.money.map(|left| u64::try_from(left).unwrap_or(0));
        (places, budget.zip(money).map(|(began, left)| now(began, left)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::offer::OfferKind;
    use proptest::prelude::*;

    proptest! {
        /// Whoever is served is served before everybody behind them, and what is served is within every limit.
        #[test]
        fn a_purse_serves_the_first_and_no_one_after_the_first_it_turns_away(
            costs in proptest::collection::vec(0..500_i64, 0..40),
            places in proptest::option::of(0..20_u64),
            money in proptest::option::of(0..5_000_i64),
            run in proptest::option::of(0..5_000_i64),
        ) {
            let (mut purse, mut left) = (Purse { places, money, ..Purse::default() }, run);
            let served: Vec<bool> = costs.iter().map(|cost| purse.take(Stake { offered: true, cost: *cost }, &mut left)).collect();
            let count = served.iter().take_while(|served| **served).count();
            prop_assert!(served[count..].iter().all(|served| !served));
            let spent: i64 = costs[..count].iter().sum();
            let within = |count: usize, spent: i64| {
                places.is_none_or(|most| count as u64 <= most) && money.is_none_or(|most| spent <= most) && run.is_none_or(|most| spent <= most)
            };
            prop_assert!(within(count, spent));
            prop_assert_eq!(left, run.map(|run| run - spent));
            if let Some(next) = costs.get(count) {
                prop_assert!(!within(count + 1, spent + next), "the next one would have fitted");
            }
        }
    }

    #[test]
    fn who_has_no_offer_needs_money_of_the_run_only() {
        let (offer, paper, free) = (Stake { offered: true, cost: 50 }, Stake { offered: false, cost: 10 }, Stake::default());
        let (mut purse, mut left) = (Purse { places: Some(1), ..Purse::default() }, Some(75));
        let served = [offer, offer, paper, paper, paper, free].map(|stake| purse.take(stake, &mut left));
        assert_eq!((served, left), ([true, false, true, true, false, true], Some(5)));
    }

    #[test]
    fn a_budget_for_all_mails_is_spent_by_those_without_an_offer_too() {
        let (offer, paper) = (Stake { offered: true, cost: 50 }, Stake { offered: false, cost: 10 });
        let purse = Purse { money: Some(75), for_all: true, ..Purse::default() };
        let served = |purse: &mut Purse| [paper, offer, paper, paper, offer].map(|stake| purse.take(stake, &mut None));
        assert_eq!(served(&mut purse.clone()), [true, true, true, false, false]);
        let for_offers = Purse { for_all: false, ..purse };
        assert_eq!(served(&mut for_offers.clone()), [true, true, true, true, false]);
    }

    #[test]
    fn what_is_put_back_opens_the_purse_again() {
        let offer = Stake { offered: true, cost: 50 };
        let (mut purse, mut left) = (Purse { places: Some(1), money: Some(60), ..Purse::default() }, Some(70));
        assert!(purse.take(offer, &mut left) && !purse.take(offer, &mut left) && purse.is_shut());
        purse.put_back(offer, &mut left);
        assert_eq!((left, purse.places(), purse.take(offer, &mut left)), (Some(70), Some(1), true));
    }

    #[test]
    fn what_earlier_runs_gave_is_gone() {
        let rule = OfferRule { limit: Some(5), budget: Some(300), ..OfferRule::of(OfferKind::FreeShipping { over: vec![] }) };
        let before = Spent { offers: 4, offers_cost: 200, cost: 290 };
        let stake = Stake { offered: true, cost: 50 };
        let mut purse = Purse::new(Some(&rule), None, before);
        assert!(purse.take(stake, &mut None) && !purse.take(stake, &mut None));
        let (places, budget) = purse.allotments();
        assert_eq!(places, Some(Allotment { most: 5, before: 4, now: 1 }));
        assert_eq!(budget, Some(Allotment { most: 300, before: 200, now: 50 }));
        assert_eq!(budget.map(Allotment::left), Some(50));
        assert!(!Purse::new(None, Some(300), before).take(stake, &mut None), "paper without an offer was paid too");
        assert!(
            !Purse::new(Some(&rule), None, Spent { offers: 9, ..before }).take(Stake { cost: 0, ..stake }, &mut None),
            "more than there were"
        );
    }
}
