//! The second stage of a campaign: a meeting of the whole shop, at which its candidates are served one after the other, the best
//! customers first, the drawn of a draw in the order of their lots. Whatever there is not enough of for everybody is given away here:
//! seats, places, money, codes. What earlier runs gave on the same occasion is gone; what a mail held that cannot be rendered goes to the next.

use super::candidates::Candidate;
use super::codes::Codes;
use super::purse::Purse;
use super::{Admitted, Pass, Progress};
use crate::domain::coupon::PoolUse;
use crate::domain::offer::OfferKind;
use crate::domain::{Allotment, OfferRule, SkipReason};
use crate::{campaigns, keys};
use std::collections::VecDeque;

/// What one campaign's meeting leaves to the next one.
pub struct Meeting<'a> {
    /// What the run's budget has left, where it has one, minor units.
    left: Option<i64>,
    codes: Codes<'a>,
    places: Vec<Option<Allotment>>,
    budgets: Vec<Option<Allotment>>,
}

/// What all meetings gave away.
#[derive(Default)]
pub struct GivenAway {
    /// What campaigns took out of pools of codes.
    pub pools: Vec<PoolUse>,
    /// By campaign, where it had candidates and a limit.
    pub places: Vec<Option<Allotment>>,
    pub budgets: Vec<Option<Allotment>>,
}

/// A candidate at the meeting.
struct Guest {
    part: usize,
    pair: Admitted,
}

/// The candidates of a campaign who wait to be served, the first in front, and what there is for them.
struct Queue {
    waiting: VecDeque<Guest>,
    parts: usize,
    purse: Purse,
    /// Each offer asks for a code of its own.
    coded: bool,
    /// The pool had no code left.
    codeless: bool,
    is_draw: bool,
}

/// Renders those who are admitted, by partition, and gives those back whose mail cannot be.
pub type Write<'w> = &'w dyn Fn(Vec<Vec<Admitted>>, &mut [Progress]) -> Vec<Vec<Admitted>>;

impl<'a> Meeting<'a> {
    pub fn new(pass: &Pass<'a>) -> Self {
        let none = vec![None; pass.job.campaigns.len()];
        Self { left: pass.job.budget, codes: Codes::new(pass), places: none.clone(), budgets: none }
    }

    pub fn into_given_away(self) -> GivenAway {
        GivenAway { pools: self.codes.uses, places: self.places, budgets: self.budgets }
    }

    /// Serves the candidates of a campaign; those who get nothing are skipped.
    pub fn hold(&mut self, pass: &Pass<'a>, at: usize, candidates: Vec<Vec<Candidate>>, progress: &mut [Progress], write: Write<'_>) {
        let mut queue = Queue::new(pass, at, candidates);
        self.codes.begin(pass, at);
        loop {
            let failed = write(self.serve(pass, at, &mut queue), progress);
            let mut failed = failed.into_iter().flatten().peekable();
            if !pass.passes_on(at) || failed.peek().is_none() {
                break;
            }
            for pair in failed {
                queue.purse.put_back(pair.stake, &mut self.left);
                queue.codeless = false;
                if let Some(code) = pair.code {
                    self.codes.take_back(pass, at, code);
                }
            }
        }
        (self.places[at], self.budgets[at]) = queue.purse.allotments();
        self.turn_away(pass, at, queue, progress);
    }

    /// Serves those who wait, as far as there is something for them; the others go on waiting.
    fn serve(&mut self, pass: &Pass<'a>, at: usize, queue: &mut Queue) -> Vec<Vec<Admitted>> {
        let mut admitted: Vec<Vec<Admitted>> = (0..queue.parts).map(|_| Vec::new()).collect();
        let mut turned = VecDeque::new();
        while let Some(mut guest) = queue.waiting.pop_front() {
            let stake = guest.pair.stake;
            if !queue.purse.take(stake, &mut self.left) {
                turned.push_back(guest);
                if queue.purse.is_shut() {
                    break;
                }
                continue;
            }
            if queue.coded && stake.offered {
                guest.pair.code = self.codes.give(pass, at, guest.customer(pass));
                if guest.pair.code.is_none() {
                    queue.purse.put_back(stake, &mut self.left);
                    queue.purse.close();
                    queue.codeless = true;
                    turned.push_back(guest);
                    continue;
                }
            }
            queue.purse.served(stake);
            admitted[guest.part].push(guest.pair);
        }
        turned.append(&mut queue.waiting);
        queue.waiting = turned;
        admitted
    }

    /// Skips those who still wait.
    fn turn_away(&mut self, pass: &Pass<'a>, at: usize, queue: Queue, progress: &mut [Progress]) {
        let Queue { waiting, mut purse, codeless, is_draw, .. } = queue;
        // Whoever is behind the last seat was not drawn; for those in front of it there was a seat, and no money.
        let mut seats = purse.places();
        let mut left = self.left;
        let mut missing = 0;
        purse.open();
        for guest in waiting {
            let stake = guest.pair.stake;
            missing += u64::from(codeless && stake.offered && purse.take(stake, &mut left));
            let drawn = seats != Some(0);
            seats = seats.map(|seats| seats.saturating_sub(u64::from(stake.offered)));
            let reason = if is_draw && stake.offered && !drawn { SkipReason::NotDrawn } else { SkipReason::OverBudget };
            let row = pass.assessed.people[guest.part].matches[guest.pair.nth].row;
            progress[guest.part].skip(row, at, reason);
        }
        self.codes.miss(missing);
    }
}

impl Queue {
    fn new(pass: &Pass, at: usize, candidates: Vec<Vec<Candidate>>) -> Self {
        let campaign = &pass.job.campaigns[at];
        let parts = candidates.len();
        let of_part = |(part, pairs): (usize, Vec<Candidate>)| pairs.into_iter().map(move |pair| Guest { part, pair: pair.into() });
        let mut guests: Vec<Guest> = candidates.into_iter().enumerate().flat_map(of_part).collect();
        let as_of = pass.assessed.dates.as_of;
        let occasion = guests.first().map(|guest| &pass.assessed.people[guest.part].matches[guest.pair.nth].occasion);
        let round = occasion.map(|occasion| campaigns::round(campaign, &occasion.word, as_of));
        guests.sort_unstable_by(|one, other| campaigns::wins(&one.rival(pass), &other.rival(pass)));
        let is_draw = matches!(campaign.offer.as_ref().map(|rule| &rule.kind), Some(OfferKind::Draw { .. }));
        if let Some(round) = round.as_ref().filter(|_| is_draw) {
            let (key, job) = (&pass.inputs.key, &pass.job.name);
            guests.sort_by_cached_key(|guest| {
                let customer = guest.customer(pass);
                guest.pair.stake.offered.then(|| (keys::lot(key, job, round, customer, &campaign.name), customer.to_owned()))
            });
        }
        let before = |round: String| pass.inputs.before.spent.of(campaign, &round);
        let purse = round.map_or_else(Purse::default, |round| Purse::new(campaign.offer.as_ref(), campaign.budget, before(round)));
        Self {
            purse: purse.before(guests.iter().map(|guest| guest.pair.stake)),
            waiting: guests.into(),
            parts,
            coded: campaign.offer.as_ref().is_some_and(OfferRule::has_unique_codes),
            codeless: false,
            is_draw,
        }
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
