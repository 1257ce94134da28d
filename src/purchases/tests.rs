//! Files of every kind, made here, and what becomes of them.

use super::{Error, Purchases, Request, open};
use crate::domain::features::ReadCounts;
use crate::domain::job::{AmountColumns, AmountUnit, LineRule, PurchasesSource, RuleKind};
use crate::domain::orders::{LastOrderLine, LineFate, OrderItem, WantedOrders};
use crate::domain::{Currency, LastOrder, Zone};
use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int32Array, Int64Array, LargeStringArray,
    RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type as PlainInt64, Int96, Int96Type};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const DAY: i64 = 86_400_000_000;

pub(super) type Columns = Vec<(&'static str, ArrayRef)>;

/// Customer, order, instant, amount: how lines look to whoever receives them.
pub(super) type Line = (String, Option<String>, i64, i64);

pub(super) fn columns() -> Columns {
    vec![
        ("customer_id", Arc::new(StringArray::from(vec!["a", "a", "b"]))),
        ("order_id", Arc::new(Int64Array::from(vec![Some(1), Some(1), None]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![DAY, DAY, 2 * DAY]))),
        ("amount", Arc::new(Int64Array::from(vec![100, -30, 5]))),
    ]
}

pub(super) fn with(name: &'static str, array: impl Array + 'static) -> Columns {
    let mut columns = columns();
    match columns.iter_mut().find(|(there, _)| *there == name) {
        Some(column) => column.1 = Arc::new(array),
        None => columns.push((name, Arc::new(array))),
    }
    columns
}

pub(super) fn put(path: &Path, columns: Columns, properties: Option<WriterProperties>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), properties).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// A shop with one file.
pub(super) fn shop(columns: Columns) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    put(&folder.path().join("p/a.parquet"), columns, None);
    folder
}

pub(super) fn one(column: &str) -> AmountColumns {
    AmountColumns { add: vec![column.into()], minus: Vec::new() }
}

pub(super) fn rule(kind: RuleKind, column: &str, values: &[&str]) -> LineRule {
    LineRule { kind, column: column.into(), values: values.iter().map(|value| (*value).to_owned()).collect() }
}

fn source(base: &Path) -> PurchasesSource {
    PurchasesSource {
        paths: vec![base.join("p")],
        written: vec!["p".into()],
        rules: Vec::new(),
        amount_unit: AmountUnit::Major,
        max_bad_rows: 0.5,
        customer: "customer_id".into(),
        order: vec!["order_id".into()],
        refund_of: Vec::new(),
        at: "at".into(),
        amount: one("amount"),
        quantity: None,
        product: None,
        category: None,
        store: None,
        coupon: None,
        points_used: None,
    }
}

pub(super) fn opened(base: &Path, change: impl FnOnce(&mut PurchasesSource)) -> Result<Purchases, Error> {
    let mut source = source(base);
    change(&mut source);
    open(&source, Zone(chrono_tz::UTC), &Currency { code: "JPY".into(), digits: 0 }, base)
}

/// All lines that count, sorted, and the counts.
pub(super) fn lines(purchases: &Purchases, request: &Request<'_>) -> Result<(Vec<Line>, ReadCounts), Error> {
    let seen = Mutex::new(Vec::new());
    let counts = purchases.read(request, &|batch| {
        let mut seen = seen.lock().unwrap();
        let at = batch.column_by_name("at").unwrap().as_primitive::<TimestampMicrosecondType>();
        assert_eq!(at.timezone(), Some("UTC"));
        let amount = batch.column_by_name("amount").unwrap().as_primitive::<Int64Type>();
        let order = batch.column_by_name("order").unwrap();
        for row in 0..batch.num_rows() {
            let order = order.is_valid(row).then(|| match order.as_string_view_opt() {
                Some(texts) => texts.value(row).to_owned(),
                None => order.as_primitive::<Int64Type>().value(row).to_string(),
            });
            seen.push((batch.column(0).as_string_view().value(row).to_owned(), order, at.value(row), amount.value(row)));
        }
        Ok(())
    })?;
    let mut lines = seen.into_inner().unwrap();
    lines.sort();
    Ok((lines, counts))
}

pub(super) const ALL: Request<'static> = Request { as_of: i64::MAX, history_before: None, category: false, details: false, progress: None };

fn read(columns: Columns) -> Result<Vec<Line>, Error> {
    let folder = shop(columns);
    lines(&opened(folder.path(), |_| ())?, &ALL).map(|(lines, _)| lines)
}

fn expected() -> Vec<Line> {
    let order = || Some("1".to_owned());
    vec![("a".into(), order(), DAY, -30), ("a".into(), order(), DAY, 100), ("b".into(), None, 2 * DAY, 5)]
}

#[test]
fn columns_of_every_type_read_alike() {
    let micros = || vec![DAY, DAY, 2 * DAY];
    let texts = || vec!["a", "a", "b"];
    let cases: Vec<Columns> = vec![
        columns(),
        with("customer_id", LargeStringArray::from(texts())),
        with("customer_id", StringViewArray::from(texts())),
        with("customer_id", texts().into_iter().collect::<DictionaryArray<Int32Type>>()),
        with("customer_id", arrow::array::BinaryArray::from_iter_values(texts())),
        with("order_id", StringArray::from(vec![Some("1"), Some("1"), None])),
        with("order_id", [Some("1"), Some("1"), None].into_iter().collect::<DictionaryArray<Int32Type>>()),
        with("order_id", UInt64Array::from(vec![Some(1), Some(1), None])),
        with("order_id", Decimal128Array::from(vec![Some(1), Some(1), None]).with_precision_and_scale(38, 0).unwrap()),
        with("at", TimestampMillisecondArray::from(micros().iter().map(|at| at / 1_000).collect::<Vec<_>>())),
        with("at", TimestampNanosecondArray::from(micros().iter().map(|at| at * 1_000 + 1).collect::<Vec<_>>())),
        with("at", arrow::array::TimestampSecondArray::from(micros().iter().map(|at| at / 1_000_000).collect::<Vec<_>>())),
        with("at", TimestampMicrosecondArray::from(micros()).with_timezone("Asia/Tokyo")),
        with("at", Date32Array::from(vec![1, 1, 2])),
        with("at", arrow::array::Date64Array::from(micros().iter().map(|at| at / 1_000).collect::<Vec<_>>())),
        with("amount", Int32Array::from(vec![100, -30, 5])),
        with("amount", Float64Array::from(vec![99.6, -30.5, 4.5001])),
        with("amount", arrow::array::Float32Array::from(vec![100.0, -30.0, 5.0])),
        with("amount", Decimal128Array::from(vec![10_000, -3_050, 550]).with_precision_and_scale(20, 2).unwrap()),
        with(
            "amount",
            arrow::array::Decimal256Array::from_iter_values([100, -30, 5].map(arrow::datatypes::i256::from_i128))
                .with_precision_and_scale(50, 0)
                .unwrap(),
        ),
    ];
    for columns in cases {
        let types: Vec<_> = columns.iter().map(|(_, array)| array.data_type().clone()).collect();
        let mut expected = expected();
        if matches!(types[3], arrow::datatypes::DataType::Decimal128(20, _)) {
            // 5.50 is half way between 5 and 6, and 6 is even.
            expected[2].3 = 6;
        }
        assert_eq!(read(columns).unwrap(), expected, "{types:?}");
    }
}

#[test]
fn numbers_as_customer_ids_are_written_in_decimal() {
    let lines = read(with("customer_id", Int64Array::from(vec![Some(-7), Some(10), None]))).unwrap();
    assert_eq!(lines.iter().map(|line| line.0.as_str()).collect::<Vec<_>>(), ["-7", "10"], "the null is a guest");
}

#[test]
fn all_compressions_are_read() {
    let gzip = Compression::GZIP(GzipLevel::default());
    let zstd = Compression::ZSTD(ZstdLevel::default());
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, gzip, zstd, Compression::LZ4, Compression::LZ4_RAW] {
        let folder = tempfile::tempdir().unwrap();
        let properties = WriterProperties::builder().set_compression(compression).build();
        put(&folder.path().join("p/a.parquet"), columns(), Some(properties));
        assert_eq!(lines(&opened(folder.path(), |_| ()).unwrap(), &ALL).unwrap().0, expected(), "{compression:?}");
    }
}

/// A file as Spark writes it: INT96 times, an instant although no zone is told.
fn put_int96(path: &Path, day: u32) {
    let schema = "message m { optional binary customer_id (UTF8); optional int64 order_id; optional int96 at; optional int64 amount; }";
    let schema = Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&[ByteArray::from("a")], Some(&[1]), None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<PlainInt64>().write_batch(&[1], Some(&[1]), None).unwrap();
    column.close().unwrap();
    let mut instant = Int96::new();
    instant.set_data(1_000_000, 0, 2_440_588 + day);
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int96Type>().write_batch(&[instant], Some(&[1]), None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<PlainInt64>().write_batch(&[9], Some(&[1]), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn int96_is_an_instant_and_other_times_without_zone_are_local() {
    let folder = shop(columns());
    std::fs::remove_file(folder.path().join("p/a.parquet")).unwrap();
    put_int96(&folder.path().join("p/part-0.snappy.parquet"), 1);
    // Beyond 2262, where nanoseconds of 64 bits end.
    put_int96(&folder.path().join("p/part-1.snappy.parquet"), 200_000);
    std::fs::write(folder.path().join("p/_SUCCESS"), "").unwrap();
    std::fs::write(folder.path().join("p/.part-0.snappy.parquet.crc"), "crc").unwrap();
    let tokyo = Zone(chrono_tz::Asia::Tokyo);
    let yen = Currency { code: "JPY".into(), digits: 0 };
    let purchases = open(&source(folder.path()), tokyo, &yen, folder.path()).unwrap();
    let times: Vec<i64> = lines(&purchases, &ALL).unwrap().0.iter().map(|line| line.2).collect();
    assert_eq!(times, [DAY + 1_000, 200_000 * DAY + 1_000]);

    let folder = shop(columns());
    let purchases = open(&source(folder.path()), tokyo, &yen, folder.path()).unwrap();
    assert_eq!(lines(&purchases, &ALL).unwrap().0[0].2, DAY - 9 * 3_600_000_000);
}

#[test]
fn amounts_are_major_units_unless_the_job_says_otherwise() {
    let folder = shop(with("amount", Float64Array::from(vec![19.99, 0.125, -0.125])));
    let dollar = Currency { code: "USD".into(), digits: 2 };
    let mut source = source(folder.path());
    let amounts = |source: &PurchasesSource| {
        let purchases = open(source, Zone(chrono_tz::UTC), &dollar, folder.path()).unwrap();
        lines(&purchases, &ALL).unwrap().0.iter().map(|line| line.3).collect::<Vec<_>>()
    };
    assert_eq!(amounts(&source), [12, 1_999, -12]);
    source.amount_unit = AmountUnit::Minor;
    assert_eq!(amounts(&source), [0, 20, 0]);
}

#[test]
fn folders_files_and_types_come_together() {
    let folder = tempfile::tempdir().unwrap();
    let without = |name: &str| columns().into_iter().filter(|(there, _)| *there != name).collect::<Columns>();
    put(&folder.path().join("p/at=2026-01-05/x.parquet"), without("at"), None);
    put(&folder.path().join("p/at=2026-01-06/customer_id=z%2F/x.parquet"), without("at").into_iter().skip(1).collect(), None);
    put(&folder.path().join("p/y.parquet"), with("order_id", StringArray::from(vec!["", "x", "1"])), None);
    let purchases = opened(folder.path(), |_| ()).unwrap();
    let (lines, counts) = lines(&purchases, &ALL).unwrap();
    assert_eq!(counts.lines, 9);
    let day = Zone(chrono_tz::UTC).midnight("2026-01-05".parse().unwrap());
    assert!(lines.contains(&("a".into(), Some("1".into()), day, 100)));
    assert!(lines.contains(&("z/".into(), Some("1".into()), day + DAY, -30)));
    assert!(lines.contains(&("b".into(), Some("1".into()), 2 * DAY, 5)), "numbers are text where one file has text");
    let names: Vec<String> = purchases.inputs().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["p/at=2026-01-05/x.parquet", "p/at=2026-01-06/customer_id=z%2F/x.parquet", "p/y.parquet"]);
}

#[test]
fn an_order_may_have_several_columns_or_none() {
    let folder = shop(with("store", StringArray::from(vec!["京都/1", "京都/1", ""])));
    let purchases = opened(folder.path(), |source| source.order = vec!["store".into(), "order_id".into()]).unwrap();
    let orders = lines(&purchases, &ALL).unwrap().0.into_iter().map(|line| line.1).collect::<Vec<_>>();
    assert_eq!(orders, [Some("京都\\/1/1".into()), Some("京都\\/1/1".into()), None]);
    let purchases = opened(folder.path(), |source| source.order.clear()).unwrap();
    assert!(lines(&purchases, &ALL).unwrap().0.iter().all(|line| line.1.is_none()));
}

#[test]
fn rows_that_do_not_count_are_counted() {
    let folder = shop(vec![
        (
            "customer_id",
            Arc::new(StringArray::from(vec![Some("a"), Some(""), None, Some("b"), Some("c"), Some("d"), Some("e"), Some("f")])),
        ),
        ("order_id", Arc::new(Int64Array::from_value(1, 8))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![Some(1), Some(1), Some(1), None, Some(2), Some(3), Some(10), Some(4)]))),
        ("amount", Arc::new(Float64Array::from(vec![Some(1.0), None, Some(1.0), Some(1.0), Some(f64::NAN), None, Some(1.0), Some(7.0)]))),
        ("status", Arc::new(StringArray::from(vec![None, Some("ok"), None, None, None, Some("cancelled"), None, Some("ok")]))),
    ]);
    let exclude = |source: &mut PurchasesSource| source.rules = vec![rule(RuleKind::Exclude, "status", &["test", "cancelled"])];
    let purchases = opened(folder.path(), exclude).unwrap();
    let seen = Mutex::new((0, 0));
    let progress = |done: u64, total: u64| *seen.lock().unwrap() = (done, total);
    let request = Request { as_of: 10, history_before: Some(3), category: false, details: false, progress: Some(&progress) };
    let (lines, counts) = lines(&purchases, &request).unwrap();
    assert_eq!(lines.iter().map(|line| line.0.as_str()).collect::<Vec<_>>(), ["a", "f"]);
    let expected = ReadCounts {
        lines: 2,
        guests: 2,
        excluded: 1,
        later: 1,
        bad_rows: 2,
        bad_row_notes: vec!["p/a.parquet row 4: the time is missing".into(), "p/a.parquet row 5: the amount NaN cannot be used".into()],
        newest: Some(4),
        lines_before: 1,
    };
    assert_eq!(counts, expected);
    assert_eq!(*seen.lock().unwrap(), (8, 8));

    let strict = opened(folder.path(), |source| source.max_bad_rows = 0.2).unwrap();
    let error = strict.read(&request, &|_| Ok(())).unwrap_err();
    assert!(matches!(&error, Error::BadRows { bad: 3, rows: 8, .. }) && error.to_string().contains("row 4"), "{error}");
}

#[test]
fn exclude_columns_may_be_of_other_types() {
    let arrays: Vec<(ArrayRef, &str)> = vec![
        (Arc::new(arrow::array::BooleanArray::from(vec![true, false, false])), "true"),
        (Arc::new(Int32Array::from(vec![9, 1, 1])), "9"),
        (Arc::new(["x", "y", "y"].into_iter().collect::<DictionaryArray<Int32Type>>()), "x"),
    ];
    for (array, value) in arrays {
        let mut columns = columns();
        columns.push(("status", array));
        let folder = shop(columns);
        let purchases = opened(folder.path(), |source| source.rules = vec![rule(RuleKind::Exclude, "status", &[value])]).unwrap();
        assert_eq!(lines(&purchases, &ALL).unwrap().1.excluded, 1, "{value}");
        let (column, values) = purchases.rule_values().unwrap().remove(0);
        assert_eq!((column.as_str(), values.len()), ("status", 2));
        assert_eq!((values[0].left_out, values[0].lines, values[0].sum), (false, 2, -25));
        assert_eq!((values[1].left_out, values[1].value.as_deref(), values[1].sum), (true, Some(value), 100));
    }
}

#[test]
fn row_groups_after_the_as_of_date_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p/a.parquet");
    let one_row = WriterProperties::builder().set_max_row_group_row_count(Some(1)).build();
    put(&path, columns(), Some(one_row));
    let purchases = opened(folder.path(), |_| ()).unwrap();
    let request = Request { as_of: 2 * DAY, ..ALL };
    let (_, counts) = lines(&purchases, &request).unwrap();
    assert_eq!((counts.lines, counts.later), (2, 0));
    assert_eq!(lines(&purchases, &ALL).unwrap().1.lines, 3);
}

#[test]
fn columns_that_are_missing_or_of_the_wrong_type_are_told() {
    let folder = shop(columns());
    let error = opened(folder.path(), |source| source.amount = one("amuont")).unwrap_err().to_string();
    assert!(error.contains("`amuont` is not in `p/a.parquet`") && error.contains("did you mean `amount`?"), "{error}");
    let wrong = [
        with("amount", StringArray::from(vec!["1", "2", "3"])),
        with("at", StringArray::from(vec!["2026-01-01"; 3])),
        with("customer_id", TimestampMicrosecondArray::from(vec![1; 3])),
    ];
    for (columns, expected) in
        wrong.into_iter().zip(["expected a number", "expected a timestamp or a date", "expected text or a whole number"])
    {
        let folder = shop(columns);
        let error = opened(folder.path(), |_| ()).unwrap_err();
        assert!(matches!(error, Error::ColumnType { .. }) && error.to_string().contains(expected), "{error}");
    }
    let folder = shop(columns());
    put(&folder.path().join("p/b.parquet"), columns().into_iter().skip(1).collect(), None);
    assert!(matches!(opened(folder.path(), |_| ()), Err(Error::NoColumn { file, .. }) if file == "p/b.parquet"), "every file is checked");
}

#[test]
fn damaged_files_are_errors_that_name_them() {
    let folder = shop((0..400).fold(columns(), |columns, _| columns));
    let path = folder.path().join("p/a.parquet");
    let whole = std::fs::read(&path).unwrap();
    for length in (0..whole.len()).step_by(7) {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = opened(folder.path(), |_| ()).unwrap_err();
        assert!(error.to_string().contains("p/a.parquet"), "{length}: {error}");
    }
    let mut errors = 0;
    for place in 0..whole.len() {
        let mut broken = whole.clone();
        broken[place] ^= 0x5a;
        std::fs::write(&path, &broken).unwrap();
        let outcome = opened(folder.path(), |_| ()).and_then(|purchases| lines(&purchases, &ALL));
        if let Err(error) = outcome {
            errors += 1;
            assert!(error.to_string().contains("p/a.parquet"), "{place}: {error}");
        }
    }
    assert!(errors > whole.len() / 4, "{errors} of {} broken bytes were noticed", whole.len());
    std::fs::write(&path, b"not parquet at all, whatever the name says").unwrap();
    assert!(matches!(opened(folder.path(), |_| ()), Err(Error::NotParquet { .. })));
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let folder = shop(columns());
    let path = folder.path().join("p/a.parquet");
    let purchases = opened(folder.path(), |_| ()).unwrap();
    let before = purchases.inputs();
    let error = purchases.read(&ALL, &|_| {
        put(&path, with("amount", Int64Array::from(vec![1, 2, 3])), None);
        Ok(())
    });
    assert!(matches!(error, Err(Error::Changed { file }) if file == "p/a.parquet"));
    assert_ne!(before, opened(folder.path(), |_| ()).unwrap().inputs());
    // Shorter than when its footer was read, by its pages, its footer or all of it.
    let whole = std::fs::read(&path).unwrap();
    for left in [whole.len() - 1, whole.len() / 2, 20, 0] {
        std::fs::write(&path, &whole).unwrap();
        let purchases = opened(folder.path(), |_| ()).unwrap();
        std::fs::write(&path, &whole[..left]).unwrap();
        assert!(matches!(lines(&purchases, &ALL), Err(Error::Changed { file }) if file == "p/a.parquet"), "{left}");
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(purchases.history("a", 0), Err(Error::Changed { .. })));
}

#[test]
fn ids_with_shared_beginnings_are_read() {
    let ids: Vec<String> = (0..5_000).map(|row| format!("customer-of-kyoto-{:07}", row / 3)).collect();
    let rows = i64::try_from(ids.len()).unwrap();
    let columns: Columns = vec![
        ("customer_id", Arc::new(StringArray::from_iter_values(&ids))),
        ("order_id", Arc::new((0..rows).map(|row| (row % 4 > 0).then(|| format!("order {row}"))).collect::<StringArray>())),
        ("at", Arc::new(TimestampMicrosecondArray::from_iter_values(0..rows))),
        ("amount", Arc::new(Int64Array::from_iter_values(0..rows))),
    ];
    let folder = tempfile::tempdir().unwrap();
    for encoding in [Encoding::DELTA_BYTE_ARRAY, Encoding::DELTA_LENGTH_BYTE_ARRAY] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let properties = WriterProperties::builder().set_writer_version(version).set_dictionary_enabled(false);
            let properties = properties.set_compression(Compression::ZSTD(ZstdLevel::default())).set_data_page_row_count_limit(900);
            let properties =
                properties.set_column_encoding("customer_id".into(), encoding).set_column_encoding("order_id".into(), encoding);
            put(&folder.path().join("p/a.parquet"), columns.clone(), Some(properties.build()));
            let (lines, _) = lines(&opened(folder.path(), |_| ()).unwrap(), &ALL).unwrap();
            assert_eq!(lines.len(), ids.len());
            assert!(lines.iter().all(|(customer, ..)| ids.contains(customer)));
        }
    }
}

#[test]
fn a_customers_history_has_every_line_with_its_fate() {
    let mut columns = with("status", StringArray::from(vec![None, Some("cancelled"), None]));
    columns[0].1 = Arc::new(StringArray::from(vec!["a", "a", "a"]));
    columns[3].1 = Arc::new(Float64Array::from(vec![Some(100.0), Some(-30.0), None]));
    columns.push(("product_id", Arc::new(StringArray::from(vec![Some("tea"), None, None]))));
    let folder = shop(columns);
    put(
        &folder.path().join("p/b.parquet"),
        {
            let mut later = with("status", StringArray::new_null(3));
            later.push(("product_id", Arc::new(StringArray::new_null(3))));
            later
        },
        None,
    );
    let purchases = opened(folder.path(), |source| {
        source.rules = vec![rule(RuleKind::Exclude, "status", &["cancelled"])];
        source.product = Some("product_id".into());
    });
    let history = purchases.unwrap().history("a", DAY).unwrap();
    let fates: Vec<_> = history.iter().map(|line| (line.place.as_str(), line.fate.clone())).collect();
    let cancelled = LineFate::LeftOut { rule: RuleKind::Exclude, column: "status".into(), value: Some("cancelled".into()) };
    let expected = [
        ("p/a.parquet row 1", LineFate::Later),
        ("p/a.parquet row 2", cancelled),
        ("p/a.parquet row 3", LineFate::Bad("the amount is missing".into())),
        ("p/b.parquet row 1", LineFate::Later),
        ("p/b.parquet row 2", LineFate::Later),
    ];
    assert_eq!(fates, expected);
    assert_eq!((history[0].product.as_deref(), history[0].order_id.as_deref(), history[0].amount), (Some("tea"), Some("1"), Some(100)));
}

/// The last orders put together from their lines.
pub(super) fn last_orders(purchases: &Purchases, wanted: &WantedOrders, as_of: i64) -> Result<HashMap<String, LastOrder>, Error> {
    let lines = Mutex::new(HashMap::<String, Vec<_>>::new());
    purchases.last_orders(wanted, as_of, &|picked| {
        for LastOrderLine { customer, store, product, category, quantity, amount } in picked {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let item = OrderItem { product: text(*product), category: text(*category), quantity: *quantity, amount: *amount };
            lines.lock().unwrap().entry((*customer).to_owned()).or_default().push((text(*store), item));
        }
    })?;
    Ok(lines.into_inner().unwrap().into_iter().map(|(customer, lines)| (customer, LastOrder::of(lines))).collect())
}

#[test]
fn last_orders_are_found_with_their_items() {
    let mut columns = with("quantity", Int32Array::from(vec![2, 1, 3]));
    columns.push(("store", Arc::new(StringArray::from(vec![None, Some("京都"), Some("大阪")]))));
    let folder = shop(columns);
    let purchases = opened(folder.path(), |source| {
        source.quantity = Some("quantity".into());
        source.store = Some("store".into());
    });
    let wanted = WantedOrders::from_iter([
        ("a".to_owned(), ("1".to_owned(), DAY)),
        ("b".to_owned(), (String::new(), 2 * DAY)),
        ("c".to_owned(), (String::new(), 2 * DAY)),
    ]);
    let purchases = purchases.unwrap();
    let orders = last_orders(&purchases, &wanted, i64::MAX).unwrap();
    assert_eq!(orders.len(), 2);
    assert_eq!(orders["a"].store.as_deref(), Some("京都"));
    assert_eq!(orders["a"].items.iter().map(|item| (item.quantity, item.amount)).collect::<Vec<_>>(), [(Some(2), 100)], "no refund line");
    assert_eq!(orders["b"].items[0].quantity, Some(3));
    assert_eq!(last_orders(&purchases, &wanted, 2 * DAY).unwrap().len(), 1, "nothing from the as-of date on");
}

#[test]
fn items_of_a_last_order_do_not_depend_on_the_order_of_rows() {
    let order = |rows: [usize; 3]| {
        let pick = |values: [i64; 3]| Int64Array::from(rows.map(|row| values[row]).to_vec());
        let words = |values: [&'static str; 3]| StringArray::from(rows.map(|row| values[row]).to_vec());
        let folder = shop(vec![
            ("customer_id", Arc::new(words(["a", "a", "a"])) as ArrayRef),
            ("order_id", Arc::new(words(["1", "1", "1"]))),
            ("at", Arc::new(TimestampMicrosecondArray::from(vec![DAY; 3]))),
            ("amount", Arc::new(pick([100, 300, 100]))),
            ("product", Arc::new(words(["tea", "pot", "cup"]))),
            ("store", Arc::new(words(["Osaka", "Kyoto", "Osaka"]))),
        ]);
        let purchases = opened(folder.path(), |source| {
            source.product = Some("product".into());
            source.store = Some("store".into());
        });
        let wanted = WantedOrders::from_iter([("a".to_owned(), ("1".to_owned(), DAY))]);
        last_orders(&purchases.unwrap(), &wanted, i64::MAX).unwrap().remove("a").unwrap()
    };
    let plain = order([0, 1, 2]);
    let products: Vec<_> = plain.items.iter().filter_map(|item| item.product.as_deref()).collect();
    assert_eq!((products, plain.store.as_deref()), (vec!["pot", "cup", "tea"], Some("Kyoto")));
    for rows in [[2, 1, 0], [1, 0, 2], [0, 2, 1]] {
        assert_eq!(order(rows), plain);
    }
}

#[test]
fn a_refusal_of_the_receiver_comes_through() {
    let folder = shop(columns());
    let error = opened(folder.path(), |_| ()).unwrap().read(&ALL, &|_| Err("full".into())).unwrap_err();
    assert!(matches!(&error, Error::Sink(_)) && error.to_string() == "full");
}

#[test]
fn names_in_digests_do_not_depend_on_where_the_shop_lies() {
    let inputs = |columns| {
        let folder = shop(columns);
        opened(folder.path(), |source| source.paths = vec![PathBuf::from(folder.path()).join("p/*.parquet")]).unwrap().inputs()
    };
    assert_eq!(inputs(columns()), inputs(columns()));
    assert_ne!(inputs(columns())[0].1, inputs(with("amount", Int64Array::from(vec![1, 2, 3])))[0].1);
}
