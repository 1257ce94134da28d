//! Collects lines into the order book: what points, redemptions and recommendations are made from.
//!
//! It is for jobs that ask for those only: the fold of features needs a small share of the memory.

use super::{Error, PARTITIONS, Partitions};
use crate::domain::book::{BookLines, NOTHING};
use crate::domain::{BookPart, OrderBook, Texts};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use hashbrown::HashMap;
use rayon::prelude::*;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The columns whose values the whole book shares.
const LABELS: [&str; 4] = ["product", "category", "coupon", "store"];

/// Lines on their way into an order book. `add` may be called from many threads at once; what comes out does not depend on who added
/// what when.
#[derive(Debug)]
pub struct Book {
    as_of: i64,
    partitions: Partitions,
    labels: [Mutex<Names>; LABELS.len()],
    parts: Vec<Mutex<Part>>,
}

#[derive(Debug, Default)]
struct Part {
    customers: Names,
    orders: Names,
    lines: Vec<Line>,
}

/// A line with its strings as numbers. Lines are sorted by the fields in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    customer: u32,
    /// [`NOTHING`]: an order of its own.
    order: u32,
    at: i64,
    amount: i64,
    quantity: i64,
    points_used: i64,
    labels: [u32; LABELS.len()],
}

/// Strings, numbered as they come.
#[derive(Debug, Default)]
struct Names {
    numbers: HashMap<String, u32>,
}

impl Names {
    fn number(&mut self, name: &str) -> Result<u32, Error> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        let number = u32::try_from(self.numbers.len()).ok().filter(|number| *number != NOTHING).ok_or(Error::TooMany)?;
        self.numbers.insert(name.to_owned(), number);
        Ok(number)
    }

    /// The names in order, and for each number its place among them.
    fn sorted(self) -> (Texts, Vec<u32>) {
        let mut names: Vec<(String, u32)> = self.numbers.into_iter().collect();
        names.par_sort_unstable();
        let mut places = vec![0; names.len()];
        for (place, (_, number)) in (0..).zip(&names) {
            places[*number as usize] = place;
        }
        (names.iter().map(|(name, _)| name.as_str()).collect(), places)
    }
}

impl Book {
    /// A book of the lines before `as_of` (microseconds UTC).
    #[must_use]
    pub fn new(as_of: i64, partitions: Partitions) -> Self {
        Self { as_of, partitions, labels: Default::default(), parts: (0..PARTITIONS).map(|_| Mutex::default()).collect() }
    }

    /// Adds lines as `purchases` gives them when details are asked for; columns that are not mapped are not there.
    pub fn add(&self, batch: &RecordBatch) -> Result<(), Error> {
        let columns = Columns::of(batch)?;
        let labels = self.number_labels(&columns)?;
        let mut dealt: Vec<Vec<usize>> = vec![Vec::new(); PARTITIONS];
        for row in (0..batch.num_rows()).filter(|row| columns.at[*row] < self.as_of) {
            dealt[self.partitions.of(columns.customers.value(row))].push(row);
        }
        for (part, rows) in self.parts.iter().zip(&dealt).filter(|(_, rows)| !rows.is_empty()) {
            let mut part = lock(part);
            for &row in rows {
                let customer = part.customers.number(columns.customers.value(row))?;
                let order = match columns.order(row) {
                    Some(id) => part.orders.number(&id)?,
                    None => NOTHING,
                };
                part.lines.push(Line {
                    customer,
                    order,
                    at: columns.at[row],
                    amount: columns.amounts[row],
                    quantity: number_at(columns.quantity, row).unwrap_or(1),
                    points_used: number_at(columns.points_used, row).unwrap_or(0),
                    labels: std::array::from_fn(|label| labels[label].get(row).copied().unwrap_or(NOTHING)),
                });
            }
        }
        Ok(())
    }

    /// The number of each row's labels; no numbers where the column is not there.
    fn number_labels(&self, columns: &Columns) -> Result<[Vec<u32>; LABELS.len()], Error> {
        let mut numbered: [Vec<u32>; LABELS.len()] = Default::default();
        for ((values, names), numbers) in columns.labels.iter().zip(&self.labels).zip(&mut numbered) {
            let Some(values) = values else { continue };
            let mut names = lock(names);
            for row in 0..values.len() {
                let there = columns.at[row] < self.as_of && values.is_valid(row) && !values.value(row).is_empty();
                numbers.push(if there { names.number(values.value(row))? } else { NOTHING });
            }
        }
        Ok(numbered)
    }

    /// The finished book.
    pub fn finish(self) -> Result<OrderBook, Error> {
        let mut places: Vec<Vec<u32>> = Vec::new();
        let mut names = self.labels.map(|names| {
            let (texts, own) = names.into_inner().unwrap_or_else(PoisonError::into_inner).sorted();
            places.push(own);
            texts
        });
        let parts: Result<Vec<BookPart>, Error> = self
            .parts
            .into_par_iter()
            .with_max_len(1)
            .map(|part| finish(part.into_inner().unwrap_or_else(PoisonError::into_inner), &places))
            .collect();
        let [products, categories, coupons, stores] = names.each_mut().map(std::mem::take);
        Ok(OrderBook { products, categories, coupons, stores, parts: parts? })
    }
}

fn finish(part: Part, places: &[Vec<u32>]) -> Result<BookPart, Error> {
    let (customer_id, customers) = part.customers.sorted();
    let (order_ids, orders) = part.orders.sorted();
    let mut lines = part.lines;
    let place = |places: &[u32], number: u32| places.get(number as usize).copied().unwrap_or(NOTHING);
    for line in &mut lines {
        line.customer = place(&customers, line.customer);
        line.order = place(&orders, line.order);
        for (label, places) in line.labels.iter_mut().zip(places) {
            *label = place(places, *label);
        }
    }
    lines.sort_unstable();
    let mut grouped: Vec<&[Line]> =
        lines.chunk_by(|one, other| one.customer == other.customer && one.order == other.order && one.order != NOTHING).collect();
    grouped.sort_by_key(|order| (order[0].customer, order[0].at, order[0].order));
    let mut book = BookPart { customer_id, ..BookPart::default() };
    let mut next_customer = 0;
    for order in grouped {
        let first = order[0];
        while next_customer <= first.customer as usize {
            book.orders_from.push(book.at.len());
            next_customer += 1;
        }
        let net = order.iter().try_fold(0_i64, |net, line| net.checked_add(line.amount));
        let overflow = || Error::Overflow { customer: book.customer_id.get(first.customer as usize).to_owned() };
        book.net.push(net.ok_or_else(overflow)?);
        book.at.push(first.at);
        book.order_id.push(if first.order == NOTHING { "" } else { order_ids.get(first.order as usize) });
        book.lines_from.push(book.lines.at.len());
        for line in order {
            push(&mut book.lines, line);
        }
    }
    book.orders_from.push(book.at.len());
    book.lines_from.push(book.lines.at.len());
    Ok(book)
}

fn push(lines: &mut BookLines, line: &Line) {
    lines.at.push(line.at);
    lines.amount.push(line.amount);
    lines.quantity.push(line.quantity);
    lines.points_used.push(line.points_used);
    let [product, category, coupon, store] = line.labels;
    lines.product.push(product);
    lines.category.push(category);
    lines.coupon.push(coupon);
    lines.store.push(store);
}

/// The columns of a batch.
struct Columns<'a> {
    customers: &'a StringViewArray,
    orders: &'a ArrayRef,
    at: &'a [i64],
    amounts: &'a [i64],
    quantity: Option<&'a Int64Array>,
    points_used: Option<&'a Int64Array>,
    labels: [Option<&'a StringViewArray>; LABELS.len()],
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, Error> {
        let column = |name: &'static str| batch.column_by_name(name).ok_or(Error::Column { column: name, found: "nothing".into() });
        let wrong = |column: &'static str, found: &ArrayRef| Error::Column { column, found: found.data_type().to_string() };
        let (customer, at, amount) = (column("customer")?, column("at")?, column("amount")?);
        let number = |name: &str| batch.column_by_name(name).and_then(|found| found.as_primitive_opt::<Int64Type>());
        Ok(Self {
            customers: customer.as_string_view_opt().ok_or_else(|| wrong("customer", customer))?,
            orders: column("order")?,
            at: at.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(|| wrong("at", at))?.values(),
            amounts: amount.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong("amount", amount))?.values(),
            quantity: number("quantity"),
            points_used: number("points_used"),
            labels: LABELS.map(|name| batch.column_by_name(name).and_then(|found| found.as_string_view_opt())),
        })
    }

    /// The order id as text; `None` where the line is an order of its own.
    fn order(&self, row: usize) -> Option<String> {
        if self.orders.is_null(row) {
            return None;
        }
        match self.orders.as_string_view_opt() {
            Some(texts) => Some(texts.value(row)).filter(|id| !id.is_empty()).map(str::to_owned),
            None => self.orders.as_primitive_opt::<Int64Type>().map(|numbers| numbers.value(row).to_string()),
        }
    }
}

fn number_at(column: Option<&Int64Array>, row: usize) -> Option<i64> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::TimestampMicrosecondArray;
    use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
    use std::sync::Arc;

    type Row = (&'static str, Option<&'static str>, i64, i64, Option<i64>, Option<&'static str>);

    fn batch(rows: &[Row]) -> RecordBatch {
        let views = |values: Vec<Option<&str>>| Arc::new(StringViewArray::from(values)) as ArrayRef;
        let at = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.2)).with_timezone("UTC");
        let columns: Vec<(&str, DataType, ArrayRef)> = vec![
            ("customer", DataType::Utf8View, views(rows.iter().map(|row| Some(row.0)).collect())),
            ("order", DataType::Utf8View, views(rows.iter().map(|row| row.1).collect())),
            ("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), Arc::new(at)),
            ("amount", DataType::Int64, Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.3)))),
            ("points_used", DataType::Int64, Arc::new(rows.iter().map(|row| row.4).collect::<Int64Array>())),
            ("product", DataType::Utf8View, views(rows.iter().map(|row| row.5).collect())),
        ];
        let fields: Vec<Field> = columns.iter().map(|(name, kind, _)| Field::new(*name, kind.clone(), true)).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(.., values)| values).collect()).unwrap()
    }

    fn book(batches: &[&[Row]]) -> OrderBook {
        let book = Book::new(100, Partitions::default());
        for rows in batches {
            book.add(&batch(rows)).unwrap();
        }
        book.finish().unwrap()
    }

    const LINES: [Row; 7] = [
        ("C2", Some("o1"), 5, 300, None, Some("tea")),
        ("C1", Some("o1"), 9, 100, Some(20), Some("beef")),
        ("C1", Some("o1"), 7, 50, Some(5), Some("tea")),
        ("C1", None, 3, 10, None, None),
        ("C1", None, 3, 10, None, Some("")),
        ("C1", Some("o0"), 7, -60, None, Some("beef")),
        ("C1", Some("o9"), 100, 1, None, Some("never")),
    ];

    #[test]
    fn lines_become_orders_of_customers_in_the_order_of_time() {
        let book = book(&[&LINES]);
        assert_eq!(book.products.iter().collect::<Vec<_>>(), ["beef", "tea"]);
        let part = &book.parts[Partitions::default().of("C1")];
        let row = part.find("C1").unwrap();
        let orders: Vec<_> = part.orders(row).map(|order| (order.id(), order.at(), order.net(), order.points_used())).collect();
        assert_eq!(orders, [("", 3, 10, 0), ("", 3, 10, 0), ("o0", 7, -60, 0), ("o1", 7, 150, 25)]);
        let last = part.orders(row).next_back().unwrap();
        let products: Vec<&str> = last.lines().map(|line| book.products.get(part.lines.product[line] as usize)).collect();
        assert_eq!(products, ["tea", "beef"]);
        let other = &book.parts[Partitions::default().of("C2")];
        assert_eq!(
            other.orders(other.find("C2").unwrap()).map(|order| order.net()).collect::<Vec<_>>(),
            [300],
            "an id is a customer's own"
        );
        assert_eq!(part.find("C3"), None);
    }

    #[test]
    fn the_book_does_not_depend_on_the_order_of_rows() {
        let mut turned = LINES;
        turned.reverse();
        let (front, back) = turned.split_at(3);
        assert_eq!(book(&[&LINES]), book(&[back, front]));
    }
}
