//! `[purchases]`: which lines count, and what their columns are.

use super::super::file::{AmountFile, PurchaseColumnsFile, PurchasesFile};
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Entries, Key, Many, Or, Scalar, Span};
use super::sources::{column, columns_of, unit, values};
use crate::domain::job::{AmountColumns, LineRule, PurchasesSource, RuleKind};
use std::path::Path;

pub fn purchases(key: &Key<PurchasesFile>, top: Span, folder: &Path, report: &mut Report) -> Option<PurchasesSource> {
    if matches!(key, Key::Absent) {
        report.missing(top, "[purchases]", "add [purchases] with the path of the purchase history, and [purchases.columns]");
    }
    let At { span: table, value: file } = report.get(key, "purchases")?;
    if matches!(file.path, Key::Absent) {
        report.missing(table, "path", "write path = \"…\": a Parquet file, a folder, a glob, or a list of them");
    }
    let written: Option<Vec<String>> =
        report.lines(&file.path, "path").map(|paths| paths.into_iter().map(|path| path.value.to_owned()).collect());
    let rules = rules(&file.exclude, &file.include, report);
    let amount_unit = unit(&file.amount_unit, report);
    let max_bad_rows = report.share(&file.max_bad_rows, "max_bad_rows").map_or(0.001, |share| share.value);
    let At { span, value: columns } = columns_of(&file.columns, table, "purchases", report)?;
    let customer = report.needed(&columns.customer, span, "customer", "name the column that tells who bought");
    let at = report.needed(&columns.at, span, "at", "name the column that tells when it was bought");
    let amount = amount(&columns.amount, span, report);
    let order = report.lines(&columns.order, "order").unwrap_or_default();
    let order: Vec<String> = order.into_iter().map(|column| column.value.to_owned()).collect();
    let refund_of = refund_of(columns, &order, report);
    let mut optional = |key: &Key<String>, name: &str| column(key, name, report);
    let (quantity, product) = (optional(&columns.quantity, "quantity"), optional(&columns.product, "product"));
    let (category, store) = (optional(&columns.category, "category"), optional(&columns.store, "store"));
    let (coupon, points_used) = (optional(&columns.coupon, "coupon"), optional(&columns.points_used, "points_used"));
    let written = written?;
    Some(PurchasesSource {
        paths: written.iter().map(|path| folder.join(path)).collect(),
        written,
        rules,
        amount_unit,
        max_bad_rows,
        customer: customer?.value.to_owned(),
        order,
        refund_of,
        at: at?.value.to_owned(),
        amount: amount?,
        quantity,
        product,
        category,
        store,
        coupon,
        points_used,
    })
}

type Columns = Key<Entries<Many<Scalar>>>;

fn rules(exclude: &Columns, include: &Columns, report: &mut Report) -> Vec<LineRule> {
    let mut rules = Vec::new();
    let mut out: Vec<(&str, At<String>)> = Vec::new();
    for (column, values) in values(exclude, "exclude", report) {
        let texts = values.iter().map(|value| value.value.clone()).collect();
        rules.push(LineRule { kind: RuleKind::Exclude, column: column.to_owned(), values: texts });
        out.extend(values.into_iter().map(|value| (column, value)));
    }
    for (column, values) in values(include, "include", report) {
        for value in &values {
            if let Some((_, other)) = out.iter().find(|(excluded, other)| *excluded == column && other.value == value.value) {
                let message = format!("{} of `{}` is both in `include` and in `exclude`", words::quote(&value.value), words::plain(column));
                report.add(value.span, message, "included here", "take it out of one of them; `exclude` would win");
                report.also(other.span, "excluded here");
            }
        }
        let texts = values.into_iter().map(|value| value.value).collect();
        rules.push(LineRule { kind: RuleKind::Include, column: column.to_owned(), values: texts });
    }
    rules
}

/// One column, or those that are added and those that are taken off; each is named once.
fn amount(key: &Key<Or<AmountFile>>, columns: Span, report: &mut Report) -> Option<AmountColumns> {
    let help = "name the column that tells what it cost";
    if matches!(key, Key::Absent) {
        report.missing(columns, "amount", help);
    }
    let At { span, value } = report.get(key, "amount")?;
    let file = match value {
        Or::Plain(Many::One(Scalar::Text(text))) => {
            let line = Key::Is(span, text.clone());
            return report.line(&line, "amount").map(|column| AmountColumns { add: vec![column.value.to_owned()], minus: Vec::new() });
        }
        Or::Plain(_) => {
            let help = "write the column's name, or { add = [\"price\", \"shipping\"], minus = [\"discount\"] }";
            report.add(span, "`amount` must be a column", "not the name of a column", help);
            return None;
        }
        Or::Table(file) => file,
    };
    if matches!(file.add, Key::Absent) {
        report.missing(span, "add", "list the columns that are added up: add = [\"price\", \"shipping\"]");
    }
    let add = report.lines(&file.add, "add");
    let minus = report.lines(&file.minus, "minus");
    let mut seen: Vec<At<&str>> = Vec::new();
    for column in add.iter().chain(&minus).flatten() {
        if let Some(other) = seen.iter().find(|other| other.value == column.value) {
            let message = format!("`{}` is in `amount` twice", words::plain(column.value));
            report.add(column.span, message, "counted again here", "name each column once");
            report.also(other.span, "it is here already");
        }
        seen.push(*column);
    }
    let texts = |columns: Vec<At<&str>>| columns.into_iter().map(|column| column.value.to_owned()).collect();
    Some(AmountColumns { add: texts(add?), minus: minus.map(texts).unwrap_or_default() })
}

/// As many columns as `order` has, and not the same ones.
fn refund_of(columns: &PurchaseColumnsFile, order: &[String], report: &mut Report) -> Vec<String> {
    let Some(span) = columns.refund_of.span() else { return Vec::new() };
    let Some(named) = report.lines(&columns.refund_of, "refund_of") else { return Vec::new() };
    let named: Vec<String> = named.into_iter().map(|column| column.value.to_owned()).collect();
    if matches!(columns.order, Key::Absent) {
        let help = "add order = \"…\"; a refund names an order by its id";
        report.add(span, "`refund_of` needs `order`", "orders have no ids here", help);
    } else if matches!(columns.order, Key::Is(..)) && !order.is_empty() {
        if named.len() != order.len() {
            let message = format!("`refund_of` has {} and `order` {}", counted(named.len()), order.len());
            report.add(span, message, "not as many as `order`", "name the columns of the refunded order one for one as in `order`");
        } else if named.iter().all(|column| order.contains(column)) {
            let help = "name the column that is empty unless a line refunds an order";
            report.add(span, "`refund_of` names nothing but the columns of `order`", "every line would refund itself", help);
        }
    }
    named
}

fn counted(columns: usize) -> String {
    if columns == 1 { "1 column".to_owned() } else { format!("{columns} columns") }
}
