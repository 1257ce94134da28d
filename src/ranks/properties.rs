//! Properties of ranks over random years: the room follows the plain table, and what people are told is true.

use super::naive::{self, Line, State, day};
use super::{RowIn, Tops, assign, dates};
use crate::domain::ladder::{Admission, Closing, Condition, Down, PreviousRun, Review, Up, Window};
use crate::domain::standing::{Given, Held};
use crate::domain::{Dates, Ladder, Rank, RankChange, Standing};
use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;

/// A shop of one customer: rules, lines, the as-of dates of its runs, and the list's rank at the first.
#[derive(Debug, Clone)]
struct Years {
    ladder: Ladder,
    lines: Vec<Line>,
    runs: Vec<NaiveDate>,
    listed: Option<u8>,
    /// The rank that the list gives by hand.
    given: Option<Given>,
    /// How many days after an as-of date the schedule is due again.
    due_every: Option<i64>,
}

fn condition(orders: Option<i64>, spend: Option<i64>, tenure_months: Option<u32>) -> Condition {
    Condition { orders, spend, tenure_months, ..Condition::default() }
}

/// Ladders of four ranks whose thresholds random customers cross often, with every kind of condition.
fn ranks() -> impl Strategy<Value = Vec<Rank>> {
    let lowest = prop_oneof![
        Just(Condition { orders_ever: Some(1), ..Condition::default() }),
        Just(condition(Some(1), None, None)),
        Just(condition(None, Some(10), Some(1)))
    ];
    let second =
        prop_oneof![Just(condition(Some(2), Some(20), None)), Just(Condition { orders_ever: Some(3), ..condition(None, Some(25), None) })];
    let third = prop_oneof![
        Just(condition(Some(3), Some(50), None)),
        Just(Condition { spend_ever: Some(90), ..condition(Some(2), Some(40), Some(3)) })
    ];
    let fourth = prop_oneof![Just(condition(Some(4), Some(80), Some(6))), Just(condition(Some(5), None, None))];
    let keep = || {
        prop_oneof![
            3 => Just(None),
            1 => Just(Some(condition(None, Some(30), None))),
            1 => Just(Some(Condition { orders_ever: Some(8), ..condition(Some(1), None, None) })),
            1 => Just(Some(condition(None, None, Some(9)))),
        ]
    };
    (lowest, second, third, fourth, [keep(), keep(), keep(), keep()]).prop_map(|(a, b, c, d, keeps)| {
        let all = ["A", "B", "C", "D"].into_iter().zip([a, b, c, d]).zip(keeps);
        all.map(|((name, way), keep)| Rank { name: name.into(), was: vec![], admits: Admission::AnyOf(vec![way]), keep }).collect()
    })
}

fn ladders() -> impl Strategy<Value = Ladder> {
    let window = prop_oneof![
        Just(Window::Months(12)),
        Just(Window::Months(3)),
        Just(Window::Days(365)),
        Just(Window::Days(100)),
        Just(Window::YearFrom(1, 1)),
        Just(Window::YearFrom(2, 29)),
        Just(Window::HalfYearFrom(3, 1)),
        Just(Window::HalfYearFrom(8, 31)),
        Just(Window::AllTime),
    ];
    let settle_days = prop_oneof![2 => Just(0_u32), 1 => Just(7), 1 => Just(40)];
    let up = prop_oneof![2 => Just(Up::AtOnce), 1 => Just(Up::AtReview)];
    let review = prop_oneof![
        3 => Just((Closing::Month, Review::Monthly)),
        1 => Just((Closing::Month, Review::Dates(vec![(4, 1), (10, 1)]))),
        1 => Just((Closing::Day, Review::Monthly)),
        1 => Just((Closing::Day, Review::Dates(vec![(2, 29), (7, 15), (11, 1)]))),
    ];
    let down = prop_oneof![4 => Just(Down::ToQualifying), 3 => Just(Down::OneStep), 1 => Just(Down::Never)];
    let keep_for = prop_oneof![Just(0_u32), Just(1), Just(5)];
    (window, review, (up, down), 0_u32..3, (keep_for, settle_days), ranks()).prop_map(
        |(window, (closing, review), (up, down), grace, (keep_for_months, settle_days), ranks)| Ladder {
            of: None,
            closing,
            window,
            settle_days,
            review,
            up,
            down,
            grace,
            keep_for_months,
            ranks,
        },
    )
}

/// The same rules with a second way into the upper ranks, as `any_of`.
fn with_alternatives(mut years: Years, ways: &[Option<Condition>; 3]) -> Years {
    for (rank, way) in years.ladder.ranks.iter_mut().skip(1).zip(ways) {
        if let Admission::AnyOf(all) = &mut rank.admits {
            all.extend(way);
        }
    }
    years
}

fn alternatives() -> impl Strategy<Value = [Option<Condition>; 3]> {
    let way = || {
        proptest::option::of(prop_oneof![
            Just(condition(None, Some(70), None)),
            Just(condition(Some(3), None, Some(4))),
            Just(Condition { spend_ever: Some(150), ..Condition::default() })
        ])
    };
    [way(), way(), way()]
}

/// Two to three years: runs from 2027 on, often twice in a month and often with months between.
fn years(amounts: std::ops::Range<i64>) -> impl Strategy<Value = Years> {
    let line =
        (0_u8..60, 0_i64..1300, amounts).prop_map(|(order, days, amount)| (order, day("2025-09-01") + TimeDelta::days(days), amount));
    let gaps = proptest::collection::vec(prop_oneof![2 => 1_i64..20, 3 => 25_i64..35, 1 => 50_i64..120], 1..25);
    let listed = proptest::option::of(0_u8..4);
    let due_every = proptest::option::of(1_i64..40);
    let until = proptest::option::of((0_i64..700).prop_map(|days| day("2026-12-01") + TimeDelta::days(days)));
    let given = prop_oneof![2 => Just(None), 1 => (0_u8..4, until).prop_map(|(rank, until)| Some(Given { rank, until }))];
    let listed = (listed, given);
    (ladders(), proptest::collection::vec(line, 0..50), gaps, listed, due_every).prop_map(|(ladder, lines, gaps, listed, due_every)| {
        let (listed, given) = listed;
        let mut at = day("2026-12-20");
        let runs = gaps.into_iter().map(|gap| {
            at += TimeDelta::days(gap);
            at
        });
        Years { runs: runs.collect(), ladder, lines, listed, given, due_every }
    })
}

/// One run of the room on one customer.
fn run(
    years: &Years,
    lines: &[Line],
    as_of: NaiveDate,
    previous: Option<PreviousRun>,
    held: Option<Held>,
) -> (naive::Days, Dates, Standing) {
    let next_due = years.due_every.map(|days| as_of + TimeDelta::days(days));
    let plain = naive::days(&years.ladder, as_of, previous, next_due);
    let days = dates(as_of, &years.ladder, previous.as_ref(), next_due);
    let (features, [tenure_from_closing, tenure_from_next, tenure_from_keep]) = naive::features(lines, &years.ladder, &plain);
    let row = RowIn { id: "c", features: &features, tenure_from_closing, tenure_from_next, tenure_from_keep, held, given: years.given };
    let standing = assign(&years.ladder, &days, &Tops::default(), &row);
    (plain, days, standing)
}

fn left_by(standing: &Standing) -> Option<Held> {
    standing.rank.map(|rank| Held { rank, since: standing.since, missed: standing.missed, safe_until: standing.safe_until })
}

fn adopted(days: &Dates) -> PreviousRun {
    PreviousRun { as_of: days.as_of, closing: days.closing, keep_by: days.keep_by }
}

/// What of a need the plain way still misses.
fn lacks(needs: [(Option<i64>, i64); 2]) -> Option<i64> {
    needs.into_iter().filter_map(|(need, have)| Some((need? - have).max(0))).max()
}

/// Distances by the book, for ladders with one condition each: (rank, orders, spend, on) ahead and (by, orders, spend) to keep.
type Ahead = (Option<u8>, Option<i64>, Option<i64>, Option<NaiveDate>);
type Keeping = (Option<NaiveDate>, Option<i64>, Option<i64>, bool);

fn plain_distances(ladder: &Ladder, days: &naive::Days, lines: &[Line], given: Option<Given>, state: &State) -> (Ahead, Keeping) {
    let (row, [_, from_next, from_keep]) = naive::features(lines, ladder, days);
    let only = |rank: &Rank| match &rank.admits {
        Admission::AnyOf(ways) => ways[0],
        Admission::Top(_) => unreachable!(),
    };
    // What is bought on the as-of date or later counts on a day if more than the return period lies between.
    let in_time = |day: NaiveDate| (day - days.as_of).num_days() > i64::from(ladder.settle_days);
    let any = |orders: Option<i64>, spend: Option<i64>| orders.unwrap_or(0) + spend.unwrap_or(0) > 0;
    let at_next = [row.next_orders_known, row.next_orders_ever_known, row.next_spend_known, row.next_spend_ever_known];
    let at_review = [row.keep_orders_known, row.keep_orders_ever_known, row.keep_spend_known, row.keep_spend_ever_known];
    let lacking = |asked: &Condition, have: [i64; 4]| {
        let orders = lacks([(asked.orders, have[0]), (asked.orders_ever, have[1])]);
        (orders, lacks([(asked.spend, have[2]), (asked.spend_ever, have[3])]))
    };
    let above = state.rank.map_or(0, |rank| rank + 1);
    let waits = ladder.up == Up::AtReview && state.rank.is_some();
    let ahead = ladder.ranks.get(usize::from(above)).map_or((None, None, None, None), |rank| {
        let asked = only(rank);
        let (on, from, have) = if waits { (days.next_review, from_keep, at_review) } else { (days.next_closing, from_next, at_next) };
        let reached = asked.tenure_months.zip(from).map(|(months, from)| naive::plus_months(from, months.cast_signed()));
        let (orders, spend) = lacking(&asked, have);
        let (orders, spend) = if any(orders, spend) && !in_time(on) { (None, None) } else { (orders, spend) };
        (Some(above), orders, spend, reached.filter(|day| *day > days.as_of))
    });
    let nothing = (None, None, None, false);
    let Some(held) = state.rank else { return (ahead, nothing) };
    let by_hand = given.is_some_and(|given| given.rank >= held && given.until.is_none_or(|until| until >= days.next_review));
    let safe = state.safe_until.is_some_and(|safe| days.next_review < safe);
    if ladder.down == Down::Never || state.missed < ladder.grace || safe || by_hand {
        return (ahead, nothing);
    }
    let rank = &ladder.ranks[usize::from(held)];
    let asked = rank.keep.unwrap_or_else(|| only(rank));
    let old_enough = naive::holds(&condition(None, None, asked.tenure_months), (0, 0, 0, 0), from_keep, days.next_review);
    let (orders, spend) = lacking(&asked, at_review);
    if !old_enough || any(orders, spend) && !in_time(days.next_review) {
        return (ahead, (Some(days.next_review), None, None, true));
    }
    (ahead, (Some(days.next_review), orders, spend, false))
}

/// Lines that make up for what is missing, all on one day.
fn bought(orders: Option<i64>, spend: Option<i64>, on: NaiveDate) -> Vec<Line> {
    let orders = orders.unwrap_or(0).max(i64::from(spend > Some(0)));
    let spend = spend.unwrap_or(0).max(orders);
    (0..orders).map(|at| (u8::try_from(100 + at).unwrap(), on, if at == 0 { spend - (orders - 1) } else { 1 })).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Returns included (negative lines), each run of the room equals the plain walk through the table.
    #[test]
    fn ranks_and_distances_follow_the_plain_table(years in years(-30..60)) {
        let mut previous = None;
        let mut held = years.listed.map(|rank| Held { rank, since: None, missed: 0, safe_until: None });
        let mut state = years.listed.map(|rank| State { rank: Some(rank), ..State::default() });
        for as_of in &years.runs {
            let (plain, days, standing) = run(&years, &years.lines, *as_of, previous, held);
            prop_assert_eq!((days.closing, days.review, days.next_closing), (plain.closing, plain.review, plain.next_closing));
            let ladder = &years.ladder;
            prop_assert_eq!(days.window_start, naive::minus_window(plain.closing, ladder));
            prop_assert_eq!(days.due_start, naive::minus_window(plain.review.unwrap_or(plain.closing), ladder));
            prop_assert_eq!(days.next_start, naive::minus_window(plain.next_closing, ladder));
            prop_assert_eq!(days.keep_start, naive::minus_window(plain.next_review, ladder));

            let (features, [tenure_from, ..]) = naive::features(&years.lines, &years.ladder, &plain);
            let now = naive::step(&years.ladder, &plain, &features, tenure_from, years.given, state);
            let found = State {
                rank: standing.rank,
                change: standing.change.word(),
                since: standing.since,
                missed: standing.missed,
                safe_until: standing.safe_until,
            };
            prop_assert_eq!(found, now);
            prop_assert_eq!(standing.previous, state.and_then(|state| state.rank));

            let (ahead, keeping) = plain_distances(&years.ladder, &plain, &years.lines, years.given, &now);
            prop_assert_eq!((standing.next_rank, standing.next_orders, standing.next_spend, standing.next_on), ahead);
            prop_assert_eq!((standing.keep_by, standing.keep_orders, standing.keep_spend, standing.keep_out_of_reach), keeping);

            previous = Some(adopted(&days));
            held = left_by(&standing);
            state = Some(now);
        }
    }

    /// Without returns, nobody told that nothing is missing falls at that review, nobody falls untold, and whoever buys what was told
    /// in time does not fall either.
    #[test]
    fn what_is_told_of_keeping_a_rank_comes_true(years in years(1..60), ways in alternatives(), late in 0_i64..150) {
        let years = with_alternatives(years, &ways);
        let mut before: Option<(PreviousRun, Standing)> = None;
        let mut held = years.listed.map(|rank| Held { rank, since: None, missed: 0, safe_until: None });
        for as_of in &years.runs {
            let (_, days, standing) = run(&years, &years.lines, *as_of, before.map(|(run, _)| run), held);
            if standing.change == RankChange::Down {
                let told = before.map(|(_, told)| told).unwrap_or_default();
                prop_assert!(told.at_risk(), "fell untold: {told:?} {standing:?}");
                prop_assert_eq!(told.keep_by, days.review);
            }
            if let (Some(keep_by), false) = (standing.keep_by, standing.keep_out_of_reach) {
                let last_day = standing.keep_last_day.unwrap();
                prop_assert!(last_day >= *as_of || !standing.at_risk());
                let mut lines: Vec<Line> = years.lines.iter().filter(|line| line.1 < *as_of).copied().collect();
                lines.extend(bought(standing.keep_orders, standing.keep_spend, last_day));
                let (_, _, then) = run(&years, &lines, keep_by + TimeDelta::days(late), Some(adopted(&days)), left_by(&standing));
                prop_assert_ne!(then.change, RankChange::Down);
            }
            before = Some((adopted(&days), standing));
            held = left_by(&standing);
        }
    }

    /// Without returns, whoever buys in time what is missing to the next rank holds it at the next chance to rise.
    #[test]
    fn what_is_told_of_the_next_rank_comes_true(years in years(1..60), ways in alternatives()) {
        let years = with_alternatives(years, &ways);
        let mut previous = None;
        let mut held = years.listed.map(|rank| Held { rank, since: None, missed: 0, safe_until: None });
        for as_of in &years.runs {
            let (_, days, standing) = run(&years, &years.lines, *as_of, previous, held);
            previous = Some(adopted(&days));
            held = left_by(&standing);
            let Some(next) = standing.next_rank else { continue };
            let Admission::AnyOf(ways) = &years.ladder.ranks[usize::from(next)].admits else { unreachable!() };
            let told = standing.next_orders.is_some() || standing.next_spend.is_some();
            if !told || ways.iter().any(|way| way.tenure_months.is_some()) {
                continue;
            }
            let last_day = standing.next_last_day.unwrap();
            let mut lines: Vec<Line> = years.lines.iter().filter(|line| line.1 < *as_of).copied().collect();
            lines.extend(bought(standing.next_orders, standing.next_spend, last_day));
            let waits = years.ladder.up == Up::AtReview && standing.rank.is_some();
            let chance = if waits { days.keep_by.unwrap() } else { days.next_closing };
            let (_, _, then) = run(&years, &lines, chance, previous, held);
            prop_assert!(then.rank >= Some(next), "{standing:?} {then:?}");
        }
    }
}
