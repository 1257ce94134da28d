//! The same recommendations again, told as plainly as they are written down and without any thought of speed.

use crate::domain::customers::Product;
use crate::domain::recommend::{Recommend, Source, Wallet};
use std::collections::{BTreeMap, BTreeSet};

/// An order on a day: product, category, amount of each line; an empty text is nothing.
#[derive(Debug, Clone)]
pub struct Order {
    pub day: i64,
    pub lines: Vec<(String, String, i64)>,
}

/// A customer and its orders in the order of time; whether the shop excludes it.
#[derive(Debug, Clone)]
pub struct Customer {
    pub id: String,
    pub excluded: bool,
    pub orders: Vec<Order>,
}

#[derive(Debug, Clone)]
pub struct Shop {
    pub customers: Vec<Customer>,
    pub products: Option<Vec<Product>>,
    pub tells_stock: bool,
    pub wallets: Vec<Wallet>,
    /// Days of the window that decides ranks: the first one in it, and the first one behind it.
    pub window: (i64, i64),
    pub as_of: i64,
}

impl Order {
    fn counts(&self) -> bool {
        self.lines.iter().map(|line| line.2).sum::<i64>() > 0
    }

    fn products(&self) -> BTreeSet<&str> {
        self.lines.iter().filter(|line| line.2 > 0 && !line.0.is_empty()).map(|line| line.0.as_str()).collect()
    }
}

impl Customer {
    fn counted(&self) -> Vec<&Order> {
        self.orders.iter().filter(|order| order.counts()).collect()
    }

    fn bought(&self) -> BTreeSet<&str> {
        self.counted().iter().flat_map(|order| order.products()).collect()
    }
}

impl Shop {
    fn listed(&self, product: &str) -> Option<&Product> {
        self.products.as_ref()?.iter().find(|listed| listed.id == product)
    }

    fn may(&self, product: &str, rule: &Recommend) -> bool {
        let there = match (&self.products, self.listed(product)) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(listed)) => !self.tells_stock || listed.stock.unwrap_or(0) > 0,
        };
        let named = rule.on.as_ref().is_none_or(|on| {
            on.product.iter().any(|id| id == product) || self.category(product).is_some_and(|category| on.category.contains(&category))
        });
        there && named
    }

    fn line_category(&self, line: &(String, String, i64)) -> Option<String> {
        if line.1.is_empty() { self.listed(&line.0).and_then(|listed| listed.category.clone()) } else { Some(line.1.clone()) }
    }

    fn category(&self, product: &str) -> Option<String> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for order in self.customers.iter().filter(|customer| !customer.excluded).flat_map(Customer::counted) {
            for line in order.lines.iter().filter(|line| line.0 == product && line.2 > 0) {
                if let Some(category) = self.line_category(line) {
                    *counts.entry(category).or_default() += 1;
                }
            }
        }
        let most = counts.values().max().copied();
        let first = counts.into_iter().find(|(_, count)| Some(*count) == most).map(|(category, _)| category);
        first.or_else(|| self.listed(product).and_then(|listed| listed.category.clone()))
    }

    fn wallet(&self, category: Option<String>) -> Option<String> {
        let category = category?;
        let named = self.wallets.iter().find(|wallet| wallet.categories.contains(&category));
        Some(named.map_or(category, |wallet| wallet.name.clone()))
    }

    /// The products recommended to a customer, and the product, wallet or days that are the reason.
    pub fn recommends(&self, customer: &Customer, rule: &Recommend) -> Vec<(String, String)> {
        let mut found = match rule.from {
            Source::BuyAgain => self.again(customer, rule),
            Source::BoughtTogether => self.together(customer, rule),
            Source::OtherWallets => self.other_wallets(customer, rule),
        };
        found.truncate(rule.count);
        found
    }

    fn again(&self, customer: &Customer, rule: &Recommend) -> Vec<(String, String)> {
        let mut due = Vec::new();
        for product in customer.bought().into_iter().filter(|product| self.may(product, rule)) {
            let days: BTreeSet<i64> =
                customer.counted().iter().filter(|order| order.products().contains(product)).map(|order| order.day).collect();
            let days: Vec<i64> = days.into_iter().collect();
            if days.len() < 3 {
                continue;
            }
            let mut between: Vec<i64> = days.windows(2).map(|pair| pair[1] - pair[0]).collect();
            between.sort_unstable();
            #[expect(clippy::cast_precision_loss, reason = "a few days")]
            let (median, since) =
                ((between[between.len() / 2] + between[(between.len() - 1) / 2]) as f64 / 2.0, (self.as_of - days[days.len() - 1]) as f64);
            let times = since / median;
            let least = f64::from(rule.overdue.from) / 1000.0;
            if times >= least - 1e-9 && rule.overdue.to.is_none_or(|to| times <= f64::from(to) / 1000.0 + 1e-9) {
                due.push((times, product.to_owned(), format!("{}", (median + 0.5).floor())));
            }
        }
        due.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        due.into_iter().map(|(_, product, days)| (product, days)).collect()
    }

    fn baskets(&self) -> Vec<BTreeSet<&str>> {
        let customers = self.customers.iter().filter(|customer| !customer.excluded);
        let orders = customers.flat_map(Customer::counted).map(Order::products);
        orders.filter(|basket| !basket.is_empty() && basket.len() <= super::together::WIDEST).collect()
    }

    fn together(&self, customer: &Customer, rule: &Recommend) -> Vec<(String, String)> {
        let baskets = self.baskets();
        let with = |one: &str| baskets.iter().filter(|basket| basket.contains(one)).count() as u64;
        let both = |one: &str, other: &str| baskets.iter().filter(|basket| basket.contains(one) && basket.contains(other)).count() as u64;
        let floor = rule.support.floor(baskets.len() as u64);
        let counted = customer.counted();
        let Some(day) = counted.iter().filter(|order| !order.products().is_empty()).map(|order| order.day).max() else { return Vec::new() };
        let last: BTreeSet<&str> = counted.iter().filter(|order| order.day == day).flat_map(|order| order.products()).collect();
        let products: BTreeSet<&str> = baskets.iter().flatten().copied().collect();
        let mut rules = Vec::new();
        for seed in &last {
            for other in products.difference(&customer.bought()) {
                let (pair, chance) = (both(seed, other), with(seed) * with(other));
                if pair >= floor && pair * baskets.len() as u64 > chance && self.may(other, rule) {
                    rules.push((pair, chance, (*other).to_owned(), (*seed).to_owned()));
                }
            }
        }
        rules.sort_by(|one, other| {
            let by_lift = (other.0 * one.1).cmp(&(one.0 * other.1)).then(other.0.cmp(&one.0));
            by_lift.then((&one.2, &one.3).cmp(&(&other.2, &other.3)))
        });
        let mut found: Vec<(String, String)> = Vec::new();
        for (_, _, product, seed) in rules {
            if found.iter().all(|(known, _)| *known != product) {
                found.push((product, seed));
            }
        }
        found
    }

    fn spends(&self, customer: &Customer) -> (BTreeMap<String, i64>, i64) {
        let (mut spends, mut total) = (BTreeMap::new(), 0);
        for order in customer.orders.iter().filter(|order| (self.window.0..self.window.1).contains(&order.day)) {
            for line in &order.lines {
                total += line.2;
                if let Some(wallet) = self.wallet(self.line_category(line)) {
                    *spends.entry(wallet).or_default() += line.2;
                }
            }
        }
        (spends, total)
    }

    fn main_wallet(&self, customer: &Customer) -> Option<String> {
        let (spends, _) = self.spends(customer);
        let most = spends.values().max().copied().filter(|most| *most > 0)?;
        spends.into_iter().find(|(_, spend)| *spend == most).map(|(wallet, _)| wallet)
    }

    fn wallets_of(&self, order: &Order) -> BTreeSet<String> {
        order.lines.iter().filter(|line| line.2 > 0).filter_map(|line| self.wallet(self.line_category(line))).collect()
    }

    fn other_wallets(&self, customer: &Customer, rule: &Recommend) -> Vec<(String, String)> {
        let Some(main) = self.main_wallet(customer) else { return Vec::new() };
        let alike: Vec<&Customer> =
            self.customers.iter().filter(|other| !other.excluded && self.main_wallet(other).as_ref() == Some(&main)).collect();
        let (spends, total) = self.spends(customer);
        let every: BTreeSet<String> = self.customers.iter().flat_map(|one| &one.orders).flat_map(|order| self.wallets_of(order)).collect();
        let mut ranked = Vec::new();
        for wallet in every.into_iter().filter(|wallet| *wallet != main && spends.get(wallet).unwrap_or(&0) * 10 < total) {
            let went_on = |other: &&&Customer| {
                let orders: Vec<BTreeSet<String>> = other.counted().into_iter().map(|order| self.wallets_of(order)).collect();
                orders.windows(2).any(|pair| pair[0].contains(&main) && pair[1].contains(&wallet))
            };
            let customers = alike.iter().filter(went_on).count() as u64;
            if customers >= rule.support.floor(alike.len() as u64) {
                ranked.push((customers, wallet));
            }
        }
        ranked.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
        let stack = |wallet: &String| {
            let mut products: BTreeMap<&str, usize> = BTreeMap::new();
            for product in alike.iter().flat_map(|other| other.bought()) {
                let fits = self.wallet(self.category(product)).as_ref() == Some(wallet) && !customer.bought().contains(product);
                if fits && self.may(product, rule) {
                    *products.entry(product).or_default() += 1;
                }
            }
            let mut products: Vec<(&str, usize)> = products.into_iter().collect();
            products.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
            products.into_iter().map(|(product, _)| product.to_owned()).collect::<Vec<_>>()
        };
        let shelves: Vec<Vec<String>> = ranked.iter().map(|(_, wallet)| stack(wallet)).collect();
        let turns = (0..rule.count).flat_map(|turn| shelves.iter().filter_map(move |shelf| shelf.get(turn).cloned()));
        turns.map(|product| (product, main.clone())).collect()
    }
}
