//! One person, so that whoever answers the telephone can say why: rank, orders, distances, points, mails and every campaign weighed.

use super::Routes;
use super::audience::tone;
use super::page::{Page, Refusal, Tab, way};
use super::person_past::{self, further};
use super::person_rank as rank;
use super::sheet::{self, Lines, Sheet};
use super::state::State;
use super::words::{Words, words};
use crate::domain::job::Language;
use crate::domain::orders::LineFate;
use crate::domain::plan::SkipRow;
use crate::domain::{Channel, HistoryLine, Job, SkipReason};
use crate::pipeline::studio::{Person, Ready};
use crate::pipeline::{Explanation, PairFate, Studio};
use axum::Router;
use axum::extract::{Path, Query, State as Given};
use axum::response::Response;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Further orders are counted only.
const SHOWN: usize = 200;
/// Members of a household that are named.
const NAMED: usize = 10;
/// Lines of an order that do not count, as far as they are on paper.
const LEFT_OUT: usize = 2;

pub fn routes() -> Routes {
    Router::new().route("/person", get(by_query)).route("/person/{id}", get(by_path))
}

#[derive(Deserialize)]
struct Whose {
    #[serde(default)]
    id: String,
}

/// The id of an address like this may be any text, also `..`.
async fn by_query(Given(state): Given<Arc<State>>, Query(whose): Query<Whose>) -> Response {
    shown(state, whose.id).await
}

async fn by_path(Given(state): Given<Arc<State>>, Path(id): Path<String>) -> Response {
    shown(state, id).await
}

async fn shown(state: Arc<State>, id: String) -> Response {
    state
        .page(move |_, studio| {
            if id.is_empty() {
                return Err(Refusal::nothing(studio.job.language));
            }
            let person = studio.person(&id)?;
            let name = person.row.as_ref().map(|row| row.name.clone()).filter(|name| !name.is_empty());
            let title = name.clone().unwrap_or_else(|| id.clone());
            let language = studio.job.language;
            let (explained, soon, why_not) = match &person.explained {
                Ready::Yes(Some(explained)) => (Some(explained), None, None),
                Ready::Yes(None) => (None, None, Some(too_large(language))),
                Ready::Soon(done) => (None, Some(*done), None),
                Ready::Never(why) => (None, None, Some(why.clone())),
            };
            let explanation = explained.map(|explained| &explained.explanation);
            let (notes, rank, facts) = (notes(&person, language), rank::Shown::of(studio, &person), facts(studio, &person));
            let (campaigns, past) = (campaigns(studio, &person), person_past::Past::of(&studio.job, &person));
            let orders = explanation.map(|explanation| Orders::of(&studio.job, explanation));
            let (stops, mails) = past.lines(&person);
            let (standing, checks) = rank.lines();
            let lines = Lines {
                notes: stops + notes.iter().map(|note| 2 + sheet::lines(note, sheet::WIDE)).sum::<usize>(),
                standing,
                checks,
                facts: facts.iter().map(|(name, value)| sheet::lines(&format!("{name} {value}"), sheet::HALF)).collect(),
                campaigns: campaigns.iter().map(Weighed::lines).collect(),
                mails,
                orders: orders.as_ref().map_or_else(Vec::new, Orders::lines),
            };
            let sheet = Sheet::of(&lines, language);
            Ok(Page::new("person.html", Some(Tab::Audience), title)
                .with("t", &own_words(language))
                .with("name", &name)
                .with("id", &id)
                .with("here", &way("/person", &[("id", &id)]))
                .with("soon", &soon)
                .with("why_not", &why_not)
                .with("command", &studio.explain_command(&id))
                .with("notes", &notes)
                .with("rank", &rank)
                .with("facts", &facts)
                .with("campaigns", &campaigns)
                .with("orders", &orders)
                .with("sheet", &sheet)
                .with("left_out", &LEFT_OUT)
                .with("past", &past))
        })
        .await
}

fn own_words(language: Language) -> Words {
    words(
        language,
        &[
            ("reading", "理由は読み込み中です", "The reasons are being read"),
            ("command", "端末で詳しく見る", "Told in a terminal"),
            ("conditions", "ランクの条件", "Conditions of ranks"),
            ("campaigns", "キャンペーン", "Campaigns"),
            ("orders", "注文", "Orders"),
            ("history", "これまでのメール", "Mails of the past"),
            ("none", "ありません。", "None."),
            ("print", "印刷して一枚の用紙にできます。", "Prints as one sheet."),
            ("facts", "顧客リスト", "Customer list"),
            ("mailed", "送る", "planned"),
            ("skipped", "見送り", "skipped"),
            ("unmatched", "対象外", "not for them"),
            ("left", "数えない明細", "lines left out"),
            ("points", "ポイント", "Points"),
            ("people", "一覧へ", "All people"),
            ("find", "探す", "Find"),
            ("search", "お名前・ID・アドレスで探す", "Find by name, id or address"),
        ],
    )
}

fn too_large(language: Language) -> String {
    language
        .pick(
            "このジョブは全員をまとめて見なければ理由を言えず、人数が多いため、ここでは計画に書かれたことだけを表示します。",
            "This job needs everybody at once to tell reasons, and there are too many: here is what the plan's tables say.",
        )
        .to_owned()
}

/// What whoever reads this must know first.
fn notes(person: &Person, language: Language) -> Vec<String> {
    let mut notes = Vec::new();
    let Ready::Yes(Some(explained)) = &person.explained else { return notes };
    let explanation = &explained.explanation;
    if let Some(old) = &explanation.merged {
        let now = &explanation.customer;
        notes.push(language.pick(format!("{old} は {now} に統合されています。"), format!("{old} is now {now}.")));
    }
    if let Some(why) = &explanation.excluded {
        notes.push(language.pick(format!("顧客リストの除外条件により対象外です: {why}"), format!("Left out by the customer list: {why}")));
    }
    if explained.is_other_rank {
        notes.push(
            language.pick(
                "計画を作ってから購入データなどが変わり、いま計算するとランクが違います。送られるのは計画のとおりです。".to_owned(),
                "Purchases or lists have changed since the plan was made: today the rank would be another one. What is sent is the plan."
                    .to_owned(),
            ),
        );
    }
    if !explained.other_campaigns.is_empty() {
        let names = explained.other_campaigns.join(", ");
        notes.push(language.pick(
            format!(
                "計画を作ってからデータが変わり、次のキャンペーンはいま計算すると結果が違います: {names}。送られるのは計画のとおりです。"
            ),
            format!(
                "Something has changed since the plan was made; today another thing would become of {names}. What is sent is the plan."
            ),
        ));
    }
    if let Some(household) = explanation.known.as_ref().and_then(|known| known.household.as_ref()) {
        let more = further(language, household.members.len(), NAMED).map_or_else(String::new, |more| format!(" … {more}"));
        let named: Vec<&str> = household.members.iter().take(NAMED).map(String::as_str).collect();
        let (name, members) = (&household.name, named.join(", ") + &more);
        notes.push(language.pick(format!("世帯 {name} の合算です: {members}"), format!("Figures of household {name} together: {members}")));
    }
    notes
}

/// What the customer list says.
fn facts(studio: &Studio, person: &Person) -> Vec<(String, String)> {
    let Some(row) = &person.row else { return Vec::new() };
    let Ready::Yes(people) = studio.people() else { return Vec::new() };
    let language = studio.job.language;
    let address = (language.pick("アドレス", "Address").to_owned(), row.address.clone());
    let listed = people.index.layout().columns.iter().cloned().zip(row.values.iter().cloned());
    std::iter::once(address)
        .chain(listed)
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name, super::people::shortened(&value)))
        .collect()
}

/// A campaign weighed for somebody.
#[derive(Serialize)]
struct Weighed {
    name: String,
    kind: &'static str,
    told: String,
    /// The occasion, or the key in the job of what does not hold.
    key: String,
    href: Option<String>,
}

impl Weighed {
    /// On paper.
    fn lines(&self) -> usize {
        let words = sheet::lines(&format!("{} {}", self.told, self.key), sheet::REASON);
        words.max(sheet::lines(&self.name, 18))
    }
}

/// Every campaign: what the plan says of it, and of those that are not for this person why.
fn campaigns(studio: &Studio, person: &Person) -> Vec<Weighed> {
    let language = studio.job.language;
    let known = match &person.explained {
        Ready::Yes(Some(explained)) => explained.explanation.known.as_ref(),
        _ => None,
    };
    let why = |campaign: &str| {
        let pair = known.and_then(|known| known.pairs.iter().find(|pair| pair.campaign == campaign))?;
        Some(match &pair.fate {
            PairFate::Unmatched(no) => (no.said.clone(), no.condition.clone(), [].as_slice()),
            PairFate::Mailed { occasion, .. } => (String::new(), occasion.clone(), [].as_slice()),
            PairFate::Skipped { occasion, by, .. } => (String::new(), occasion.clone(), by.as_slice()),
        })
    };
    let weighed = |name: &String| {
        let (reason, key, by) = why(name).unwrap_or_default();
        if let Some(mail) = person.mails.iter().find(|mail| mail.campaign == *name) {
            let told = match mail.channel {
                Channel::Mail => mail.subject.clone(),
                other if mail.subject.is_empty() => other.told(language).to_owned(),
                other => format!("{}: {}", other.told(language), mail.subject),
            };
            let href = Some(way("/mail", &[("customer", &mail.customer_id), ("campaign", name)]));
            return Weighed { name: name.clone(), kind: "mailed", told, key: mail.occasion.clone(), href };
        }
        if let Some(skip) = person.skips.iter().find(|skip| skip.campaign == *name) {
            let told = skipped(studio, person, skip, by);
            return Weighed { name: name.clone(), kind: "skipped", told, key, href: None };
        }
        Weighed { name: name.clone(), kind: "unmatched", told: reason, key, href: None }
    };
    studio.summary().campaigns.iter().map(weighed).collect()
}

/// Why somebody whom a campaign means gets no mail of it; and which mails take its place.
fn skipped(studio: &Studio, person: &Person, skip: &SkipRow, by: &[String]) -> String {
    let language = studio.job.language;
    let mut by = by.to_vec();
    if by.is_empty() && skip.reason == SkipReason::Superseded {
        // Without reasons the plan's tables tell at least of those that the job names.
        let campaigns = &studio.planned.campaigns;
        let rules = campaigns.iter().find(|campaign| campaign.name == skip.campaign).map_or(&[][..], |campaign| &campaign.not_with);
        let others = rules.iter().filter_map(|at| campaigns.get(*at)).map(|campaign| &campaign.name);
        by.extend(others.filter(|name| person.mails.iter().any(|mail| mail.campaign == **name)).cloned());
    }
    let (told, meant) = (skip.reason.told(language), skip.reason.meant(language));
    if by.is_empty() {
        return format!("{told}: {meant}");
    }
    language.pick(format!("{told}: 今回は {} を送ります", by.join("、")), format!("{told} by {}", by.join(", ")))
}

/// The orders of somebody, the latest first.
#[derive(Serialize)]
struct Orders {
    rows: Vec<OrderLine>,
    more: Option<String>,
    all: usize,
}

#[derive(Serialize)]
struct OrderLine {
    day: String,
    id: String,
    net: String,
    verdict: &'static str,
    is_good: bool,
    items: String,
    /// Amount, why, and where it stands in the files; the last is of no use on paper.
    left_out: Vec<[String; 3]>,
    /// How many of them are not on paper.
    more_on_paper: Option<String>,
}

impl Orders {
    /// On paper; those that are not shown have one line each.
    fn lines(&self) -> Vec<usize> {
        let mut lines: Vec<usize> = self.rows.iter().map(OrderLine::lines).collect();
        lines.resize(self.all, 1);
        lines
    }

    fn of(job: &Job, explanation: &Explanation) -> Self {
        let mut first: BTreeMap<&str, i64> = BTreeMap::new();
        // A line that does not count does not move its order, unless none of them does.
        let counts = |line: &&HistoryLine| line.fate == LineFate::Counted;
        let at = |line: &HistoryLine| line.at.unwrap_or(i64::MAX);
        for line in explanation.lines.iter().filter(counts) {
            if let Some(id) = &line.order_id {
                first.entry(id).and_modify(|earliest| *earliest = at(line).min(*earliest)).or_insert(at(line));
            }
        }
        for line in explanation.lines.iter().filter(|line| !counts(line)) {
            if let Some(id) = &line.order_id {
                first.entry(id).or_insert(at(line));
            }
        }
        let mut orders: BTreeMap<(i64, &str, &str), Vec<&HistoryLine>> = BTreeMap::new();
        for line in &explanation.lines {
            let key = match &line.order_id {
                Some(id) => (first.get(id.as_str()).copied().unwrap_or(i64::MAX), id.as_str(), ""),
                None => (at(line), "", line.place.as_str()),
            };
            orders.entry(key).or_default().push(line);
        }
        let rows = orders.iter().rev().take(SHOWN).map(|((at, id, _), lines)| OrderLine::of(job, explanation, (*at, id), lines)).collect();
        Self { rows, more: further(job.language, orders.len(), SHOWN), all: orders.len() }
    }
}

impl OrderLine {
    /// On paper, where all but the day and the sum is one text.
    fn lines(&self) -> usize {
        let left = self.left_out.iter().take(LEFT_OUT).map(|[amount, why, _]| format!("lines left out: {amount} {why}"));
        let said = [self.net.as_str(), self.verdict, &self.id, &self.items].map(str::to_owned);
        let said: Vec<String> = said.into_iter().chain(left).chain(self.more_on_paper.clone()).collect();
        sheet::lines(&said.join("   "), sheet::ORDER)
    }

    fn of(job: &Job, explanation: &Explanation, (at, id): (i64, &str), lines: &[&HistoryLine]) -> Self {
        let language = job.language;
        let counted = || lines.iter().filter(|line| line.fate == LineFate::Counted);
        let net: i64 = counted().filter_map(|line| line.amount).fold(0, i64::saturating_add);
        let show = |amount: Option<i64>| amount.map_or_else(String::new, |amount| job.currency.show(amount));
        let item = |line: &&&HistoryLine| {
            let name = line.product.clone().or_else(|| line.category.clone())?;
            let times = line.quantity.filter(|quantity| *quantity != 1).map_or_else(String::new, |quantity| format!(" ×{quantity}"));
            Some(format!("{name}{times}"))
        };
        let left_out = |line: &&&HistoryLine| {
            let why = rank::fate(language, &line.fate);
            [show(line.amount), why, line.place.clone()]
        };
        let (verdict, is_good) = rank::verdict(job, explanation, at, net, counted().next().is_some());
        Self {
            day: job.zone.date(at).map_or_else(String::new, |day| day.to_string()),
            id: id.to_owned(),
            net: show(Some(net)),
            verdict,
            is_good,
            items: counted().filter_map(|line| item(&line)).take(12).collect::<Vec<_>>().join("、"),
            more_on_paper: further(language, lines.iter().filter(|line| line.fate != LineFate::Counted).count(), LEFT_OUT),
            left_out: lines.iter().filter(|line| line.fate != LineFate::Counted).map(|line| left_out(&line)).collect(),
        }
    }
}

/// The tone of a rank's move, for the page's colours.
pub fn tone_of(person: &Person, job: &Job) -> &'static str {
    let place = |name: &Option<String>| name.as_deref().and_then(|name| job.ladder.find_or_was(name));
    person.planned.as_ref().map_or("kept", |planned| tone(place(&planned.previous_rank), place(&planned.rank)))
}
