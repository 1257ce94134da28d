//! What became of coupon codes: figures for each campaign and rank, then the uses that should not have been.

use super::super::table::Table;
use super::super::words::pick;
use super::{FAINT, good, heading, warning};
use crate::domain::Job;
use crate::domain::coupon::{Irregular, Irregularity, IssuedCode, Tally};
use crate::domain::job::Language;
use crate::domain::money::{grouped, many};
use crate::pipeline::{Coupons, ForCart};
use std::path::Path;

/// The statement; with `list` every redeemed code too.
pub fn coupons(job: &Job, coupons: &Coupons, list: bool) -> String {
    let language = job.language;
    let Coupons { as_of, issued, statement, later } = coupons;
    let mut out = heading(&format!("{} {} {as_of}", job.name, pick(language, "クーポン", "coupons")));
    if issued.codes.is_empty() {
        if let Some(day) = later {
            return out
                + &language.pick(
                    format!("  {as_of} までの実行では発行していません。{day} の実行のコードは --as-of {day} で見られます。\n"),
                    format!("  No run up to {as_of} has issued a code; that of {day} has: see it with --as-of {day}.\n"),
                );
        }
        return out + &format!("  {}\n", pick(language, "発行したコードはまだありません。", "No run has issued a code yet."));
    }
    out += &figures(job, coupons);
    if list && !statement.redemptions.is_empty() {
        out += &heading(pick(language, "利用", "Redeemed"));
        for used in &statement.redemptions {
            let IssuedCode { code, customer, campaign, .. } = &issued.codes[used.issued];
            let (net, cost) = (job.currency.show(used.net), job.currency.show(used.cost));
            let (day, campaign, order) = (used.day, &issued.campaigns[*campaign], order(language, &used.order));
            out += &format!("  {day}  {code}  {customer}  {campaign}  {order}  {net} {FAINT}(-{cost}){FAINT:#}\n");
        }
    }
    if !statement.irregular.is_empty() {
        let head = pick(language, "想定外の使われ方（集計に含めない）", "Not as it was meant (in no figure above)");
        out += &heading(head);
        out += &statement.irregular.iter().map(|odd| warning(&irregular(job, coupons, odd))).collect::<String>();
    }
    out
}

/// What to do with the file of codes.
pub fn for_cart(job: &Job, written: &ForCart, file: &Path) -> String {
    let language = job.language;
    let (file, count, as_of) = (file.display(), grouped(written.codes), written.as_of);
    let done = good(&language.pick(
        format!("{file}: {as_of} の計画のコード {count} 件"),
        format!("{file}: {} of the plan of {as_of}", many(written.codes, "code", "codes")),
    ));
    let next = pick(
        language,
        "カートに取り込んでから rankmail send で送ってください。",
        "Upload it to the cart, then send the plan with `rankmail send`.",
    );
    format!("{done}  {next}\n")
}

/// A table with a row for each campaign and rank, and their sum.
fn figures(job: &Job, coupons: &Coupons) -> String {
    let language = job.language;
    let issued = &coupons.issued;
    let mut table = Table::default();
    let heads = [
        ("キャンペーン", "campaign"),
        ("ランク", "rank"),
        ("発行", "issued"),
        ("利用", "redeemed"),
        ("期限切れ", "expired"),
        ("有効期間中", "open"),
        ("売上", "revenue"),
        ("値引き", "cost"),
    ];
    table.row(heads.iter().map(|(ja, en)| pick(language, ja, en).to_owned()).collect());
    let row = |campaign: &str, rank: &str, tally: &Tally| {
        let counts = [tally.issued, tally.redeemed, tally.expired, tally.open].map(grouped);
        let names = [campaign.to_owned(), rank.to_owned()];
        names.into_iter().chain(counts).chain([job.currency.show(tally.revenue), job.currency.show(tally.cost)]).collect()
    };
    let mut before = None;
    for (campaign, rank, tally) in &coupons.statement.groups {
        let name = if before == Some(campaign) { "" } else { issued.campaigns[*campaign].as_str() };
        table.row(row(name, rank.map_or("-", |rank| issued.ranks[rank].as_str()), tally));
        before = Some(campaign);
    }
    table.rule();
    let all = coupons.statement.groups.iter().fold(Tally::default(), |all, (.., tally)| all.and(*tally));
    table.row(row(pick(language, "合計", "total"), "", &all));
    table.draw()
}

/// One irregular use in words.
fn irregular(job: &Job, coupons: &Coupons, odd: &Irregular) -> String {
    let language = job.language;
    let IssuedCode { code, customer: owner, from, until, campaign, .. } = &coupons.issued.codes[odd.issued];
    let (customer, day, net, order) = (&odd.customer, odd.day, job.currency.show(odd.net), order(language, &odd.order));
    let until = until.map_or_else(String::new, |until| until.to_string());
    let campaign = &coupons.issued.campaigns[*campaign];
    let why = match odd.why {
        Irregularity::Twice => language.pick("2 回目の利用".to_owned(), "used again".to_owned()),
        Irregularity::SomebodyElse => language.pick(format!("別の方（{owner} に発行）"), format!("somebody else (it is {owner}'s)")),
        Irregularity::AfterEnd => language.pick(format!("期限後（{until} まで）"), format!("after its end on {until}")),
        Irregularity::BeforeStart => language.pick(format!("開始前（{from} から）"), format!("before its start on {from}")),
    };
    format!("{day}  {code}  {customer}  {campaign}  {order}  {net}: {why}")
}

/// An order's id; a line that is an order of its own has none.
fn order(language: Language, id: &str) -> String {
    let word = pick(language, "注文", "order");
    if id.is_empty() { format!("{word} -") } else { format!("{word} {id}") }
}
