//! The customer list and the product list, as columns.

use super::{Address, Contacts, Texts, Value};
use chrono::NaiveDate;

/// The customer list, sorted by id (UTF-8 bytes), without those whom `[customers] exclude` leaves out. All columns are equally long.
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
    /// Every column of the file by its own name, for templates and `where`.
    pub columns: Vec<(String, Vec<Value>)>,
    /// Ids that `exclude` left out, with the column and value that did it. Sorted by id.
    pub excluded: Vec<(String, String)>,
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
    pub fn value(&self, column: &str, row: usize) -> &Value {
        self.columns.iter().find(|(name, _)| name == column).and_then(|(_, values)| values.get(row)).unwrap_or(&Value::Null)
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
