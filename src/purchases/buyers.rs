//! Who bought, held against the customer list.

use super::{Error, Purchases, Request};
use crate::domain::customers::Strangers;
use arrow::array::AsArray;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

impl Purchases {
    /// How many customers have lines that count before `as_of`, and how many of them are not known elsewhere.
    ///
    /// # Errors
    /// As for `read`.
    pub fn strangers(&self, as_of: i64, known: &(dyn Fn(&str) -> bool + Sync)) -> Result<Strangers, Error> {
        // Millions of ids need not be kept: whether one was seen before is told by a number of it.
        let hasher = RandomState::new();
        let seen = Mutex::new((HashSet::<u64>::new(), Strangers::default()));
        self.read(&Request { as_of, ..Request::default() }, &|batch| {
            let Some(ids) = batch.column_by_name("customer").and_then(|column| column.as_string_view_opt()) else { return Ok(()) };
            let ids: HashSet<&str> = ids.iter().flatten().collect();
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            for id in ids {
                if seen.0.insert(hasher.hash_one(id)) {
                    seen.1.count(id, known(id));
                }
            }
            Ok(())
        })?;
        Ok(seen.into_inner().unwrap_or_else(PoisonError::into_inner).1)
    }
}
