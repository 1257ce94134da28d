//! The second stage of a campaign: a meeting of the whole shop, at which its candidates are served one after the other, the best
//! customers first. Whatever there is not enough of for everybody is given away here.

use super::candidates::Candidate;
use super::{Pass, Progress};
use crate::domain::offer::OfferKind;
use crate::domain::{Campaign, OfferRule};
use crate::{campaigns, keys};
use std::collections::HashSet;

/// A pair that becomes a mail, unless it cannot be rendered.
pub struct Admitted {
    /// The place of the match in its partition.
    pub nth: usize,
    /// The code of its own that its offer asks for.
    pub code: Option<String>,
}

/// What one campaign's meeting leaves to the next one.
#[derive(Default)]
pub struct Meeting {
    /// No two mails of a run get the same code.
    issued: HashSet<String>,
}

/// A candidate at the meeting.
struct Guest {
    part: usize,
    pair: Admitted,
}

impl Meeting {
    /// Serves the candidates of a campaign and gives those who are admitted back to their partitions, in the order of the matches.
    pub fn hold(&mut self, pass: &Pass, at: usize, candidates: Vec<Vec<Candidate>>, _progress: &mut [Progress]) -> Vec<Vec<Admitted>> {
        let campaign = &pass.job.campaigns[at];
        if !needs_meeting(campaign) {
            return candidates
                .into_iter()
                .map(|part| part.into_iter().map(|pair| Admitted { nth: pair.nth, code: None }).collect())
                .collect();
        }
        let mut admitted: Vec<Vec<Admitted>> = candidates.iter().map(|part| Vec::with_capacity(part.len())).collect();
        for mut guest in in_order(pass, candidates) {
            guest.pair.code = Some(self.code(pass, campaign, guest.customer(pass)));
            admitted[guest.part].push(guest.pair);
        }
        for part in &mut admitted {
            part.sort_unstable_by_key(|pair| pair.nth);
        }
        admitted
    }

    /// A code of its own, made from the key.
    fn code(&mut self, pass: &Pass, campaign: &Campaign, customer: &str) -> String {
        let (key, job, as_of) = (&pass.inputs.key, &pass.job.name, pass.assessed.dates.as_of);
        let mut attempt = 0;
        loop {
            let code = keys::coupon(key, job, as_of, customer, &campaign.name, attempt);
            if self.issued.insert(code.clone()) {
                return code;
            }
            attempt += 1;
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

/// Whether a campaign shares anything out.
fn needs_meeting(campaign: &Campaign) -> bool {
    campaign.offer.as_ref().is_some_and(wants_code)
}

/// Whether each mail gets a code of its own.
fn wants_code(rule: &OfferRule) -> bool {
    matches!(rule.kind, OfferKind::Coupon { code: None, .. })
}

/// All candidates in the order in which they are served: the higher rank, then the larger spend, then the smaller id.
fn in_order(pass: &Pass, candidates: Vec<Vec<Candidate>>) -> Vec<Guest> {
    let of_part = |(part, candidates): (usize, Vec<Candidate>)| {
        candidates.into_iter().map(move |pair| Guest { part, pair: Admitted { nth: pair.nth, code: None } })
    };
    let mut guests: Vec<Guest> = candidates.into_iter().enumerate().flat_map(of_part).collect();
    guests.sort_unstable_by(|one, other| campaigns::wins(&one.rival(pass), &other.rival(pass)));
    guests
}
