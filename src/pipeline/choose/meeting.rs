//! The second stage of a campaign: a meeting of the whole shop, at which its candidates are served one after the other, the best
//! customers first. Whatever there is not enough of for everybody is given away here: seats of a draw, places, money, codes.

use super::candidates::{Candidate, Stake};
use super::codes::Codes;
use super::{Pass, Progress};
use crate::domain::coupon::PoolUse;
use crate::domain::offer::OfferKind;
use crate::domain::{Campaign, OfferRule, SkipReason};
use crate::{campaigns, keys};

/// A pair that becomes a mail, unless it cannot be rendered.
pub struct Admitted {
    /// The place of the match in its partition.
    pub nth: usize,
    pub stake: Stake,
    /// The code of its own that its offer asks for.
    pub code: Option<String>,
}

/// What one campaign's meeting leaves to the next one.
pub struct Meeting<'a> {
    /// What the run's budget has left, where it has one, minor units.
    left: Option<i64>,
    codes: Codes<'a>,
}

/// A candidate at the meeting.
struct Guest {
    part: usize,
    pair: Admitted,
}

/// What one campaign may still give. The first who does not get it closes it: nobody is served before a better customer.
#[derive(Clone, Copy)]
struct Purse {
    places: Option<u64>,
    /// Of the offer's budget, minor units.
    money: Option<i64>,
    /// No more offers.
    closed: bool,
    /// No more of what costs anything.
    spent: bool,
}

impl Purse {
    fn new(places: Option<u64>, money: Option<i64>) -> Self {
        Self { places, money, closed: false, spent: false }
    }

    /// Takes what a pair needs out, and its cost out of what the run has left, if all of it is there.
    fn take(&mut self, stake: Stake, run: &mut Option<i64>) -> bool {
        let Stake { offered, cost } = stake;
        let covers = |left: Option<i64>| left.is_none_or(|left| cost <= left);
        let allowed = !offered || (!self.closed && self.places != Some(0) && covers(self.money));
        let paid = cost == 0 || (!self.spent && covers(*run));
        let served = allowed && paid;
        self.spent |= allowed && !paid;
        self.closed |= offered && !served;
        if served {
            *run = run.map(|left| left - cost);
            if offered {
                self.places = self.places.map(|places| places - 1);
                self.money = self.money.map(|left| left - cost);
            }
        }
        served
    }
}

impl<'a> Meeting<'a> {
    pub fn new(pass: &Pass<'a>) -> Self {
        Self { left: pass.job.budget, codes: Codes::new(pass) }
    }

    /// What campaigns took out of pools of codes.
    pub fn into_pool_uses(self) -> Vec<PoolUse> {
        self.codes.uses
    }

    /// Serves the candidates of a campaign and gives those who are admitted back to their partitions, in the order of the matches. The
    /// others are skipped.
    pub fn hold(&mut self, pass: &Pass<'a>, at: usize, candidates: Vec<Vec<Candidate>>, progress: &mut [Progress]) -> Vec<Vec<Admitted>> {
        let campaign = &pass.job.campaigns[at];
        let admit = |pair: Candidate| Admitted { nth: pair.nth, stake: pair.stake, code: None };
        if !self.shares_out(campaign) {
            return candidates.into_iter().map(|part| part.into_iter().map(admit).collect()).collect();
        }
        let mut admitted: Vec<Vec<Admitted>> = candidates.iter().map(|part| Vec::with_capacity(part.len())).collect();
        let of_part = |(part, pairs): (usize, Vec<Candidate>)| pairs.into_iter().map(move |pair| Guest { part, pair: admit(pair) });
        let mut guests: Vec<Guest> = candidates.into_iter().enumerate().flat_map(of_part).collect();
        let skip = |progress: &mut [Progress], guest: &Guest, reason| {
            let row = pass.assessed.people[guest.part].matches[guest.pair.nth].row;
            progress[guest.part].skip(row, at, reason);
        };
        for guest in draw(pass, campaign, &mut guests) {
            skip(progress, &guest, SkipReason::NotDrawn);
        }
        guests.sort_unstable_by(|one, other| campaigns::wins(&one.rival(pass), &other.rival(pass)));
        let rule = campaign.offer.as_ref();
        let mut purse = Purse::new(rule.and_then(|rule| rule.limit), rule.and_then(|rule| rule.budget));
        let coded = has_unique_codes(campaign);
        self.codes.begin(pass, at);
        for mut guest in guests {
            let kept = (purse, self.left);
            if !purse.take(guest.pair.stake, &mut self.left) {
                skip(progress, &guest, SkipReason::OverBudget);
                continue;
            }
            if coded && guest.pair.stake.offered {
                guest.pair.code = self.codes.give(pass, at, guest.customer(pass));
                if guest.pair.code.is_none() {
                    (purse, self.left) = kept;
                    skip(progress, &guest, SkipReason::OverBudget);
                    continue;
                }
            }
            admitted[guest.part].push(guest.pair);
        }
        for part in &mut admitted {
            part.sort_unstable_by_key(|pair| pair.nth);
        }
        admitted
    }

    /// Whether there is not enough of something for everybody.
    fn shares_out(&self, campaign: &Campaign) -> bool {
        let scarce = campaign.offer.as_ref().is_some_and(|rule| {
            rule.limit.is_some() || rule.budget.is_some() || has_unique_codes(campaign) || matches!(rule.kind, OfferKind::Draw { .. })
        });
        scarce || self.left.is_some()
    }
}

impl Guest {
    fn customer<'a>(&self, pass: &Pass<'a>) -> &'a str {
        let part = &pass.assessed.people[self.part];
        part.id.get(part.matches[self.pair.nth].row)
    }

    fn rival<'a>(&self, pass: &Pass<'a>) -> campaigns::Rival<'a> {
        let part = &pass.assessed.people[self.part];
        let row = part.matches[self.pair.nth].row;
        campaigns::Rival { rank: part.standings[row].rank, spend: part.features[row].spend, id: part.id.get(row) }
    }
}

/// Whether each mail gets a code that no other mail has.
fn has_unique_codes(campaign: &Campaign) -> bool {
    campaign.offer.as_ref().is_some_and(OfferRule::has_unique_codes)
}

/// Draws the seats of a draw among those who have the offer: the smallest lots win. Those who lose leave the meeting.
fn draw(pass: &Pass, campaign: &Campaign, guests: &mut Vec<Guest>) -> Vec<Guest> {
    let Some(OfferKind::Draw { seats, .. }) = campaign.offer.as_ref().map(|rule| &rule.kind) else { return Vec::new() };
    let (mut drawers, others): (Vec<Guest>, Vec<Guest>) = guests.drain(..).partition(|guest| guest.pair.stake.offered);
    let (key, job, as_of) = (&pass.inputs.key, &pass.job.name, pass.assessed.dates.as_of);
    drawers.sort_by_cached_key(|guest| {
        let customer = guest.customer(pass);
        (keys::lot(key, job, as_of, customer, &campaign.name), customer)
    });
    let seats = usize::try_from(*seats).unwrap_or(usize::MAX).min(drawers.len());
    let losers = drawers.split_off(seats);
    guests.extend(others);
    guests.extend(drawers);
    losers
}

#[cfg(test)]
mod tests {
    use super::*;
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
            let (mut purse, mut left) = (Purse::new(places, money), run);
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
        let (mut purse, mut left) = (Purse::new(Some(1), None), Some(75));
        let served = [offer, offer, paper, paper, paper, free].map(|stake| purse.take(stake, &mut left));
        assert_eq!((served, left), ([true, false, true, true, false, true], Some(5)));
    }
}
