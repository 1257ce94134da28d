//! Orders as sets of products.

use super::History;
use crate::domain::book::{BookPart, NOTHING, OrderView};

/// A customer's counted orders: those with a positive net, the earliest first.
pub fn counted(part: &BookPart, row: usize) -> impl DoubleEndedIterator<Item = OrderView<'_>> {
    part.orders(row).filter(|order| order.net() > 0)
}

/// The rows of a part that count: customers whom the shop does not exclude.
pub fn rows<'a>(history: &'a History<'_>, part: &'a BookPart) -> impl Iterator<Item = usize> + 'a {
    (0..part.customer_id.len()).filter(|row| !is_excluded(history, part.customer_id.get(*row)))
}

fn is_excluded(history: &History<'_>, id: &str) -> bool {
    history.excluded.binary_search_by(|(excluded, _)| excluded.as_str().cmp(id)).is_ok()
}

/// The lines of an order with a positive amount.
pub fn bought_lines<'a>(part: &'a BookPart, order: OrderView<'a>) -> impl Iterator<Item = usize> + 'a {
    order.lines().filter(|line| part.lines.amount[*line] > 0)
}

/// Puts the products of an order into `basket`, ascending, each once.
pub fn fill(part: &BookPart, order: OrderView<'_>, basket: &mut Vec<u32>) {
    basket.clear();
    basket.extend(bought_lines(part, order).map(|line| part.lines.product[line]).filter(|product| *product != NOTHING));
    basket.sort_unstable();
    basket.dedup();
}

/// Every product that a customer ever bought, ascending, each once.
pub fn ever_bought(part: &BookPart, row: usize) -> Vec<u32> {
    let lines = counted(part, row).flat_map(|order| bought_lines(part, order));
    let mut products: Vec<u32> = lines.map(|line| part.lines.product[line]).filter(|product| *product != NOTHING).collect();
    products.sort_unstable();
    products.dedup();
    products
}
