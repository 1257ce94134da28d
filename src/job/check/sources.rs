//! `[shop]`, `[customers]`, `[products]`: where the data is and what its columns are.

use super::super::file::{ConsentFile, CustomerColumnsFile, CustomersFile, ProductsFile, ShopFile};
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Entries, Key, Many, Or, Scalar, Span};
use crate::domain::job::{AmountUnit, ConsentSource, ContactsSource, CustomersSource, PointsColumns, ProductsSource};
use std::path::Path;

/// What every mail must tell, and why.
const DISPLAYED: [(&str, &str); 4] = [
    ("name", "write the shop's name; the law asks for it in every mail"),
    ("address", "write the postal address; the law asks for it in every mail"),
    ("contact", "write an address or a telephone number for questions; the law asks for it in every mail"),
    ("url", "write the address of the shop's page"),
];

pub fn shop(key: &Key<ShopFile>, top: Span, report: &mut Report) -> Option<Vec<(String, String)>> {
    if matches!(key, Key::Absent) {
        report.missing(top, "[shop]", "add a [shop] table with name, address, contact and url; every mail shows them");
    }
    let At { span, value: ShopFile(entries) } = report.get(key, "shop")?;
    for (needed, help) in DISPLAYED {
        if entries.get(needed).is_none() {
            report.missing(span, needed, help);
        }
    }
    let mut shop = Vec::new();
    for entry in &entries.0 {
        let usable = entry.name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && entry.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !usable {
            let help = "templates say shop.KEY: use letters, digits and _";
            report.add(entry.span, format!("`{}` cannot be used in a template", words::plain(&entry.name)), "not a name", help);
        }
        if let Some(At { span, value }) = report.get(&entry.value, &entry.name) {
            let text = value.text();
            shop_value(&entry.name, &text, span, report);
            shop.push((entry.name.clone(), text));
        }
    }
    Some(shop)
}

fn shop_value(name: &str, text: &str, span: Span, report: &mut Report) {
    let displayed = DISPLAYED.iter().any(|(needed, _)| *needed == name);
    if displayed && text.trim().is_empty() {
        report.add(span, format!("`{name}` of the shop is empty"), "nothing is written here", "every mail must show it");
    }
    // The address may take several lines; the others end in headers, links and single lines.
    if displayed && name != "address" && text.chars().any(char::is_control) {
        report.add(span, format!("`{name}` of the shop has a line break in it"), "this must be one line", "write it on one line");
    }
    if name == "url" && !text.starts_with("https://") && !text.starts_with("http://") {
        report.add(span, "`url` of the shop is not a web address", "it has no https:// in front", "write it like \"https://shop.example\"");
    }
}

pub(super) fn unit(key: &Key<String>, report: &mut Report) -> AmountUnit {
    report.word(key, "amount_unit", &[("major", AmountUnit::Major), ("minor", AmountUnit::Minor)]).unwrap_or(AmountUnit::Major)
}

/// Columns and some of their values, each with its place.
pub(super) fn values<'k>(key: &'k Key<Entries<Many<Scalar>>>, name: &str, report: &mut Report) -> Vec<(&'k str, Vec<At<String>>)> {
    let Some(At { value: Entries(entries), .. }) = report.get(key, name) else { return Vec::new() };
    let mut columns = Vec::new();
    for entry in entries {
        let Some(At { span, value }) = report.get(&entry.value, &entry.name) else { continue };
        if let Some(values) = report.texts(span, value, &entry.name) {
            columns.push((entry.name.as_str(), values));
        }
    }
    columns
}

/// Columns and the values that leave a row out.
fn exclude(key: &Key<Entries<Many<Scalar>>>, report: &mut Report) -> Vec<(String, Vec<String>)> {
    let plain = |values: Vec<At<String>>| values.into_iter().map(|value| value.value).collect();
    values(key, "exclude", report).into_iter().map(|(column, values)| (column.to_owned(), plain(values))).collect()
}

/// The columns of a table that may be left out.
pub(super) fn column(key: &Key<String>, name: &str, report: &mut Report) -> Option<String> {
    report.line(key, name).map(|at| at.value.to_owned())
}

pub(super) fn columns_of<'k, T>(key: &'k Key<T>, table: Span, name: &str, report: &mut Report) -> Option<At<&'k T>> {
    if matches!(key, Key::Absent) {
        report.missing(table, "columns", &format!("add [{name}.columns], which says what each column is"));
    }
    report.get(key, "columns")
}

/// The outer `None` means that something is wrong, the inner that there is no such table.
#[expect(clippy::option_option, reason = "a table that is wrong and one that is not there lead to different checks elsewhere")]
pub fn customers(key: &Key<CustomersFile>, folder: &Path, report: &mut Report) -> Option<Option<CustomersSource>> {
    if matches!(key, Key::Absent) {
        return Some(None);
    }
    let At { span: table, value: file } = report.get(key, "customers")?;
    let path = report.needed(&file.path, table, "path", "write path = \"…\": a Parquet or CSV file");
    let exclude = exclude(&file.exclude, report);
    let At { span, value: columns } = columns_of(&file.columns, table, "customers", report)?;
    let customer = report.needed(&columns.customer, span, "customer", "name the column with the customer's id");
    let name = report.lines(&columns.name, "name").unwrap_or_default();
    let consent = consent(&columns.consent, "consent", report);
    let contacts = contacts(columns, report);
    let merged = report.line(&file.merged, "merged").map(|path| folder.join(path.value));
    let household = column(&file.household, "household", report);
    let mut optional = |key: &Key<String>, name: &str| column(key, name, report);
    let (email, birthday) = (optional(&columns.email, "email"), optional(&columns.birthday, "birthday"));
    let (since, rank) = (optional(&columns.since, "since"), optional(&columns.rank, "rank"));
    let rank_at_least = optional(&columns.rank_at_least, "rank_at_least");
    let rank_at_least_until = optional(&columns.rank_at_least_until, "rank_at_least_until");
    if let (Some(until), Key::Absent) = (columns.rank_at_least_until.span(), &columns.rank_at_least) {
        let help = "name the column with the rank given by hand: rank_at_least = \"…\"";
        report.add(until, "`rank_at_least_until` ends nothing", "there is no `rank_at_least`", help);
    }
    let points = points(columns, report);
    let path = path?.value;
    Some(Some(CustomersSource {
        path: folder.join(path),
        written: path.to_owned(),
        exclude,
        customer: customer?.value.to_owned(),
        email,
        name: name.into_iter().map(|column| column.value.to_owned()).collect(),
        birthday,
        consent,
        since,
        rank,
        rank_at_least,
        rank_at_least_until,
        contacts,
        merged,
        household,
        points,
    }))
}

fn contacts(columns: &CustomerColumnsFile, report: &mut Report) -> ContactsSource {
    let postal_address = report.lines(&columns.postal_address, "postal_address").unwrap_or_default();
    ContactsSource {
        postal_code: column(&columns.postal_code, "postal_code", report),
        postal_address: postal_address.into_iter().map(|column| column.value.to_owned()).collect(),
        line_id: column(&columns.line_id, "line_id", report),
        phone: column(&columns.phone, "phone", report),
        post_consent: consent(&columns.post_consent, "post_consent", report),
        line_consent: consent(&columns.line_consent, "line_consent", report),
        call_consent: consent(&columns.call_consent, "call_consent", report),
    }
}

/// The columns of points: the balance alone, or with what expires next and when.
fn points(columns: &CustomerColumnsFile, report: &mut Report) -> Option<PointsColumns> {
    let keys = [
        (&columns.points_balance, "points_balance"),
        (&columns.points_expiring, "points_expiring"),
        (&columns.points_expire_on, "points_expire_on"),
    ];
    let spans = keys.map(|(key, _)| key.span());
    let [balance, expiring, expire_on] = keys.map(|(key, name)| column(key, name, report));
    let help = "map all three of points_balance, points_expiring and points_expire_on, or the balance alone";
    let alone = match spans {
        [None, Some(span), _] | [None, None, Some(span)] => Some((span, "`points_balance` is missing beside this column")),
        [Some(_), Some(span), None] => Some((span, "`points_expire_on` is missing: when do they expire?")),
        [Some(_), None, Some(span)] => Some((span, "`points_expiring` is missing: how many expire?")),
        _ => None,
    };
    if let Some((span, message)) = alone {
        report.add(span, message, "not alone", help);
    }
    Some(PointsColumns { balance: balance?, next: expiring.zip(expire_on) })
}

fn consent(key: &Key<Or<ConsentFile>>, name: &str, report: &mut Report) -> Option<ConsentSource> {
    let At { span, value } = report.get(key, name)?;
    match value {
        Or::Plain(Many::One(Scalar::Text(column))) if !column.trim().is_empty() && !column.chars().any(char::is_control) => {
            Some(ConsentSource { column: column.clone(), yes: None })
        }
        Or::Plain(_) => {
            let help = "write the column's name, or { column = \"…\", yes = [\"…\"] }";
            report.add(span, format!("`{name}` must be a column"), "not the name of a column", help);
            None
        }
        Or::Table(file) => {
            let column = report.needed(&file.column, span, "column", "name the column that tells of consent");
            if matches!(file.yes, Key::Absent) {
                report.missing(span, "yes", "list the values that mean yes: yes = [\"希望する\"]");
            }
            let yes = report.get(&file.yes, "yes").and_then(|yes| report.texts(yes.span, yes.value, "yes"));
            Some(ConsentSource { column: column?.value.to_owned(), yes: Some(yes?.into_iter().map(|value| value.value).collect()) })
        }
    }
}

/// As for customers: the outer `None` means that something is wrong.
#[expect(clippy::option_option, reason = "a table that is wrong and one that is not there lead to different checks elsewhere")]
pub fn products(key: &Key<ProductsFile>, folder: &Path, report: &mut Report) -> Option<Option<ProductsSource>> {
    if matches!(key, Key::Absent) {
        return Some(None);
    }
    let At { span: table, value: file } = report.get(key, "products")?;
    let path = report.needed(&file.path, table, "path", "write path = \"…\": a Parquet or CSV file");
    let amount_unit = unit(&file.amount_unit, report);
    let At { span, value: columns } = columns_of(&file.columns, table, "products", report)?;
    let product = report.needed(&columns.product, span, "product", "name the column with the product's id");
    let mut optional = |key: &Key<String>, name: &str| column(key, name, report);
    let (name, category) = (optional(&columns.name, "name"), optional(&columns.category, "category"));
    let (price, url) = (optional(&columns.price, "price"), optional(&columns.url, "url"));
    let (image, stock) = (optional(&columns.image, "image"), optional(&columns.stock, "stock"));
    let path = path?.value;
    Some(Some(ProductsSource {
        path: folder.join(path),
        written: path.to_owned(),
        amount_unit,
        product: product?.value.to_owned(),
        name,
        category,
        price,
        url,
        image,
        stock,
    }))
}
