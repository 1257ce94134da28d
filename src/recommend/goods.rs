//! The products of the order book: what they are, what wallet they belong to, and whether they may be offered.
//!
//! The category of a line is its own, else the product list's. The category of a product is the one that most of its bought lines have,
//! a tie goes to the smaller name. A wallet holds the categories that the job names, and the category that is called like it; a category
//! that no wallet names is a wallet of its own.

use super::History;
use super::baskets::{bought_lines, counted, rows};
use crate::domain::book::{BookPart, NOTHING};
use crate::domain::customers::Product;
use crate::domain::offer::On;
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap};

pub struct Goods {
    /// Every category of purchases and product list, sorted.
    categories: Vec<String>,
    /// For each category of the book its place in `categories`.
    of_book: Vec<u32>,
    /// Every wallet, sorted; and the wallet of each category.
    pub wallets: Vec<String>,
    wallet_of: Vec<u32>,
    products: Vec<Good>,
}

struct Good {
    /// The place in the product list.
    listed: Option<usize>,
    /// The product list's category.
    list_category: u32,
    category: u32,
    /// The shop has it.
    there: bool,
}

impl Goods {
    pub fn of(history: &History<'_>) -> Self {
        let list = history.products.unwrap_or_default();
        let categories: BTreeSet<&str> =
            history.book.categories.iter().chain(list.iter().filter_map(|product| product.category.as_deref())).collect();
        let categories: Vec<String> = categories.into_iter().map(str::to_owned).collect();
        let place = |name: &str| place_in(&categories, name);
        let products = history.book.products.iter().map(|id| {
            let listed = list.binary_search_by(|product| product.id.as_str().cmp(id)).ok();
            let product = listed.and_then(|at| list.get(at));
            let there = match (history.products, product) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(_), Some(product)) => !history.tells_stock || product.stock.is_some_and(|stock| stock > 0),
            };
            let list_category = product.and_then(|product| product.category.as_deref()).map_or(NOTHING, place);
            Good { listed, list_category, category: list_category, there }
        });
        let products = products.collect();
        let of_book = history.book.categories.iter().map(place).collect();
        let names = categories.iter().map(|category| wallet_name(history, category));
        let wallets: Vec<String> = names.clone().collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect();
        let wallet_of = names.map(|name| place_in(&wallets, name)).collect();
        let mut goods = Self { categories, of_book, wallets, wallet_of, products };
        goods.settle_categories(history);
        goods
    }

    /// Gives each product the category that most of its lines have.
    fn settle_categories(&mut self, history: &History<'_>) {
        let one_part = |part: &BookPart| {
            let mut lines: HashMap<(u32, u32), u64> = HashMap::new();
            for row in rows(history, part) {
                for line in counted(part, row).flat_map(|order| bought_lines(part, order)) {
                    let (product, category) = (part.lines.product[line], self.category_of_line(part, line));
                    if product != NOTHING && category != NOTHING {
                        *lines.entry((product, category)).or_default() += 1;
                    }
                }
            }
            lines
        };
        let lines = history.book.parts.par_iter().map(one_part).reduce(HashMap::new, added);
        let mut best: Vec<Option<(u64, u32)>> = vec![None; self.products.len()];
        for ((product, category), count) in lines {
            let best = &mut best[product as usize];
            if best.is_none_or(|(most, first)| (count, first) > (most, category)) {
                *best = Some((count, category));
            }
        }
        for (good, best) in self.products.iter_mut().zip(best) {
            good.category = best.map_or(good.category, |(_, category)| category);
        }
    }

    /// The category of a line; [`NOTHING`] when nobody knows.
    fn category_of_line(&self, part: &BookPart, line: usize) -> u32 {
        match (part.lines.category[line], part.lines.product[line]) {
            (NOTHING, NOTHING) => NOTHING,
            (NOTHING, product) => self.products[product as usize].list_category,
            (category, _) => self.of_book[category as usize],
        }
    }

    fn wallet_of_category(&self, category: u32) -> u32 {
        self.wallet_of.get(category as usize).copied().unwrap_or(NOTHING)
    }

    /// The wallet of a line; [`NOTHING`] without a category.
    pub fn wallet_of_line(&self, part: &BookPart, line: usize) -> u32 {
        self.wallet_of_category(self.category_of_line(part, line))
    }

    pub fn wallet(&self, product: u32) -> u32 {
        self.wallet_of_category(self.products[product as usize].category)
    }

    pub fn category(&self, product: u32) -> Option<&str> {
        self.categories.get(self.products[product as usize].category as usize).map(String::as_str)
    }

    /// The product list's row of a product.
    pub fn listed<'a>(&self, product: u32, history: &History<'a>) -> Option<&'a Product> {
        history.products?.get(self.products[product as usize].listed?)
    }

    /// Whether the shop has the product now.
    pub fn is_there(&self, product: u32) -> bool {
        self.products[product as usize].there
    }

    /// Whether a rule may recommend the product: the shop has it, and it is `on` what the rule names.
    pub fn may(&self, product: u32, on: Option<&On>, history: &History<'_>) -> bool {
        let named = |on: &On| {
            let id = history.book.products.get(product as usize);
            let category = self.category(product);
            on.product.iter().any(|named| named == id) || on.category.iter().any(|named| Some(named.as_str()) == category)
        };
        self.is_there(product) && on.is_none_or(named)
    }
}

/// The wallet of a category: the one that names it, else one of its own name.
fn wallet_name<'a>(history: &History<'a>, category: &'a str) -> &'a str {
    let named = history.wallets.iter().find(|wallet| wallet.categories.iter().any(|named| named == category));
    named.map_or(category, |wallet| wallet.name.as_str())
}

fn place_in(sorted: &[String], name: &str) -> u32 {
    sorted.binary_search_by(|known| known.as_str().cmp(name)).ok().and_then(|at| u32::try_from(at).ok()).unwrap_or(NOTHING)
}

/// Two counts in one; the order does not matter.
pub fn added<K: Eq + std::hash::Hash>(one: HashMap<K, u64>, other: HashMap<K, u64>) -> HashMap<K, u64> {
    let (mut large, small) = if one.len() < other.len() { (other, one) } else { (one, other) };
    for (key, count) in small {
        *large.entry(key).or_default() += count;
    }
    large
}
