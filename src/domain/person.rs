//! One customer of a run, as the rooms look at them: a view of one row of several tables.

use super::recommend::Interval;
use super::{Address, Customers, FeatureRow, LastOrder, Standing, Value};
use chrono::NaiveDate;

/// A view of one customer. It is cheap to make and is made anew for each question.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    pub id: &'a str,
    pub features: &'a FeatureRow,
    pub standing: &'a Standing,
    /// The row in the customer list; none for somebody who bought and is not listed.
    pub listed: Option<Listed<'a>>,
    /// Local dates of the first and the last order with a positive net before the as-of date.
    pub first_order_on: Option<NaiveDate>,
    pub last_order_on: Option<NaiveDate>,
    /// The day from which anniversaries count: that of the first order, or the list's `since` where that is older.
    pub anniversary_of: Option<NaiveDate>,
    /// The last order's items, only where a template asks for them.
    pub last_order: Option<&'a LastOrder>,
    pub holdout: bool,
    /// How long this customer usually waits between two orders, where a campaign or a template asks for it.
    pub interval: Option<Interval>,
}

/// A row of the customer list.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    pub customers: &'a Customers,
    pub row: usize,
}

impl<'a> Person<'a> {
    #[must_use]
    pub fn address(&self) -> &'a Address {
        self.listed.and_then(|listed| listed.customers.address.get(listed.row)).unwrap_or(&Address::Missing)
    }

    #[must_use]
    pub fn consented(&self) -> bool {
        self.listed.and_then(|listed| listed.customers.consent.get(listed.row)).copied().unwrap_or(false)
    }

    #[must_use]
    pub fn birthday(&self) -> Option<NaiveDate> {
        self.listed.and_then(|listed| listed.customers.birthday.get(listed.row)).copied().flatten()
    }

    #[must_use]
    pub fn name(&self) -> &'a str {
        self.listed.map_or("", |listed| listed.customers.name.get(listed.row))
    }

    /// A column of the customer list; `Null` where there is none.
    #[must_use]
    pub fn column(&self, name: &str) -> &'a Value {
        self.listed.map_or(&Value::Null, |listed| listed.customers.value(name, listed.row))
    }
}
