//! Other wallets: what customers with the same main wallet went on to, among the wallets that this customer hardly spends on.
//!
//! A customer's spend on a wallet is the sum of its lines in the window that decides the rank, returns included, so that all wallets
//! together (and lines without one) are the spend of that window. The main wallet is the one with the largest spend, which is positive;
//! a tie goes to the smaller name. Customers are *alike* when their main wallets are the same.

use super::History;
use super::baskets::{bought_lines, counted, ever_bought, rows};
use super::goods::{Goods, added};
use crate::domain::BookPart;
use crate::domain::book::NOTHING;
use crate::domain::recommend::{Because, Pick, Recommend};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::collections::HashMap;

/// Below one part in so many of the window's spend, a wallet is another one: under 10 %.
const SMALL: i128 = 10;

pub struct Alike {
    /// The main wallet of each customer, by part and row; [`NOTHING`] for those without one.
    main: Vec<Vec<u32>>,
    /// Customers for each main wallet.
    members: Vec<u64>,
    /// For a main wallet and another: how many of its customers ordered from the other right after an order from the main one.
    next: HashMap<(u32, u32), u64>,
    /// For a main wallet and another: the other's products that the shop has, by how many of the main one's customers bought them.
    products: HashMap<(u32, u32), Vec<(u32, u64)>>,
}

/// What one part counts.
#[derive(Default)]
struct Counts {
    next: HashMap<(u32, u32), u64>,
    /// Main wallet and product.
    bought: HashMap<(u32, u32), u64>,
}

impl Alike {
    pub fn count(history: &History<'_>, goods: &Goods) -> Self {
        let parts = &history.book.parts;
        let main = |part: &BookPart| (0..part.customer_id.len()).map(|row| main_wallet(&spends(history, goods, part, row).0)).collect();
        let main: Vec<Vec<u32>> = parts.par_iter().map(main).collect();
        let mut members = vec![0; goods.wallets.len()];
        for (part, main) in parts.iter().zip(&main) {
            for wallet in rows(history, part).map(|row| main[row]).filter(|wallet| *wallet != NOTHING) {
                members[wallet as usize] += 1;
            }
        }
        let counts =
            parts.par_iter().zip(&main).map(|(part, main)| Counts::of(history, goods, part, main)).reduce(Counts::default, |one, other| {
                Counts { next: added(one.next, other.next), bought: added(one.bought, other.bought) }
            });
        let mut products: HashMap<(u32, u32), Vec<(u32, u64)>> = HashMap::new();
        for ((main, product), customers) in counts.bought {
            products.entry((main, goods.wallet(product))).or_default().push((product, customers));
        }
        for list in products.values_mut() {
            list.sort_unstable_by_key(|(product, customers)| (Reverse(*customers), *product));
        }
        Self { main, members, next: counts.next, products }
    }

    /// Products of other wallets that this customer never bought: the wallets in the order of how many customers alike went on to them, then
    /// of their names; in each the products that most customers alike bought. The wallets take turns, so that the first products are
    /// the best of each.
    pub fn picks(
        &self,
        history: &History<'_>,
        goods: &Goods,
        at: (usize, usize),
        rule: &Recommend,
        may: &dyn Fn(u32) -> bool,
    ) -> Vec<Pick> {
        let (part, row) = (&history.book.parts[at.0], at.1);
        let main = self.main[at.0][row];
        let Some(members) = self.members.get(main as usize) else { return Vec::new() };
        let floor = rule.support.floor(*members);
        let (spends, total) = spends(history, goods, part, row);
        let small = |wallet: u32| spends.get(&wallet).copied().unwrap_or(0) * SMALL < total;
        let wallets = 0..u32::try_from(goods.wallets.len()).unwrap_or(u32::MAX);
        let went_on = wallets.filter(|wallet| *wallet != main && small(*wallet));
        let went_on = went_on.filter_map(|wallet| Some((wallet, *self.next.get(&(main, wallet))?)));
        let mut went_on: Vec<(u32, u64)> = went_on.filter(|(_, customers)| *customers >= floor).collect();
        went_on.sort_by_key(|(wallet, customers)| (Reverse(*customers), *wallet));
        let bought = ever_bought(part, row);
        let fit = |wallet: u32| {
            let products = self.products.get(&(main, wallet)).map(Vec::as_slice).unwrap_or_default().iter().map(|(product, _)| *product);
            products.filter(|product| bought.binary_search(product).is_err() && may(*product)).take(rule.count).collect::<Vec<u32>>()
        };
        let shelves: Vec<Vec<u32>> = went_on.into_iter().map(|(wallet, _)| fit(wallet)).collect();
        let turns = (0..rule.count).flat_map(|turn| shelves.iter().filter_map(move |shelf| shelf.get(turn)));
        turns.take(rule.count).map(|product| Pick { product: *product, because: Because::Wallet(main) }).collect()
    }
}

impl Counts {
    fn of(history: &History<'_>, goods: &Goods, part: &BookPart, main: &[u32]) -> Self {
        let mut counts = Self::default();
        for row in rows(history, part).filter(|row| main[*row] != NOTHING) {
            let main = main[row];
            for wallet in went_on_to(goods, part, row, main) {
                *counts.next.entry((main, wallet)).or_default() += 1;
            }
            for product in ever_bought(part, row) {
                let wallet = goods.wallet(product);
                if wallet != main && wallet != NOTHING && goods.is_there(product) {
                    *counts.bought.entry((main, product)).or_default() += 1;
                }
            }
        }
        counts
    }
}

/// What a customer spent on each wallet in the window, and in all.
fn spends(history: &History<'_>, goods: &Goods, part: &BookPart, row: usize) -> (HashMap<u32, i128>, i128) {
    let bounds = &history.bounds;
    let mut spends: HashMap<u32, i128> = HashMap::new();
    let mut total = 0;
    let window = bounds.window_start..bounds.settled.min(bounds.closing);
    for order in part.orders(row).filter(|order| window.contains(&order.at())) {
        for line in order.lines().filter(|line| part.lines.at[*line] < bounds.closing) {
            let amount = i128::from(part.lines.amount[line]);
            *spends.entry(goods.wallet_of_line(part, line)).or_default() += amount;
            total += amount;
        }
    }
    spends.remove(&NOTHING);
    (spends, total)
}

fn main_wallet(spends: &HashMap<u32, i128>) -> u32 {
    let largest = spends.iter().filter(|(_, spend)| **spend > 0).max_by_key(|(wallet, spend)| (**spend, Reverse(**wallet)));
    largest.map_or(NOTHING, |(wallet, _)| *wallet)
}

/// The other wallets of counted orders that came right after a counted order with something of the main wallet; each once.
fn went_on_to(goods: &Goods, part: &BookPart, row: usize, main: u32) -> Vec<u32> {
    let mut others = Vec::new();
    let mut after_main = false;
    for order in counted(part, row) {
        let wallets = || bought_lines(part, order).map(|line| goods.wallet_of_line(part, line));
        if after_main {
            others.extend(wallets().filter(|wallet| *wallet != main && *wallet != NOTHING));
        }
        after_main = wallets().any(|wallet| wallet == main);
    }
    others.sort_unstable();
    others.dedup();
    others
}
