//! The product list, for templates.

use super::Input;
use super::customers::{doubles, refuse_twice, shortened};
use super::error::Error;
use super::table::{self, Column, IDS, Kind, Table, Wanted, word};
use crate::domain::customers::Product;
use crate::domain::job::{AmountUnit, ProductsSource};
use crate::domain::{Currency, Value};
use std::path::Path;

const WORDS: [Kind; 2] = [Kind::Text, Kind::Int];
const NUMBERS: [Kind; 4] = [Kind::Int, Kind::Float, Kind::Decimal, Kind::Text];

/// Reads the product list, sorted by id (UTF-8 bytes), and what identifies its file (relative name and digest). Only mapped columns are
/// read; rows without an id are left out. Prices become minor units of the currency, as purchase amounts do.
pub fn products(source: &ProductsSource, currency: &Currency, base: &Path) -> Result<(Vec<Product>, Vec<Input>), Error> {
    let roles = [&source.name, &source.category, &source.price, &source.url, &source.image, &source.stock];
    let only: Vec<&str> = roles.into_iter().flatten().map(String::as_str).chain([source.product.as_str()]).collect();
    // No role of a product is a time, so the zone does not matter.
    let wanted = Wanted { key: "`path` in [products]", zone: crate::domain::Zone(chrono_tz::UTC), only: Some(&only) };
    let table = table::read(&source.path, base, wanted)?;
    let find = |name: &Option<String>, role: &str, kinds: &[Kind], expected| {
        let key = format!("[products.columns] {role}");
        name.as_ref().map(|name| table.column_of(name, &key, kinds, expected)).transpose()
    };
    let id = table.column_of(&source.product, "[products.columns] product", &IDS, "text or whole numbers")?;
    let name = find(&source.name, "name", &WORDS, "text")?;
    // What the purchases call the category must be the same word here.
    let category = find(&source.category, "category", &IDS, "text")?.map(|column| table.ids(column)).transpose()?;
    let price = find(&source.price, "price", &NUMBERS, "a number")?;
    let url = find(&source.url, "url", &[Kind::Text], "text")?;
    let image = find(&source.image, "image", &[Kind::Text], "text")?;
    let stock = find(&source.stock, "stock", &NUMBERS, "a number")?;

    let ids = table.ids(id)?;
    let id_of = |row: &usize| ids.get(*row);
    let mut order: Vec<usize> = (0..ids.len()).filter(|row| !id_of(row).is_empty()).collect();
    order.sort_by(|one, other| id_of(one).cmp(id_of(other)).then(one.cmp(other)));
    refuse_twice(&table.file, "product", &doubles(&table, &order, id_of))?;

    let digits = if source.amount_unit == AmountUnit::Major { currency.digits } else { 0 };
    let make = |row: usize| {
        Ok(Product {
            id: id_of(&row).to_owned(),
            name: text(name, row).unwrap_or_default(),
            category: category.as_ref().map(|words| words.get(row)).filter(|word| !word.is_empty()).map(str::to_owned),
            price: number(&table, price, row, digits, "price")?,
            url: text(url, row),
            image: text(image, row),
            stock: number(&table, stock, row, 0, "stock")?,
        })
    };
    let products = order.into_iter().map(make).collect::<Result<_, Error>>()?;
    Ok((products, vec![(table.file.clone(), table.digest.clone())]))
}

/// A text of a row; empty is nothing.
fn text(column: Option<&Column>, row: usize) -> Option<String> {
    word(&*column?.values.get(row)?).filter(|text| !text.is_empty()).map(std::borrow::Cow::into_owned)
}

/// A number of a row, times ten to the power of `digits`, rounded half to even.
fn number(table: &Table, column: Option<&Column>, row: usize, digits: u32, what: &'static str) -> Result<Option<i64>, Error> {
    let Some(column) = column else { return Ok(None) };
    let value = column.values.get(row);
    let found = match value.as_deref() {
        Some(Value::Int(whole)) => whole.checked_mul(10_i64.pow(digits)),
        Some(Value::Float(number)) => rounded(*number, digits),
        Some(Value::Text(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::Text(text)) => exact(text.trim(), digits),
        _ => return Ok(None),
    };
    found.map(Some).ok_or_else(|| Error::Unusable {
        file: table.file.clone(),
        column: column.name.clone(),
        value: value.as_deref().and_then(word).map(|word| shortened(&word)).unwrap_or_default(),
        place: table.place(row),
        what,
    })
}

fn rounded(number: f64, digits: u32) -> Option<i64> {
    let scaled = (number * 10_f64.powi(i32::try_from(digits).ok()?)).round_ties_even();
    // 2^63 is the first float that an i64 cannot hold.
    #[expect(clippy::cast_possible_truncation, reason = "the range was just checked")]
    (scaled.abs() < 2_f64.powi(63)).then_some(scaled as i64)
}

/// A decimal text (`-1,234.5`) times ten to the power of `digits`, exactly, a half to the even neighbour.
fn exact(text: &str, digits: u32) -> Option<i64> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: String = whole.chars().filter(|letter| *letter != ',').collect();
    let all_digits = whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    if !all_digits || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let kept = fraction.len().min(digits as usize);
    let (kept, rest) = fraction.split_at_checked(kept)?;
    let mut number =
        whole.bytes().chain(kept.bytes()).try_fold(0_i64, |number, byte| number.checked_mul(10)?.checked_add(i64::from(byte - b'0')))?;
    for _ in kept.len()..digits as usize {
        number = number.checked_mul(10)?;
    }
    let up = match rest.as_bytes() {
        [b'5', below @ ..] if below.iter().all(|byte| *byte == b'0') => number % 2 == 1,
        [first, ..] => *first >= b'5',
        [] => false,
    };
    let number = number.checked_add(i64::from(up))?;
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn source(folder: &Path, name: &str) -> ProductsSource {
        let role = |name: &str| Some(name.to_owned());
        ProductsSource {
            path: folder.join(name),
            written: name.to_owned(),
            amount_unit: AmountUnit::Major,
            product: "id".to_owned(),
            name: role("name"),
            category: role("category"),
            price: role("price"),
            url: None,
            image: None,
            stock: role("stock"),
        }
    }

    fn read(text: &str, change: impl FnOnce(&mut ProductsSource)) -> Result<Vec<Product>, Error> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("p.csv"), text).expect("a file");
        let mut source = source(folder.path(), "p.csv");
        change(&mut source);
        let dollar = Currency { code: "USD".into(), digits: 2 };
        products(&source, &dollar, folder.path()).map(|(products, _)| products)
    }

    #[test]
    fn products_are_sorted_and_priced_in_minor_units() {
        let list = "id,name,category,price,stock,secret\nb,煎茶,お茶,\"1,234.5\",7,x\na,抹茶,,,,x\n,lost,,,,\n";
        let products = read(list, |_| {}).expect("products");
        let tea = Product {
            id: "b".into(),
            name: "煎茶".into(),
            category: Some("お茶".into()),
            price: Some(123_450),
            stock: Some(7),
            ..Product::default()
        };
        assert_eq!(products, [Product { id: "a".into(), name: "抹茶".into(), ..Product::default() }, tea]);
        let minor = read(list, |source| source.amount_unit = AmountUnit::Minor).expect("products");
        assert_eq!(minor[1].price, Some(1234));
    }

    #[test]
    fn bad_products_are_named() {
        let message = |list: &str| read(list, |_| {}).expect_err("an error").to_string();
        assert!(message("id,name,category,price,stock\na,,,,\na,,,,\n").contains("same product more than once: `a` (line 2, line 3)"));
        let price = message("id,name,category,price,stock\na,,,時価,\n");
        assert!(price.contains("column `price` in `p.csv` holds `時価` (line 2), which is no usable price"), "{price}");
        assert!(message("id,name,category,prise,stock\n").contains("did you mean `prise`?"));
    }

    #[test]
    fn parquet_prices_of_every_kind_are_read() {
        use arrow::array::{ArrayRef, Decimal128Array, Float64Array, Int32Array, RecordBatch, StringArray};
        use std::sync::Arc;
        let prices: [(ArrayRef, [i64; 2]); 3] = [
            (Arc::new(Int32Array::from(vec![12, -3])), [1200, -300]),
            (Arc::new(Float64Array::from(vec![0.125, 19.99])), [12, 1999]),
            (Arc::new(Decimal128Array::from(vec![12_345, 12_355]).with_precision_and_scale(9, 3).expect("a decimal")), [1234, 1236]),
        ];
        for (array, expected) in prices {
            let folder = tempfile::tempdir().expect("a folder");
            let ids: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
            let batch = RecordBatch::try_from_iter([("other", Arc::clone(&ids)), ("id", ids), ("price", array)]).expect("a batch");
            let file = std::fs::File::create(folder.path().join("p.parquet")).expect("a file");
            let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
            writer.write(&batch).expect("rows");
            writer.close().expect("a file");
            let mut source = source(folder.path(), "p.parquet");
            (source.name, source.category, source.stock) = (None, None, None);
            let dollar = Currency { code: "USD".into(), digits: 2 };
            let (products, inputs) = products(&source, &dollar, folder.path()).expect("products");
            assert_eq!(products.iter().map(|product| product.price).collect::<Vec<_>>(), expected.map(Some));
            assert_eq!(inputs[0].0, "p.parquet");
        }
    }

    #[test]
    fn texts_are_rounded_exactly_half_to_even() {
        for (text, digits, expected) in [
            ("12.345", 2, Some(1234)),
            ("12.355", 2, Some(1236)),
            ("12.34500001", 2, Some(1235)),
            ("-0.5", 0, Some(0)),
            ("-1.5", 0, Some(-2)),
            (".5", 1, Some(5)),
            ("7.", 2, Some(700)),
            ("1,000", 0, Some(1000)),
            ("92233720368547758.07", 2, Some(i64::MAX)),
            ("92233720368547758.08", 2, None),
            ("", 0, None),
            (".", 0, None),
            ("-", 0, None),
            ("1e3", 0, None),
            ("--1", 0, None),
            ("¥100", 0, None),
        ] {
            assert_eq!(exact(text, digits), expected, "{text}");
        }
        assert_eq!((rounded(2.5, 0), rounded(3.5, 0), rounded(1e300, 2), rounded(9.3e18, 0)), (Some(2), Some(4), None, None));
    }

    proptest! {
        #[test]
        fn exact_agrees_with_plain_integers(number in -1_000_000_000_i64..1_000_000_000, scale in 0_u32..6, digits in 0_u32..4) {
            let divisor = 10_i64.pow(scale);
            let width = scale as usize;
            let sign = if number < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{:0width$}", number.abs() / divisor, number.abs() % divisor, width = width.max(1));
            let text = if scale == 0 { number.to_string() } else { text };
            let (up, down) = (i128::from(number) * 10_i128.pow(digits), i128::from(divisor));
            let (floor, rest) = (up.div_euclid(down), up.rem_euclid(down));
            let rounded = floor + i128::from(2 * rest > down || (2 * rest == down && floor % 2 != 0));
            prop_assert_eq!(exact(&text, digits).map(i128::from), Some(rounded), "{}", text);
        }
    }
}
