//! The first stage of a campaign: which matches become mails, as far as rules about one customer decide.

use super::{Pass, Progress};
use crate::campaigns;
use crate::domain::{Channel, Offer, Person, SkipReason};
use crate::pipeline::people::{Match, People};

/// A matched pair that no rule speaks against.
pub struct Candidate {
    /// The place of the match in its partition.
    pub nth: usize,
    pub stake: Stake,
}

/// What a pair takes of what there is not enough of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stake {
    /// This customer has an offer.
    pub offered: bool,
    /// What the offer and its way there cost, minor units.
    pub cost: i64,
}

impl Pass<'_> {
    /// The candidates of a campaign in one partition, in the order of its matches; all others are skipped.
    pub fn candidates(&self, at: usize, part: &People, progress: &mut Progress) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for nth in part.matches_of(at) {
            let row = part.matches[nth].row;
            let person = part.person(&self.inputs.shop, row);
            let mailed = &progress.mailed[row];
            let offer = self.offer(at, &person, mailed, None);
            let rivals = if offer.is_some() { self.rivals[at].as_slice() } else { &[] };
            match self.verdict(at, &part.matches[nth], &person, rivals, mailed) {
                Ok(()) => candidates.push(Candidate { nth, stake: self.stake(at, &person, part.matches[nth].reach.ok(), offer.as_ref()) }),
                Err(reason) => progress.skip(row, at, reason),
            }
        }
        candidates
    }

    fn stake(&self, at: usize, person: &Person, channel: Option<Channel>, offer: Option<&Offer>) -> Stake {
        let sent = channel.map_or(0, |channel| self.job.campaigns[at].cost_of(channel));
        Stake { offered: offer.is_some(), cost: offer.map_or(0, |offer| self.exposure(offer, person)).saturating_add(sent) }
    }

    /// Whether a match becomes a mail, given what this customer gets already and whose discounts its own may not come with.
    fn verdict(&self, at: usize, matched: &Match, person: &Person, rivals: &[usize], mailed: &campaigns::Mailed) -> Result<(), SkipReason> {
        let memory = &self.inputs.before.past;
        matched.reach?;
        campaigns::choose(&campaigns::Candidate {
            job: &self.job.name,
            campaign: &self.job.campaigns[at],
            person,
            occasion: &matched.occasion,
            contact: &self.job.contact,
            as_of: self.assessed.dates.as_of,
            past: &memory.mails(person.id),
            same_address: matched.address_lost,
            mailed,
            rivals,
        })
    }
}
