//! A customer and a campaign for tests, with everything plain unless a test says otherwise.

use crate::domain::campaign::{Campaign, Once, RankRange, When};
use crate::domain::person::Listed;
use crate::domain::points::Holding;
use crate::domain::recommend::Interval;
use crate::domain::{Address, Channel, Customers, FeatureRow, Person, Standing, Value, Values};
use chrono::NaiveDate;

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub struct Someone {
    pub features: FeatureRow,
    pub standing: Standing,
    pub customers: Customers,
    pub first_order_on: Option<NaiveDate>,
    /// Where it is older than the first order.
    pub since: Option<NaiveDate>,
    pub last_order_on: Option<NaiveDate>,
    pub holdout: bool,
    pub interval: Option<Interval>,
    pub holding: Holding,
}

impl Someone {
    /// A consenting customer of the second rank with an address, who never ordered.
    pub fn new() -> Self {
        let address = Address::Usable { wire: "Hana@example.jp".into(), irregular: false };
        let customers = Customers {
            id: ["c"].into_iter().collect(),
            address: vec![address],
            birthday: vec![None],
            consent: vec![true],
            columns: vec![("store".into(), Values::from_iter(["京都".into()])), ("visits".into(), Values::from_iter([Value::Int(4)]))],
            ..Customers::default()
        };
        Self {
            features: FeatureRow::default(),
            standing: Standing { rank: Some(1), ..Standing::default() },
            customers,
            first_order_on: None,
            since: None,
            last_order_on: None,
            holdout: false,
            interval: None,
            holding: Holding::default(),
        }
    }

    pub fn born(birthday: &str) -> Self {
        let mut someone = Self::new();
        someone.customers.birthday = vec![Some(day(birthday))];
        someone
    }

    pub fn person(&self) -> Person<'_> {
        Person {
            id: "c",
            features: &self.features,
            standing: &self.standing,
            listed: Some(Listed { customers: &self.customers, row: 0 }),
            first_order_on: self.first_order_on,
            anniversary_of: self.since.or(self.first_order_on),
            last_order_on: self.last_order_on,
            last_order: None,
            holdout: self.holdout,
            received: &[],
            interval: self.interval,
            holding: self.holding,
        }
    }
}

/// A campaign for the second rank under some conditions.
pub fn campaign(when: When) -> Campaign {
    Campaign {
        name: "greeting".into(),
        ranks: RankRange::Ranks(vec![1]),
        when,
        wheres: vec![],
        once: Once::Occasion,
        sells: true,
        not_with: vec![],
        reduced_by: vec![],
        discounts: None,
        share: None,
        variants: vec![],
        offer: None,
        holdout: true,
        counts_towards_limit: true,
        send: None,
        channels: vec![Channel::Mail],
        costs: vec![],
        budget: None,
        from: None,
        reply_to: None,
        allow: Vec::new(),
    }
}
