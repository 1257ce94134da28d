//! The customer list of a run: dealt to the partitions of the shop, so that a partition's customers are unpacked while somebody looks at
//! them, and beside them a few facts that only the whole list tells.

use super::addresses::Several;
use super::error::Error;
use super::forgotten::Marks;
use super::households::Together;
use super::previous::{self, Unknown};
use super::{absent, inputs};
use crate::domain::job::CustomersSource;
use crate::domain::merges::Merges;
use crate::domain::standing::Given;
use crate::domain::{Channel, Contacts, Customers, Job};
use crate::features::{self, Partitions};
use crate::{piles, tables};
use chrono::NaiveDate;
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// The customers of a run, partition by partition.
#[derive(Clone, Default)]
pub struct List {
    source: Source,
    facts: Arc<Facts>,
    partitions: Partitions,
}

#[derive(Clone)]
enum Source {
    /// They lie packed.
    Read(Arc<tables::CustomerList>),
    /// They are at hand.
    Made(Arc<Vec<Arc<Customers>>>),
}

impl Default for Source {
    fn default() -> Self {
        Self::Made(Arc::default())
    }
}

/// What the whole list tells.
#[derive(Default)]
pub struct Facts {
    pub customers: usize,
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Ids that are left out, with why. Sorted by id.
    pub excluded: Vec<(String, String)>,
    pub several: Several,
    pub together: Together,
    /// For each channel with a column of consent, whether anybody consents.
    pub consents: Vec<(Channel, bool)>,
    /// For each word that `absent::in_lists` asks for, whether it is there.
    pub written: Vec<bool>,
    /// Names of ranks that the ladder does not have, where ranks start and where they are given by hand.
    pub unknown_starts: Unknown,
    pub unknown_given: Unknown,
}

/// The same of one partition, with the marks of its addresses.
struct Seen {
    facts: Facts,
    addresses: Vec<u64>,
}

impl List {
    /// Reads the list and looks at each customer once. Who has one of the marks was forgotten.
    pub fn read(
        job: &Job,
        source: &CustomersSource,
        merges: &Arc<Merges>,
        as_of: NaiveDate,
        forgotten: Option<&Marks>,
        partitions: Partitions,
    ) -> Result<(Self, Vec<tables::Input>, tables::Notes), Error> {
        let recipe = Self::recipe(job, source, merges, as_of);
        let pile_of = |id: &str| partitions.of(id);
        let dealing = tables::Dealing { piles: features::PARTITIONS, pile_of: &pile_of, folder: &job.runs, held: piles::HELD };
        let (rows, inputs) = tables::customers(recipe, inputs::base(job), &dealing)?;
        // Who was forgotten is left out as `[customers] exclude` does. The shop's own list may still have them.
        let keep = |customers| match forgotten {
            Some(marks) => marks.leave_out(customers),
            None => customers,
        };
        let (list, seen, notes) = rows.look(keep, |customers| Seen::of(job, customers))?;
        let facts = Arc::new(Seen::joined(seen, list.columns().to_vec()));
        Ok((Self { source: Source::Read(Arc::new(list)), facts, partitions }, inputs, notes))
    }

    /// A list of nobody.
    pub fn none(partitions: Partitions) -> Self {
        Self { partitions, ..Self::default() }
    }

    /// How a list is read.
    pub fn recipe(job: &Job, source: &CustomersSource, merges: &Arc<Merges>, as_of: NaiveDate) -> tables::Recipe {
        tables::Recipe { source: source.clone(), merges: Arc::clone(merges), zone: job.zone, as_of }
    }

    /// The partitions of the shop.
    pub fn partitions(&self) -> &Partitions {
        &self.partitions
    }

    /// The list with each partition made anew, given the same partition of another one.
    pub fn blended(&self, job: &Job, other: &Self, blend: impl Fn(&Customers, &Customers) -> Customers + Sync) -> Result<Self, Error> {
        let partition = |at| Ok(Arc::new(blend(&*self.partition(at)?, &*other.partition(at)?)));
        let made: Vec<Arc<Customers>> =
            (0..features::PARTITIONS).into_par_iter().with_max_len(1).map(partition).collect::<Result<_, Error>>()?;
        let mut columns = self.facts.columns.clone();
        columns.extend(other.facts.columns.iter().filter(|name| !self.facts.columns.contains(name)).cloned());
        let seen = made.par_iter().map(|customers| Seen::of(job, customers)).collect();
        let source = Source::Made(Arc::new(made));
        Ok(Self { source, facts: Arc::new(Seen::joined(seen, columns)), partitions: self.partitions.clone() })
    }

    /// Whether something holds of each partition and the same one of another list.
    pub fn all(&self, other: &Self, holds: impl Fn(&Customers, &Customers) -> bool + Sync) -> Result<bool, Error> {
        let partition = |at| Ok(holds(&*self.partition(at)?, &*other.partition(at)?));
        let all: Vec<bool> = (0..features::PARTITIONS).into_par_iter().map(partition).collect::<Result<_, Error>>()?;
        Ok(all.into_iter().all(|one| one))
    }

    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    pub fn is_empty(&self) -> bool {
        self.facts.customers == 0
    }

    /// The customers of a partition, sorted by id.
    pub fn partition(&self, at: usize) -> Result<Arc<Customers>, Error> {
        match &self.source {
            Source::Made(made) => Ok(made.get(at).cloned().unwrap_or_default()),
            Source::Read(list) => {
                let mut customers = list.pile(at)?;
                self.facts.together.known_since(&mut customers);
                Ok(Arc::new(customers))
            }
        }
    }

    /// What somebody finds who looks at each partition.
    pub fn scan<T: Send>(&self, look: impl Fn(&Customers) -> T + Sync) -> Result<Vec<T>, Error> {
        let partitions = (0..features::PARTITIONS).into_par_iter().with_max_len(1);
        partitions.map(|at| Ok(look(&*self.partition(at)?))).collect()
    }

    /// The ranks that the list gives by hand to customers of a partition, by row.
    pub fn given(&self, job: &Job, customers: &Customers) -> HashMap<usize, Given> {
        let (mut given, _) = previous::given(job, customers);
        self.facts.together.share_given(customers, &mut given);
        given
    }

    /// Why somebody is left out of the list.
    pub fn excluded(&self, id: &str) -> Option<&str> {
        let excluded = &self.facts.excluded;
        let at = excluded.binary_search_by(|(other, _)| other.as_str().cmp(id)).ok()?;
        excluded.get(at).map(|(_, why)| why.as_str())
    }

    /// The ids of all partitions.
    pub fn ids(&self) -> Result<Ids, Error> {
        let ids = self.scan(|customers| Customers { id: customers.id.clone(), ..Customers::default() })?;
        Ok(Ids { ids, partitions: self.partitions.clone() })
    }

    /// The first few values that each customer has by `of`, in the order of ids, each once.
    pub fn first(&self, many: usize, of: impl Fn(&Customers, usize) -> Option<String> + Sync) -> Result<Vec<String>, Error> {
        let look = |customers: &Customers| -> Vec<(String, String)> {
            let mut found: Vec<(String, String)> = Vec::new();
            for row in 0..customers.len() {
                if found.len() == many {
                    break;
                }
                if let Some(value) = of(customers, row).filter(|value| !found.iter().any(|(_, other)| other == value)) {
                    found.push((customers.id.get(row).to_owned(), value));
                }
            }
            found
        };
        let mut found: Vec<_> = self.scan(look)?.into_iter().flatten().collect();
        found.sort_unstable();
        let mut first: Vec<String> = Vec::new();
        for (_, value) in found {
            if first.len() < many && !first.contains(&value) {
                first.push(value);
            }
        }
        Ok(first)
    }
}

/// The ids of a list.
pub struct Ids {
    ids: Vec<Customers>,
    partitions: Partitions,
}

impl Ids {
    pub fn have(&self, id: &str) -> bool {
        self.ids.get(self.partitions.of(id)).is_some_and(|customers| customers.find(id).is_some())
    }
}

impl Seen {
    fn of(job: &Job, customers: &Customers) -> Self {
        let (given, unknown_given) = previous::given(job, customers);
        let (_, unknown_starts) = previous::starts(job, customers);
        let Contacts { post_consent, line_consent, call_consent, .. } = &customers.contacts;
        let asked = [(Channel::Post, post_consent), (Channel::Line, line_consent), (Channel::Call, call_consent)];
        let asked = asked.into_iter().filter_map(|(channel, given)| Some((channel, given.as_ref()?)));
        let consents = std::iter::once((Channel::Mail, &customers.consent)).chain(asked);
        let facts = Facts {
            customers: customers.len(),
            columns: Vec::new(),
            excluded: customers.excluded.clone(),
            several: Several::default(),
            together: Together::of(customers, &given),
            consents: consents.map(|(channel, given)| (channel, given.contains(&true))).collect(),
            written: absent::written(job, customers),
            unknown_starts,
            unknown_given,
        };
        Self { facts, addresses: Several::marks(customers) }
    }

    fn joined(all: Vec<Self>, columns: Vec<String>) -> Facts {
        let mut addresses = Vec::new();
        let mut whole = Facts { columns, ..Facts::default() };
        for Self { facts, addresses: own } in all {
            addresses.extend(own);
            whole.customers += facts.customers;
            whole.excluded.extend(facts.excluded);
            whole.together.join(facts.together);
            join_by(&mut whole.consents, facts.consents, |one, other| one.1 |= other.1);
            join_by(&mut whole.written, facts.written, |one, other| *one |= other);
            previous::join_unknown(&mut whole.unknown_starts, facts.unknown_starts);
            previous::join_unknown(&mut whole.unknown_given, facts.unknown_given);
        }
        whole.excluded.sort_unstable();
        whole.several = Several::of(addresses);
        whole
    }
}

/// Joins what belongs together row by row; nothing joined with something is that.
fn join_by<T>(own: &mut Vec<T>, other: Vec<T>, join: impl Fn(&mut T, T)) {
    if own.is_empty() {
        *own = other;
    } else {
        own.iter_mut().zip(other).for_each(|(own, other)| join(own, other));
    }
}
