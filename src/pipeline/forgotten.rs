//! Who was forgotten: known by a mark of id or address, when a list has them again.

use super::error::Error;
use super::optout;
use crate::domain::stop::StopList;
use crate::domain::{Address, Customers, Job, Key};
use crate::{keys, ledger};
use rayon::prelude::*;
use std::collections::HashSet;

/// The mark under which an id or an address is remembered as forgotten.
pub fn mark(key: &Key, text: &str) -> String {
    format!("{}{}", ledger::FORGOTTEN, keys::forgotten(key, text))
}

/// The marks of those who were forgotten, and what makes marks.
struct Marks {
    marks: HashSet<String>,
    keys: Vec<Key>,
}

impl Marks {
    /// `None` where nobody was forgotten.
    fn of(job: &Job) -> Result<Option<Self>, Error> {
        let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
        let marks = ledger.map(|ledger| ledger.forgotten()).transpose()?.unwrap_or_default();
        if marks.is_empty() { Ok(None) } else { Ok(Some(Self { marks, keys: optout::live_keys(job)? })) }
    }

    fn hold(&self, text: &str) -> bool {
        self.keys.iter().any(|key| self.marks.contains(&mark(key, text)))
    }
}

/// Leaves out of the customer list who was forgotten, as `[customers] exclude` does. The shop's own list may still have them.
pub fn leave_out(job: &Job, customers: &mut Customers) -> Result<(), Error> {
    let Some(marks) = Marks::of(job)? else { return Ok(()) };
    // A mark for each of millions of customers takes its time.
    let is_out: Vec<bool> = (0..customers.len()).into_par_iter().map(|row| marks.hold(customers.id.get(row))).collect();
    let (out, stay): (Vec<usize>, Vec<usize>) = (0..customers.len()).partition(|row| is_out.get(*row) == Some(&true));
    if out.is_empty() {
        return Ok(());
    }
    let rows: Vec<(usize, usize)> = stay.into_iter().map(|row| (0, row)).collect();
    let mut kept = Customers::woven([customers, customers], &rows);
    kept.excluded.extend(out.into_iter().map(|row| (customers.id.get(row).to_owned(), "rankmail forget".to_owned())));
    kept.excluded.sort_unstable();
    *customers = kept;
    Ok(())
}

/// The addresses of the list that were stopped when their customers were forgotten: they are still stopped for everybody else.
pub fn stopped(job: &Job, customers: &Customers) -> Result<StopList, Error> {
    let Some(marks) = Marks::of(job)? else { return Ok(StopList::default()) };
    let stopped = customers.address.par_iter().filter_map(|address| match address {
        Address::Usable { same, .. } if marks.hold(same) => Some(same.clone()),
        _ => None,
    });
    Ok(StopList { addresses: stopped.collect(), ..StopList::default() })
}
