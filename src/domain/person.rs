//! One customer of a run, as the rooms look at them: a view of one row of several tables.

use super::points::Holding;
use super::recommend::Interval;
use super::{Address, Channel, Contacts, Customers, FeatureRow, LastOrder, Standing, Texts, Value};
use chrono::NaiveDate;
use std::borrow::Cow;

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
    /// The gifts that this customer has had from the job.
    pub received: &'a [String],
    /// How long this customer usually waits between two orders, where a campaign or a template asks for it.
    pub interval: Option<Interval>,
    pub holding: Holding,
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

    /// The column of a way to reach people; empty where there is none.
    #[must_use]
    pub fn contact(&self, column: fn(&Contacts) -> &Texts) -> &'a str {
        self.listed.map_or("", |listed| column(&listed.customers.contacts).get(listed.row))
    }

    /// Whether this customer may be reached by a channel: by mail only with recorded consent, by another unless a column of the list
    /// tells of consent to it and does not say yes.
    #[must_use]
    pub fn agreed(&self, channel: Channel) -> bool {
        let column = |column: fn(&Contacts) -> &Option<Vec<bool>>| {
            self.listed.and_then(|listed| column(&listed.customers.contacts).as_ref()?.get(listed.row).copied()).unwrap_or(true)
        };
        match channel {
            Channel::Mail => self.consented(),
            Channel::Post => column(|contacts| &contacts.post_consent),
            Channel::Line => column(|contacts| &contacts.line_consent),
            Channel::Call => column(|contacts| &contacts.call_consent),
        }
    }

    /// A column of the customer list; `Null` where there is none.
    #[must_use]
    pub fn column(&self, name: &str) -> Cow<'a, Value> {
        self.listed.map_or(Cow::Owned(Value::Null), |listed| listed.customers.value(name, listed.row))
    }
}
