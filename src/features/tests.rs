//! The fold against a naive loop over the same lines, and the file it is written to.

use super::room::Room;
use super::{Error, Fold, Folded, PARTITIONS, Partitions, write};
use crate::domain::{Bounds, FeatureRow, Features};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use proptest::prelude::*;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

const BOUNDS: Bounds = Bounds {
    as_of: 100,
    closing: 80,
    window_start: 30,
    due_start: 20,
    next_start: 40,
    keep_start: 60,
    settled: 80,
    next_settled: 100,
    keep_settled: 100,
};
/// The same with a return period.
const SETTLING: Bounds = Bounds { settled: 68, next_settled: 90, keep_settled: 97, ..BOUNDS };

#[derive(Debug, Clone)]
struct Line {
    customer: String,
    order: Option<i64>,
    at: i64,
    amount: i64,
    category: Option<String>,
}

fn line() -> impl Strategy<Value = Line> {
    let order = prop_oneof![1 => Just(None), 6 => (0_i64..6).prop_map(Some)];
    let category = prop_oneof![Just(None), "[a-d]".prop_map(Some)];
    // Some ids are longer than what fits into a view, and some are the beginning of others.
    let customer = prop_oneof!["[ab]{1,2}", "a customer with a long id [0-3]"];
    (customer, order, 0_i64..110, -50_i64..100, category).prop_map(|(customer, order, at, amount, category)| Line {
        customer,
        order,
        at,
        amount,
        category,
    })
}

fn batch(lines: &[Line], texts: bool) -> RecordBatch {
    let order: ArrayRef = if texts {
        // The empty text means the same as a null.
        Arc::new(lines.iter().map(|line| line.order.map(order_text).or(Some(String::new()))).collect::<StringViewArray>())
    } else {
        Arc::new(lines.iter().map(|line| line.order).collect::<Int64Array>())
    };
    let at = TimestampMicrosecondArray::from_iter_values(lines.iter().map(|line| line.at)).with_timezone("UTC");
    RecordBatch::try_from_iter([
        ("customer", Arc::new(lines.iter().map(|line| Some(line.customer.as_str())).collect::<StringViewArray>()) as ArrayRef),
        ("order", order),
        ("at", Arc::new(at)),
        ("amount", Arc::new(lines.iter().map(|line| Some(line.amount)).collect::<Int64Array>())),
        ("category", Arc::new(lines.iter().map(|line| line.category.as_deref()).collect::<StringViewArray>())),
    ])
    .unwrap()
}

fn order_text(order: i64) -> String {
    if order < 3 { order.to_string() } else { format!("an order with a long id {order}") }
}

/// What `features.sql` says, in the plainest words.
fn naive(lines: &[Line], texts: bool, bounds: &Bounds) -> BTreeMap<String, (FeatureRow, String)> {
    let mut orders: BTreeMap<(String, String), Vec<&Line>> = BTreeMap::new();
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| line.at < bounds.as_of) {
        let order = match line.order {
            Some(order) if texts => order_text(order),
            Some(order) => order.to_string(),
            None => format!("\0{number}"),
        };
        orders.entry((line.customer.clone(), order)).or_default().push(line);
    }
    let mut customers: BTreeMap<String, (FeatureRow, String)> = BTreeMap::new();
    for ((customer, order), lines) in orders {
        let (row, last) = customers.entry(customer).or_default();
        let at = lines.iter().map(|line| line.at).min().unwrap();
        let net: i64 = lines.iter().map(|line| line.amount).sum();
        let settled = |until: i64, net: i64| if at < until { net } else { 0 };
        let closing = settled(bounds.settled, lines.iter().filter(|line| line.at < bounds.closing).map(|line| line.amount).sum());
        let count = |yes: bool| i64::from(yes);
        if net > 0 {
            row.first_order_at = Some(row.first_order_at.unwrap_or(at).min(at));
            let order = if order.starts_with('\0') { String::new() } else { order };
            if row.last_order_at.is_none_or(|last_at| at > last_at || at == last_at && order > *last) {
                *last = order;
            }
            row.last_order_at = Some(row.last_order_at.unwrap_or(at).max(at));
            for line in lines.iter().filter(|line| line.amount > 0) {
                row.bought |= match line.category.as_deref() {
                    Some("a") => 1,
                    Some("c") => 2,
                    _ => 0,
                };
            }
        }
        if closing > 0 {
            row.first_order_closing = Some(row.first_order_closing.unwrap_or(at).min(at));
        }
        row.orders_ever += count(closing > 0);
        row.spend_ever += closing;
        row.orders += count(closing > 0 && at >= bounds.window_start);
        row.spend += if at >= bounds.window_start { closing } else { 0 };
        row.due_orders += count(closing > 0 && at >= bounds.due_start);
        row.due_spend += if at >= bounds.due_start { closing } else { 0 };
        let (ahead, keep) = (settled(bounds.next_settled, net), settled(bounds.keep_settled, net));
        row.next_orders_known += count(ahead > 0 && at >= bounds.next_start);
        row.next_spend_known += if at >= bounds.next_start { ahead } else { 0 };
        row.keep_orders_known += count(keep > 0 && at >= bounds.keep_start);
        row.keep_spend_known += if at >= bounds.keep_start { keep } else { 0 };
        row.next_orders_ever_known += count(ahead > 0);
        row.next_spend_ever_known += ahead;
        row.keep_orders_ever_known += count(keep > 0);
        row.keep_spend_ever_known += keep;
        row.mark = row.mark.wrapping_add(super::sum::mark(at, net.into()));
    }
    customers
}

fn folded(parts: &[Features]) -> BTreeMap<String, (FeatureRow, String)> {
    let mut customers = BTreeMap::new();
    for (number, part) in parts.iter().enumerate() {
        assert!(part.customer_id.iter().is_sorted());
        assert_eq!((part.customer_id.len(), part.last_order.len()), (part.rows.len(), part.rows.len()));
        for (row, id) in part.customer_id.iter().enumerate() {
            assert_eq!(Partitions::default().of(id), number);
            let twice = customers.insert(id.to_owned(), (part.rows[row], part.last_order.get(row).to_owned()));
            assert!(twice.is_none(), "{id} is there twice");
        }
    }
    customers
}

proptest! {
    #[test]
    fn the_fold_equals_a_naive_loop(
        lines in prop::collection::vec(line(), 0..300),
        texts: bool,
        settling: bool,
        batches in 1_usize..40,
        threads in 1_usize..4,
        memory in prop_oneof![Just(None), (0_usize..1 << 13, 0_usize..1 << 14).prop_map(Some)],
    ) {
        let bounds = if settling { &SETTLING } else { &BOUNDS };
        let folder = tempfile::tempdir().unwrap();
        let room = memory.map_or_else(Room::endless, |(lines, thread)| Room { lines, thread, folder: folder.path().to_owned() });
        let fold = Fold::new(*bounds, &["a".into(), "c".into()], true, Partitions::default(), room);
        let batches: Vec<RecordBatch> = lines.chunks(batches).map(|lines| batch(lines, texts)).collect();
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let (fold, batches) = (&fold, &batches);
                scope.spawn(move || batches.iter().skip(thread).step_by(threads).for_each(|batch| fold.add(batch).unwrap()));
            }
        });
        let folded_lines = fold.finish();
        let expected = memory.is_some_and(|(lines, _)| lines < 512) && lines.iter().any(|line| line.at < bounds.as_of);
        prop_assert!(folded_lines.store.is_used() || !expected, "what does not fit goes to the disk");
        prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let parts = folded_lines.all().unwrap();
        prop_assert_eq!(parts.len(), PARTITIONS);
        prop_assert_eq!(folded(&parts), naive(&lines, texts, bounds));
    }
}

#[test]
fn a_partition_can_be_asked_for_again_until_it_is_released() {
    let fold = Fold::new(BOUNDS, &[], true, Partitions::default(), Room::endless());
    fold.add(&batch(&[simple("one", Some(1), 1, 5), simple("one", Some(2), 3, 7), simple("one", Some(1), 4, -2)], false)).unwrap();
    let (folded, number) = (fold.finish(), Partitions::default().of("one"));
    let first = folded.partition(number).unwrap();
    assert_eq!((first.customer_id.get(0), first.rows[0].spend_ever, first.last_order.get(0)), ("one", 10, "2"));
    assert_eq!(folded.partition(number).unwrap(), first);
    folded.release(number);
    assert_eq!(folded.partition(number).unwrap(), Features::default());
    assert_eq!(folded.partition(PARTITIONS).unwrap(), Features::default());
}

fn simple(customer: &str, order: Option<i64>, at: i64, amount: i64) -> Line {
    Line { customer: customer.into(), order, at, amount, category: Some("a".into()) }
}

#[test]
fn sums_beyond_64_bits_are_told_with_the_customer() {
    let fold = Fold::new(BOUNDS, &[], false, Partitions::default(), Room::endless());
    let lines = [simple("big", Some(1), 1, i64::MAX), simple("big", Some(1), 1, 1), simple("small", Some(1), 1, 1)];
    fold.add(&batch(&lines, false)).unwrap();
    assert!(matches!(fold.finish().all(), Err(Error::Overflow { customer }) if customer == "big"));

    let fold = Fold::new(BOUNDS, &[], false, Partitions::default(), Room::endless());
    let lines = [simple("big", Some(1), 1, i64::MAX), simple("big", Some(1), 1, 1), simple("big", Some(1), 2, -9)];
    fold.add(&batch(&lines, false)).unwrap();
    let parts = fold.finish().all().unwrap();
    assert_eq!(folded(&parts)["big"].0.spend_ever, i64::MAX - 8, "what fits in the end is no overflow");
}

#[test]
fn a_batch_of_another_shape_is_refused() {
    let fold = Fold::new(BOUNDS, &["a".into()], false, Partitions::default(), Room::endless());
    let lines = [simple("c", Some(1), 1, 1)];
    let whole = batch(&lines, false);
    assert!(matches!(fold.add(&whole.project(&[0, 1, 2, 3]).unwrap()), Err(Error::Column { column: "category", .. })));
    fold.add(&whole).unwrap();
    assert!(matches!(fold.add(&batch(&lines, true)), Err(Error::MixedOrders)));
}

#[test]
fn nobody_asked_for_means_empty_columns() {
    let fold = Fold::new(BOUNDS, &[], false, Partitions::default(), Room::endless());
    fold.add(&batch(&[simple("c", Some(7), 1, 1)], false)).unwrap();
    let customers = folded(&fold.finish().all().unwrap());
    assert_eq!((customers["c"].0.bought, customers["c"].1.as_str()), (0, ""));
}

/// Lines of many customers, folded with some number of threads and in some order of batches.
fn many(threads: usize, backwards: bool, room: Room) -> Folded {
    let lines: Vec<Line> = (0..3_000_i64).map(|n| simple(&customer(n * 7 % 1_000), Some(n / 2), n % 110, 500 - n % 700)).collect();
    let mut batches: Vec<RecordBatch> = lines.chunks(64).map(|lines| batch(lines, false)).collect();
    if backwards {
        batches.reverse();
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let fold = Fold::new(BOUNDS, &[], false, Partitions::default(), room);
        batches.par_iter().for_each(|batch| fold.add(batch).unwrap());
        fold.finish()
    })
}

/// Ids of which some are long, and alike in what fits into a number.
fn customer(number: i64) -> String {
    if number % 3 == 0 { format!("a customer with a long id {number}") } else { format!("C{number:05}") }
}

#[test]
fn the_file_has_the_same_bytes_for_any_thread_count_and_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("features.parquet");
    let tiny = || Room { lines: 2_000, thread: 100, folder: folder.path().to_owned() };
    let mut files = Vec::new();
    for (threads, backwards, room) in [(1, false, Room::endless()), (3, true, Room::endless()), (1, true, tiny()), (3, false, tiny())] {
        assert_eq!(write(&many(threads, backwards, room), &path).unwrap(), 1_000);
        files.push(std::fs::read(&path).unwrap());
    }
    assert!(files.iter().all(|file| *file == files[0]));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half-written stays behind");
}

#[test]
fn a_folder_that_cannot_take_what_does_not_fit_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let fold = Fold::new(BOUNDS, &[], false, Partitions::default(), Room { lines: 10, thread: 10, folder: file.clone() });
    let error = fold.add(&batch(&[simple("c", Some(1), 1, 1)], false)).unwrap_err();
    assert!(matches!(&error, Error::Spill { path, .. } if path.starts_with(&file)), "{error}");
    assert!(error.to_string().contains("--memory"), "{error}");
}

#[test]
fn a_customer_with_many_orders_is_counted_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    // An order's lines lie far apart, and there is one order without an id.
    let lines: Vec<Line> = (0..4_000).map(|n| simple("everybody", Some(n % 2_000), n % 100, 1 + n % 7)).collect();
    let alone = simple("everybody", None, 5, 9);
    let batch = batch(&lines.iter().cloned().chain([alone]).collect::<Vec<_>>(), true);
    let [large, small] = [usize::MAX, 20_000].map(|thread| {
        let fold = Fold::new(BOUNDS, &[], true, Partitions::default(), Room { lines: 30_000, thread, folder: folder.path().to_owned() });
        fold.add(&batch).unwrap();
        fold.finish().all().unwrap()
    });
    assert_eq!(large, small);
    assert_eq!(folded(&small)["everybody"].0.next_orders_ever_known, 2_001);
}

#[test]
fn customers_who_are_all_in_one_partition_are_counted_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let ids: Vec<String> = (0..).map(customer).filter(|id| Partitions::default().of(id) == 7).take(150).collect();
    // An order's lines lie far apart here too.
    let lines = (0..6_000_i64).zip(ids.iter().cycle()).map(|(n, id)| simple(id, Some(n % 3_000), n % 100, 1 + n % 9)).collect::<Vec<_>>();
    let [large, small] = [usize::MAX, 20_000].map(|memory| {
        let fold = Fold::new(
            BOUNDS,
            &["a".into(), "c".into()],
            true,
            Partitions::default(),
            Room { lines: memory, thread: memory, folder: folder.path().to_owned() },
        );
        lines.chunks(500).for_each(|lines| fold.add(&batch(lines, true)).unwrap());
        let found = fold.finish();
        assert_eq!(found.store.is_used(), memory < usize::MAX);
        found.all().unwrap()
    });
    assert_eq!(large, small);
    assert_eq!(folded(&small), naive(&lines, true, &BOUNDS));
    assert_eq!(small[7].customer_id.len(), 150);
}

#[test]
fn too_little_memory_says_how_much_it_takes() {
    let folder = || std::path::PathBuf::from("runs");
    let Err(error) = Room::new(100 << 20, 2, folder()) else { panic!("that is too little") };
    let text = error.to_string();
    let smallest: u64 = text.split_once(" need ").unwrap().1.split_once("MB").unwrap().0.parse().unwrap();
    assert!(Room::new(smallest << 20, 2, folder()).is_ok(), "{text}");
    assert!(Room::new((smallest << 20) - 1, 2, folder()).is_err(), "{text}");
    assert!(Room::new(100 << 20, 0, folder()).is_err() && Room::new(u64::MAX, 64, folder()).is_ok());
}

#[test]
fn the_file_holds_the_columns_of_the_definition() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("features.parquet");
    write(&many(2, false, Room::endless()), &path).unwrap();
    let parts = many(2, false, Room::endless()).all().unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&path).unwrap()).unwrap();
    let names: Vec<String> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
    let expected = "customer_id first_order_at last_order_at first_order_closing orders_ever spend_ever orders spend due_orders due_spend \
                    next_orders_known next_spend_known keep_orders_known keep_spend_known";
    assert_eq!(names.join(" "), expected);
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    assert_eq!(reader.schema().field(1).data_type(), &instant);
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let mut rows = Vec::new();
    for batch in &batches {
        let number = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>();
        let instant = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<TimestampMicrosecondType>();
        let optional = |name: &str, row: usize| instant(name).is_valid(row).then(|| instant(name).value(row));
        for row in 0..batch.num_rows() {
            let features = FeatureRow {
                first_order_at: optional("first_order_at", row),
                last_order_at: optional("last_order_at", row),
                first_order_closing: optional("first_order_closing", row),
                orders_ever: number("orders_ever").value(row),
                spend_ever: number("spend_ever").value(row),
                orders: number("orders").value(row),
                spend: number("spend").value(row),
                due_orders: number("due_orders").value(row),
                due_spend: number("due_spend").value(row),
                next_orders_known: number("next_orders_known").value(row),
                next_spend_known: number("next_spend_known").value(row),
                keep_orders_known: number("keep_orders_known").value(row),
                keep_spend_known: number("keep_spend_known").value(row),
                ..FeatureRow::default()
            };
            rows.push((batch.column(0).as_string::<i32>().value(row).to_owned(), features));
        }
    }
    assert!(rows.iter().any(|(_, row)| row.first_order_at.is_none()) && rows.iter().any(|(_, row)| row.first_order_at.is_some()));
    let expected = folded(&parts).into_iter().map(|(id, (row, _))| {
        let listed = FeatureRow {
            next_orders_ever_known: 0,
            next_spend_ever_known: 0,
            keep_orders_ever_known: 0,
            keep_spend_ever_known: 0,
            bought: 0,
            mark: 0,
            ..row
        };
        (id, listed)
    });
    assert!(rows.into_iter().eq(expected), "rows are those of the fold, sorted by id");
}

#[test]
fn a_file_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = Fold::new(BOUNDS, &[], false, Partitions::default(), Room::endless()).finish();
    let error = write(&nobody, &folder.path().join("no/features.parquet")).unwrap_err();
    assert!(matches!(&error, Error::Io { .. }), "{error}");
    assert_eq!(write(&nobody, &folder.path().join("empty.parquet")).unwrap(), 0);
}
