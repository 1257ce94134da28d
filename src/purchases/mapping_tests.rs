//! Lines that are chosen by `include`, paid in several columns, or refunds of other orders.

use super::tests::{ALL, Columns, last_orders, lines, one, opened, put, rule, shop, with};
use super::{Error, Request};
use crate::domain::job::{AmountColumns, PurchasesSource, RuleKind};
use crate::domain::orders::{LineFate, WantedOrders};
use arrow::array::{
    ArrayRef, Decimal128Array, Decimal256Array, Float32Array, Float64Array, Int32Array, Int64Array, NullArray, StringArray,
    TimestampMicrosecondArray,
};
use parquet::basic::{BrotliLevel, Compression};
use parquet::data_type::{FixedLenByteArray, FixedLenByteArrayType, Int64Type as PlainInt64};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaDataReader, ParquetMetaDataWriter};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

#[test]
fn only_included_lines_count_and_exclude_still_holds() {
    let mut columns = with("status", StringArray::from(vec![Some("paid"), None, Some("paid")]));
    columns.push(("kind", Arc::new(StringArray::from(vec![Some("test"), None, None]))));
    let folder = shop(columns);
    let purchases = opened(folder.path(), |source| {
        source.rules = vec![rule(RuleKind::Exclude, "kind", &["test"]), rule(RuleKind::Include, "status", &["paid", "sent"])];
    });
    let purchases = purchases.unwrap();
    let (seen, counts) = lines(&purchases, &ALL).unwrap();
    assert_eq!(seen.iter().map(|line| line.3).collect::<Vec<_>>(), [5], "a test order, a null, a paid one");
    assert_eq!((counts.excluded, counts.bad_rows), (2, 0));

    let fates: Vec<LineFate> = purchases.history("a", i64::MAX).unwrap().into_iter().map(|line| line.fate).collect();
    let left_out =
        |rule, column: &str, value: Option<&str>| LineFate::LeftOut { rule, column: column.into(), value: value.map(str::to_owned) };
    assert_eq!(fates, [left_out(RuleKind::Exclude, "kind", Some("test")), left_out(RuleKind::Include, "status", None)]);

    let values = purchases.rule_values().unwrap();
    let listed: Vec<_> = values
        .iter()
        .flat_map(|(column, values)| values.iter().map(move |value| (column.as_str(), value.value.as_deref(), value.left_out, value.sum)))
        .collect();
    let expected =
        [("kind", None, false, -25), ("kind", Some("test"), true, 100), ("status", Some("paid"), false, 105), ("status", None, true, -30)];
    assert_eq!(listed, expected);
}

fn paid_in_parts(parts: [ArrayRef; 3]) -> Columns {
    let [price, shipping, discount] = parts;
    let mut columns = super::tests::columns();
    columns.retain(|(name, _)| *name != "amount");
    columns.extend([("price", price), ("shipping", shipping), ("discount", discount)]);
    columns
}

fn parts(source: &mut PurchasesSource) {
    source.amount = AmountColumns { add: vec!["price".into(), "shipping".into()], minus: vec!["discount".into()] };
    source.max_bad_rows = 1.0;
}

#[test]
fn an_amount_is_the_sum_of_its_columns() {
    let shipping = Decimal128Array::from(vec![Some(5_005), None, None]).with_precision_and_scale(10, 1).unwrap();
    let folder = shop(paid_in_parts([
        Arc::new(Int64Array::from(vec![Some(1_000), Some(20), None])),
        Arc::new(shipping),
        Arc::new(Float64Array::from(vec![Some(99.5), None, None])),
    ]));
    let purchases = opened(folder.path(), parts).unwrap();
    let (seen, counts) = lines(&purchases, &ALL).unwrap();
    // 500.5 and 99.5 are rounded by themselves, half to even.
    assert_eq!(seen.iter().map(|line| line.3).collect::<Vec<_>>(), [20, 1_000 + 500 - 100]);
    assert_eq!((counts.bad_rows, counts.bad_row_notes), (1, vec!["p/a.parquet row 3: the amount is missing".to_owned()]));

    let folder = shop(paid_in_parts([
        Arc::new(Int64Array::from(vec![i64::MAX, 1, 1])),
        Arc::new(Int32Array::from(vec![1, 1, 1])),
        Arc::new(Float64Array::from(vec![0.0, f64::NAN, f64::INFINITY])),
    ]));
    let (seen, counts) = lines(&opened(folder.path(), parts).unwrap(), &ALL).unwrap();
    assert_eq!((seen.len(), counts.bad_rows), (0, 3));
    assert_eq!(counts.bad_row_notes[0], "p/a.parquet row 1: the amount of 9223372036854775807, 1, 0.0 cannot be used");
    assert_eq!(counts.bad_row_notes[1], "p/a.parquet row 2: the amount of 1, 1, NaN cannot be used");

    let error = opened(folder.path(), |source| source.amount.add.push("points".into())).unwrap_err();
    assert!(matches!(&error, Error::NoColumn { column, .. } if column == "amount" || column == "points"), "{error}");
    let folder = shop(with("points", StringArray::from(vec!["1", "2", "3"])));
    let error = opened(folder.path(), |source| source.amount.minus.push("points".into())).unwrap_err();
    assert!(error.to_string().contains("column `points`") && error.to_string().contains("expected a number"), "{error}");
}

/// One customer with an order of three lines, the last of which refunds; `refund_of` in many types.
fn refunded(order: ArrayRef, refund_of: ArrayRef) -> Vec<Option<String>> {
    let folder = shop(vec![
        ("customer_id", Arc::new(StringArray::from(vec!["a", "a", "a"])) as ArrayRef),
        ("order_id", order),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![1, 2, 3]))),
        ("amount", Arc::new(Int64Array::from(vec![100, 50, -30]))),
        ("original", refund_of),
    ]);
    let purchases = opened(folder.path(), |source| source.refund_of = vec!["original".into()]).unwrap();
    let history: Vec<Option<String>> = purchases.history("a", i64::MAX).unwrap().into_iter().map(|line| line.order_id).collect();
    let (mut seen, _) = lines(&purchases, &ALL).unwrap();
    seen.sort_by_key(|line| line.2);
    assert_eq!(seen.into_iter().map(|line| line.1).collect::<Vec<_>>(), history, "the fold and explain agree");
    history
}

#[test]
fn a_refund_belongs_to_the_order_it_names_whatever_the_types() {
    let numbers = || Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef;
    let texts = || Arc::new(StringArray::from(vec!["1", "2", "3"])) as ArrayRef;
    let refunds: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![None, None, Some(1)])),
        Arc::new(Float64Array::from(vec![None, Some(f64::NAN), Some(1.0)])),
        Arc::new(StringArray::from(vec![None, Some(""), Some("1")])),
        Arc::new(Decimal128Array::from(vec![None, None, Some(1)]).with_precision_and_scale(10, 0).unwrap()),
    ];
    let expected = ["1", "2", "1"].map(|id| Some(id.to_owned()));
    for refund in refunds {
        for order in [numbers(), texts()] {
            assert_eq!(refunded(order, Arc::clone(&refund)), expected, "{}", refund.data_type());
        }
    }
    assert_eq!(refunded(numbers(), Arc::new(NullArray::new(3))), ["1", "2", "3"].map(|id| Some(id.to_owned())));
    let elsewhere = refunded(texts(), Arc::new(StringArray::from(vec![None, None, Some("gone")])));
    assert_eq!(elsewhere[2].as_deref(), Some("gone"), "an order that no file has is one of its own");
}

#[test]
fn what_names_an_order_by_half_a_number_is_refused() {
    let folder = shop(with("original", Float64Array::from(vec![None, Some(1.5), None])));
    let purchases = opened(folder.path(), |source| source.refund_of = vec!["original".into()]).unwrap();
    let error = lines(&purchases, &ALL).unwrap_err();
    assert!(error.to_string().contains("column `original` in `p/a.parquet` holds 1.5 (row 2), which is no whole number"), "{error}");
}

/// What everybody sees of three lines whose ids, labels and state are such columns: the lines, the counts, and `explain`'s view.
fn seen_with(ids: [ArrayRef; 5]) -> String {
    let [customer, order, product, coupon, status] = ids;
    let folder = shop(vec![
        ("customer_id", customer),
        ("order_id", order),
        ("product", product),
        ("coupon", coupon),
        ("status", status),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![1, 2, 3]))),
        ("amount", Arc::new(Int64Array::from(vec![100, 50, 7]))),
    ]);
    let purchases = opened(folder.path(), |source| {
        (source.product, source.category, source.coupon) = (Some("product".into()), Some("product".into()), Some("coupon".into()));
        source.rules = vec![rule(RuleKind::Exclude, "status", &["9"])];
    });
    let purchases = purchases.unwrap();
    let texts = std::sync::Mutex::new(Vec::new());
    let request = Request { details: true, category: true, ..ALL };
    purchases
        .read(&request, &|batch| {
            let labels = ["category", "product", "coupon"].map(|name| format!("{:?}", batch.column_by_name(name).unwrap()));
            texts.lock().unwrap().extend(labels);
            Ok(())
        })
        .unwrap();
    let labels = texts.into_inner().unwrap();
    format!("{:?} {labels:?} {:?}", lines(&purchases, &request).unwrap(), purchases.history("1", i64::MAX).unwrap())
}

#[test]
fn ids_with_gaps_are_the_same_whatever_a_writer_makes_of_them() {
    let gaps = [Some(1), Some(1), None];
    let floats = |nothing: Option<f64>| Arc::new(Float64Array::from(vec![Some(1.0), Some(1.0), nothing])) as ArrayRef;
    let decimals = |scale: i8, one: i128| -> ArrayRef {
        let values = Decimal128Array::from(vec![Some(one), Some(one), None]).with_precision_and_scale(20, scale);
        Arc::new(values.unwrap())
    };
    let wide = Decimal256Array::from(vec![Some(arrow::datatypes::i256::from(1_000)), Some(1_000.into()), None]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(gaps.to_vec())),
        floats(None),
        floats(Some(f64::NAN)),
        Arc::new(Float32Array::from(vec![Some(1.0), Some(1.0), None])),
        decimals(0, 1),
        decimals(2, 100),
        Arc::new(wide.with_precision_and_scale(40, 3).unwrap()),
        Arc::new(StringArray::from(vec![Some("1"), Some("1"), None])),
    ];
    let nothing: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![None::<&str>; 3])),
        Arc::new(Float64Array::from(vec![None; 3])),
        Arc::new(Float64Array::from(vec![f64::NAN; 3])),
        Arc::new(NullArray::new(3)),
        Arc::new(TimestampMicrosecondArray::from(vec![None; 3])),
        Arc::new(Int32Array::from(vec![None; 3])),
    ];
    let of = |column: &ArrayRef, coupon: &ArrayRef| {
        let whole = || Arc::clone(column);
        seen_with([whole(), whole(), whole(), Arc::clone(coupon), Arc::new(Float64Array::from(vec![Some(1.0), Some(9.0), None]))])
    };
    let wanted = of(&columns[0], &nothing[0]);
    for column in &columns {
        assert_eq!(of(column, &nothing[0]), wanted, "{}", column.data_type());
    }
    for column in &nothing {
        assert_eq!(of(&columns[0], column), wanted, "{}", column.data_type());
    }
}

#[test]
fn an_id_that_is_no_whole_number_is_told_with_its_row() {
    let odd: Vec<(ArrayRef, &str)> = vec![
        (Arc::new(Float64Array::from(vec![1.0, 2.0, 1.5])), "holds 1.5 (row 3)"),
        (Arc::new(Float64Array::from(vec![1.0, 1e300, 1.0])), "(row 2)"),
        (Arc::new(Float64Array::from(vec![f64::INFINITY, 1.0, 1.0])), "holds inf (row 1)"),
        (Arc::new(Float64Array::from(vec![1.0, 9_007_199_254_740_994.0, 1.0])), "(row 2)"),
        (Arc::new(Decimal128Array::from(vec![100, 125, 100]).with_precision_and_scale(20, 2).unwrap()), "holds 1.25 (row 2)"),
    ];
    for (column, words) in odd {
        for name in ["customer_id", "order_id", "coupon"] {
            let mut columns = with("coupon", StringArray::from(vec!["x"; 3]));
            columns.retain(|(there, _)| *there != name);
            columns.push((name, Arc::clone(&column)));
            let folder = shop(columns);
            let purchases = opened(folder.path(), |source| source.coupon = Some("coupon".into())).unwrap();
            let error = lines(&purchases, &Request { details: true, ..ALL }).unwrap_err().to_string();
            for words in [words, &format!("column `{name}` in `p/a.parquet`"), "no whole number"] {
                assert!(error.contains(words), "{error} lacks {words}");
            }
            let explained = purchases.history("1", i64::MAX);
            assert!(name != "customer_id" || explained.is_err(), "explain does not pass over it either");
        }
    }
}

/// Customers and orders as DuckDB writes UUIDs: sixteen bytes, of which the schema says what they are.
fn put_uuids(path: &Path, ids: &[Vec<u8>]) {
    let schema = "message m { required fixed_len_byte_array(16) customer_id (UUID); required fixed_len_byte_array(16) order_id (UUID);
        required int64 at (TIMESTAMP(MICROS, true)); required int64 amount; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let bytes: Vec<FixedLenByteArray> = ids.iter().cloned().map(FixedLenByteArray::from).collect();
    let numbers: Vec<i64> = (1..).take(ids.len()).collect();
    for place in 0..4 {
        let mut column = group.next_column().unwrap().unwrap();
        if place < 2 {
            column.typed::<FixedLenByteArrayType>().write_batch(&bytes, None, None).unwrap();
        } else {
            column.typed::<PlainInt64>().write_batch(&numbers, None, None).unwrap();
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn uuids_are_read_as_people_write_them() {
    let folder = tempfile::tempdir().unwrap();
    let uuid = |last: u128| (0x550e_8400_e29b_41d4_a716_4466_5544_0000 + last).to_be_bytes().to_vec();
    put_uuids(&folder.path().join("p/a.parquet"), &[uuid(1), uuid(1), uuid(0xff)]);
    let purchases = opened(folder.path(), |_| ()).unwrap();
    let id = "550e8400-e29b-41d4-a716-446655440001";
    assert_eq!(purchases.history(id, i64::MAX).unwrap().len(), 2);
    let orders: Vec<_> = lines(&purchases, &ALL).unwrap().0.into_iter().filter_map(|line| line.1).collect();
    assert_eq!(orders, [id, id, "550e8400-e29b-41d4-a716-4466554400ff"]);
}

#[test]
fn a_refund_names_an_order_of_several_columns() {
    let mut columns = with("store", StringArray::from(vec!["京都", "京都", "大阪"]));
    columns.push(("original", Arc::new(Int64Array::from(vec![None, Some(9), None]))));
    let folder = shop(columns);
    let purchases = opened(folder.path(), |source| {
        source.order = vec!["store".into(), "order_id".into()];
        source.refund_of = vec!["store".into(), "original".into()];
    });
    let mut orders: Vec<_> = lines(&purchases.unwrap(), &ALL).unwrap().0.into_iter().filter_map(|line| line.1).collect();
    orders.sort();
    assert_eq!(orders, ["京都/1", "京都/9", "大阪/"], "a store alone names no order");
}

#[test]
fn numbers_travel_as_text_when_one_file_names_refunds_in_text() {
    let folder = shop(with("original", Int64Array::from(vec![None, None, Some(1)])));
    put(&folder.path().join("p/b.parquet"), with("original", StringArray::from(vec![Some("x-1"), None, None])), None);
    let purchases = opened(folder.path(), |source| source.refund_of = vec!["original".into()]).unwrap();
    let orders: Vec<_> = lines(&purchases, &ALL).unwrap().0.into_iter().map(|line| (line.0, line.1)).collect();
    let wanted = [("a", Some("1")), ("a", Some("1")), ("a", Some("1")), ("a", Some("x-1")), ("b", None), ("b", Some("1"))];
    assert_eq!(orders.len(), wanted.len());
    for (customer, order) in wanted {
        assert!(orders.contains(&(customer.to_owned(), order.map(str::to_owned))), "{customer} {order:?} in {orders:?}");
    }
}

#[test]
fn a_last_order_knows_the_lines_of_its_refunds() {
    let mut columns = with("original", Int64Array::from(vec![None, Some(7), Some(1)]));
    columns[0].1 = Arc::new(StringArray::from(vec!["a", "a", "a"]));
    let folder = shop(columns);
    let purchases = opened(folder.path(), |source| source.refund_of = vec!["original".into()]).unwrap();
    let wanted = WantedOrders::from_iter([("a".to_owned(), ("1".to_owned(), 0))]);
    let orders = last_orders(&purchases, &wanted, i64::MAX).unwrap();
    assert_eq!(orders["a"].items.iter().map(|item| item.amount).collect::<Vec<_>>(), [100, 5], "of two orders, and not of order 7");
}

#[test]
fn a_compression_that_is_not_read_is_named() {
    let folder = shop(super::tests::columns());
    let path = folder.path().join("p/a.parquet");
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&File::open(&path).unwrap()).unwrap();
    let mut file = metadata.into_builder();
    let mut group = file.take_row_groups().remove(0).into_builder();
    let brotli = |column: ColumnChunkMetaData| column.into_builder().set_compression(Compression::BROTLI(BrotliLevel::default())).build();
    let columns = group.take_columns().into_iter().map(brotli).collect::<Result<_, _>>().unwrap();
    let metadata = file.set_row_groups(vec![group.set_column_metadata(columns).build().unwrap()]).build();
    // The last footer is the one that counts.
    let end = File::options().append(true).open(&path).unwrap();
    ParquetMetaDataWriter::new(end, &metadata).finish().unwrap();
    let error = opened(folder.path(), |_| ()).unwrap_err().to_string();
    assert!(error.contains("`p/a.parquet` is compressed by Brotli") && error.contains("ZSTD, Snappy"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn naming_the_refunded_order_equals_relabelled_lines(
        rows in proptest::collection::vec((0_u8..3, proptest::option::of(0_i64..5), proptest::option::of(0_i64..7), -50_i64..50), 1..30),
        text in any::<bool>(),
    ) {
        let ids = |ids: Vec<Option<i64>>| -> ArrayRef {
            if text { Arc::new(ids.iter().map(|id| id.map(|id| format!("o{id}"))).collect::<StringArray>()) } else { Arc::new(Int64Array::from(ids)) }
        };
        let file = |order: Vec<Option<i64>>, refund: Option<Vec<Option<i64>>>| {
            let mut columns: Columns = vec![
                ("customer_id", Arc::new(rows.iter().map(|row| Some(format!("c{}", row.0))).collect::<StringArray>())),
                ("order_id", ids(order)),
                ("at", Arc::new(TimestampMicrosecondArray::from_iter_values((0..).take(rows.len())))),
                ("amount", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.3)))),
            ];
            columns.extend(refund.map(|refund| ("original", ids(refund))));
            shop(columns)
        };
        let named = file(rows.iter().map(|row| row.1).collect(), Some(rows.iter().map(|row| row.2).collect()));
        let relabelled = file(rows.iter().map(|row| row.2.or(row.1)).collect(), None);
        let request = Request { details: true, category: true, ..ALL };
        let one_way = lines(&opened(named.path(), |source| source.refund_of = vec!["original".into()]).unwrap(), &request).unwrap();
        let other_way = lines(&opened(relabelled.path(), |source| source.amount = one("amount")).unwrap(), &request).unwrap();
        prop_assert_eq!(one_way, other_way);
    }
}
