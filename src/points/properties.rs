//! What holds for every account, and the plain walk that it must agree with.

use super::naive;
use super::{Event, account};
use crate::domain::points::{Expire, Lasting, PointsRule, Rate};
use chrono::{Days, NaiveDate};
use proptest::prelude::*;

fn start() -> NaiveDate {
    NaiveDate::from_ymd_opt(2023, 11, 20).unwrap()
}

fn rules() -> impl Strategy<Value = PointsRule> {
    let lasting = prop_oneof![(1_u32..5).prop_map(Lasting::Months), (1_u32..90).prop_map(Lasting::Days)];
    let expire = prop_oneof![
        Just(Expire::Never),
        lasting.clone().prop_map(Expire::AfterLastOrder),
        lasting.prop_map(Expire::AfterEarning),
        (1_u32..13, 1_u32..29).prop_map(|(month, day)| Expire::Yearly { month, day }),
        Just(Expire::Yearly { month: 2, day: 29 }),
    ];
    (expire, any::<bool>()).prop_map(|(expire, month_end)| PointsRule { rate: Rate::All(0), expire, month_end })
}

/// Orders and credits within a year and a half, in the order of time; on one day the credits come first.
fn events() -> impl Strategy<Value = Vec<Event<'static>>> {
    let one = (0_u64..550, 0_u8..6, -20_i64..30, 0_i64..25, any::<bool>()).prop_map(|(after, kind, used, earned, stands)| {
        let on = start() + Days::new(after);
        if kind == 0 {
            Event::Credit { on, points: earned }
        } else {
            Event::Order { id: "o", on, stands, used, earned: if stands { earned } else { 0 } }
        }
    });
    prop::collection::vec(one, 0..14).prop_map(|mut events| {
        events.sort_by_key(|event| (event.on(), matches!(event, Event::Order { .. })));
        events
    })
}

proptest! {
    #[test]
    fn an_account_agrees_with_a_walk_over_the_days(rule in rules(), events in events(), end in 0_u64..700) {
        let as_of = start() + Days::new(end);
        let events: Vec<_> = events.into_iter().filter(|event| event.on() < as_of).collect();
        let found = account(&rule, events.iter().copied(), as_of);
        let walked = naive::walk(&rule, &events, start(), as_of);
        prop_assert_eq!((found.earned, found.used, found.expired), (walked.earned, walked.used, walked.expired));
        let units = |of: fn(&crate::domain::points::Lot) -> Option<NaiveDate>| {
            let lots = found.lots.iter();
            lots.flat_map(|lot| (0..lot.points).map(move |_| of(lot))).collect::<Vec<_>>()
        };
        prop_assert_eq!(units(|lot| Some(lot.earned_on)), walked.left.iter().copied().map(Some).collect::<Vec<_>>());
        prop_assert_eq!(units(|lot| lot.last_day), walked.last_days);
    }

    #[test]
    fn nothing_gets_lost(rule in rules(), events in events(), end in 550_u64..700) {
        let found = account(&rule, events.iter().copied(), start() + Days::new(end));
        prop_assert_eq!(found.earned, found.used + found.expired + found.balance);
        prop_assert_eq!(found.balance, found.lots.iter().map(|lot| lot.points).sum::<i64>());
        prop_assert!(found.balance >= 0 && found.lots.iter().all(|lot| lot.points > 0));
        let sum = |of: fn(i64) -> i64| -> i64 {
            events.iter().map(|event| match event { Event::Order { used, .. } => of(*used), Event::Credit { .. } => 0 }).sum()
        };
        let (asked, back) = (sum(|used| used.max(0)), sum(|used| (-used).max(0)));
        prop_assert!(found.used >= 0 && found.used + found.missing() <= asked, "more was used than was asked for");
        prop_assert!(found.used + found.missing() >= asked - back, "more came back than was given back");
        let points = found.points();
        prop_assert!(points.expiring <= points.balance && (points.expire_on.is_some() == (points.expiring > 0)));
    }
}

/// What no shop has and a damaged file may hold.
#[test]
fn absurd_numbers_do_not_overflow() {
    let on = start();
    let order = |used, earned| Event::Order { id: "o", on, stands: true, used, earned };
    let rule = PointsRule { rate: Rate::All(0), expire: Expire::AfterEarning(Lasting::Months(u32::MAX)), month_end: true };
    let found = account(&rule, [order(i64::MAX, i64::MAX), order(0, i64::MAX), order(i64::MAX, i64::MAX), order(i64::MAX, 0)], on);
    assert_eq!((found.earned, found.used, found.balance), (i64::MAX, i64::MAX, 0));
    assert_eq!(found.missing(), i64::MAX);
    let found = account(&rule, [order(0, i64::MAX), order(i64::MAX, 0), order(i64::MIN, 0), order(i64::MIN, 5)], on);
    assert_eq!((found.earned, found.used, found.balance), (i64::MAX, 0, i64::MAX));
}
