//! What is bought together, as a table.

use super::super::table::{Table, flush_left, widest};
use super::{FAINT, heading};
use crate::domain::Job;
use crate::domain::money::{grouped, many};
use crate::domain::recommend::Pairs;
use chrono::NaiveDate;

/// How many pairs are shown unless more is asked for.
const SHOWN: usize = 20;

pub fn pairs(job: &Job, as_of: NaiveDate, found: &Pairs, all: bool) -> String {
    let pick = |ja: String, en: String| job.language.pick(ja, en);
    let orders = grouped(found.orders);
    let mut out = heading(&pick(
        format!("一緒に買われた品（{as_of} より前の注文 {orders} 件）"),
        format!("Bought together ({} before {as_of})", many(found.orders, "order", "orders")),
    ));
    if found.pairs.is_empty() {
        return out + &pick("  ありません\n".to_owned(), "  nothing often enough\n".to_owned());
    }
    let shown = &found.pairs[..if all { found.pairs.len() } else { found.pairs.len().min(SHOWN) }];
    let first = widest(shown.iter().map(|pair| pair.products[0].1.as_str()));
    let mut table = Table::default();
    let head = [("品", "products"), ("一緒の注文", "orders with both"), ("期待との比（lift）", "times by chance (lift)")];
    table.row(head.map(|(ja, en)| job.language.pick(ja, en).to_owned()).to_vec());
    for pair in shown {
        let [(_, one), (_, other)] = &pair.products;
        table.row(vec![format!("{}  {other}", flush_left(one, first)), grouped(pair.together), format!("{:.2}", pair.lift)]);
    }
    out += &table.draw();
    let rest = found.pairs.len() - shown.len();
    if rest > 0 {
        let rest = grouped(rest as u64);
        out += &format!("  {FAINT}{}{FAINT:#}\n", pick(format!("ほか {rest} 組（-v ですべて）"), format!("and {rest} more (-v for all)")));
    }
    out
}
