//! The customer list and the product list, as columns.

use super::{Address, Contacts, Points, Texts, Value, Values};
use chrono::NaiveDate;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The customer list, sorted by id (UTF-8 bytes), without those whom `[customers] exclude` leaves out. All columns are equally long;
/// of ranks, households and points those that nothing is mapped to have no rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Customers {
    pub id: Texts,
    pub address: Vec<Address>,
    /// Cleaned of control characters and outer white space; empty when there is none.
    pub name: Texts,
    pub birthday: Vec<Option<NaiveDate>>,
    /// Whether consent is recorded (a time at or after the as-of date is not consent yet). All true when no column is mapped is
    /// NOT assumed: without a mapped column nobody has consented.
    pub consent: Vec<bool>,
    /// When the relationship began, where that is older than the purchases.
    pub since: Vec<Option<NaiveDate>>,
    /// How they can be reached by other ways than mail.
    pub contacts: Contacts,
    /// The rank to start with at the first run, by name; empty when there is none.
    pub rank: Texts,
    /// The rank given by hand, by name; empty when there is none. And the last day on which it is given, none for ever.
    pub rank_at_least: Texts,
    pub rank_at_least_until: Vec<Option<NaiveDate>>,
    /// Who ranks together: the household of each customer, empty where there is none.
    pub household: Texts,
    /// What the list says of points; all `None` where no column is mapped.
    pub points: Vec<Option<Points>>,
    /// Every column of the file by its own name, for templates and `where`.
    pub columns: Vec<(String, Values)>,
    /// Ids that `exclude` left out, with the column and value that did it. Sorted by id.
    pub excluded: Vec<(String, String)>,
}

/// Those who bought, and whom of them the customer list does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strangers {
    pub buyers: u64,
    pub unknown: u64,
    /// The first few of the unknown by id.
    pub examples: BTreeSet<String>,
}

impl Strangers {
    /// How many examples are kept.
    const EXAMPLES: usize = 3;

    /// Counts one who bought.
    pub fn count(&mut self, id: &str, known: bool) {
        self.buyers += 1;
        if known {
            return;
        }
        self.unknown += 1;
        if self.examples.len() < Self::EXAMPLES || self.examples.last().is_some_and(|last| id < last.as_str()) {
            self.examples.insert(id.to_owned());
        }
        if self.examples.len() > Self::EXAMPLES {
            self.examples.pop_last();
        }
    }
}

impl Customers {
    #[must_use]
    pub fn len(&self) -> usize {
        self.id.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
    }

    /// The row of an id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.id.get(middle).cmp(id) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The value of a column in a row; `Null` where there is no such column.
    #[must_use]
    pub fn value(&self, column: &str, row: usize) -> Cow<'_, Value> {
        self.columns.iter().find(|(name, _)| name == column).and_then(|(_, values)| values.get(row)).unwrap_or(Cow::Owned(Value::Null))
    }

    /// The list of these rows, each of one of two lists, in this order (by id). What the second list leaves out stays left out.
    #[must_use]
    pub fn woven(lists: [&Self; 2], rows: &[(usize, usize)]) -> Self {
        let mut names: Vec<&String> = lists[0].columns.iter().map(|(name, _)| name).collect();
        names
            .extend(lists[1].columns.iter().map(|(name, _)| name).filter(|name| !lists[0].columns.iter().any(|(other, _)| other == *name)));
        let picked = || rows.iter().map(|(list, row)| (lists[usize::from(*list > 0)], *row));
        // What nothing is mapped to in either list has no rows here either.
        let words = |column: fn(&Self) -> &Texts| -> Texts {
            if lists.iter().all(|list| column(list).is_empty()) {
                return Texts::default();
            }
            picked().map(|(list, row)| column(list).get(row)).collect()
        };
        let points = || picked().map(|(list, row)| list.points.get(row).copied().flatten()).collect();
        Self {
            id: picked().map(|(list, row)| list.id.get(row)).collect(),
            address: picked().map(|(list, row)| list.address.get(row).cloned().unwrap_or(Address::Missing)).collect(),
            name: picked().map(|(list, row)| list.name.get(row)).collect(),
            birthday: picked().map(|(list, row)| list.birthday.get(row).copied().flatten()).collect(),
            consent: picked().map(|(list, row)| list.consent.get(row).copied().unwrap_or(false)).collect(),
            since: picked().map(|(list, row)| list.since.get(row).copied().flatten()).collect(),
            contacts: Contacts::woven(lists.map(|list| &list.contacts), rows),
            rank: words(|list| &list.rank),
            rank_at_least: words(|list| &list.rank_at_least),
            rank_at_least_until: picked().map(|(list, row)| list.rank_at_least_until.get(row).copied().flatten()).collect(),
            points: if lists.iter().all(|list| list.points.is_empty()) { Vec::new() } else { points() },
            household: words(|list| &list.household),
            columns: names
                .into_iter()
                .map(|name| (name.clone(), picked().map(|(list, row)| list.value(name, row).into_owned()).collect()))
                .collect(),
            excluded: lists[1].excluded.clone(),
        }
    }
}

/// One product, for templates.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Product {
    pub id: String,
    pub name: String,
    pub category: Option<String>,
    /// Minor units.
    pub price: Option<i64>,
    pub url: Option<String>,
    pub image: Option<String>,
    pub stock: Option<i64>,
}
