//! Which lines of a customer were known once, told by the mark that the orders had then.
//!
//! A plan keeps one number for each customer: the sum of the marks of the orders that it knew. Lines that came since have to be left out to
//! find that sum again. What came is little, so it is looked for: the latest lines, a few orders, a few lines of orders.

use super::sum::mark;
use crate::domain::orders::LineKey;
use std::collections::{BTreeMap, HashMap};

/// How many of the latest moments are tried as the end of what was known.
const CUTS: usize = 64;
/// With more ways than this to take something from orders, three of them together are too many to try.
const MOST_FOR_THREE: usize = 300;

/// Of orders with more different lines than this, two at once are too many to try.
const MOST_FOR_TWO: usize = 24;

/// A way to take something from one order: what it does to the sum, and the lines that go.
struct Way<'l> {
    order: usize,
    change: i64,
    gone: Vec<&'l LineKey<'l>>,
}

/// The lines of one customer that must be left out for the rest to have this mark; none when they have it. `None` when no few of
/// them can be: then lines were changed or taken away. Lines that nothing tells apart go together.
#[must_use]
pub fn came_later<'l>(lines: &'l [LineKey<'l>], wanted: i64) -> Option<Vec<&'l LineKey<'l>>> {
    let mut times: Vec<i64> = lines.iter().map(|line| line.at).collect();
    times.sort_unstable();
    times.dedup();
    let ends = std::iter::once(i64::MAX).chain(times.into_iter().rev()).take(CUTS);
    let tried = ends.filter_map(|end| {
        let orders = orders(lines.iter().filter(|line| line.at < end));
        let missing = wanted.wrapping_sub(orders.iter().fold(0, |sum: i64, order| sum.wrapping_add(sum_of(order))));
        let gone = ways(&orders, missing, end == i64::MAX)?;
        Some(lines.iter().filter(|line| line.at >= end).chain(gone).collect::<Vec<_>>())
    });
    tried.min_by_key(Vec::len)
}

/// The lines of each order. Lines without an order are orders of their own; equal ones among them stay together.
fn orders<'l>(lines: impl Iterator<Item = &'l LineKey<'l>>) -> Vec<Vec<&'l LineKey<'l>>> {
    let mut orders: BTreeMap<(Option<&str>, i64, i64), Vec<&LineKey>> = BTreeMap::new();
    for line in lines {
        let alone = line.order.is_none();
        let key = if alone { (None, line.at, line.amount) } else { (line.order, 0, 0) };
        orders.entry(key).or_default().push(line);
    }
    orders.into_values().collect()
}

fn sum_of(order: &[&LineKey]) -> i64 {
    match order {
        [] => 0,
        [first, ..] if first.order.is_none() => order.iter().fold(0, |sum, line| sum.wrapping_add(mark(line.at, line.amount.into()))),
        [first, ..] => {
            let at = order.iter().fold(first.at, |at, line| at.min(line.at));
            mark(at, order.iter().map(|line| i128::from(line.amount)).sum())
        }
    }
}

/// The fewest ways, each of another order, that change the sum by what is missing.
fn ways<'l>(orders: &[Vec<&'l LineKey<'l>>], missing: i64, thoroughly: bool) -> Option<Vec<&'l LineKey<'l>>> {
    if missing == 0 {
        return Some(Vec::new());
    }
    let ways: Vec<Way> = orders.iter().enumerate().flat_map(|(at, order)| ways_of(at, order)).collect();
    let mut by_change: HashMap<i64, Vec<usize>> = HashMap::new();
    for (at, way) in ways.iter().enumerate() {
        by_change.entry(way.change).or_default().push(at);
    }
    let find = |change: i64, beside: &[usize]| {
        let found = by_change.get(&change)?.iter().copied();
        let found = found.filter(|at| beside.iter().all(|other| ways[*other].order != ways[*at].order));
        found.min_by_key(|at| (ways[*at].gone.len(), *at))
    };
    let rest = |beside: &[usize]| beside.iter().fold(missing, |missing, at| missing.wrapping_sub(ways[*at].change));
    let all = |places: &[usize]| places.iter().flat_map(|at| ways[*at].gone.iter().copied()).collect();
    if let Some(one) = find(missing, &[]) {
        return Some(all(&[one]));
    }
    if let Some(two) = (0..ways.len()).find_map(|one| Some([one, find(rest(&[one]), &[one])?])) {
        return Some(all(&two));
    }
    if !thoroughly || ways.len() > MOST_FOR_THREE {
        return None;
    }
    let pairs = (0..ways.len()).flat_map(|one| (0..one).map(move |other| [one, other]));
    let mut pairs = pairs.filter(|[one, other]| ways[*one].order != ways[*other].order);
    pairs.find_map(|pair| Some([pair[0], pair[1], find(rest(&pair), &pair)?])).map(|three| all(&three))
}

/// An order is not there; one line or two of it, with those like them, are not there; what it has from a moment on is not there.
fn ways_of<'l>(at: usize, order: &[&'l LineKey<'l>]) -> Vec<Way<'l>> {
    let whole = sum_of(order);
    let without = |gone: &dyn Fn(&LineKey) -> bool| {
        let (gone, kept): (Vec<&LineKey>, Vec<&LineKey>) = order.iter().partition(|line| gone(line));
        Way { order: at, change: sum_of(&kept).wrapping_sub(whole), gone }
    };
    let mut ways = vec![without(&|_| true)];
    if order.len() > 1 && order.iter().any(|line| *line != order[0]) {
        let mut kinds: Vec<&LineKey> = order.to_vec();
        kinds.sort_unstable();
        kinds.dedup();
        ways.extend(kinds.iter().map(|kind| without(&|line| line == *kind)));
        ways.extend(kinds.iter().map(|kind| without(&|line| line.at >= kind.at)).filter(|way| way.gone.len() > 1));
        if kinds.len() <= MOST_FOR_TWO {
            let pairs = kinds.iter().enumerate().flat_map(|(at, one)| kinds[..at].iter().map(move |other| (*one, *other)));
            ways.extend(pairs.map(|(one, other)| without(&|line| line == one || line == other)));
        }
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const IDS: [&str; 4] = ["a", "b", "c", "d"];

    fn line(order: usize, at: i64, amount: i64) -> LineKey<'static> {
        LineKey { customer: "C", order: IDS.get(order).copied(), at, amount }
    }

    fn mark_of(lines: &[LineKey]) -> i64 {
        orders(lines.iter()).iter().fold(0, |sum: i64, order| sum.wrapping_add(sum_of(order)))
    }

    proptest! {
        #[test]
        fn lines_that_came_are_found(
            known in prop::collection::vec((0_usize..6, 0_i64..50, -20_i64..200), 0..12),
            came in prop::collection::vec((0_usize..6, 0_i64..50, -20_i64..200), 0..3),
        ) {
            let lines = |rows: &[(usize, i64, i64)]| rows.iter().map(|row| line(row.0, row.1, row.2)).collect::<Vec<_>>();
            let known = lines(&known);
            let all: Vec<LineKey> = known.iter().copied().chain(lines(&came).into_iter().filter(|line| !known.contains(line))).collect();
            let gone = came_later(&all, mark_of(&known)).unwrap();
            let rest: Vec<LineKey> = all.iter().filter(|line| !gone.contains(line)).copied().collect();
            // Nets of nothing and times of earlier lines hide some lines from any mark; what is left has the mark that was known.
            prop_assert_eq!(mark_of(&rest), mark_of(&known));
            prop_assert!(gone.len() <= all.len() - known.len() || came.is_empty());
        }
    }

    #[test]
    fn an_order_and_a_refund_of_another_are_told_from_what_was_there() {
        let lines = [line(0, 5, 300), line(0, 9, -100), line(1, 7, 300), line(2, 8, 50), line(9, 3, 20)];
        let known = [lines[0], lines[3], lines[4]];
        let mut gone = came_later(&lines, mark_of(&known)).unwrap();
        gone.sort_unstable();
        assert_eq!(gone, [&lines[1], &lines[2]]);
        assert_eq!(came_later(&lines, mark_of(&lines)), Some(vec![]));
    }

    #[test]
    fn a_line_that_was_changed_or_taken_away_is_not_guessed() {
        let lines = [line(0, 5, 300), line(1, 7, 200)];
        assert_eq!(came_later(&lines, mark_of(&[line(0, 5, 301), lines[1]])), None);
        assert_eq!(came_later(&lines[..1], mark_of(&lines)), None);
    }
}
