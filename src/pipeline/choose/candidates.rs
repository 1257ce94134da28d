//! The first stage of a campaign: which matches become mails, as far as rules about one customer decide.

use super::{Pass, Progress};
use crate::campaigns;
use crate::domain::SkipReason;
use crate::pipeline::people::People;

/// A matched pair that no rule speaks against.
pub struct Candidate {
    /// The place of the match in its partition.
    pub nth: usize,
}

impl Pass<'_> {
    /// The candidates of a campaign in one partition, in the order of its matches; all others are skipped.
    pub fn candidates(&self, at: usize, part: &People, progress: &mut Progress) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for nth in part.matches_of(at) {
            let row = part.matches[nth].row;
            match self.verdict(at, part, nth, &progress.mailed[row]) {
                Ok(()) => candidates.push(Candidate { nth }),
                Err(reason) => progress.skip(row, at, reason),
            }
        }
        candidates
    }

    /// Whether a match becomes a mail, given what this customer gets already.
    fn verdict(&self, at: usize, part: &People, nth: usize, mailed: &campaigns::Mailed) -> Result<(), SkipReason> {
        let matched = &part.matches[nth];
        let person = part.person(&self.inputs.shop, matched.row);
        let memory = &self.inputs.before.past;
        matched.reach?;
        campaigns::choose(&campaigns::Candidate {
            job: &self.job.name,
            campaign: &self.job.campaigns[at],
            person: &person,
            occasion: &matched.occasion,
            contact: &self.job.contact,
            as_of: self.assessed.dates.as_of,
            past: &memory.mails(person.id),
            same_address: matched.address_lost,
            mailed,
        })
    }
}
