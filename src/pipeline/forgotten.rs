//! Who was forgotten: known by a mark of id or address, when a list has them again.

use super::error::Error;
use super::list::List;
use super::optout;
use crate::domain::merges::Merges;
use crate::domain::stop::{StopList, Stopped};
use crate::domain::{Address, Customers, Job, Key};
use crate::{keys, ledger, runs};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Why somebody is left out who was forgotten.
pub const FORGOTTEN: &str = "rankmail forget";

/// The mark under which an id or an address is remembered as forgotten.
pub fn mark(key: &Key, text: &str) -> String {
    format!("{}{}", ledger::FORGOTTEN, keys::forgotten(key, text))
}

/// The name under which old rows of the ledger keep an id.
pub fn aged_mark(key: &Key, id: &str) -> String {
    format!("{}{}", ledger::AGED, keys::forgotten(key, id))
}

/// Those who ask to get no more mails, under their marks where they were forgotten: an old link must not bring an id back.
pub fn as_marks(ledger: &ledger::Ledger, keys: &[Key], stopped: Vec<Stopped>) -> Result<Vec<Stopped>, Error> {
    let named = |one: Stopped| -> Result<Stopped, Error> {
        let text = match &one {
            Stopped::Customer(text) | Stopped::Address(text) => text,
        };
        for mark in keys.iter().map(|key| mark(key, text)) {
            if ledger.is_forgotten(&mark)? {
                return Ok(if matches!(one, Stopped::Customer(_)) { Stopped::Customer(mark) } else { Stopped::Address(mark) });
            }
        }
        Ok(one)
    };
    stopped.into_iter().map(named).collect()
}

/// The names under which old rows of the ledger keep customers of the list, by id.
pub fn aged(job: &Job, past: &ledger::Past, customers: &List, merges: &Merges) -> Result<HashMap<String, Vec<String>>, Error> {
    let names: HashSet<&str> = past.aged().collect();
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let keys = optout::live_keys(job)?;
    let of = |id: &str| {
        let ids = std::iter::once(id).chain(merges.former(id).iter().map(String::as_str));
        let marks = ids.flat_map(|id| keys.iter().map(|key| aged_mark(key, id)));
        let known: Vec<String> = marks.filter(|mark| names.contains(mark.as_str())).collect();
        (!known.is_empty()).then(|| (id.to_owned(), known))
    };
    let found = |customers: &Customers| -> Vec<_> { customers.id.iter().filter_map(of).collect() };
    Ok(customers.scan(found)?.into_iter().flatten().collect())
}

/// The marks of those who were forgotten, and what makes marks.
pub struct Marks {
    marks: HashSet<String>,
    keys: Vec<Key>,
}

impl Marks {
    /// `None` where nobody was forgotten.
    pub fn of(job: &Job) -> Result<Option<Self>, Error> {
        let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
        let marks = ledger.map(|ledger| ledger.forgotten()).transpose()?.unwrap_or_default();
        if marks.is_empty() { Ok(None) } else { Ok(Some(Self { marks, keys: optout::live_keys(job)? })) }
    }

    /// Leaves out of customers of the list who was forgotten.
    pub fn leave_out(&self, customers: Customers) -> Customers {
        let (out, stay): (Vec<usize>, Vec<usize>) = (0..customers.len()).partition(|row| self.hold(customers.id.get(*row)));
        if out.is_empty() {
            return customers;
        }
        let rows: Vec<(usize, usize)> = stay.into_iter().map(|row| (0, row)).collect();
        let mut kept = Customers::woven([&customers, &customers], &rows);
        kept.excluded.extend(out.into_iter().map(|row| (customers.id.get(row).to_owned(), FORGOTTEN.to_owned())));
        kept.excluded.sort_unstable();
        kept
    }

    fn hold(&self, text: &str) -> bool {
        self.keys.iter().any(|key| self.marks.contains(&mark(key, text)))
    }
}

/// How many of the list were forgotten.
fn listed(customers: &List) -> usize {
    customers.facts().excluded.iter().filter(|(_, why)| why == FORGOTTEN).count()
}

/// Whether the list still has somebody who was forgotten.
pub fn is_listed(customers: &List) -> bool {
    listed(customers) > 0
}

/// Whether a stop list still names somebody who was forgotten.
pub fn is_stopped(job: &Job, list: &StopList) -> Result<bool, Error> {
    let marks = Marks::of(job)?;
    Ok(marks.is_some_and(|marks| list.customers.iter().chain(&list.addresses).any(|text| marks.hold(text))))
}

/// That it has, in words that name nobody.
pub fn told(job: &Job, customers: &List) -> Option<String> {
    let count = listed(customers);
    let list = job.customers.as_ref().filter(|_| count > 0)?.written.as_str();
    Some(job.language.pick(
        format!("{list} に、rankmail forget で消した方がまだ {count} 人います（送りません）。元の名簿からも消してください。それまでは名簿の写しを残さないため、diff はできません"),
        format!(
            "{list} still has {count} who were forgotten; they get nothing. Take them out of the list too: until then plans keep no copy of it, \
             and `rankmail diff` cannot make them again"
        ),
    ))
}

/// The addresses of the list that were stopped when their customers were forgotten: they are still stopped for everybody else.
pub fn stopped(job: &Job, customers: &List) -> Result<StopList, Error> {
    let Some(marks) = Marks::of(job)? else { return Ok(StopList::default()) };
    let stopped = |customers: &Customers| -> Vec<String> {
        customers.address.iter().filter_map(Address::same).filter(|same| marks.hold(same)).map(Cow::into_owned).collect()
    };
    Ok(StopList { addresses: customers.scan(stopped)?.into_iter().flatten().collect(), ..StopList::default() })
}

/// Those in a plan who were forgotten, and their addresses that were stopped: another job may have forgotten them since it was made.
pub fn planned(job: &Job, opened: &runs::Opened) -> Result<StopList, Error> {
    let mut list = StopList::default();
    let Some(marks) = Marks::of(job)? else { return Ok(list) };
    for mail in opened.mails()? {
        let mail = mail?;
        let same = mail.address.to_lowercase();
        if marks.hold(&same) {
            list.addresses.insert(same);
        }
        if marks.hold(&mail.customer_id) {
            list.customers.insert(mail.customer_id);
        }
    }
    Ok(list)
}
