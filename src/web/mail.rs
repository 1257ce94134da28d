//! A mail of the plan: exactly what would be sent, at two widths, and all that an inbox does not show.

use super::Routes;
use super::framed::{framed, framed_refusal, notes};
use super::page::{Page, Refusal, urlencoded, way};
use super::state::State;
use super::words::{Words, words};
use crate::domain::Channel;
use crate::domain::job::Language;
use crate::domain::money::grouped;
use crate::pipeline::studio::{Hardship, Seen};
use axum::Router;
use axum::extract::{Query, State as Given};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Gmail hides what is beyond.
const CLIP: usize = 102 * 1024;
/// The source of a mail is shown so far on its page; all of it is a click away.
const GLANCE: usize = 64 * 1024;

pub fn routes() -> Routes {
    Router::new().route("/mail", get(mail)).route("/mail/html", get(html)).route("/mail/source", get(source)).route("/mail/hard", get(hard))
}

/// Which mail, and how it is looked at.
#[derive(Deserialize, Default)]
struct Wanted {
    #[serde(default)]
    customer: String,
    #[serde(default)]
    campaign: String,
    /// As a program in dark mode shows it.
    dark: Option<String>,
    /// With pictures from elsewhere.
    remote: Option<String>,
    hard: Option<String>,
}

impl Wanted {
    /// What an address of ours says of the look.
    fn look(&self) -> Vec<(&'static str, &'static str)> {
        let set = [("dark", self.dark.is_some()), ("remote", self.remote.is_some())];
        set.into_iter().filter(|(_, set)| *set).map(|(name, _)| (name, "1")).collect()
    }

    fn way(&self, path: &str, customer: &str) -> String {
        let mut query = vec![("customer", customer), ("campaign", self.campaign.as_str())];
        query.extend(self.look());
        way(path, &query)
    }
}

#[derive(Serialize)]
struct View {
    subject: String,
    preheader: Option<String>,
    facts: Vec<(&'static str, String)>,
    person: String,
    editor: Option<String>,
    html: Option<String>,
    /// What is said of the copy in the frames.
    notes: Vec<String>,
    text: String,
    headers: Vec<(String, String)>,
    source: String,
    source_way: Option<String>,
    is_cut: bool,
    size: String,
    html_size: String,
    is_clipped: bool,
    /// What it is where it is no mail: a letter, a call.
    other: Option<String>,
    number: String,
    of: String,
    previous: Option<String>,
    next: Option<String>,
    hard: Vec<(&'static str, String)>,
    customer: String,
    campaign: String,
    look: Looks,
}

/// How a mail is looked at.
#[derive(Serialize)]
pub(super) struct Looks {
    pub dark: bool,
    pub remote: bool,
}

async fn mail(Given(state): Given<Arc<State>>, Query(wanted): Query<Wanted>) -> Response {
    state
        .page(move |_, studio| {
            let language = studio.job.language;
            let customer = if wanted.customer.is_empty() { studio.first_of(&wanted.campaign)? } else { Some(wanted.customer.clone()) };
            let Some(customer) = customer else {
                let none = language.pick("このキャンペーンのメールは今回ありません。", "This campaign has no mails in this plan.");
                return Err(Refusal::new(StatusCode::NOT_FOUND, none));
            };
            let seen = studio.mail(&customer, &wanted.campaign)?;
            let title = format!("{} – {}", seen.campaign, seen.customer);
            Ok(Page::new("mail.html", None, title).with("t", &table(language)).with("mail", &view(&seen, &wanted, language)))
        })
        .await
}

fn view(seen: &Seen, wanted: &Wanted, language: Language) -> View {
    let source = String::from_utf8_lossy(&seen.eml);
    let goes_by_mail = seen.channel == Channel::Mail;
    let fact = |ja, en, value: Option<&str>| value.map(|value| (language.pick(ja, en), value.to_owned()));
    let facts = [
        fact("宛先", "To", Some(seen.address.as_str()).filter(|_| goes_by_mail)),
        fact("キャンペーン", "Campaign", Some(&seen.campaign)),
        fact("文面", "Variant", seen.variant.as_deref()),
        fact("ランク", "Rank", seen.rank.as_deref()),
        fact("経路", "Channel", Some(seen.channel.told(language)).filter(|_| !goes_by_mail)),
    ];
    let hardships = Hardship::ALL.map(|hardship| {
        let mut query = vec![("campaign", seen.campaign.as_str()), ("hard", hardship.word())];
        query.extend(wanted.look());
        (hardship_told(hardship, language), way("/mail/hard", &query))
    });
    let beside = |customer: &Option<String>| customer.as_ref().map(|customer| wanted.way("/mail", customer));
    let cut = source.char_indices().map(|(at, _)| at).find(|at| *at >= GLANCE).unwrap_or(source.len());
    View {
        subject: seen.subject.clone(),
        preheader: seen.preheader.clone(),
        facts: facts.into_iter().flatten().collect(),
        person: way("/person", &[("id", &seen.customer)]),
        editor: goes_by_mail.then(|| way(&format!("/templates/{}/body.html", urlencoded(&seen.campaign)), &[("customer", &seen.customer)])),
        html: (!seen.html.is_empty()).then(|| wanted.way("/mail/html", &seen.customer)),
        notes: notes(&seen.html, wanted.dark.is_some(), language),
        text: seen.text.clone(),
        headers: seen.headers(),
        source: source.get(..cut).unwrap_or_default().to_owned(),
        source_way: goes_by_mail.then(|| wanted.way("/mail/source", &seen.customer)),
        is_cut: cut < source.len(),
        size: grouped(seen.eml.len() as u64),
        html_size: grouped(seen.html.len() as u64),
        is_clipped: seen.html.len() > CLIP,
        other: (!goes_by_mail).then(|| {
            let channel = seen.channel.told(language);
            language.pick(
                format!("メールではなく、{channel}で届くものです。ここに表示する文面はありません。届け先のリストは rankmail export で書き出せます。"),
                format!("This goes out by {channel}, not by mail, and has no text here; `rankmail export` writes the list of whom it goes to."),
            )
        }),
        number: grouped(seen.number as u64),
        of: grouped(seen.of as u64),
        previous: beside(&seen.previous),
        next: beside(&seen.next),
        hard: hardships.into(),
        customer: seen.customer.clone(),
        campaign: seen.campaign.clone(),
        look: Looks { dark: wanted.dark.is_some(), remote: wanted.remote.is_some() },
    }
}

fn hardship_told(hardship: Hardship, language: Language) -> &'static str {
    match hardship {
        Hardship::LongestName => language.pick("名前がいちばん長い", "longest name"),
        Hardship::MostItems => language.pick("品目がいちばん多い", "most items"),
        Hardship::Missing => language.pick("値がいちばん欠けている", "most values missing"),
        Hardship::IrregularAddress => language.pick("規則外のアドレス", "irregular address"),
    }
}

async fn html(Given(state): Given<Arc<State>>, Query(wanted): Query<Wanted>) -> Response {
    let (dark, remote) = (wanted.dark.is_some(), wanted.remote.is_some());
    let made = state.work(move |_, studio| Ok(studio.mail(&wanted.customer, &wanted.campaign)?.html)).await;
    match made {
        Ok(html) => framed(&html, dark, remote),
        Err(refusal) => framed_refusal(&refusal, state.studio().job.language),
    }
}

async fn source(Given(state): Given<Arc<State>>, Query(wanted): Query<Wanted>) -> Response {
    let made = state.work(move |_, studio| Ok(studio.mail(&wanted.customer, &wanted.campaign)?.eml)).await;
    match made {
        Ok(eml) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], eml).into_response(),
        Err(refusal) => state.page(move |_, _| Err(refusal)).await,
    }
}

async fn hard(Given(state): Given<Arc<State>>, Query(wanted): Query<Wanted>) -> Response {
    let base = state.base.clone();
    let found = state.work(move |_, studio| {
        let hardship = wanted.hard.as_deref().and_then(Hardship::from_word);
        let hardship = hardship.ok_or_else(|| Refusal::nothing(studio.job.language))?;
        let still = studio.job.language.pick(
            "計画のメールをまだ読んでいます。数秒後にもう一度お試しください。",
            "The plan's mails are still being read; try again in some seconds.",
        );
        let customer = studio.hardest(&wanted.campaign, hardship)?;
        let customer = customer.ok_or_else(|| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, still))?;
        Ok(format!("{base}{}", wanted.way("/mail", &customer)))
    });
    match found.await {
        Ok(way) => Redirect::to(&way).into_response(),
        Err(refusal) => state.page(move |_, _| Err(refusal)).await,
    }
}

fn table(language: Language) -> Words {
    words(
        language,
        &[
            (
                "exactly",
                "この計画で送られるメールそのものです（計画時のハッシュと一致を確認済み）。",
                "Exactly what this plan would send: it hashes to what was planned.",
            ),
            ("previous", "前の宛先", "Previous"),
            ("next", "次の宛先", "Next"),
            ("number", "通目", "of"),
            ("hard", "難しい例", "A hard one"),
            ("look", "表示", "Look"),
            ("dark", "ダークモード", "Dark mode"),
            ("remote", "外部の画像を読み込む", "Load pictures from elsewhere"),
            ("show", "切り替え", "Apply"),
            ("wide", "パソコン 600 px", "Computer, 600 px"),
            ("narrow", "スマートフォン 375 px", "Telephone, 375 px"),
            ("text", "テキスト部", "Text part"),
            ("headers", "ヘッダー", "Headers"),
            ("source", "ソース", "Source"),
            ("whole", "全体を開く", "Open all of it"),
            ("cut", "長いので途中まで表示しています。", "It is long, and shown in part."),
            ("size", "大きさ", "Size"),
            ("bytes", "バイト", "bytes"),
            ("html", "HTML", "HTML"),
            (
                "clip",
                "HTML が 102 KB を超えています。Gmail は超えた部分を隠し、配信停止リンクも見えなくなります。",
                "The HTML is larger than 102 KB: Gmail hides what is beyond, the opt-out link with it.",
            ),
            ("person", "この顧客", "This person"),
            ("edit", "テンプレートを編集", "Edit its templates"),
            ("no_html", "このメールに HTML はありません。", "There is no HTML in it."),
        ],
    )
}
