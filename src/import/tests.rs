//! CSVs made here, and the Parquet that becomes of them.

use super::{ColumnType, Error, Imported, Odd, Remedy, Request, import};
use crate::domain::DateOrder;
use arrow::array::{Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use encoding_rs::SHIFT_JIS;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn import(&self, bytes: &[u8], force: bool, as_text: &[&str]) -> Result<Imported, Error> {
        let csv = self.folder.path().join("sales.csv");
        fs::write(&csv, bytes).unwrap();
        let types: Vec<_> = as_text.iter().map(|name| ((*name).to_owned(), ColumnType::Text)).collect();
        import(&Request { csv: &csv, to: &self.folder.path().join("out"), force, types: &types, max_bad_rows: None })
    }

    /// Imports a column `v` of these cells, which is said to hold `said`.
    fn column(&self, cells: &[&str], said: Option<ColumnType>, max_bad_rows: Option<f64>) -> Result<Imported, Error> {
        let csv = self.folder.path().join("sales.csv");
        fs::write(&csv, format!("v,n\n{}", cells.iter().map(|cell| format!("\"{cell}\",x\n")).collect::<Vec<_>>().concat())).unwrap();
        let types: Vec<_> = said.map(|said| ("v".to_owned(), said)).into_iter().collect();
        import(&Request { csv: &csv, to: &self.folder.path().join("out"), force: true, types: &types, max_bad_rows })
    }

    /// Names of the files beside each other in the target folder.
    fn files(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder.path().join("out")) else { return Vec::new() };
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn read(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().with_batch_size(1 << 20);
    reader.build().unwrap().next().unwrap().unwrap()
}

/// Each column: name, type, values as text; nulls are "-".
fn columns(path: &Path) -> Vec<(String, String, Vec<String>)> {
    let batch = read(path);
    let schema = batch.schema();
    let column = |(field, values): (&arrow::datatypes::FieldRef, &arrow::array::ArrayRef)| {
        let options = FormatOptions::new().with_null("-");
        // Instants are shown as numbers.
        let instants = matches!(values.data_type(), DataType::Timestamp(_, Some(_)));
        let values = &if instants { cast(values, &DataType::Int64).unwrap() } else { Arc::clone(values) };
        let shown = ArrayFormatter::try_new(values, &options).unwrap();
        let null = values.logical_nulls();
        let value =
            |row: usize| if null.as_ref().is_some_and(|null| null.is_null(row)) { "-".to_owned() } else { shown.value(row).to_string() };
        (field.name().clone(), field.data_type().to_string(), (0..values.len()).map(value).collect())
    };
    schema.fields().iter().zip(batch.columns()).map(column).collect()
}

/// Kind and values of the only column of these cells.
fn cells(cells: &[&str]) -> (String, Vec<String>) {
    let imported = Desk::new();
    let imported = imported.column(cells, None, None).map(|imported| columns(&imported.file).swap_remove(0));
    let (_, kind, values) = imported.unwrap();
    (kind, values)
}

#[test]
fn a_column_has_the_type_that_all_of_its_values_have() {
    let of = |kind: &str, values: &[&str]| (kind.to_owned(), values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>());
    assert_eq!(cells(&["12", "", "-3"]), of("Int64", &["12", "-", "-3"]));
    assert_eq!(cells(&["0012", "13"]), of("Utf8", &["0012", "13"]), "a leading zero is an id's");
    assert_eq!(cells(&["+819012345678"]), of("Utf8", &["+819012345678"]));
    assert_eq!(cells(&["12345678901234567890"]), of("Utf8", &["12345678901234567890"]));
    assert_eq!(cells(&["1,200", "¥980", "１２０", " "]), of("Int64", &["1200", "980", "120", "-"]));
    assert_eq!(cells(&["1,200", "N/A"]), of("Utf8", &["1,200", "N/A"]));
    assert_eq!(cells(&["1.5", "20", "0.25"]), of("Decimal128(4, 2)", &["1.50", "20.00", "0.25"]));
    assert_eq!(cells(&["1001.0", "1002.0"]), of("Int64", &["1001", "1002"]));
    assert_eq!(cells(&["2026-12-01", "2026/12/2"]), of("Date32", &["2026-12-01", "2026-12-02"]));
    assert_eq!(cells(&["2026-12-01", "2026-12-01 10:07:30"]), of("Timestamp(µs)", &["2026-12-01T00:00:00", "2026-12-01T10:07:30"]));
    assert_eq!(cells(&["2026-12-01T10:07:30+09:00"]), of("Timestamp(µs, \"UTC\")", &["1796087250000000"]));
    assert_eq!(cells(&["R8.11.4", "令和8年11月5日", "2026年11月6日"]), of("Date32", &["2026-11-04", "2026-11-05", "2026-11-06"]));
    assert_eq!(cells(&["￥1,234", "1,234円", "△500", "１２３４"]), of("Int64", &["1234", "1234", "-500", "1234"]));
    assert_eq!(cells(&["2026-12-01T10:07:30+09:00", "2026-12-01 10:07"]).0, "Utf8", "two kinds of clocks");
    assert_eq!(cells(&["", " "]), of("Null", &["-", "-"]));
    assert_eq!(cells(&["a\nb, c", "山"]), of("Utf8", &["a\nb, c", "山"]));
}

#[test]
fn what_has_no_name_is_kept_where_it_holds_something() {
    let of = |csv: &str| {
        let file = Desk::new().import(csv.as_bytes(), false, &[]).map(|imported| columns(&imported.file));
        file.unwrap().into_iter().map(|(name, _, values)| format!("{name}={}", values.join("|"))).collect::<Vec<_>>()
    };
    assert_eq!(of("id,,amount,\na,x,1,\nb,,2, \n"), ["id=a|b", "column 2=x|-", "amount=1|2"]);
    for start in ["sep=,\r\n", "SEP=,\n", "\u{feff}sep=,\r", "\u{feff}\u{feff}"] {
        assert_eq!(of(&format!("{start}id,amount\na,1\n")), ["id=a", "amount=1"], "{start:?}");
    }
    assert_eq!(of("sep=;\nid;amount\na;1\n"), ["id=a", "amount=1"]);
    let odd = Desk::new().import(b"sep=,\nid,amount\na,1\nb\n", false, &[]).unwrap();
    assert_eq!(odd.notes[0].0, 4, "lines are those of the file");
}

#[test]
fn every_encoding_gives_the_same_bytes() {
    let text = "客,\"金額\",\n髙橋①,\"￥1,200\",x\n山田,▲３００,y\n";
    let desk = Desk::new();
    let file = desk.import(text.as_bytes(), false, &[]).unwrap().file;
    let expected = fs::read(&file).unwrap();
    let (_, kind, values) = columns(&file).swap_remove(1);
    assert_eq!((kind.as_str(), values), ("Int64", vec!["1200".to_owned(), "-300".to_owned()]));
    for (bytes, encoding) in [
        (format!("\u{feff}{text}").into_bytes(), "UTF-8"),
        (text.replace("①", "一").replace("▲", "-").into_bytes(), "UTF-8"),
        (SHIFT_JIS.encode(&text.replace('￥', "\\")).0.into_owned(), "CP932"),
    ] {
        let imported = desk.import(&bytes, true, &[]).unwrap();
        assert_eq!(imported.encoding, encoding);
        let same = fs::read(&imported.file).unwrap() == expected;
        assert_eq!(same, !String::from_utf8_lossy(&bytes).contains('一'));
    }
}

#[test]
fn rows_that_cannot_be_read_are_listed_and_the_others_written() {
    let desk = Desk::new();
    let mut bytes = "id,note\n1,a\n2,b,c\nid,note\n3,\"x\"y\n\"4\",\"line\nbreak\"\n5\n".as_bytes().to_vec();
    bytes.extend("6,山\n7,川\n8,".as_bytes());
    bytes.extend([0xe3, 0x81, b'\n']);
    let imported = desk.import(&bytes, false, &[]).unwrap();
    assert_eq!((imported.rows, imported.not_read), (4, 5));
    let lines: Vec<u64> = imported.notes.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [3, 4, 5, 8, 11]);
    for (note, words) in imported.notes.iter().zip([
        "3 fields where the header has 2",
        "repeats the header",
        "behind a closing quote",
        "1 fields",
        "is not UTF-8 text",
    ]) {
        assert!(note.1.contains(words), "{note:?}");
    }
    let (_, kind, values) = columns(&imported.file).swap_remove(0);
    assert_eq!((kind.as_str(), values), ("Int64", ["1", "4", "6", "7"].map(str::to_owned).to_vec()));
}

#[test]
fn a_column_that_is_numbers_or_dates_in_nearly_all_rows_stays_typed() {
    let desk = Desk::new();
    let rows = (0..30).map(|row| format!("{row},2026-12-01\n")).collect::<Vec<_>>().concat();
    let imported = desk.import(format!("amount,at\n{rows}N/A,2026-12-02\n5,soon\n6,\n").as_bytes(), false, &[]).unwrap();
    let found = columns(&imported.file);
    assert_eq!(found.iter().map(|(_, kind, _)| kind.as_str()).collect::<Vec<_>>(), ["Int64", "Date32"]);
    assert_eq!((imported.rows, imported.not_read, found[0].2.len()), (31, 2, 31));
    assert_eq!(found[1].2.last().map(String::as_str), Some("-"), "an empty cell spoils nothing");
    assert_eq!(
        imported.notes,
        [(32, "has \"N/A\" in `amount`, which is no number".to_owned()), (33, "has \"soon\" in `at`, which is no date".to_owned())]
    );
    assert!(imported.columns.iter().all(|column| column.odd.is_none()));
    let imported = desk.import(format!("amount,at\n{rows}N/A,2026-12-02\n").as_bytes(), true, &["amount"]).unwrap();
    assert_eq!(imported.columns.iter().map(|column| column.kind.as_str()).collect::<Vec<_>>(), ["text", "dates"]);
    assert_eq!(imported.not_read, 0);
}

#[test]
fn ids_stay_text_whatever_most_of_them_look_like() {
    let desk = Desk::new();
    let digits: Vec<String> = (1_000..1_030).map(|id: i32| id.to_string()).collect();
    for odd in ["0012", "００１２", "+8190", "A12", "12345678901234567890"] {
        let cells: Vec<&str> = digits.iter().map(String::as_str).chain([odd]).collect();
        let imported = desk.column(&cells, None, None).unwrap();
        let (_, kind, values) = columns(&imported.file).swap_remove(0);
        assert_eq!((kind.as_str(), values.len(), imported.not_read), ("Utf8", 31, 0), "{odd}");
        assert_eq!(values[30], odd);
        // Money tells that digits are an amount.
        if odd != "12345678901234567890" {
            let cells: Vec<&str> = cells.into_iter().chain(["¥1,200"]).collect();
            let imported = desk.column(&cells, None, None).unwrap();
            let not_read = u64::from(odd != "+8190");
            assert_eq!((imported.columns[0].kind.as_str(), imported.not_read), ("whole numbers", not_read), "{odd}");
        }
    }
    let dates = ["20261201"; 20];
    assert_eq!(desk.column(&dates, None, None).unwrap().columns[0].kind, "whole numbers");
    assert_eq!(desk.column(&["00010101"; 20], None, None).unwrap().columns[0].kind, "text");
}

#[test]
fn a_column_holds_what_it_is_said_to_hold() {
    let desk = Desk::new();
    let of = |cells: &[&str], said| {
        let imported = desk.column(cells, Some(said), None).unwrap();
        let (_, kind, values) = columns(&imported.file).swap_remove(0);
        (kind, values, imported.notes.into_iter().map(|(line, _)| line).collect::<Vec<_>>())
    };
    let own = |kind: &str, values: &[&str], lines: &[u64]| {
        (kind.to_owned(), values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>(), lines.to_vec())
    };
    assert_eq!(of(&["12", "x", "0012", "3"], ColumnType::Number), own("Int64", &["12", "3"], &[3, 4]));
    assert_eq!(of(&["1.25", "x"], ColumnType::Number), own("Decimal128(3, 2)", &["1.25"], &[3]));
    assert_eq!(of(&["12", "13"], ColumnType::Text), own("Utf8", &["12", "13"], &[]));
    assert_eq!(of(&["20261201", "R8.12.2", "x"], ColumnType::Date), own("Date32", &["2026-12-01", "2026-12-02"], &[4]));
    let (kind, values, lines) = of(&["2026-12-01T10:07:30+09:00", "2026-12-01T01:07:30Z", "2026-12-01 10:07"], ColumnType::Date);
    assert_eq!((kind.as_str(), values.len(), lines), ("Timestamp(µs, \"UTC\")", 2, vec![4]), "its clock is not known");
    let enormous = format!("{}.5", "9".repeat(37));
    let (kind, values, lines) = of(&[&enormous, "0.12345", "7"], ColumnType::Number);
    assert_eq!((kind.as_str(), values.len(), lines), ("Decimal128(38, 5)", 2, vec![2]));
    assert!(matches!(desk.column(&["x"], Some(ColumnType::Number), None), Err(Error::NoRows { first, .. }) if first.contains("no number")));
    let error = import(&Request {
        csv: &desk.folder.path().join("sales.csv"),
        to: desk.folder.path(),
        force: false,
        types: &[("no".into(), ColumnType::Date)],
        max_bad_rows: None,
    });
    assert!(matches!(error, Err(Error::NoColumn { .. })));
}

/// Kind, values, and why it stays text.
fn seen(cells: &[&str], said: Option<ColumnType>) -> (String, String, Option<(String, Remedy)>) {
    let imported = Desk::new();
    let imported = imported.column(cells, said, None).map(|imported| (columns(&imported.file).swap_remove(0), imported));
    let ((_, kind, values), imported) = imported.unwrap();
    (kind, values.join(" | "), imported.columns[0].odd.clone().map(|odd| (odd.value, odd.remedy)))
}

#[test]
fn amounts_of_other_countries_are_numbers() {
    for (cells, kind, values) in [
        (&["€12.50", "12.50 €", "EUR 12.50", "£1", "(12.50)", "+5"][..], "Decimal128(3, 1)", "12.5 | 12.5 | 12.5 | 1.0 | -12.5 | 5.0"),
        (&["$1,234.50", "$3", "-$2"], "Decimal128(5, 1)", "1234.5 | 3.0 | -2.0"),
        (&["12,50", "1.234,50", "7", "-3"], "Decimal128(5, 1)", "12.5 | 1234.5 | 7.0 | -3.0"),
        (&["1.234,50 €", "2.000", "3.000"], "Decimal128(5, 1)", "1234.5 | 2000.0 | 3000.0"),
        (&["+5", "-3"], "Int64", "5 | -3"),
        (&["1,234", "2,000"], "Int64", "1234 | 2000"),
        (&["1.234", "2.5"], "Decimal128(4, 3)", "1.234 | 2.500"),
    ] {
        assert_eq!(seen(cells, None), (kind.to_owned(), values.to_owned(), None), "{cells:?}");
    }
    // One comma among thousands is a slip, and no reason to read all of them as fractions.
    let desk = Desk::new();
    for thousand in ["1,234", "1,000"] {
        let imported = desk.column(&[vec![thousand; 30], vec!["12,50"]].concat(), None, None).unwrap();
        assert_eq!((imported.columns[0].kind.as_str(), imported.not_read), ("whole numbers", 1), "{thousand}");
    }
    for (cells, value, remedy) in [
        (&["12.50", "12,50", "3,5", "3.5"][..], "12,50", Remedy::Number),
        (&["12", "13", "+5"], "+5", Remedy::Plus),
        (&["0012", "13", "14"], "0012", Remedy::Number),
    ] {
        let (kind, _, odd) = seen(cells, None);
        assert_eq!((kind.as_str(), odd), ("Utf8", Some((value.to_owned(), remedy))), "{cells:?}");
    }
    assert_eq!(seen(&["12", "13", "+5"], Some(ColumnType::Number)).1, "12 | 13 | 5");
    assert_eq!(seen(&["+819012345678", "+819012345679"], None).2, None, "telephone numbers are text");
    assert_eq!(seen(&["12.50-", "3-", "1.5E+3"], None).2, Some(("12.50-".to_owned(), Remedy::Rewrite)));
}

#[test]
fn days_and_months_are_told_by_the_whole_column() {
    for (cells, values) in [
        (&["13/01/2026", "02/01/2026"][..], "2026-01-13 | 2026-01-02"),
        (&["01/13/2026", "01/02/2026"], "2026-01-13 | 2026-01-02"),
        (&["05.01.2026", "31.12.2025"], "2026-01-05 | 2025-12-31"),
        (&["13/01/2026 1:02 PM", "02/01/2026 12:00 AM"], "2026-01-13T13:02:00 | 2026-01-02T00:00:00"),
        (&["2026/1/5 24:00", "2026/1/5 9:00"], "2026-01-06T00:00:00 | 2026-01-05T09:00:00"),
    ] {
        let (kind, found, odd) = seen(cells, None);
        assert_eq!((found.as_str(), odd), (values, None), "{kind}");
    }
    let unknown = ["01/05/2026", "02/05/2026", "", "03/05/2026"];
    assert_eq!(
        seen(&unknown, None),
        ("Utf8".into(), "01/05/2026 | 02/05/2026 | - | 03/05/2026".into(), Some(("01/05/2026".into(), Remedy::Order)))
    );
    assert_eq!(seen(&unknown, Some(ColumnType::MonthFirst)).1, "2026-01-05 | 2026-02-05 | - | 2026-03-05");
    assert_eq!(seen(&unknown, Some(ColumnType::DayFirst)).1, "2026-05-01 | 2026-05-02 | - | 2026-05-03");
    let error = Desk::new().column(&unknown, Some(ColumnType::Date), None).err().unwrap().to_string();
    for words in ["line 2 has \"01/05/2026\" in `v`", "--type v=mdy", "--type v=dmy"] {
        assert!(error.contains(words), "{error} lacks {words}");
    }
    // A column that speaks for both orders tells neither.
    let both = [vec!["13/01/2026"; 20], vec!["01/13/2026"]].concat();
    assert_eq!(seen(&both, None).2, Some(("01/13/2026".into(), Remedy::Order)));
    let broken = [vec!["13/01/2026"; 20], vec!["02/31/2026x"]].concat();
    let desk = Desk::new();
    let imported = desk.column(&broken, None, None).unwrap();
    assert_eq!((imported.columns[0].kind.as_str(), imported.not_read), ("dates", 1));
    let half = [vec!["2026-01-05"; 5], vec!["soon"; 4]].concat();
    assert_eq!(seen(&half, None).2, Some(("soon".into(), Remedy::Dates(DateOrder::YearFirst))));
}

#[test]
fn what_spreadsheets_mark_as_text_is_read_without_the_mark() {
    let desk = Desk::new();
    let imported = desk.import(b"id,code,note\n=\"001\",'A-7,'tis\n\"=\"\"002\"\"\",'+8190,'90s music\n", false, &["id"]).unwrap();
    let values: Vec<_> = columns(&imported.file).into_iter().map(|(_, _, values)| values.join("|")).collect();
    assert_eq!(values, ["001|002", "A-7|+8190", "'tis|'90s music"]);
    assert_eq!(imported.columns.iter().map(|column| column.marked).collect::<Vec<_>>(), [2, 2, 0]);
    assert_eq!(seen(&["'12.5", "'3"], None).0, "Utf8", "only what looks like an id loses its mark");
}

#[test]
fn semicolons_part_cells_where_commas_part_fractions() {
    let desk = Desk::new();
    let imported = desk.import(b"id;at;amount\n1;05.01.2026;1.200,50\n2;31.12.2025;3,5\n", false, &[]).unwrap();
    let values: Vec<_> = columns(&imported.file).into_iter().map(|(_, _, values)| values.join("|")).collect();
    assert_eq!(values, ["1|2", "2026-01-05|2025-12-31", "1200.5|3.5"]);
}

#[test]
fn more_bad_rows_than_are_allowed_are_an_error_and_nothing_is_written() {
    let desk = Desk::new();
    let cells = |good: usize, bad: usize| [vec!["12"; good], vec!["N/A"; bad]].concat();
    let import = |good, bad, limit| desk.column(&cells(good, bad), None, limit);
    assert_eq!(import(200, 10, None).unwrap().not_read, 10, "a few may always be missing: all of them are listed");
    let before = fs::read(desk.folder.path().join("out/sales.parquet")).unwrap();
    let error = import(200, 11, None).err().unwrap().to_string();
    for words in ["11 of 211 rows", "more than the 0.1 % that --max-bad-rows allows", "line 202 has \"N/A\" in `v`", "--type COLUMN=text"] {
        assert!(error.contains(words), "{error} lacks {words}");
    }
    assert!(
        matches!(import(200, 1, Some(0.0)), Err(Error::TooManyBad { bad: 1, rows: 201, .. })),
        "a limit that is set holds from the first"
    );
    assert_eq!(fs::read(desk.folder.path().join("out/sales.parquet")).unwrap(), before);
    assert_eq!(desk.files(), ["sales.parquet"], "nothing half-written is left");
    assert_eq!(import(200, 11, Some(0.06)).unwrap().not_read, 11);
    // A column that is half words is text.
    assert_eq!(
        (import(20, 12, None).unwrap().not_read, import(20, 12, None).unwrap().columns[0].odd.clone()),
        (0, Some(Odd { line: 22, value: "N/A".to_owned(), remedy: Remedy::Number }))
    );
    let ragged: String = (0..30).map(|_| "1\n").collect();
    assert!(matches!(
        desk.import(format!("id,note\n1,a\n{ragged}").as_bytes(), true, &[]),
        Err(Error::TooManyBad { bad: 30, rows: 31, .. })
    ));
}

#[test]
fn nothing_is_written_over_unless_it_is_said() {
    let desk = Desk::new();
    assert!(!desk.import(b"id\n1\n", false, &[]).unwrap().unchanged);
    assert!(desk.import(b"id\n1\n", false, &[]).unwrap().unchanged);
    assert!(matches!(desk.import(b"id\n2\n", false, &[]), Err(Error::There { .. })));
    assert_eq!(columns(&desk.folder.path().join("out/sales.parquet"))[0].2, ["1"]);
    assert!(!desk.import(b"id\n2\n", true, &[]).unwrap().unchanged);
    assert_eq!(columns(&desk.folder.path().join("out/sales.parquet"))[0].2, ["2"]);
    assert_eq!(desk.files(), ["sales.parquet"], "nothing half-written is left");
}

#[test]
fn files_that_are_no_such_csv_are_refused_and_nothing_is_written() {
    let desk = Desk::new();
    let cases: Vec<(&[u8], &str)> = vec![
        (b"", "is empty; its first row must name the columns"),
        (b"\n\n,,\n1,2,3\n", "is empty"),
        (b"id,amount\n", "has no row below its header"),
        (b"id,amount\n1\n2\n", "has no row below its header that can be read; line 2 has 1 fields"),
        (b"id,id\n1,2\n", "two columns `id`"),
        (b"id,note\n1,\"a\n2,b\n", "line 2 opens a quote that is never closed"),
        (b"\xff\xfei\0d\0", "is UTF-16; save it as UTF-8"),
        (b"PAR1....", "is Parquet already"),
        (b"PK\x03\x04....", "save the sheet as CSV"),
        (b"id\n\xff\xff\n", "line 2 is neither UTF-8 nor CP932"),
    ];
    for (bytes, words) in cases {
        let error = desk.import(bytes, false, &[]).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(words), "{error} lacks {words}");
    }
    assert!(matches!(desk.import(b"id\n1\n", false, &["no"]), Err(Error::NoColumn { .. })));
    assert!(matches!(
        import(&Request { csv: desk.folder.path(), to: desk.folder.path(), force: false, types: &[], max_bad_rows: None }),
        Err(Error::Folder { .. })
    ));
    assert_eq!(desk.files(), [""; 0]);
}

#[test]
fn many_rows_become_several_batches_and_row_groups() {
    let desk = Desk::new();
    let count = 300_000_usize;
    let text: String = std::iter::once("id,amount\n".to_owned()).chain((0..count).map(|row| format!("c{row},{row}\n"))).collect();
    let imported = desk.import(text.as_bytes(), false, &[]).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&imported.file).unwrap()).unwrap();
    assert!(reader.metadata().num_row_groups() > 1);
    let rows: usize = reader.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!((rows, imported.rows), (count, 300_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn text_comes_back_as_it_was(rows in proptest::collection::vec("[a-z山]{1}[ -~\r\n山é]{0,9}", 1..9)) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["v", "n"]).unwrap();
        for row in &rows {
            writer.write_record([row.as_str(), "1"]).unwrap();
        }
        let desk = Desk::new();
        let imported = desk.import(&writer.into_inner().unwrap(), false, &[]).unwrap();
        prop_assert_eq!(&columns(&imported.file)[0].2, &rows);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), Just(b'1'), any::<u8>()], 0..99)) {
        let desk = Desk::new();
        if let Ok(imported) = desk.import(&bytes, false, &[]) {
            prop_assert_eq!(read(&imported.file).num_rows() as u64, imported.rows);
        }
        prop_assert!(desk.files().iter().all(|name| name == "sales.parquet"));
    }
}
