//! The people of a cell, or of the whole plan: found, filtered, sorted, a page at a time. The address says all of it.

use super::audience::{NO_RANK, tone};
use super::page::{Page, Tab, way};
use super::state::State;
use super::words::{Words, counted, words};
use super::{Routes, asked};
use crate::domain::RankIndex;
use crate::domain::job::Language;
use crate::domain::money::grouped;
use crate::pipeline::Studio;
use crate::pipeline::studio::{Fate, Found, Ready, Row, Sort};
use asked::Asked;
use axum::Router;
use axum::extract::{RawQuery, State as Given};
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;
use std::sync::Arc;

/// Rows of a page.
pub const PAGE: usize = 50;
/// Longer texts are cut where they are shown.
const SHOWN: usize = 80;
/// Columns of the customer list that are shown unless one is asked for.
const COLUMNS: usize = 4;
/// A column with more values than this is looked through by what is written.
const CHOICES: usize = 60;

pub fn routes() -> Routes {
    Router::new().route("/people", get(people))
}

async fn people(Given(state): Given<Arc<State>>, RawQuery(query): RawQuery) -> Response {
    state
        .page(move |_, studio| {
            let language = studio.job.language;
            let asked = Asked::read(studio, query.as_deref().unwrap_or_default());
            let unknown = unknown(&asked, language);
            let (list, soon, never) = match studio.find(&asked.query)? {
                Ready::Yes(_) if unknown.is_some() => (None, None, None),
                Ready::Yes(found) => (Some(List::of(studio, &asked, &found)), None, None),
                Ready::Soon(done) => (None, Some(done), None),
                Ready::Never(why) => (None, None, Some(why)),
            };
            let here = asked.way(&[]);
            let page = Page::new("people.html", Some(Tab::Audience), language.pick("お客様", "People")).at(here.clone());
            Ok(page
                .with("t", &own_words(language))
                .with("here", &here)
                .with("soon", &soon)
                .with("never", &never)
                .with("unknown", &unknown)
                .with("list", &list)
                .with("form", &Form::of(studio, &asked)))
        })
        .await
}

/// That an address asks for what is not in this plan.
fn unknown(asked: &Asked, language: Language) -> Option<String> {
    let t = own_words(language);
    let told = |(name, value): &(String, String)| {
        // A field of the customer list is told by its column.
        let (label, value) = match name.split_once('.') {
            Some((_, column)) => (column, value.as_str()),
            None if name == "sort" => (language.pick("並べ替え", "order"), value.as_str()),
            None if name == "page" => (language.pick("ページ", "page"), value.as_str()),
            None => (sought(name, language).or_else(|| t.get(name.as_str()).copied()).unwrap_or(name), value.as_str()),
        };
        language.pick(format!("{label}「{}」", shortened(value)), format!("{label} `{}`", shortened(value)))
    };
    let all: Vec<String> = asked.unknown.iter().map(told).collect();
    (!all.is_empty()).then(|| {
        let all = all.join(language.pick("、", ", "));
        language.pick(
            format!("{all}は、この計画にありません。条件を選び直してください。"),
            format!("There is no {all} in this plan; choose from the fields above."),
        )
    })
}

/// What an English sentence calls a field, within it.
fn sought(name: &str, language: Language) -> Option<&'static str> {
    let words = [("rank", "rank"), ("before", "earlier rank"), ("campaign", "campaign"), ("fate", "outcome"), ("reason", "reason")];
    words.into_iter().find(|(own, _)| *own == name && language == Language::En).map(|(_, word)| word)
}

fn own_words(language: Language) -> Words {
    words(
        language,
        &[
            ("search", "お名前・ID・アドレス", "Name, id or address"),
            ("find", "絞り込む", "Show"),
            ("campaign", "キャンペーン", "Campaign"),
            ("fate", "結果", "What became of it"),
            ("rank", "今回のランク", "Rank now"),
            ("before", "前回のランク", "Rank before"),
            ("any", "すべて", "any"),
            ("mailed", "送る", "planned"),
            ("skipped", "見送り", "skipped"),
            ("columns", "顧客リストの項目で絞る", "By a column of the customer list"),
            ("holds", "を含む", "holds"),
            ("clear", "条件を消す", "Clear"),
            ("previous", "前の 50 人", "Previous 50"),
            ("next", "次の 50 人", "Next 50"),
            ("nobody", "当てはまる方はいません。条件をゆるめてください。", "Nobody is meant by this; ask for less."),
            ("reading", "お客様を読み込んでいます", "People are being read"),
            ("sort", "並べ替え", "Sorted by"),
            ("descending", "大きい順・逆順", "from the top"),
        ],
    )
}

/// The form that narrows people down.
#[derive(Serialize)]
struct Form {
    text: String,
    choices: Vec<Choice>,
    columns: Vec<Choice>,
    /// Whether one of the columns is asked for.
    is_by_column: bool,
    sort: Choice,
    descending: bool,
    is_any: bool,
}

/// Something to choose; without options it is written.
#[derive(Serialize)]
struct Choice {
    name: String,
    label: String,
    value: String,
    options: Vec<(String, String)>,
}

impl Form {
    fn of(studio: &Studio, asked: &Asked) -> Self {
        let (summary, language) = (studio.summary(), studio.job.language);
        let t = own_words(language);
        let word = |name: &str| t.get(name).copied().unwrap_or_default().to_owned();
        let same = |name: &String| (name.clone(), name.clone());
        let ranks = || {
            let ranks: Vec<(String, String)> = summary.ranks.iter().rev().map(same).collect();
            ranks.into_iter().chain([(NO_RANK.to_owned(), language.pick("なし", "none").to_owned())])
        };
        let reasons =
            crate::domain::SkipReason::ALL.iter().map(|reason| (reason.word().to_owned(), format!("– {}", reason.told(language))));
        let fates = [("mailed".to_owned(), word("mailed")), ("skipped".to_owned(), word("skipped"))].into_iter().chain(reasons);
        let choice = |name: &str, options: Vec<(String, String)>| Choice {
            name: name.to_owned(),
            label: word(name),
            value: asked.get(name).to_owned(),
            options,
        };
        let (names, columns) = match studio.people() {
            Ready::Yes(people) => {
                let index = &people.index;
                let column = |(at, name): (usize, &String)| {
                    let values = index.values(at).filter(|values| values.len() <= CHOICES).unwrap_or_default();
                    let options: Vec<(String, String)> = values.into_iter().map(|value| (value.to_owned(), shortened(value))).collect();
                    let param = format!("{}.{name}", if options.is_empty() { asked::HAS } else { asked::IS });
                    Choice { value: asked.get(&param).to_owned(), name: param, label: name.clone(), options }
                };
                let names = &index.layout().columns;
                (names.clone(), names.iter().enumerate().map(column).collect())
            }
            Ready::Soon(_) | Ready::Never(_) => (Vec::new(), Vec::new()),
        };
        let own = OWN.map(|(ja, en, name, ..)| (name.to_owned(), language.pick(ja, en).to_owned()));
        let listed = names.iter().map(|name| (format!("{}{name}", asked::COLUMN), name.clone()));
        let sorts = own.into_iter().chain(listed).collect();
        Self {
            text: asked.get("q").to_owned(),
            choices: vec![
                choice("campaign", summary.campaigns.iter().map(same).collect()),
                choice("fate", fates.collect()),
                choice("rank", ranks().collect()),
                choice("before", ranks().collect()),
            ],
            columns,
            is_by_column: !asked.query.filters.is_empty(),
            sort: Choice { name: "sort".to_owned(), label: word("sort"), value: asked.get("sort").to_owned(), options: sorts },
            descending: asked.query.descending,
            is_any: asked.is_any(),
        }
    }
}

/// One page of people.
#[derive(Serialize)]
struct List {
    count: String,
    range: String,
    heads: Vec<Head>,
    rows: Vec<Line>,
    previous: Option<String>,
    next: Option<String>,
    note: Option<String>,
    /// That it is the last page, where a later one was asked for.
    last: Option<String>,
}

#[derive(Serialize)]
struct Head {
    label: String,
    href: String,
    /// `ascending` or `descending` where it is sorted by this.
    sorted: Option<&'static str>,
    is_number: bool,
}

#[derive(Serialize)]
struct Line {
    href: String,
    name: String,
    id: String,
    address: String,
    rank: String,
    before: Option<String>,
    tone: &'static str,
    orders: String,
    spend: String,
    last_order: String,
    values: Vec<String>,
    mails: Vec<(String, String)>,
    skips: Vec<(String, &'static str)>,
}

impl List {
    fn of(studio: &Studio, asked: &Asked, found: &Found) -> Self {
        let language = studio.job.language;
        let (from, shown) = (found.from, found.rows.len());
        let columns = columns(studio, asked);
        let range = if shown == 0 { String::new() } else { format!("{}–{}", grouped(from as u64 + 1), grouped((from + shown) as u64)) };
        let page = |page: usize| asked.way(&[("page", &page.to_string())]);
        let number = from / PAGE + 1;
        let wanted = asked.query.from / PAGE + 1;
        let last = (wanted > number).then(|| {
            language.pick(
                format!("{wanted} ページ目はありません。最後の {number} ページ目を表示しています。"),
                format!("There is no page {wanted}; this is the last, page {number}."),
            )
        });
        Self {
            count: counted(language, found.count as u64, "人", "person", "people"),
            range,
            heads: heads(asked, &columns, language),
            rows: found.rows.iter().map(|row| Line::of(studio, row, &columns)).collect(),
            previous: (number > 1).then(|| page(number - 1)),
            next: (from + shown < found.count && shown > 0).then(|| page(number + 1)),
            note: match studio.people() {
                Ready::Yes(people) => people.note.clone(),
                Ready::Soon(_) | Ready::Never(_) => None,
            },
            last,
        }
    }
}

/// The columns of the customer list that are shown: those that are asked for, then those with few values.
fn columns(studio: &Studio, asked: &Asked) -> Vec<(usize, String)> {
    let Ready::Yes(people) = studio.people() else { return Vec::new() };
    let names = &people.index.layout().columns;
    let mut shown: Vec<usize> = asked.query.filters.iter().map(|filter| filter.column).filter(|at| *at < names.len()).collect();
    if let Sort::Column(at) = asked.query.sort {
        shown.push(at);
    }
    let few = |at: &usize| people.index.values(*at).is_some_and(|values| (1..=CHOICES).contains(&values.len()));
    shown.extend((0..names.len()).filter(few));
    let mut kept: Vec<usize> = Vec::new();
    for at in shown {
        if kept.len() < COLUMNS && !kept.contains(&at) {
            kept.push(at);
        }
    }
    kept.into_iter().filter_map(|at| Some((at, names.get(at)?.clone()))).collect()
}

/// The columns that every list has: Japanese, English, the name in addresses, what they sort by, whether they are numbers.
const OWN: [(&str, &str, &str, Sort, bool); 6] = [
    ("お客様", "Customer", "name", Sort::Name, false),
    ("ランク", "Rank", "rank", Sort::Rank, true),
    ("注文", "Orders", "orders", Sort::Orders, true),
    ("金額", "Spend", "spend", Sort::Spend, true),
    ("最後の注文", "Last order", "last", Sort::LastOrder, true),
    ("アドレス", "Address", "address", Sort::Address, false),
];

fn heads(asked: &Asked, columns: &[(usize, String)], language: Language) -> Vec<Head> {
    let head = |label: String, name: String, sort: Sort, is_number: bool| {
        let is_own = asked.query.sort == sort;
        // Numbers are looked at from the top first.
        let turned = if is_own { !asked.query.descending } else { is_number };
        Head {
            label,
            href: asked.way(&[("sort", &name), ("desc", if turned { "1" } else { "" }), ("page", "")]),
            sorted: is_own.then_some(if asked.query.descending { "descending" } else { "ascending" }),
            is_number,
        }
    };
    let own =
        OWN.into_iter().map(|(ja, en, name, sort, is_number)| head(language.pick(ja, en).to_owned(), name.to_owned(), sort, is_number));
    let listed = columns.iter().map(|(at, name)| head(name.clone(), format!("{}{name}", asked::COLUMN), Sort::Column(*at), false));
    own.chain(listed).collect()
}

impl Line {
    fn of(studio: &Studio, row: &Row, columns: &[(usize, String)]) -> Self {
        let (summary, language) = (studio.summary(), studio.job.language);
        let rank = |rank: Option<RankIndex>| {
            rank.and_then(|rank| summary.ranks.get(usize::from(rank))).map_or(language.pick("なし", "none"), String::as_str).to_owned()
        };
        let campaigns = || summary.campaigns.iter().zip(&row.fates);
        let mail = |(campaign, fate): (&String, &Fate)| {
            (*fate == Fate::Mailed).then(|| (campaign.clone(), way("/mail", &[("customer", &row.id), ("campaign", campaign)])))
        };
        let skip = |(campaign, fate): (&String, &Fate)| match fate {
            Fate::Skipped(reason) => Some((campaign.clone(), reason.told(language))),
            Fate::Mailed | Fate::Unmatched => None,
        };
        Self {
            href: way("/person", &[("id", &row.id)]),
            name: shortened(&row.name),
            id: shortened(&row.id),
            address: shortened(&row.address),
            rank: rank(row.rank),
            before: (row.previous != row.rank).then(|| rank(row.previous)),
            tone: tone(row.previous, row.rank),
            orders: grouped(row.orders.unsigned_abs()),
            spend: studio.planned.currency.show(row.spend),
            last_order: row.last_order.and_then(|at| studio.planned.zone.date(at)).map_or_else(String::new, |day| day.to_string()),
            values: columns.iter().map(|(at, _)| row.values.get(*at).map_or_else(String::new, |value| shortened(value))).collect(),
            mails: campaigns().filter_map(mail).collect(),
            skips: campaigns().filter_map(skip).collect(),
        }
    }
}

/// A text that fits into a cell.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
