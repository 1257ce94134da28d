//! Bought together: how often orders hold two products, against how often they would by chance.
//!
//! lift(a, b) = P(a, b) / (P(a) P(b)) = both × orders / (orders with a × orders with b), over the counted orders that hold a product.
//! Orders of more than [`WIDEST`] different products (a wholesale order tells little of any two of them) are left out everywhere.

use super::History;
use super::baskets::{counted, ever_bought, fill, rows};
use crate::domain::BookPart;
use crate::domain::recommend::{Because, Pick, Recommend, Support};
use rayon::prelude::*;
use std::cmp::{Ordering, Reverse};

/// The most different products of an order that is counted.
pub const WIDEST: usize = 100;
/// Pairs are counted in blocks of about this many occurrences, so that memory does not grow with the shop.
const BLOCK: u64 = 1 << 22;

pub struct Together {
    orders: u64,
    /// Orders with each product.
    with: Vec<u64>,
    /// Where each product's partners begin, and behind the last one where they end.
    from: Vec<usize>,
    /// The other product and the orders that hold both; the highest lift first.
    partners: Vec<(u32, u64)>,
}

/// The products of many orders, one behind the other.
#[derive(Default)]
struct Orders {
    products: Vec<u32>,
    ends: Vec<usize>,
}

impl Orders {
    fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.products[start..*end])
    }
}

impl Together {
    /// Counts all pairs that at least one of these supports admits.
    pub fn count(history: &History<'_>, supports: &[Support]) -> Self {
        let count = history.book.products.len();
        let parts = &history.book.parts;
        let nothing = || (0, vec![0; count]);
        let one_part = |(mut orders, mut with): (u64, Vec<u64>), part: &BookPart| {
            each(history, part, |basket| {
                orders += 1;
                for product in basket {
                    with[*product as usize] += 1;
                }
            });
            (orders, with)
        };
        let (orders, with) = parts.par_iter().fold(nothing, one_part).reduce(nothing, |(orders, mut with), (more, others)| {
            with.iter_mut().zip(others).for_each(|(count, other)| *count += other);
            (orders + more, with)
        });
        let floor = supports.iter().map(|support| support.floor(orders)).min().unwrap_or(1);
        // A pair is no more frequent than either of its products.
        let frequent = |part: &BookPart| {
            let mut found = Orders::default();
            each(history, part, |basket| {
                let start = found.products.len();
                found.products.extend(basket.iter().filter(|product| with[**product as usize] >= floor));
                if found.products.len() < start + 2 {
                    found.products.truncate(start);
                } else {
                    found.ends.push(found.products.len());
                }
            });
            found
        };
        let baskets: Vec<Orders> = parts.par_iter().map(frequent).collect();
        let pairs = pairs_of(&baskets, floor);
        Self::arranged(orders, with, &pairs)
    }

    /// Puts the pairs (the smaller product first) beside both of their products.
    fn arranged(orders: u64, with: Vec<u64>, pairs: &[(u32, u32, u64)]) -> Self {
        let both_ways = pairs.iter().flat_map(|&(one, other, both)| [(one, other, both), (other, one, both)]);
        let mut rows: Vec<(u32, u32, u64)> = both_ways.collect();
        rows.par_sort_unstable_by(|one, other| {
            one.0.cmp(&other.0).then_with(|| better(&with, (one.0, one.1, one.2), (other.0, other.1, other.2)))
        });
        let mut from = Vec::with_capacity(with.len() + 1);
        let mut at = 0;
        for product in 0..=with.len() {
            while rows.get(at).is_some_and(|row| (row.0 as usize) < product) {
                at += 1;
            }
            from.push(at);
        }
        Self { orders, with, from, partners: rows.into_iter().map(|(_, other, both)| (other, both)).collect() }
    }

    pub fn orders(&self) -> u64 {
        self.orders
    }

    pub fn orders_with(&self, product: u32) -> u64 {
        self.with[product as usize]
    }

    /// Every pair, the smaller product first: the highest lift first, then the most orders, then the products.
    pub fn all(&self) -> Vec<(u32, u32, u64)> {
        let products = 0..u32::try_from(self.with.len()).unwrap_or(u32::MAX);
        let mut all: Vec<(u32, u32, u64)> = products
            .flat_map(|one| {
                self.partners_of(one).iter().filter(move |(other, _)| *other > one).map(move |(other, both)| (one, *other, *both))
            })
            .collect();
        all.sort_unstable_by(|one, other| better(&self.with, *one, *other).then(one.cmp(other)));
        all
    }

    fn partners_of(&self, product: u32) -> &[(u32, u64)] {
        let product = product as usize;
        &self.partners[self.from[product]..self.from[product + 1]]
    }

    /// What is bought together with what the customer bought last, and was never bought by this customer: lift
    /// above 1, the highest first, then the most orders, then the product. A product that goes with several has the reason of the best.
    pub fn picks(&self, part: &BookPart, row: usize, rule: &Recommend, may: &dyn Fn(u32) -> bool) -> Vec<Pick> {
        let last = last_bought(part, row);
        let (floor, bought) = (rule.support.floor(self.orders), ever_bought(part, row));
        let mut best: Vec<(u32, u32, u64)> = Vec::new();
        for seed in last {
            let fit = |&&(other, both): &&(u32, u64)| {
                both >= floor && bought.binary_search(&other).is_err() && self.attracts(seed, other, both) && may(other)
            };
            // Whoever is among the best of all is among the best of one of the seeds.
            best.extend(self.partners_of(seed).iter().filter(fit).take(rule.count).map(|&(other, both)| (seed, other, both)));
        }
        best.sort_by(|one, other| better(&self.with, *one, *other).then(one.0.cmp(&other.0)));
        let mut picks: Vec<Pick> = Vec::new();
        for (seed, product, _) in best {
            if picks.len() < rule.count && picks.iter().all(|pick| pick.product != product) {
                picks.push(Pick { product, because: Because::With(seed) });
            }
        }
        picks
    }

    /// Whether two products are together more often than by chance.
    fn attracts(&self, one: u32, other: u32, both: u64) -> bool {
        u128::from(both) * u128::from(self.orders) > u128::from(self.orders_with(one)) * u128::from(self.orders_with(other))
    }
}

/// The products of the customer's last order that has any, ascending. Orders of the same instant are one here: where lines have no order
/// id, each is an order of its own.
fn last_bought(part: &BookPart, row: usize) -> Vec<u32> {
    let (mut last, mut at, mut basket) = (Vec::new(), None, Vec::new());
    for order in counted(part, row).rev() {
        if at.is_some_and(|at| order.at() != at) {
            break;
        }
        fill(part, order, &mut basket);
        if !basket.is_empty() {
            at = Some(order.at());
            last.extend_from_slice(&basket);
        }
    }
    last.sort_unstable();
    last.dedup();
    last
}

/// `Less` when the first pair is the better one to recommend its second product: higher lift, more orders, smaller product.
fn better(with: &[u64], one: (u32, u32, u64), other: (u32, u32, u64)) -> Ordering {
    let chance = |pair: (u32, u32, u64)| u128::from(with[pair.0 as usize]) * u128::from(with[pair.1 as usize]);
    // both / chance of one against the other's, without dividing: orders of a shop fit 40 bits, so the products fit 128.
    let (left, right) = (u128::from(one.2).saturating_mul(chance(other)), u128::from(other.2).saturating_mul(chance(one)));
    right.cmp(&left).then(Reverse(one.2).cmp(&Reverse(other.2))).then(one.1.cmp(&other.1))
}

/// Calls `use_it` with the products of every counted order of a part that has some and not too many.
fn each(history: &History<'_>, part: &BookPart, mut use_it: impl FnMut(&[u32])) {
    let mut basket = Vec::new();
    for order in rows(history, part).flat_map(|row| counted(part, row)) {
        fill(part, order, &mut basket);
        if (1..=WIDEST).contains(&basket.len()) {
            use_it(&basket);
        }
    }
}

/// How many orders hold each pair of products, for pairs with at least `floor` of them. A block holds the pairs whose first product
/// falls into it; its occurrences are written down, sorted and counted.
fn pairs_of(baskets: &[Orders], floor: u64) -> Vec<(u32, u32, u64)> {
    let pairs_in = |basket: &[u32]| (basket.len() * (basket.len() - 1) / 2) as u64;
    let occurrences: u64 = baskets.iter().flat_map(Orders::iter).map(pairs_in).sum();
    let blocks = u32::try_from(occurrences / BLOCK + 1).unwrap_or(u32::MAX);
    let count = |block: u32| {
        let mut seen: Vec<(u32, u32)> = Vec::new();
        for basket in baskets.iter().flat_map(Orders::iter) {
            for (at, &one) in basket.iter().enumerate().filter(|(_, one)| **one % blocks == block) {
                seen.extend(basket[at + 1..].iter().map(|other| (one, *other)));
            }
        }
        seen.sort_unstable();
        let counted = seen.chunk_by(|one, other| one == other).map(|same| (same[0].0, same[0].1, same.len() as u64));
        counted.filter(|(_, _, both)| *both >= floor).collect::<Vec<_>>()
    };
    (0..blocks).into_par_iter().flat_map_iter(count).collect()
}
