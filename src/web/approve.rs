//! Approving: what the plan costs and warns of, who has approved it, a form for one more name, and what the operator types. Samples go to
//! colleagues in `test_to`; nothing goes to a customer from here.

use super::Routes;
use super::audience::{places, skips};
use super::page::{Page, Refusal, Tab, way};
use super::state::State;
use super::words::{Words, words};
use crate::domain::delivery::RunTrouble;
use crate::domain::job::Language;
use crate::domain::money::grouped;
use crate::domain::{Channel, Exposure, Outcome, approval};
use crate::pipeline::studio::{Approving, told as told_error};
use crate::pipeline::{Error, Studio, Trial};
use axum::Router;
use axum::extract::{Form, Query, State as Given};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub fn routes() -> Routes {
    Router::new().route("/approve", get(look).post(approve)).route("/approve/test", post(sample))
}

/// What is told at the top of the page.
#[derive(Serialize)]
struct Told {
    kind: &'static str,
    text: String,
}

#[derive(Deserialize, Default)]
struct Asked {
    /// What has just been done: `new` or `again`.
    #[serde(default)]
    done: String,
    /// Whose mail a sample is to be.
    #[serde(default)]
    campaign: String,
    #[serde(default)]
    customer: String,
}

#[derive(Deserialize)]
struct Approval {
    name: String,
    digest: String,
}

#[derive(Deserialize)]
struct Sample {
    campaign: String,
    #[serde(default)]
    customer: String,
    to: String,
}

async fn look(Given(state): Given<Arc<State>>, Query(asked): Query<Asked>) -> Response {
    state
        .page(move |state, studio| {
            let language = studio.job.language;
            let text = match asked.done.as_str() {
                "new" => Some(language.pick("承認を記録しました。", "The approval is written down.")),
                "again" => Some(language.pick("この方は承認済みです。", "This person had approved the plan before.")),
                _ => None,
            };
            let told = text.map(|text| Told { kind: "good", text: text.to_owned() });
            show(state, studio, told.as_ref(), &asked)
        })
        .await
}

async fn approve(Given(state): Given<Arc<State>>, Form(approval): Form<Approval>) -> Response {
    let now = (state.now)();
    let done = state.work(move |_, studio| {
        Ok(match studio.approve(&approval.name, &approval.digest, now) {
            Ok(approved) => Ok(if approved.is_new { "new" } else { "again" }),
            Err(error) => Err(told_error(&error, studio.job.language)),
        })
    });
    match done.await {
        Ok(Ok(word)) => Redirect::to(&format!("{}{}", state.base, way("/approve", &[("done", word)]))).into_response(),
        Ok(Err(why)) => refused(&state, why, Asked::default()).await,
        Err(refusal) => state.page(move |_, _| Err(refusal)).await,
    }
}

async fn sample(Given(state): Given<Arc<State>>, Form(sample): Form<Sample>) -> Response {
    let now = (state.now)();
    let asked = Asked { campaign: sample.campaign.clone(), customer: sample.customer.clone(), ..Asked::default() };
    let sent = state.work(move |state, studio| {
        let sent = studio.sample(&sample.campaign, &sample.customer, &sample.to, state.server(), now);
        Ok(sent.map_err(|error: Error| told_error(&error, studio.job.language)))
    });
    match sent.await {
        Ok(Ok(trial)) => state.page(move |state, studio| show(state, studio, Some(&told(studio, &trial)), &asked)).await,
        Ok(Err(why)) => refused(&state, why, asked).await,
        Err(refusal) => state.page(move |_, _| Err(refusal)).await,
    }
}

/// The page, with why something was not done.
async fn refused(state: &Arc<State>, text: String, asked: Asked) -> Response {
    state
        .page(move |state, studio| {
            let told = Told { kind: "stop", text };
            Ok(show(state, studio, Some(&told), &asked)?.status(StatusCode::CONFLICT))
        })
        .await
}

/// What came of a sample.
fn told(studio: &Studio, trial: &Trial) -> Told {
    let (to, place) = (trial.to.join(", "), &trial.destination);
    let language = studio.job.language;
    let refused = trial.mails.iter().find(|(_, outcome)| !matches!(outcome, Outcome::Accepted { .. }));
    match refused {
        None => Told {
            kind: "good",
            text: language.pick(format!("{to} へテスト送信しました（{place}）。"), format!("The sample went to {to} ({place}).")),
        },
        Some((_, outcome)) => {
            let why = answer(outcome);
            Told {
                kind: "stop", text: language.pick(format!("{to} へは送れませんでした: {why}"), format!("{to} did not get it: {why}"))
            }
        }
    }
}

/// What the server said, or what is the matter with it.
fn answer(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { reply } | Outcome::Rejected { reply, .. } | Outcome::Deferred { reply, .. } | Outcome::InDoubt { reply } => {
            reply.clone()
        }
        Outcome::Untouched(
            RunTrouble::Unreachable { reply }
            | RunTrouble::Waiting { reply }
            | RunTrouble::Refused { reply }
            | RunTrouble::Stopped { reply }
            | RunTrouble::Outbox { reply },
        ) => reply.clone(),
    }
}

#[derive(Serialize)]
struct View {
    digest: String,
    short: String,
    /// How many have approved it and how many are missing; of a plan that can still be approved.
    head: Option<String>,
    kind: &'static str,
    given: Vec<(String, String)>,
    closed: Option<String>,
    /// The commands, as far as they would do something.
    approve: Option<String>,
    send: Option<String>,
    is_there: bool,
    stops: Vec<(String, String)>,
    shown: Vec<(String, String)>,
    warnings: Vec<String>,
    longest: usize,
    test_to: Vec<String>,
    samples: Vec<(String, bool)>,
    customer: String,
}

/// Mails by campaign and rank, with what they cost.
#[derive(Serialize)]
struct Table {
    ranks: Vec<String>,
    sizes: Vec<String>,
    people: String,
    rows: Vec<Row>,
    sums: Vec<String>,
    all: String,
    cost: Option<String>,
}

#[derive(Serialize)]
struct Row {
    campaign: String,
    cells: Vec<String>,
    all: String,
    cost: String,
    expected: String,
    /// Of the dearest campaign, in percent.
    share: i64,
}

fn show(state: &State, studio: &Studio, told: Option<&Told>, asked: &Asked) -> Result<Page, Refusal> {
    let language = studio.job.language;
    let approving = studio.approving((state.now)())?;
    let page = Page::new("approve.html", Some(Tab::Approve), language.pick("承認", "Approve"));
    let page = page.with("t", &table_of_words(language)).with("told", &told);
    let skips = skips(studio.summary(), language);
    let mut view = view(studio, approving, asked);
    // Why somebody's approval was not taken is said once.
    view.closed = view.closed.filter(|why| told.is_none_or(|told| told.text != *why));
    Ok(page.with("plan", &view).with("table", &table(studio)).with("skips", &skips))
}

fn view(studio: &Studio, approving: Approving, asked: &Asked) -> View {
    let (summary, language) = (studio.summary(), studio.job.language);
    let Approving { approvals, closed, is_there, is_sendable, stops, shown, test_to } = approving;
    let (wanted, given, missing) = (approvals.wanted, approvals.given.len(), approvals.missing());
    let head = match (wanted, missing) {
        (0, _) => language.pick(
            "このジョブは承認を求めていません。承認は記録として残ります。".to_owned(),
            "The job does not ask for approvals; they are only noted.".to_owned(),
        ),
        (_, 0) => language.pick(format!("承認がそろいました（{given}/{wanted}）。"), format!("It is approved ({given}/{wanted}).")),
        _ => language.pick(
            format!("承認 {given}/{wanted}。あと {missing} 人の承認がなければ送れません。"),
            format!("Approvals {given}/{wanted}. It cannot be sent before {missing} more approve it."),
        ),
    };
    let at = |at| studio.job.zone.local(at).map(|at| at.format("%Y-%m-%d %H:%M").to_string()).unwrap_or_default();
    let campaigns = summary.campaigns.iter().zip(&summary.counts.mails_by_rank);
    // What goes by post has no sample.
    let goes_by_mail = |name: &str| studio.planned.campaigns.iter().any(|own| own.name == name && own.goes_by(Channel::Mail));
    let mailed = campaigns.filter(|(name, mails)| mails.iter().any(|count| *count > 0) && goes_by_mail(name));
    View {
        short: approvals.short_digest().to_owned(),
        kind: if missing == 0 { "good" } else { "warn" },
        head: closed.is_none().then_some(head),
        given: approvals.given.iter().map(|one| (one.name.clone(), at(one.at))).collect(),
        approve: closed.is_none().then_some(approvals.approve),
        send: is_sendable.then_some(approvals.send),
        closed,
        is_there,
        digest: approvals.digest,
        stops,
        shown,
        warnings: summary.warnings.clone(),
        longest: approval::LONGEST_NAME,
        test_to,
        samples: mailed.map(|(name, _)| (name.clone(), *name == asked.campaign)).collect(),
        customer: asked.customer.clone(),
    }
}

fn table(studio: &Studio) -> Table {
    let (summary, job) = (studio.summary(), &studio.planned);
    let counts = &summary.counts;
    let has_none = counts.no_rank > 0 || counts.mails_by_rank.iter().any(|row| row.last().is_some_and(|count| *count > 0));
    let places = places(summary, has_none);
    let name = |at: &usize| summary.ranks.get(*at).cloned().unwrap_or_else(|| job.language.pick("ランクなし", "no rank").to_owned());
    let size = |at: &usize| grouped(counts.rank_sizes.get(*at).copied().unwrap_or(counts.no_rank));
    let exposure = |at: usize| counts.exposure.get(at).copied().unwrap_or_default();
    let dearest = counts.exposure.iter().map(|exposure: &Exposure| exposure.face).max().unwrap_or_default();
    let rows = summary.campaigns.iter().zip(&counts.mails_by_rank).enumerate().map(|(at, (name, row))| {
        let cost = exposure(at);
        Row {
            campaign: name.clone(),
            cells: places.iter().map(|at| grouped(row.get(*at).copied().unwrap_or_default())).collect(),
            all: grouped(row.iter().sum()),
            cost: if cost.face == 0 { String::new() } else { job.currency.show(cost.face) },
            expected: cost.told(&job.currency, job.language),
            share: cost.face.saturating_mul(100).checked_div(dearest).unwrap_or_default(),
        }
    });
    let sum = |at: &usize| grouped(counts.mails_by_rank.iter().filter_map(|row| row.get(*at)).sum());
    Table {
        ranks: places.iter().map(name).collect(),
        sizes: places.iter().map(size).collect(),
        people: grouped(counts.customers),
        rows: rows.collect(),
        sums: places.iter().map(sum).collect(),
        all: grouped(counts.mails),
        cost: (dearest > 0).then(|| job.currency.show(counts.offer_exposure)),
    }
}

fn table_of_words(language: Language) -> Words {
    words(
        language,
        &[
            ("state", "この計画の承認", "Approvals of this plan"),
            ("digest", "識別値", "Digest"),
            ("nobody", "まだだれも承認していません。", "Nobody has approved it yet."),
            ("name", "承認する人の名前", "Name of who approves"),
            ("approve", "この計画を承認する", "Approve this plan"),
            (
                "meaning",
                "記録されるのは、名前・日時・この識別値です。計画を作り直して中身が変わると、承認もやり直しです。",
                "Written down are the name, the time and this digest. A plan that is made anew with other contents needs new approvals.",
            ),
            ("commands", "担当者が打つコマンド", "What the operator types"),
            ("to_approve", "承認（NAME は名前）", "To approve (NAME is the name)"),
            ("to_send", "送信", "To send"),
            ("brakes", "ブレーキ", "Brakes"),
            ("no_brakes", "送信コマンドはどのブレーキでも止まりません。", "No brake would stop the command that sends it."),
            (
                "stops",
                "送信コマンドはこれで止まります。下のコマンドには、承知のうえで送るための --accept を付けてあります。",
                "The command that sends it would stop on this. The one below accepts it: look first.",
            ),
            (
                "shown",
                "計画を作ったときに見つかったものです。run はこれで止まりますが、確かめた計画を送る send は止まりません。",
                "This was seen when the plan was made. `run` stops on it; `send`, which sends a plan that somebody has looked at, does not.",
            ),
            ("skips", "見送りの理由", "Why mails are skipped"),
            ("warnings", "注意", "Warnings"),
            ("mails", "ランクとキャンペーン別の通数", "Mails by rank and campaign"),
            ("campaign", "キャンペーン", "Campaign"),
            ("people", "人数", "Customers"),
            ("all", "計", "All"),
            ("cost", "特典の費用（全員が使った場合）", "Offers cost when all are used"),
            ("expected", "うち見込み", "Expected"),
            ("test", "テスト送信", "A test mail"),
            (
                "test_meaning",
                "計画のメール 1 通を、印を付けて同僚に送ります。クーポンと配信停止のリンクは使えません。お客様には何も届きません。",
                "One mail of the plan goes to a colleague, marked; its code and opt-out link do nothing. Nothing goes to a customer.",
            ),
            ("test_campaign", "キャンペーン", "Campaign"),
            ("test_customer", "顧客番号（空なら最初の方）", "Customer id (empty: the first one)"),
            ("test_to", "宛先", "To"),
            ("test_send", "テスト送信する", "Send the sample"),
            (
                "test_nobody",
                "宛先がありません。ジョブの [mail] に test_to = [\"team@example.com\"] と書くと、ここから送れます。",
                "Nobody may get test mails yet: write test_to = [\"team@example.com\"] into [mail] of the job.",
            ),
        ],
    )
}
