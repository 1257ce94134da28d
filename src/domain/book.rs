//! The order book: every order of every customer, as columns, for what features are too short to tell: points, redemptions,
//! recommendations.

use super::Texts;
use super::offer::On;

/// In a column of places: nothing is there.
pub const NOTHING: u32 = u32::MAX;

/// The orders of the whole shop that are known at an as-of date, a part for each hash partition of customers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderBook {
    /// Every product, category, coupon code and store that occurs, sorted (UTF-8 bytes); lines hold places in these.
    pub products: Texts,
    pub categories: Texts,
    pub coupons: Texts,
    pub stores: Texts,
    pub parts: Vec<BookPart>,
}

/// One partition. Customers are sorted by id (UTF-8 bytes), a customer's orders by time and id, an order's lines by their values: the
/// same purchases give the same book, however they lie in files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BookPart {
    pub customer_id: Texts,
    /// Where each customer's orders begin, and behind the last one where they end.
    pub orders_from: Vec<usize>,
    /// The order's id; empty for a line that is an order of its own.
    pub order_id: Texts,
    /// Its earliest line, microseconds UTC.
    pub at: Vec<i64>,
    /// The sum of its lines, minor units; 0 or less counts as no order.
    pub net: Vec<i64>,
    /// Where each order's lines begin, and behind the last one where they end.
    pub lines_from: Vec<usize>,
    pub lines: BookLines,
}

/// The lines of a partition's orders; all columns are equally long.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BookLines {
    /// Microseconds UTC.
    pub at: Vec<i64>,
    /// Minor units.
    pub amount: Vec<i64>,
    /// Pieces; 1 where no column is mapped or the cell is empty.
    pub quantity: Vec<i64>,
    pub points_used: Vec<i64>,
    /// Places in the book's names; [`NOTHING`] where there is none.
    pub product: Vec<u32>,
    pub category: Vec<u32>,
    pub coupon: Vec<u32>,
    pub store: Vec<u32>,
}

/// One order of a part.
#[derive(Debug, Clone, Copy)]
pub struct OrderView<'a> {
    part: &'a BookPart,
    place: usize,
}

impl BookPart {
    /// The orders of the customer of a row, the earliest first.
    pub fn orders(&self, row: usize) -> impl DoubleEndedIterator<Item = OrderView<'_>> + ExactSizeIterator {
        let from = self.orders_from.get(row).copied().unwrap_or_default();
        let until = self.orders_from.get(row + 1).copied().unwrap_or(from);
        (from..until).map(move |place| OrderView { part: self, place })
    }

    /// The row of a customer.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.customer_id.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.customer_id.get(middle).cmp(id) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

impl<'a> OrderView<'a> {
    #[must_use]
    pub fn id(&self) -> &'a str {
        self.part.order_id.get(self.place)
    }

    /// Microseconds UTC.
    #[must_use]
    pub fn at(&self) -> i64 {
        self.part.at[self.place]
    }

    /// Minor units.
    #[must_use]
    pub fn net(&self) -> i64 {
        self.part.net[self.place]
    }

    /// The places of its lines in the part's [`BookLines`].
    #[must_use]
    pub fn lines(&self) -> std::ops::Range<usize> {
        self.part.lines_from[self.place]..self.part.lines_from[self.place + 1]
    }

    /// The net of its lines in some categories or products, not below 0; the whole net where the book has neither column.
    #[must_use]
    pub fn net_on(&self, book: &OrderBook, on: &On) -> i64 {
        let told = (!on.category.is_empty() && !book.categories.is_empty()) || (!on.product.is_empty() && !book.products.is_empty());
        if !told {
            return self.net();
        }
        let lines = &self.part.lines;
        let named =
            |names: &[String], label: u32, all: &Texts| label != NOTHING && names.iter().any(|name| name == all.get(label as usize));
        let is_on = |line: &usize| {
            named(&on.category, lines.category[*line], &book.categories) || named(&on.product, lines.product[*line], &book.products)
        };
        self.lines().filter(is_on).fold(0_i64, |net, line| net.saturating_add(lines.amount[line])).max(0)
    }

    /// Points used in it, all lines together.
    #[must_use]
    pub fn points_used(&self) -> i64 {
        self.part.lines.points_used[self.lines()].iter().fold(0, |sum, used| sum.saturating_add(*used))
    }
}
