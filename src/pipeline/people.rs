//! One hash partition of the shop's customers: features, list and rank state side by side, row for row.

use super::households::Household;
use super::list::List;
use crate::domain::customers::Product;
use crate::domain::features::FeatureRow;
use crate::domain::orders::LastOrder;
use crate::domain::person::Listed;
use crate::domain::points::Holding;
use crate::domain::recommend::{Interval, Pick};
use crate::domain::standing::{Given, Held};
use crate::domain::{Bounds, Channel, Customers, Features, Occasion, Person, SkipReason, Standing, Texts, Zone};
use crate::ranks::RowIn;
use chrono::NaiveDate;
use std::collections::HashMap;
use std::sync::Arc;

/// What all partitions look into.
pub struct Shop {
    pub zone: Zone,
    pub customers: List,
    pub products: Vec<Product>,
    /// The gifts that customers have had from the job, by customer.
    pub gifts: HashMap<String, Vec<String>>,
}

impl Shop {
    /// A product by its id.
    pub fn product(&self, id: &str) -> Option<&Product> {
        let at = self.products.binary_search_by(|product| product.id.as_str().cmp(id)).ok()?;
        self.products.get(at)
    }
}

/// A matched pair that waits for its fate.
#[derive(Clone)]
pub struct Match {
    pub row: usize,
    pub campaign: usize,
    pub occasion: Occasion,
    /// The first channel of the campaign that reaches the customer, or why none does.
    pub reach: Result<Channel, SkipReason>,
    /// Somebody else has the same address and goes before.
    pub address_lost: bool,
    /// What the campaign's offer recommends; nothing when it does not.
    pub picks: Vec<Pick>,
}

/// The customers of one partition, sorted by id.
#[derive(Default)]
pub struct People {
    pub id: Texts,
    pub features: Vec<FeatureRow>,
    /// The local days of each one's first and last order, which every look at a person asks for.
    pub ordered_on: Vec<[Option<NaiveDate>; 2]>,
    /// Those of them who are in the customer list, and the row of each there.
    pub customers: Arc<Customers>,
    pub listed: Vec<Option<usize>>,
    /// Ranks given by hand, by row of the customer list; those without are not there.
    pub given: HashMap<usize, Given>,
    /// The last order's id, empty where there is none.
    pub last_order_id: Texts,
    pub held: Vec<Option<Held>>,
    pub standings: Vec<Standing>,
    pub holdout: Vec<bool>,
    /// Empty where the job has neither points nor cashback.
    pub holdings: Vec<Holding>,
    /// Sorted by campaign, then row.
    pub matches: Vec<Match>,
    pub last_orders: HashMap<usize, LastOrder>,
    /// How long each usually waits between two orders; empty where nobody asks.
    pub intervals: Vec<Option<Interval>>,
    /// The households of those rows that have one with other members.
    pub households: HashMap<usize, Arc<Household>>,
}

impl People {
    /// Joins those who bought with those who are listed; customers that the shop excludes are left out.
    pub fn join(
        zone: Zone,
        features: &Features,
        customers: Arc<Customers>,
        given: HashMap<usize, Given>,
        held: &HashMap<String, Held>,
    ) -> Self {
        let mut people = Self { given, ..Self::default() };
        let day = |at: Option<i64>| at.and_then(|instant| zone.date(instant));
        let (mut bought, mut list) = (0, 0);
        loop {
            let buyer = (bought < features.customer_id.len()).then(|| features.customer_id.get(bought));
            let member = (list < customers.len()).then(|| customers.id.get(list));
            let id = match (buyer, member) {
                (None, None) => break,
                (Some(id), None) | (None, Some(id)) => id,
                (Some(one), Some(other)) => one.min(other),
            };
            let is_buyer = buyer == Some(id);
            let is_member = member == Some(id);
            if is_member || !is_excluded(&customers, id) {
                people.id.push(id);
                people.features.push(if is_buyer { features.rows.get(bought).copied().unwrap_or_default() } else { FeatureRow::default() });
                people.last_order_id.push(if is_buyer { features.last_order.get(bought) } else { "" });
                people.listed.push(is_member.then_some(list));
                people.held.push(held.get(id).copied());
            }
            bought += usize::from(is_buyer);
            list += usize::from(is_member);
        }
        people.ordered_on = people.features.iter().map(|row| [day(row.first_order_at), day(row.last_order_at)]).collect();
        people.customers = customers;
        people
    }

    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// The same people in pieces of so many at most.
    pub fn cut(self, most: usize) -> Vec<Self> {
        if self.len() <= most {
            return vec![self];
        }
        let (len, mut given) = (self.len(), self.given);
        let mut pieces: Vec<Self> = (0..len)
            .step_by(most)
            .map(|start| {
                let rows = start..len.min(start + most);
                let listed: Vec<Option<usize>> = self.listed.get(rows.clone()).unwrap_or_default().to_vec();
                Self {
                    id: rows.clone().map(|row| self.id.get(row)).collect(),
                    last_order_id: rows.map(|row| self.last_order_id.get(row)).collect(),
                    customers: Arc::clone(&self.customers),
                    given: listed.iter().flatten().filter_map(|row| Some((*row, given.remove(row)?))).collect(),
                    listed,
                    ..Self::default()
                }
            })
            .collect();
        deal(&mut pieces, self.features, most, |piece| &mut piece.features);
        deal(&mut pieces, self.ordered_on, most, |piece| &mut piece.ordered_on);
        deal(&mut pieces, self.held, most, |piece| &mut piece.held);
        deal(&mut pieces, self.standings, most, |piece| &mut piece.standings);
        deal(&mut pieces, self.holdout, most, |piece| &mut piece.holdout);
        deal(&mut pieces, self.holdings, most, |piece| &mut piece.holdings);
        deal(&mut pieces, self.intervals, most, |piece| &mut piece.intervals);
        for matched in self.matches {
            pieces[matched.row / most].matches.push(Match { row: matched.row % most, ..matched });
        }
        for (row, order) in self.last_orders {
            pieces[row / most].last_orders.insert(row % most, order);
        }
        for (row, household) in self.households {
            pieces[row / most].households.insert(row % most, household);
        }
        pieces
    }

    /// The places of a campaign's matches.
    pub fn matches_of(&self, campaign: usize) -> std::ops::Range<usize> {
        let start = self.matches.partition_point(|matched| matched.campaign < campaign);
        start..self.matches.partition_point(|matched| matched.campaign <= campaign)
    }

    /// Whether a campaign is for the customer of a row.
    pub fn matches(&self, row: usize, campaign: usize) -> bool {
        self.matches.binary_search_by_key(&(campaign, row), |matched| (matched.campaign, matched.row)).is_ok()
    }

    /// The day from which the tenure counts, given the first order that is known: the relationship may be older than the purchases.
    fn tenure_from(&self, row: usize, first_order: Option<NaiveDate>) -> Option<NaiveDate> {
        let since = self.listed[row].and_then(|listed| self.customers.since.get(listed).copied().flatten());
        match (since, first_order) {
            (Some(since), Some(first)) => Some(since.min(first)),
            (since, first) => since.or(first),
        }
    }

    /// The id that decides a tie between ranks: of a household, the smallest of its members.
    pub fn ranked_as(&self, row: usize) -> &str {
        self.households.get(&row).map_or_else(|| self.id.get(row), |household| household.lead())
    }

    /// What the ranks room is told of a row.
    pub fn rank_row<'a>(&'a self, shop: &Shop, bounds: &Bounds, row: usize) -> RowIn<'a> {
        let features = &self.features[row];
        let from = |first_order: Option<i64>| self.tenure_from(row, first_order.and_then(|instant| shop.zone.date(instant)));
        let settled = |until: i64| features.first_order_at.filter(|at| *at < until);
        RowIn {
            id: self.ranked_as(row),
            features,
            tenure_from_closing: from(features.first_order_closing),
            tenure_from_next: from(settled(bounds.next_settled)),
            tenure_from_keep: from(settled(bounds.keep_settled)),
            held: self.held[row],
            given: self.listed[row].and_then(|listed| self.given.get(&listed)).copied(),
        }
    }

    /// The customer of a row.
    pub fn person<'a>(&'a self, shop: &'a Shop, row: usize) -> Person<'a> {
        let features = &self.features[row];
        let [first_order_on, last_order_on] = self.ordered_on[row];
        Person {
            id: self.id.get(row),
            features,
            standing: &self.standings[row],
            listed: self.listed[row].map(|listed| Listed { customers: &self.customers, row: listed }),
            first_order_on,
            anniversary_of: self.tenure_from(row, first_order_on),
            last_order_on,
            last_order: self.last_orders.get(&row),
            holdout: self.holdout[row],
            received: shop.gifts.get(self.id.get(row)).map_or(&[], Vec::as_slice),
            interval: self.intervals.get(row).copied().flatten(),
            holding: self.holdings.get(row).copied().unwrap_or_default(),
        }
    }
}

/// Gives each piece what a column has for its rows; of a column that nobody asked for, nothing.
fn deal<T>(pieces: &mut [People], column: Vec<T>, most: usize, of: impl Fn(&mut People) -> &mut Vec<T>) {
    let mut values = column.into_iter();
    for piece in pieces {
        of(piece).extend(values.by_ref().take(most));
    }
}

fn is_excluded(customers: &Customers, id: &str) -> bool {
    customers.excluded.binary_search_by(|(excluded, _)| excluded.as_str().cmp(id)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Occasion;

    #[test]
    fn pieces_have_what_the_people_had() {
        let ids = ["a", "b", "c", "d", "e"];
        let customers = Arc::new(Customers { id: ["a", "d", "e"].into_iter().collect(), ..Customers::default() });
        let matched = |campaign, row| Match {
            row,
            campaign,
            occasion: Occasion { word: format!("{campaign}-{row}"), date: None, years: None },
            reach: Ok(Channel::Mail),
            address_lost: row == 3,
            picks: Vec::new(),
        };
        let people = People {
            id: ids.into_iter().collect(),
            last_order_id: ["1", "", "3", "4", "5"].into_iter().collect(),
            features: (0..5).map(|spend| FeatureRow { spend, ..FeatureRow::default() }).collect(),
            listed: vec![Some(0), None, None, Some(1), Some(2)],
            given: HashMap::from([1, 2].map(|row| (row, Given { rank: 1, until: None }))),
            holdout: vec![false, true, false, false, true],
            matches: vec![matched(0, 0), matched(0, 3), matched(1, 2), matched(1, 3), matched(1, 4)],
            last_orders: HashMap::from([(4, LastOrder { store: Some("京都".into()), items: Vec::new() })]),
            customers,
            ..People::default()
        };
        let pieces = people.cut(2);
        let all = |of: &dyn Fn(&People) -> Vec<String>| pieces.iter().map(of).collect::<Vec<_>>().join(&"|".to_owned());
        assert_eq!(all(&|piece| piece.id.iter().map(str::to_owned).collect()), ["a", "b", "|", "c", "d", "|", "e"]);
        assert_eq!(all(&|piece| piece.last_order_id.iter().map(str::to_owned).collect()), ["1", "", "|", "3", "4", "|", "5"]);
        assert_eq!(all(&|piece| piece.features.iter().map(|row| row.spend.to_string()).collect()), ["0", "1", "|", "2", "3", "|", "4"]);
        assert_eq!(
            all(&|piece| piece.holdout.iter().map(ToString::to_string).collect()),
            ["false", "true", "|", "false", "false", "|", "true"]
        );
        assert_eq!(
            pieces.iter().map(|piece| piece.listed.clone()).collect::<Vec<_>>(),
            [vec![Some(0), None], vec![None, Some(1)], vec![Some(2)]]
        );
        assert_eq!(
            pieces.iter().map(|piece| piece.given.keys().copied().collect::<Vec<_>>()).collect::<Vec<_>>(),
            [vec![], vec![1], vec![2]]
        );
        let words = |piece: &People| piece.matches.iter().map(|own| format!("{} {}", own.row, own.occasion.word)).collect();
        assert_eq!(all(&words), ["0 0-0", "|", "1 0-3", "0 1-2", "1 1-3", "|", "0 1-4"]);
        assert!(pieces[1].matches[0].address_lost && pieces[2].last_orders.contains_key(&0) && pieces[0].holdings.is_empty());
        assert_eq!(People::default().cut(2).len(), 1);
    }
}
