//! The ranks that customers held before a run, partition by partition.

use super::error::Error;
use super::households::higher;
use super::previous::{self, Unknown, note_unknown, refuse_unknown};
use crate::domain::merges::Merges;
use crate::domain::standing::Held;
use crate::domain::{Customers, Job, Value};
use crate::features::{self, Partitions};
use crate::piles::{Dealt, Piles};
use crate::runs;
use std::collections::HashMap;

/// H for each customer that had a rank.
pub enum HeldBefore {
    /// At a first run, those that the customer list has.
    Listed,
    /// Those that the last run left, dealt to the partitions.
    Left(Dealt),
    /// Those that were played.
    Played(Vec<HashMap<String, Held>>),
}

impl Default for HeldBefore {
    fn default() -> Self {
        Self::Played(Vec::new())
    }
}

impl HeldBefore {
    /// Reads what a run left, from its first customer to its last.
    pub fn left(job: &Job, run: &runs::Opened, merges: &Merges, partitions: &Partitions) -> Result<Self, Error> {
        let mut piles = Piles::new(features::PARTITIONS, &job.runs);
        let mut unknown = Unknown::new();
        for customer in run.customers()? {
            let customer = customer?;
            let Some(name) = customer.rank else { continue };
            let Some(rank) = job.ladder.find_or_was(&name) else {
                note_unknown(&mut unknown, &name, &customer.customer_id);
                continue;
            };
            let id = merges.present(&customer.customer_id);
            let day = |day| Value::maybe(day);
            let missed = Value::Int(customer.missed_reviews.into());
            let state = [id.into(), Value::Int(rank.into()), day(customer.rank_since), missed, day(customer.safe_until)];
            piles.push(partitions.of(id), &state).map_err(Error::Piles)?;
        }
        refuse_unknown(&unknown, &format!("the run of {} left", run.summary.as_of), &job.ladder)?;
        Ok(Self::Left(piles.done()))
    }

    /// Those of a partition; of ids that are one now, the highest.
    pub fn partition(&self, job: &Job, at: usize, customers: &Customers) -> Result<HashMap<String, Held>, Error> {
        match self {
            Self::Listed => Ok(previous::starts(job, customers).0),
            Self::Played(all) => Ok(all.get(at).cloned().unwrap_or_default()),
            Self::Left(dealt) => {
                let mut held: HashMap<String, Held> = HashMap::new();
                dealt
                    .each(at, |row| {
                        if let Some((id, state)) = state(row) {
                            held.entry(id).and_modify(|other| *other = higher(*other, state)).or_insert(state);
                        }
                    })
                    .map_err(Error::Piles)?;
                Ok(held)
            }
        }
    }
}

fn state(row: Vec<Value>) -> Option<(String, Held)> {
    let [Value::Text(id), Value::Int(rank), since, Value::Int(missed), safe_until] = <[Value; 5]>::try_from(row).ok()? else { return None };
    let day = |value| if let Value::Date(day) = value { Some(day) } else { None };
    let (rank, missed) = (rank.try_into().ok()?, missed.try_into().ok()?);
    Some((id, Held { rank, since: day(since), missed, safe_until: day(safe_until) }))
}
