//! Tests of the customer list, from CSV and from Parquet.

use super::*;
use crate::domain::Address;
use crate::tables::Input;
use crate::tables::dealt::{self, Dealing};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int32Array, Int64Array, LargeStringArray,
    ListArray, NullArray, RecordBatch, StringArray, StringViewArray, StructArray, TimestampMillisecondArray, TimestampNanosecondArray,
    UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type};
use parquet::arrow::ArrowWriter;
use std::path::PathBuf;
use std::sync::Arc;

const TOKYO: Zone = Zone(chrono_tz::Asia::Tokyo);

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

/// A list in a folder of its own, mapped by `customer_id` alone.
struct List {
    folder: tempfile::TempDir,
    source: CustomersSource,
    merges: Merges,
}

type Read = Result<(Customers, Vec<Input>, Notes), Error>;

impl List {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path: PathBuf = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        let source = CustomersSource {
            path,
            written: name.to_owned(),
            exclude: Vec::new(),
            customer: "customer_id".to_owned(),
            email: None,
            name: Vec::new(),
            birthday: None,
            consent: None,
            since: None,
            points: None,
            rank: None,
            rank_at_least: None,
            rank_at_least_until: None,
            contacts: ContactsSource::default(),
            merged: None,
            household: None,
        };
        Self { folder, source, merges: Merges::default() }
    }

    fn csv(text: &str) -> Self {
        Self::new("customers.csv", text.as_bytes())
    }

    fn parquet(columns: Vec<(&str, ArrayRef)>) -> Self {
        Self::new("customers.parquet", &parquet_bytes(columns))
    }

    fn with(mut self, change: impl FnOnce(&mut CustomersSource)) -> Self {
        change(&mut self.source);
        self
    }

    fn consent(self, column: &str, yes: Option<&[&str]>) -> Self {
        let yes = yes.map(|words| words.iter().map(ToString::to_string).collect());
        self.with(|source| source.consent = Some(ConsentSource { column: column.to_owned(), yes }))
    }

    fn read(&self) -> Read {
        let whole = self.dealt(1, |_| 0);
        let parts = self.dealt(5, |id| id.bytes().map(usize::from).sum::<usize>() % 5);
        // A list that is dealt to several piles is the same list.
        match (&whole, parts) {
            (Ok((whole, inputs, notes)), Ok((parts, files, told))) => {
                assert_eq!((inputs, notes), (&files, &told));
                assert_eq!(whole.iter().map(Customers::len).sum::<usize>(), parts.iter().map(Customers::len).sum::<usize>());
                assert!(parts.iter().all(|part| written(part).iter().all(|row| written(&whole[0]).contains(row))));
                let excluded = parts.iter().flat_map(|part| &part.excluded).collect::<std::collections::BTreeSet<_>>();
                assert!(excluded.into_iter().eq(&whole[0].excluded));
            }
            (Err(whole), Err(parts)) => assert_eq!(whole.to_string(), parts.to_string()),
            (whole, parts) => panic!("{:?} and {:?}", whole.as_ref().err(), parts.err()),
        }
        let (mut customers, inputs, notes) = whole?;
        Ok((customers.remove(0), inputs, notes))
    }

    fn dealt(&self, piles: usize, pile_of: fn(&str) -> usize) -> Result<(Vec<Customers>, Vec<Input>, Notes), Error> {
        let recipe = Recipe { source: self.source.clone(), merges: Arc::new(self.merges.clone()), zone: TOKYO, as_of: day("2026-12-01") };
        let (rows, inputs) = dealt::customers(
            recipe,
            self.folder.path(),
            &Dealing { piles, pile_of: &pile_of, folder: self.folder.path(), held: usize::MAX },
        )?;
        let (list, made, notes) = rows.look(|customers| customers, Customers::clone)?;
        assert!(made.iter().enumerate().all(|(at, made)| list.pile(at).expect("a pile") == *made));
        Ok((made, inputs, notes))
    }

    fn customers(&self) -> Customers {
        self.read().expect("a list").0
    }

    fn message(&self) -> String {
        self.read().expect_err("an error").to_string()
    }
}

/// Each customer with all that the list says.
fn written(customers: &Customers) -> Vec<String> {
    let row = |row: usize| {
        let columns: Vec<_> = customers.columns.iter().map(|(name, values)| (name, values.get(row))).collect();
        let (since, rank) = (customers.since[row], customers.rank.get(row));
        let known = (customers.id.get(row), &customers.address[row], customers.name.get(row), customers.birthday[row], since, rank);
        format!("{known:?} {} {columns:?} {:?}", customers.consent[row], customers.points.get(row))
    };
    (0..customers.len()).map(row).collect()
}

fn parquet_bytes(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("a batch");
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("rows");
    writer.into_inner().expect("bytes")
}

fn texts(column: &Texts) -> Vec<&str> {
    column.iter().collect()
}

fn ids(texts: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(texts.to_vec()))
}

fn column(customers: &Customers, name: &str) -> Vec<Value> {
    let (_, values) = customers.columns.iter().find(|(column, _)| column == name).expect("a column");
    values.iter().map(Cow::into_owned).collect()
}

#[test]
fn some_ids_stand_for_all_of_them() {
    // Each eighth is of another form, and some are very long.
    let row = |at: usize| format!("{}{at:06}{}\n", if at.is_multiple_of(8) { "A" } else { "B" }, "京".repeat(at % 3 * 40));
    let list = List::csv(&format!("customer_id\n{}", (0..50_000).map(row).collect::<String>()));
    let recipe = Recipe { source: list.source.clone(), merges: Arc::new(list.merges.clone()), zone: TOKYO, as_of: day("2026-12-01") };
    let ids = crate::tables::some_ids(&recipe, list.folder.path()).expect("ids");
    let of_a = ids.iter().filter(|id| id.starts_with('A')).count();
    assert!((10_000..=32_768).contains(&ids.len()) && ids.iter().all(|id| id.len() <= 64), "{}", ids.len());
    assert!((ids.len() / 10..ids.len() / 6).contains(&of_a), "{of_a} of {}", ids.len());
}

#[test]
fn a_list_that_lies_on_the_disk_is_the_same_list() {
    let row =
        |row: usize| format!("C{:06},客{row},c{row}@example.com,{}\n", row * 7_919 % 20_000, if row.is_multiple_of(9) { "x" } else { "" });
    let rows: String = (0..20_000).map(row).collect();
    let list = List::csv(&format!("customer_id,name,email,birthday\n{rows}"))
        .with(|source| (source.name, source.birthday) = (vec!["name".to_owned()], Some("birthday".to_owned())));
    let recipe = || Recipe { source: list.source.clone(), merges: Arc::new(list.merges.clone()), zone: TOKYO, as_of: day("2026-12-01") };
    let read = |held| {
        let pile_of = |id: &str| usize::from(id.as_bytes()[id.len() - 1]) % 3;
        let dealing = Dealing { piles: 3, pile_of: &pile_of, folder: list.folder.path(), held };
        dealt::customers(recipe(), list.folder.path(), &dealing).expect("a list").0
    };
    assert!(read(40_000).is_laid() && !read(usize::MAX).is_laid());
    let look = |held| read(held).look(|customers| customers, Customers::clone).expect("customers");
    let (held, all, notes) = look(usize::MAX);
    let (laid, same, told) = look(40_000);
    assert!(laid.is_laid() && !held.is_laid());
    assert_eq!((all.iter().map(Customers::len).sum::<usize>(), notes.unusable_birthdays), (20_000, 2_223));
    assert_eq!((same, told), (all.clone(), notes));
    // Each pile is taken up as often as somebody wants it.
    for (at, made) in all.iter().enumerate().chain(all.iter().enumerate()) {
        assert_eq!([laid.pile(at).expect("a pile"), held.pile(at).expect("a pile")], [made.clone(), made.clone()]);
    }
    assert_eq!(list.folder.path().read_dir().expect("a folder").count(), 1, "the list alone has a name");
}

#[test]
fn every_role_is_read_from_a_csv_and_sorted_by_id() {
    let list = List::csv(
        "customer_id,email,sei,mei,birthday,メルマガ,first_visit,rank,likes\r\n\
         C-2, Taro@Example.JP ,山田,\"太\r\n郎\",1985/1/5,希望する,2020-04-01, AA+ ,\"肉\n酒\"\r\n\
         C-10,,佐藤,,昭和60年,,,,\r\n\
         C-1,x y@example.jp,\u{3000},,19991231,希望しない,2021年3月4日,VIP,甘味\r\n\
         ,lost@example.jp,,,,,,,\r\n",
    );
    let list = list.consent("メルマガ", Some(&["希望する"])).with(|source| {
        source.email = Some("email".into());
        source.name = vec!["sei".into(), "mei".into()];
        source.birthday = Some("birthday".into());
        source.since = Some("first_visit".into());
        source.rank = Some("rank".into());
    });
    let (customers, inputs, notes) = list.read().expect("a list");
    assert_eq!(texts(&customers.id), ["C-1", "C-10", "C-2"]);
    let usable = Address::Usable { wire: "Taro@example.jp".into(), irregular: false };
    assert_eq!(customers.address, [Address::Bad, Address::Missing, usable]);
    assert_eq!(texts(&customers.name), ["", "佐藤", "山田 太  郎"]);
    assert_eq!(customers.birthday, [Some(day("1999-12-31")), None, Some(day("1985-01-05"))]);
    assert_eq!(customers.consent, [false, false, true]);
    assert_eq!(customers.since, [Some(day("2021-03-04")), None, Some(day("2020-04-01"))]);
    assert_eq!(texts(&customers.rank), ["VIP", "", "AA+"]);
    assert_eq!(column(&customers, "likes"), [Value::from("甘味"), Value::Null, Value::from("肉\n酒")]);
    assert_eq!(customers.columns.len(), 9);
    assert_eq!((notes.rows, notes.without_id, notes.unusable_birthdays, notes.unusable_since), (4, 1, 1, 0));
    assert_eq!(notes.examples().collect::<Vec<_>>(), ["line 7: no customer id", "line 5: birthday \"昭和60年\" is no date"]);
    assert_eq!(inputs[0].0, "customers.csv");
    assert_eq!(inputs[0].1.len(), 64);
}

#[test]
fn a_list_reads_alike_in_every_encoding_and_format() {
    let text = "customer_id,name\nC-1,髙橋\nC-2,\n";
    let plain = List::csv(text).customers();
    let cp932 = List::new("customers.csv", &encoding_rs::SHIFT_JIS.encode(text).0).customers();
    let tabs = List::new("customers.tsv", text.replace(',', "\t").as_bytes()).customers();
    let bare = List::new("customers", text.as_bytes()).customers();
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("髙橋"), None]));
    let bytes = parquet_bytes(vec![("customer_id", ids(&["C-1", "C-2"])), ("name", names)]);
    for other in [cp932, tabs, bare, List::new("customers.parquet", &bytes).customers(), List::new("customers", &bytes).customers()] {
        assert_eq!(other, plain);
    }
}

#[test]
fn parquet_types_become_plain_values() {
    let places = StructArray::from(vec![(Arc::new(Field::new("city", DataType::Utf8, true)), ids(&["京都", "大阪"]))]);
    let micros = vec![Some(1_700_000_000_123), None];
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("customer_id", Arc::new(Int64Array::from(vec![20, 3]))),
        ("dictionary", Arc::new(vec!["a", "b"].into_iter().collect::<DictionaryArray<Int32Type>>())),
        ("large", Arc::new(LargeStringArray::from(vec!["x\ny", ""]))),
        ("view", Arc::new(StringViewArray::from(vec![None, Some("v")]))),
        ("int", Arc::new(Int32Array::from(vec![Some(-7), None]))),
        ("unsigned", Arc::new(UInt64Array::from(vec![u64::MAX, 1]))),
        ("float", Arc::new(Float64Array::from(vec![1.5, f64::NAN]))),
        ("decimal", Arc::new(Decimal128Array::from(vec![1250, 300]).with_precision_and_scale(10, 2).expect("a decimal"))),
        ("whole", Arc::new(Decimal128Array::from(vec![1250, -3]).with_precision_and_scale(10, 0).expect("a decimal"))),
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("date", Arc::new(Date32Array::from(vec![Some(0), Some(i32::MAX)]))),
        ("local", Arc::new(TimestampMillisecondArray::from(micros.clone()))),
        ("zoned", Arc::new(TimestampMillisecondArray::from(micros).with_timezone("America/New_York"))),
        ("nanos", Arc::new(TimestampNanosecondArray::from(vec![Some(0), Some(1_500_000_000)]).with_timezone("+00:00"))),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None]), None]))),
        ("struct", Arc::new(places)),
        ("null", Arc::new(NullArray::new(2))),
    ];
    let customers = List::parquet(columns).customers();
    assert_eq!(texts(&customers.id), ["20", "3"], "ids are sorted as text");
    let text = |text: &str| Value::from(text);
    for (name, expected) in [
        ("customer_id", [Value::Int(20), Value::Int(3)]),
        ("dictionary", [text("a"), text("b")]),
        ("large", [text("x\ny"), text("")]),
        ("view", [Value::Null, text("v")]),
        ("int", [Value::Int(-7), Value::Null]),
        ("unsigned", [text("18446744073709551615"), Value::Int(1)]),
        ("float", [Value::Float(1.5), Value::Null]),
        ("decimal", [Value::Float(12.5), Value::Float(3.0)]),
        ("whole", [Value::Int(1250), Value::Int(-3)]),
        ("bool", [Value::Bool(true), Value::Null]),
        ("date", [Value::Date(day("1970-01-01")), Value::Null]),
        ("local", [text("2023-11-14T22:13:20.123+09:00"), Value::Null]),
        ("zoned", [text("2023-11-15T07:13:20.123+09:00"), Value::Null]),
        ("nanos", [text("1970-01-01T09:00:00+09:00"), text("1970-01-01T09:00:01.500+09:00")]),
        ("list", [Value::List(vec![Value::Int(1), Value::Null]), Value::Null]),
        ("struct", [text("{city: 京都}"), text("{city: 大阪}")]),
        ("null", [Value::Null, Value::Null]),
    ] {
        assert_eq!(column(&customers, name), expected, "{name}");
    }
}

#[test]
fn the_old_int96_is_an_instant_in_utc() {
    use parquet::data_type::{ByteArrayType, Int96, Int96Type};
    use parquet::file::writer::SerializedFileWriter;
    let schema = "message list { required binary customer_id (utf8); optional int96 at; }";
    let schema = Arc::new(parquet::schema::parser::parse_message_type(schema).expect("a schema"));
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).expect("a writer");
    let mut group = writer.next_row_group().expect("a row group");
    let mut ids = group.next_column().expect("a column").expect("ids");
    ids.typed::<ByteArrayType>().write_batch(&["a".into(), "b".into()], None, None).expect("ids");
    ids.close().expect("ids");
    let mut times = group.next_column().expect("a column").expect("times");
    // Noon of 1970-01-01 and of 9999-01-01, which nanoseconds in 64 bits do not reach: nanoseconds of the day, and a Julian day.
    let noon = 43_200_000_000_000_u64;
    let at = |julian: u32| Int96::from(vec![(noon & 0xffff_ffff) as u32, (noon >> 32) as u32, julian]);
    times.typed::<Int96Type>().write_batch(&[at(2_440_588), at(5_373_120)], Some(&[1, 1]), None).expect("times");
    times.close().expect("times");
    group.close().expect("a row group");
    let bytes = writer.into_inner().expect("bytes");
    let customers = List::new("customers.parquet", &bytes).customers();
    assert_eq!(column(&customers, "at"), [Value::from("1970-01-01T21:00:00+09:00"), Value::from("9999-01-01T21:00:00+09:00")]);
}

#[test]
fn birthdays_come_from_dates_times_texts_and_numbers() {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("customer_id", ids(&["a"])),
        ("date", Arc::new(Date32Array::from(vec![7_429]))),
        // Midnight of 5 May 1990 in Tokyo, as an instant.
        ("zoned", Arc::new(TimestampMillisecondArray::from(vec![641_833_200_000]).with_timezone("UTC"))),
        ("local", Arc::new(TimestampMillisecondArray::from(vec![641_865_600_000]))),
        ("text", ids(&["1990年5月5日 0:00"])),
        ("number", Arc::new(Int64Array::from(vec![19_900_505]))),
    ];
    for name in ["date", "zoned", "local", "text", "number"] {
        let list = List::parquet(columns.clone()).with(|source| source.birthday = Some(name.into()));
        assert_eq!(list.customers().birthday, [Some(day("1990-05-05"))], "{name}");
    }
}

#[test]
fn consent_counts_when_it_was_given_before_the_as_of_date() {
    let list = List::csv(
        "customer_id,at\na,2026-11-30\nb,2026-12-01\nc,2026-11-30 23:59:59\nd,2026-11-30T15:00:00Z\ne,2026-11-30T14:59:59Z\nf,\n\
         g,true\nh,FALSE\ni,0000-00-00 00:00:00\nj, \n",
    );
    let consent = list.consent("at", None).customers().consent;
    assert_eq!(consent, [true, false, true, false, true, false, true, false, false, false]);

    let local = |text: &str| chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a time").and_utc().timestamp_millis();
    let times = vec![Some(local("2026-11-30 23:59")), Some(local("2026-12-01 00:00")), None];
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("customer_id", ids(&["a", "b", "c"])),
        ("time", Arc::new(TimestampMillisecondArray::from(times))),
        ("date", Arc::new(Date32Array::from(vec![Some(20_787), Some(20_788), None]))),
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        ("none", Arc::new(NullArray::new(3))),
        ("int", Arc::new(Int64Array::from(vec![Some(1), Some(0), None]))),
    ];
    let read = |name: &str, yes: Option<&[&str]>| List::parquet(columns.clone()).consent(name, yes).read();
    for (name, yes, expected) in [
        ("time", None, [true, false, false]),
        ("date", None, [true, false, false]),
        ("bool", None, [true, false, false]),
        ("none", None, [false, false, false]),
        ("int", Some(&["1"][..]), [true, false, false]),
        ("bool", Some(&["false"][..]), [false, true, false]),
    ] {
        assert_eq!(read(name, yes).expect(name).0.consent, expected, "{name}");
    }
    let error = read("int", None).expect_err("numbers say nothing").to_string();
    assert!(error.contains("column `int`") && error.contains("Int64") && error.contains("yes ="), "{error}");
}

#[test]
fn nobody_has_consented_where_no_column_says_so() {
    assert_eq!(List::csv("customer_id\na\nb\n").customers().consent, [false, false]);
}

#[test]
fn consent_in_words_needs_the_words_that_mean_yes() {
    let list = List::csv("customer_id,メルマガ\na,\nb,希望する\n").consent("メルマガ", None);
    let message = list.message();
    assert!(message.contains("`希望する` (line 3)") && message.contains("yes = [\"希望する\"]"), "{message}");
}

#[test]
fn excluded_people_are_in_no_column() {
    let list = List::csv("customer_id,status,note\nb,退会,x\na,,y\nd,社員,z\nc,会員,w\n");
    let list = list.with(|source| source.exclude = vec![("status".into(), vec!["社員".into(), "退会".into()])]);
    let customers = list.customers();
    assert_eq!(texts(&customers.id), ["a", "c"]);
    assert_eq!(column(&customers, "note"), [Value::from("y"), Value::from("w")]);
    assert_eq!(customers.excluded, [("b".into(), "status = 退会".into()), ("d".into(), "status = 社員".into())]);
    assert!(list.with(|source| source.exclude[0].0 = "statsu".into()).message().contains("did you mean `status`?"));
}

#[test]
fn exclude_looks_into_lists_and_compares_numbers_and_truths_as_words() {
    let tags = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), Some(9)]), Some(vec![]), None]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("customer_id", ids(&["a", "b", "c"])),
        ("tags", Arc::new(tags)),
        ("staff", Arc::new(BooleanArray::from(vec![Some(false), Some(true), None]))),
    ];
    let list = List::parquet(columns)
        .with(|source| source.exclude = vec![("tags".into(), vec!["9".into()]), ("staff".into(), vec!["true".into()])]);
    assert_eq!(texts(&list.customers().id), ["c"]);
}

#[test]
fn a_customer_twice_is_refused_with_the_rows() {
    let message = List::csv("customer_id,status\na,x\nb,x\n\na,退会\n").message();
    assert!(message.contains("same customer more than once: `a` (line 2, line 5)"), "{message}");
    let many: Vec<String> = (0..20).map(|number| format!("c{}", number % 10)).collect();
    let message = List::csv(&format!("customer_id\n{}\n", many.join("\n"))).message();
    assert!(message.contains("`c4`") && !message.contains("`c5`") && message.contains("and 5 more"), "{message}");
    let message = List::parquet(vec![("customer_id", ids(&["b", "a", "b"]))]).message();
    assert!(message.contains("`b` (row 1, row 3)"), "{message}");
}

#[test]
fn numbers_with_gaps_are_the_ids_that_they_were() {
    let decimals = Decimal128Array::from(vec![Some(1_200), Some(300), None]).with_precision_and_scale(20, 2).expect("decimals");
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![Some(12), Some(3), None])),
        Arc::new(Float64Array::from(vec![Some(12.0), Some(3.0), None])),
        Arc::new(Float64Array::from(vec![12.0, 3.0, f64::NAN])),
        Arc::new(decimals),
    ];
    for column in columns {
        let nothing: ArrayRef = Arc::new(Float64Array::from(vec![None; 3]));
        let list = List::parquet(vec![("customer_id", Arc::clone(&column)), ("house", column), ("nothing", nothing)]).with(|source| {
            (source.household, source.rank) = (Some("house".into()), Some("nothing".into()));
            (source.email, source.name, source.since) = (Some("nothing".into()), vec!["nothing".into()], Some("nothing".into()));
        });
        let (customers, _, notes) = list.consent("nothing", None).read().expect("a list");
        assert_eq!((texts(&customers.id), texts(&customers.household)), (vec!["12", "3"], vec!["12", "3"]));
        assert_eq!((texts(&customers.rank), &customers.consent[..], notes.without_id), (vec!["", ""], &[false, false][..], 1));
    }
    for odd in [1.5, 1e300, 9_007_199_254_740_994.0] {
        let message = List::parquet(vec![("customer_id", Arc::new(Float64Array::from(vec![1.0, odd])))]).message();
        assert!(message.contains("column `customer_id` in `customers.parquet` holds") && message.contains("(row 2)"), "{message}");
    }
    let marked = List::csv("customer_id\n=\"0012\"\n'003\n").customers();
    assert_eq!(texts(&marked.id), ["0012", "003"], "as the import reads them");
    let born = Float64Array::from(vec![Some(19_900_505.0), None]);
    let list = List::parquet(vec![("customer_id", ids(&["a", "b"])), ("born", Arc::new(born))]);
    assert_eq!(list.with(|source| source.birthday = Some("born".into())).customers().birthday, [Some(day("1990-05-05")), None]);
}

#[test]
fn uuids_are_read_as_people_write_them() {
    let schema = "message m { required fixed_len_byte_array(16) customer_id (UUID); }";
    let schema = Arc::new(parquet::schema::parser::parse_message_type(schema).expect("a schema"));
    let mut writer = parquet::file::writer::SerializedFileWriter::new(Vec::new(), schema, Arc::default()).expect("a writer");
    let mut group = writer.next_row_group().expect("a group");
    let mut column = group.next_column().expect("a column").expect("one");
    let id: u128 = 0x550e_8400_e29b_41d4_a716_4466_5544_00ff;
    let bytes = parquet::data_type::FixedLenByteArray::from(id.to_be_bytes().to_vec());
    column.typed::<parquet::data_type::FixedLenByteArrayType>().write_batch(&[bytes], None, None).expect("a row");
    column.close().expect("an end");
    group.close().expect("an end");
    let list = List::new("customers.parquet", &writer.into_inner().expect("bytes"));
    assert_eq!(texts(&list.customers().id), ["550e8400-e29b-41d4-a716-4466554400ff"]);
}

#[test]
fn missing_and_unusable_columns_are_named() {
    let message = List::csv("customer_no,email\n1,a\n").message();
    assert!(message.contains("no column `customer_id`") && message.contains("it has: customer_no, email"), "{message}");
    let columns: Vec<(&str, ArrayRef)> = vec![("customer_id", ids(&["a"])), ("price", Arc::new(BooleanArray::from(vec![true])))];
    let changes: [fn(&mut CustomersSource); 6] = [
        |source| source.customer = "price".into(),
        |source| source.email = Some("price".into()),
        |source| source.name = vec!["customer_id".into(), "price".into()],
        |source| source.birthday = Some("price".into()),
        |source| source.since = Some("price".into()),
        |source| source.rank = Some("price".into()),
    ];
    for change in changes {
        let message = List::parquet(columns.clone()).with(change).message();
        assert!(message.contains("column `price` in `customers.parquet` is Boolean, expected"), "{message}");
        assert!(message.contains("[customers.columns]"), "{message}");
    }
    assert!(List::csv("customer_id,a,a\n1,2,3\n").message().contains("two columns `a`"));
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let gone = List::csv("customer_id\n").with(|source| source.path.set_file_name("gone.csv"));
    assert!(gone.message().contains("cannot read `gone.csv`"), "{}", gone.message());
    let folder = List::csv("customer_id\n");
    let path = folder.folder.path().to_owned();
    assert!(folder.with(|source| source.path = path).message().contains("is a folder"));
    for bytes in [&b""[..], b"PAR1", b"PAR1PAR1", b"not a parquet file at all"] {
        assert!(List::new("c.parquet", bytes).message().contains("`c.parquet` is not readable as Parquet"));
    }
}

#[test]
fn damaged_parquet_is_an_error_and_never_a_panic() {
    let names: Vec<String> = (0..500).map(|number| format!("customer {number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let numbers: ArrayRef = Arc::new((0..500).map(|number| (number % 7 > 0).then_some(number)).collect::<Int64Array>());
    let bytes = parquet_bytes(vec![("customer_id", ids(&names)), ("number", numbers)]);
    for cut in (0..bytes.len()).step_by(97) {
        assert!(List::new("c.parquet", &bytes[..cut]).read().is_err(), "cut at {cut}");
    }
    let mut failed = 0;
    for at in (0..bytes.len()).step_by(41) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        failed += usize::from(List::new("c.parquet", &damaged).read().is_err());
    }
    assert!(failed > 0);
}

#[test]
fn the_digest_follows_the_content_and_not_the_folder() {
    let digest = |list: &List| list.read().expect("a list").1;
    for (one, same, other) in [
        (List::csv("customer_id\na\n"), List::csv("customer_id\na\n"), List::csv("customer_id\nb\n")),
        (
            List::parquet(vec![("customer_id", ids(&["a"]))]),
            List::parquet(vec![("customer_id", ids(&["a"]))]),
            List::parquet(vec![("customer_id", ids(&["b"]))]),
        ),
    ] {
        assert_eq!(digest(&one), digest(&same));
        assert_ne!(digest(&one), digest(&other));
    }
}

#[test]
fn column_names_are_read_without_the_list() {
    let names = |list: &List| crate::tables::customer_columns(&list.source, list.folder.path());
    assert_eq!(names(&List::csv("customer_id,名前,\na,b\n")).expect("names"), ["customer_id", "名前"], "a ragged row does not matter here");
    assert_eq!(names(&List::parquet(vec![("customer_id", ids(&["a"])), ("名前", ids(&["b"]))])).expect("names"), ["customer_id", "名前"]);
    assert!(names(&List::csv("")).expect_err("empty").to_string().contains("is empty"));
}

#[test]
fn an_empty_list_has_all_its_columns() {
    let customers = List::csv("customer_id,email\n").with(|source| source.email = Some("email".into())).customers();
    assert!(customers.is_empty());
    assert_eq!(customers.columns, ["customer_id", "email"].map(|name| (name.to_owned(), Values::default())));
}

#[test]
fn ways_to_reach_people_are_put_into_one_form() {
    let text = "customer_id,zip,prefecture,street,line,tel,dm,calls\n\
                c1,〒６０４００００,京都府, 中京区\u{3000}1-2-3 ,U0123456789abcdef0123456789abcdef,０９０ー０００ー００００,true,希望\n\
                c2,,,,,,,\n";
    let list = List::csv(text).with(|source| {
        source.contacts = ContactsSource {
            postal_code: Some("zip".into()),
            postal_address: vec!["prefecture".into(), "street".into()],
            line_id: Some("line".into()),
            phone: Some("tel".into()),
            post_consent: Some(ConsentSource { column: "dm".into(), yes: None }),
            line_consent: None,
            call_consent: Some(ConsentSource { column: "calls".into(), yes: Some(vec!["希望".into()]) }),
        };
    });
    let contacts = list.customers().contacts;
    assert_eq!((contacts.postal_code.get(0), contacts.postal_code.get(1)), ("604-0000", ""));
    assert_eq!((contacts.postal_address.get(0), contacts.postal_address.get(1)), ("京都府 中京区\u{3000}1-2-3", ""));
    assert_eq!((contacts.line_id.get(0), contacts.phone.get(0)), ("U0123456789abcdef0123456789abcdef", "090-000-0000"));
    assert_eq!(contacts.post_consent, Some(vec![true, false]));
    assert_eq!(contacts.line_consent, None, "nobody was asked");
    assert_eq!(contacts.call_consent, Some(vec![true, false]));
    // A number has lost the zeros that it began with.
    let numbers = List::parquet(vec![("customer_id", ids(&["c1"])), ("tel", Arc::new(Int64Array::from(vec![90_0000_0000])))]);
    assert!(numbers.with(|source| source.contacts.phone = Some("tel".into())).message().contains("[customers.columns] phone"));
}

#[test]
fn rows_of_merged_ids_are_those_of_the_new_id() {
    let mut list = List::csv("id,email,home,status\na,a@x.jp,H1,\nb,b@x.jp,H2,\nold,o@x.jp,H1,\nolder,oo@x.jp,,\ngone,g@x.jp,,退会\n")
        .with(|source| {
            (source.customer, source.email) = ("id".into(), Some("email".into()));
            source.household = Some("home".into());
            source.exclude = vec![("status".into(), vec!["退会".into()])];
        });
    let pairs = [("old", "b"), ("older", "new"), ("gone", "a"), ("nobody", "a")];
    list.merges = Merges::new(pairs.map(|(old, new)| (old.to_owned(), new.to_owned()))).unwrap();
    let (customers, _, notes) = list.read().expect("a list");
    assert_eq!(customers.id.iter().collect::<Vec<_>>(), ["a", "b", "new"], "a row of the new id wins, an old one stands in");
    assert_eq!(customers.household.iter().collect::<Vec<_>>(), ["H1", "H2", ""]);
    let addresses: Vec<_> = customers
        .address
        .iter()
        .map(|address| match address {
            Address::Usable { wire, .. } => &**wire,
            _ => "",
        })
        .collect();
    assert_eq!(addresses, ["a@x.jp", "b@x.jp", "oo@x.jp"]);
    assert_eq!((customers.excluded.len(), notes.merged), (0, 2));
    let twice = List { merges: list.merges, ..List::csv("customer_id\nold\nold\n") };
    assert!(matches!(twice.read(), Err(Error::Twice { .. })), "an id twice is no merge");
}

#[test]
fn cleaned_addresses_are_counted() {
    let (customers, _, notes) = List::csv("customer_id,email\n1,ａ＠x.jp\n2, b@x.jp\n3,c@x.jp;\n4,nonsense\n")
        .with(|source| source.email = Some("email".into()))
        .read()
        .expect("a list");
    assert_eq!(notes.cleaned_addresses, 2, "outer blanks are no fault");
    assert!(matches!(&customers.address[0], Address::Usable { wire, .. } if **wire == *"a@x.jp"));
    assert_eq!(customers.address[3], Address::Bad);
}
