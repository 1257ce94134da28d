//! Households: customers of the list who live together rank together.
//!
//! The figures that decide ranks and distances are added up, the first order is the earliest, the rank held before is the highest that a
//! member holds. What somebody bought, and when last, stays each person's own; so do mails.

use super::error::Error;
use super::people::People;
use crate::domain::standing::{Given, Held};
use crate::domain::{Customers, FeatureRow};
use chrono::NaiveDate;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

/// The members of a household, sorted by id (UTF-8 bytes); two at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Household {
    pub name: String,
    pub members: Vec<String>,
}

impl Household {
    /// The member whose id stands for all where ids decide a tie.
    pub fn lead(&self) -> &str {
        self.members.first().map_or("", String::as_str)
    }
}

/// Where a member is: partition and row.
type Place = (usize, usize);

/// Gives the members of each household the figures and the rank state of all of them.
pub fn join(people: &mut [People]) -> Result<(), Error> {
    for (name, places) in households(people) {
        let ids = places.iter().map(|(at, row)| people[*at].id.get(*row).to_owned());
        let mut household = Household { name, members: ids.collect() };
        household.members.sort();
        let rows = places.iter().map(|(at, row)| people[*at].features[*row]);
        let together = together(rows).ok_or_else(|| too_much(&household))?;
        let held = places.iter().filter_map(|(at, row)| people[*at].held[*row]).reduce(higher);
        let household = Arc::new(household);
        for (at, row) in places {
            let part = &mut people[at];
            part.features[row] = own(&part.features[row], &together);
            part.held[row] = held;
            part.households.insert(row, Arc::clone(&household));
        }
    }
    Ok(())
}

/// The households of two members or more, in any order: none of them touches another.
fn households(people: &[People]) -> Vec<(String, Vec<Place>)> {
    let mut places: HashMap<&str, Vec<Place>> = HashMap::new();
    for (at, part) in people.iter().enumerate() {
        for (row, listed) in part.listed.iter().enumerate() {
            let name = listed.map_or("", |listed| part.customers.household.get(listed));
            if !name.is_empty() {
                places.entry(name).or_default().push((at, row));
            }
        }
    }
    places.into_iter().filter(|(_, members)| members.len() > 1).map(|(name, members)| (name.to_owned(), members)).collect()
}

fn too_much(household: &Household) -> Error {
    Error::Data(format!(
        "the amounts of household `{}` ({}) add up to more than 64 bits hold; look for a wrong amount or `amount_unit`",
        household.name,
        household.members.join(", ")
    ))
}

/// What the members of households share, household by household.
#[derive(Default)]
pub struct Together {
    /// Whether anybody belongs to one.
    any: bool,
    /// Since when a household is known is since when the first of its members is.
    since: HashMap<String, NaiveDate>,
    /// A rank given by hand to one member is given to the household: the highest, and of two alike the one that lasts longer.
    given: HashMap<String, Given>,
}

impl Together {
    /// What these customers bring to their households; `given` is by row.
    pub fn of(customers: &Customers, given: &HashMap<usize, Given>) -> Self {
        let mut own = Self::default();
        for (row, name) in customers.household.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            own.any = true;
            if let Some(since) = customers.since.get(row).copied().flatten() {
                own.see_since(name.to_owned(), since);
            }
            if let Some(given) = given.get(&row) {
                own.see_given(name.to_owned(), *given);
            }
        }
        own
    }

    /// Whether anybody of the list belongs to a household.
    pub fn any(&self) -> bool {
        self.any
    }

    /// The same with what others bring.
    pub fn join(&mut self, other: Self) {
        self.any |= other.any;
        other.since.into_iter().for_each(|(name, since)| self.see_since(name, since));
        other.given.into_iter().for_each(|(name, given)| self.see_given(name, given));
    }

    fn see_since(&mut self, name: String, since: NaiveDate) {
        self.since.entry(name).and_modify(|first| *first = since.min(*first)).or_insert(since);
    }

    fn see_given(&mut self, name: String, given: Given) {
        let order = |given: &Given| (given.rank, given.until.is_none(), given.until);
        let best = self.given.entry(name).or_insert(given);
        if order(&given) > order(best) {
            *best = given;
        }
    }

    /// Gives these customers the day since which their households are known.
    pub fn known_since(&self, customers: &mut Customers) {
        for (name, since) in customers.household.iter().zip(&mut customers.since) {
            *since = self.since.get(name).copied().or(*since);
        }
    }

    /// Gives these customers the ranks that their households are given, by row.
    pub fn share_given(&self, customers: &Customers, given: &mut HashMap<usize, Given>) {
        for (row, name) in customers.household.iter().enumerate() {
            if let Some(best) = self.given.get(name) {
                given.insert(row, *best);
            }
        }
    }
}

/// The sum of the figures of all members; `None` when it is more than 64 bits hold.
fn together(rows: impl Iterator<Item = FeatureRow>) -> Option<FeatureRow> {
    let earlier = |one: Option<i64>, other: Option<i64>| one.into_iter().chain(other).min();
    let mut sum = FeatureRow::default();
    for row in rows {
        sum = FeatureRow {
            first_order_at: earlier(sum.first_order_at, row.first_order_at),
            first_order_closing: earlier(sum.first_order_closing, row.first_order_closing),
            orders_ever: sum.orders_ever.checked_add(row.orders_ever)?,
            spend_ever: sum.spend_ever.checked_add(row.spend_ever)?,
            orders: sum.orders.checked_add(row.orders)?,
            spend: sum.spend.checked_add(row.spend)?,
            due_orders: sum.due_orders.checked_add(row.due_orders)?,
            due_spend: sum.due_spend.checked_add(row.due_spend)?,
            next_orders_known: sum.next_orders_known.checked_add(row.next_orders_known)?,
            next_spend_known: sum.next_spend_known.checked_add(row.next_spend_known)?,
            keep_orders_known: sum.keep_orders_known.checked_add(row.keep_orders_known)?,
            keep_spend_known: sum.keep_spend_known.checked_add(row.keep_spend_known)?,
            next_orders_ever_known: sum.next_orders_ever_known.checked_add(row.next_orders_ever_known)?,
            next_spend_ever_known: sum.next_spend_ever_known.checked_add(row.next_spend_ever_known)?,
            keep_orders_ever_known: sum.keep_orders_ever_known.checked_add(row.keep_orders_ever_known)?,
            keep_spend_ever_known: sum.keep_spend_ever_known.checked_add(row.keep_spend_ever_known)?,
            ..sum
        };
    }
    Some(sum)
}

/// The household's figures with what stays a person's own.
fn own(person: &FeatureRow, together: &FeatureRow) -> FeatureRow {
    FeatureRow { last_order_at: person.last_order_at, bought: person.bought, mark: person.mark, ..*together }
}

/// Of two states of one customer or household, the better one: the higher rank, then the longer safety, the fewer misses, the longer hold.
pub fn higher(one: Held, other: Held) -> Held {
    let order = |held: &Held| (held.rank, held.safe_until, Reverse(held.missed), Reverse(held.since));
    if order(&other) > order(&one) { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Texts;
    use proptest::prelude::*;

    fn texts(values: &[&str]) -> Texts {
        values.iter().copied().collect()
    }

    fn row(number: i64) -> FeatureRow {
        FeatureRow {
            first_order_at: Some(number),
            last_order_at: Some(number + 5),
            orders: number,
            spend: -number,
            keep_spend_known: 2 * number,
            bought: 1 << number,
            ..FeatureRow::default()
        }
    }

    fn part(ids: &[&str], households: &[&str], features: Vec<FeatureRow>, held: Vec<Option<Held>>) -> People {
        let customers = Arc::new(Customers { household: texts(households), ..Customers::default() });
        let listed = (0..ids.len()).map(|row| row.checked_sub(ids.len() - households.len())).collect();
        People { id: texts(ids), customers, listed, features, held, ..People::default() }
    }

    const HELD: Held = Held { rank: 1, since: None, missed: 0, safe_until: None };

    #[test]
    fn members_have_one_set_of_figures_and_one_rank_state() {
        let mut people = vec![
            part(&["a", "b"], &["H", ""], vec![row(3), row(4)], vec![Some(HELD), Some(HELD)]),
            part(&["0", "c", "d"], &["H", "lone"], vec![row(1), row(2), row(6)], vec![None, Some(Held { rank: 3, ..HELD }), None]),
        ];
        join(&mut people).unwrap();
        let (a, c) = (&people[0].features[0], &people[1].features[1]);
        assert_eq!((a.orders, a.spend, a.keep_spend_known, a.first_order_at), (5, -5, 10, Some(2)));
        assert_eq!((a.last_order_at, a.bought, c.last_order_at, c.bought), (Some(8), 8, Some(7), 4), "their own");
        assert_eq!(FeatureRow { last_order_at: None, bought: 0, ..*a }, FeatureRow { last_order_at: None, bought: 0, ..*c });
        assert_eq!((people[0].held[0].unwrap().rank, people[1].held[1].unwrap().rank), (3, 3));
        assert_eq!((people[0].ranked_as(0), people[1].ranked_as(1), people[1].ranked_as(2)), ("a", "a", "d"));
        assert_eq!(
            (people[0].features[1], people[1].features[0], people[1].features[2]),
            (row(4), row(1), row(6)),
            "the others as they were"
        );
        assert_eq!(people[1].households[&1].members, ["a", "c"]);
    }

    #[test]
    fn a_sum_beyond_all_bounds_is_an_error_that_names_the_household() {
        let rich = FeatureRow { spend: i64::MAX, ..FeatureRow::default() };
        let mut people = vec![part(&["a", "b"], &["H", "H"], vec![rich, rich], vec![None, None])];
        assert!(join(&mut people).unwrap_err().to_string().contains("household `H` (a, b)"));
    }

    #[test]
    fn the_first_who_came_decides_since_when_a_household_is_known() {
        let day = |text: &str| Some(text.parse().unwrap());
        let mut customers = Customers {
            household: texts(&["H", "H", "H", "", ""]),
            since: vec![day("2020-02-01"), None, day("2019-01-01"), day("2021-01-01"), None],
            ..Customers::default()
        };
        Together::of(&customers, &HashMap::new()).known_since(&mut customers);
        assert_eq!(customers.since, [day("2019-01-01"), day("2019-01-01"), day("2019-01-01"), day("2021-01-01"), None]);
    }

    proptest! {
        #[test]
        fn the_better_state_does_not_depend_on_the_order(one in 0_u8..4, other in 0_u8..4, missed in 0_u32..3, more in 0_u32..3) {
            let (one, other) = (Held { rank: one, missed, ..HELD }, Held { rank: other, missed: more, ..HELD });
            prop_assert_eq!(higher(one, other), higher(other, one));
            prop_assert_eq!(higher(one, other).rank, one.rank.max(other.rank));
        }
    }
}
