//! The same account point by point and day by day, for the properties: nothing here is clever.

use super::Event;
use crate::domain::points::{Expire, Lasting, PointsRule, Promise};
use chrono::{Datelike, Days, Months, NaiveDate};

/// Earned, used, expired, the days on which the points left were earned, and their last days.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub earned: i64,
    pub used: i64,
    pub expired: i64,
    pub left: Vec<NaiveDate>,
    pub last_days: Vec<Option<NaiveDate>>,
}

/// Walks each day from `first` to the day before `as_of`: at 00:00 what ended the day before goes, then credits, then orders.
pub fn walk(rule: &PointsRule, events: &[Event<'_>], first: NaiveDate, as_of: NaiveDate) -> Told {
    let mut told = Told::default();
    // The days on which used points were earned, in the order in which they were used.
    let mut spent: Vec<NaiveDate> = Vec::new();
    let mut last_order: Option<NaiveDate> = None;
    for today in first.iter_days().take_while(|day| *day <= as_of) {
        let before = told.left.len();
        told.left.retain(|earned| last_day(rule, *earned, last_order).is_none_or(|last| today <= last));
        told.expired += i64::try_from(before - told.left.len()).unwrap();
        spent.retain(|earned| last_day(rule, *earned, last_order).is_none_or(|last| today <= last));
        if today == as_of {
            break;
        }
        for event in events.iter().filter(|event| event.on() == today) {
            let earned = match event {
                Event::Credit { points, .. } => *points,
                Event::Order { stands, used, earned, .. } => {
                    for _ in 0..*used {
                        if !told.left.is_empty() {
                            spent.push(told.left.remove(0));
                            told.used += 1;
                        }
                    }
                    for _ in *used..0 {
                        if let Some(back) = spent.pop() {
                            told.left.push(back);
                            told.left.sort();
                            told.used -= 1;
                        }
                    }
                    if *stands {
                        last_order = Some(today);
                    }
                    *earned
                }
            };
            told.earned += earned.max(0);
            told.left.extend((0..earned).map(|_| today));
        }
    }
    told.last_days = told.left.iter().map(|earned| last_day(rule, *earned, last_order)).collect();
    told
}

fn last_day(rule: &PointsRule, earned: NaiveDate, last_order: Option<NaiveDate>) -> Option<NaiveDate> {
    let plus = |day: NaiveDate, lasting: Lasting| match lasting {
        Lasting::Months(months) => day + Months::new(months),
        Lasting::Days(days) => day + Days::new(days.into()),
    };
    let mut day = match rule.expire {
        Expire::Never => return None,
        Expire::AfterEarning(lasting) => plus(earned, lasting),
        Expire::AfterLastOrder(lasting) => plus(last_order.unwrap_or(earned).max(earned), lasting),
        Expire::Yearly { month, day } => {
            let fits = |at: &NaiveDate| {
                let leap_day = (month, day) == (2, 29) && !at.leap_year();
                (at.month(), at.day()) == if leap_day { (2, 28) } else { (month, day) }
            };
            earned.iter_days().find(fits).unwrap()
        }
    };
    while rule.month_end && (day + Days::new(1)).month() == day.month() {
        day = day + Days::new(1);
    }
    Some(day)
}

/// Which promise each order (day, net, own points) earns, looked for one by one: the largest gift that is left, the first of equals.
pub fn promised(promises: &[Promise], orders: &[(NaiveDate, i64, i64)]) -> Vec<Option<(usize, i64)>> {
    let mut gone = vec![false; promises.len()];
    let mut found = Vec::new();
    for (on, net, own) in orders {
        let mut best: Option<(usize, i64)> = None;
        for (place, promise) in promises.iter().enumerate() {
            let in_time = *on >= promise.from && (promise.until.is_none() || Some(*on) <= promise.until);
            let times = i64::from(promise.more / 1_000_000);
            if *net > 0 && *net >= promise.over && in_time && !gone[place] && own * times > best.map_or(0, |(_, points)| points) {
                best = Some((place, own * times));
            }
        }
        if let Some((place, _)) = best {
            gone[place] = true;
        }
        found.push(best);
    }
    found
}
