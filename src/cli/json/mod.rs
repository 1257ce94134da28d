//! What `--json` prints: one object, for scripts.

mod diff;
mod operator;

pub use diff::diff;
pub use operator::{aged, approved, bounced, examined, forgotten, ledger_exported, listening, moved, opt_outs, studio};

use super::words::{self, remedy};
use crate::domain;
use crate::domain::coupon::Tally;
use crate::domain::features::ReadCounts;
use crate::domain::finding::Subject;
use crate::domain::job::Language;
use crate::domain::orders::LineFate;
use crate::domain::plan::Summary;
use crate::domain::points::{CashbackTotals, PointsTotals};
use crate::domain::recommend::Pairs;
use crate::domain::whatif::{Replay, WhatIf};
use crate::domain::{Allotment, Exposure, Job, Outcome, State, Zone};
use crate::pipeline::{
    Approvals, Checked, Coupons, DataCheck, Error, Explanation, Exported, ForCart, Imported, ImportedColumn, Known, PairFate, Planned,
    Purpose, Ran, Sent, Shown, Status, Trial,
};
use chrono::{NaiveDate, NaiveDateTime};
use operator::{approval, given};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

fn text(value: &Value) -> String {
    format!("{value:#}\n")
}

/// An error, with its exit code; problems of a job or a template with their places.
pub fn error(error: &Error) -> String {
    let problems = problems(error);
    let mut object = json!({"error": error.to_string(), "exit_code": error.exit_code()});
    if !problems.is_empty() {
        object["problems"] = Value::Array(problems);
    }
    text(&object)
}

fn problems(error: &Error) -> Vec<Value> {
    match error {
        Error::Job(job) => job
            .problems()
            .iter()
            .map(|problem| json!({"message": problem.message, "line": problem.line, "column": problem.column, "help": problem.help}))
            .collect(),
        Error::Templates(templates) => templates
            .problems()
            .iter()
            .map(|problem| {
                json!({"file": problem.file, "message": problem.message, "line": problem.line, "column": problem.column, "help": problem.help})
            })
            .collect(),
        Error::Several(errors) => errors.iter().flat_map(problems).collect(),
        _ => Vec::new(),
    }
}

fn findings(checked: &Checked) -> Vec<Value> {
    let rows = checked.findings.iter().map(|finding| {
        let (of, name) = match &finding.subject {
            Subject::Rank(name) => ("rank", name),
            Subject::Campaign(name) => ("campaign", name),
        };
        let level = if finding.rule.is_hint() { "hint" } else { "warning" };
        json!({"rule": finding.rule.word(), "level": level, "of": of, "name": name, "message": finding.message,
            "reason": finding.rule.reason(checked.job.language)})
    });
    rows.collect()
}

pub fn checked(checked: &Checked, data: Option<&DataCheck>) -> String {
    let mut object = json!({"job": checked.job.name, "understood": checked.echo, "warnings": checked.warnings, "problems": [],
        "findings": findings(checked)});
    if let Some(data) = data {
        let values: Vec<Value> = data
            .values
            .iter()
            .flat_map(|(column, values)| values.iter().map(move |value| (column, value)))
            .map(|(column, value)| {
                json!({"column": column, "value": value.value, "lines": value.lines, "sum": i64::try_from(value.sum).ok(), "excluded": value.left_out})
            })
            .collect();
        object["data"] = json!({"files": data.files, "rows": data.rows, "customers": data.customers,
            "excluded_customers": data.excluded_customers, "exclude_values": values, "notes": data.notes});
    }
    text(&object)
}

pub fn features(customers: u64, read: &ReadCounts) -> String {
    text(&json!({"customers": customers, "lines": read.lines, "guests": read.guests, "excluded": read.excluded, "bad_rows": read.bad_rows}))
}

pub fn planned(job: &Job, planned: &Planned) -> String {
    let mut object = summary(&planned.summary, &planned.folder.display().to_string());
    object["approval"] = approval(job, &planned.approvals);
    text(&object)
}

fn summary(summary: &Summary, folder: &str) -> Value {
    let counts = &summary.counts;
    let ranks = summary.ranks.iter().map(|name| json!(name)).chain(std::iter::once(Value::Null));
    let ranks: Vec<Value> = ranks
        .zip(counts.rank_sizes.iter().chain(std::iter::once(&counts.no_rank)))
        .map(|(rank, customers)| json!({"rank": rank, "customers": customers}))
        .collect();
    let campaigns: Vec<Value> = summary
        .campaigns
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let by_rank: Map<String, Value> = summary
                .ranks
                .iter()
                .map(String::as_str)
                .chain(std::iter::once("none"))
                .zip(counts.mails_by_rank.get(at).into_iter().flatten())
                .map(|(rank, mails)| (rank.to_owned(), json!(mails)))
                .collect();
            let skips: Map<String, Value> =
                counts.skips.get(at).into_iter().flatten().map(|(reason, count)| (reason.word().to_owned(), json!(count))).collect();
            let channels: Map<String, Value> =
                counts.channels.get(at).into_iter().flatten().map(|(channel, mails)| (channel.word().to_owned(), json!(mails))).collect();
            json!({"campaign": name, "mails": by_rank, "channels": channels, "skipped": skips,
                "exposure": counts.exposure.get(at).map(exposure),
                "places": allotment(counts.places.get(at)), "budget": allotment(counts.budgets.get(at))})
        })
        .collect();
    let pools: Vec<Value> = counts
        .pools
        .iter()
        .map(|used| json!({"campaign": summary.campaigns.get(used.campaign), "free": used.free, "given": used.given, "missing": used.missing}))
        .collect();
    let brakes: Vec<Value> = summary.brakes.iter().map(|(name, seen)| json!({"brake": name, "seen": seen})).collect();
    json!({"job": summary.job, "as_of": summary.as_of.to_string(), "closing": summary.closing.to_string(), "folder": folder,
        "digest": summary.digest, "customers": counts.customers, "matched": counts.matched, "mails": counts.mails,
        "skipped": counts.skipped, "guests": counts.guests, "bad_rows": counts.bad_rows, "offer_exposure": counts.offer_exposure,
        "points": counts.points.map(points_totals), "cashback": counts.cashback.map(cashback_totals), "ranks": ranks, "campaigns": campaigns,
        "pools": pools,
        "brakes": brakes, "warnings": summary.warnings})
}

/// Places or money of a campaign: null where it has no such limit, or no candidates.
fn allotment(found: Option<&Option<Allotment>>) -> Value {
    let all = found.copied().flatten().map(|all| json!({"most": all.most, "before": all.before, "now": all.now, "left": all.left()}));
    all.unwrap_or_default()
}

/// What a campaign's offers cost, minor units; what is expected of it is null where no earlier run tells.
fn exposure(exposure: &Exposure) -> Value {
    let [low, expected, high] = exposure.expected().map_or([None; 3], |interval| interval.map(Some));
    json!({"face": exposure.face, "expected": expected, "expected_low": low, "expected_high": high})
}

pub fn pairs(as_of: NaiveDate, found: &Pairs) -> String {
    let pairs: Vec<Value> = found
        .pairs
        .iter()
        .map(|pair| {
            let [(one, one_name), (other, other_name)] = &pair.products;
            json!({"products": [one, other], "names": [one_name, other_name], "orders": pair.orders, "together": pair.together, "lift": pair.lift})
        })
        .collect();
    text(&json!({"as_of": as_of.to_string(), "orders": found.orders, "pairs": pairs}))
}

pub fn shown(as_of: NaiveDate, customer: &str, mails: &[Shown]) -> String {
    let mails: Vec<Value> = mails
        .iter()
        .map(|mail| {
            json!({"mail_id": mail.mail_id, "campaign": mail.campaign, "variant": mail.variant, "rank": mail.rank, "channel": mail.channel.word(), "address": mail.address,
                "subject": mail.subject, "text": mail.text, "html": mail.html})
        })
        .collect();
    text(&json!({"as_of": as_of.to_string(), "customer": customer, "mails": mails}))
}

pub fn imported(imported: &Imported) -> String {
    let of = |column: &ImportedColumn| {
        let odd = column.odd.as_ref().map(|odd| json!({"line": odd.line, "value": odd.value, "remedy": remedy(&column.name, odd.remedy)}));
        json!({"name": column.name, "kind": column.kind, "odd": odd, "marked": column.marked})
    };
    let columns: Vec<Value> = imported.columns.iter().map(of).collect();
    let notes: Vec<Value> = imported.notes.iter().map(|(line, what)| json!({"line": line, "what": what})).collect();
    text(&json!({"file": imported.file.display().to_string(), "unchanged": imported.unchanged, "encoding": imported.encoding,
        "rows": imported.rows, "columns": columns, "not_read": imported.not_read, "first_not_read": notes}))
}

/// Both plays of what-if.
pub fn whatif(found: &WhatIf) -> String {
    let play = |play: &Replay| -> Vec<Value> {
        let runs = play.runs.iter().map(|run| {
            let ranks = play.ranks.iter().zip(&run.counts.rank_sizes).map(|(rank, count)| json!({"rank": rank, "customers": count}));
            let changes: Map<String, Value> =
                run.counts.changes.iter().map(|(change, count)| (change.word().to_owned(), (*count).into())).collect();
            let campaigns = play.campaigns.iter().zip(&run.counts.mails_by_rank);
            let campaigns = campaigns.map(|(name, ranks)| json!({"campaign": name, "mails": ranks.iter().sum::<u64>()}));
            json!({"as_of": run.as_of.to_string(), "adopted": run.adopted, "ranks": ranks.collect::<Vec<_>>(),
                "no_rank": run.counts.no_rank, "changes": changes, "mails": run.counts.mails, "skipped": run.counts.skipped,
                "campaigns": campaigns.collect::<Vec<_>>(), "offer_exposure": run.counts.offer_exposure})
        });
        runs.collect()
    };
    text(&json!({"job": found.job, "settings": found.settings, "today": play(&found.today), "changed": found.changed.as_ref().map(play)}))
}

pub fn explained(job: &Job, explanation: &Explanation) -> String {
    let lines: Vec<Value> = explanation
        .lines
        .iter()
        .map(|line| {
            let (counted, why) = match &line.fate {
                LineFate::Counted => (true, None),
                LineFate::LeftOut { rule, column, value } => (false, Some(words::left_out(Language::En, *rule, column, value.as_deref()))),
                LineFate::Later => (false, Some("on or after the as-of date".to_owned())),
                LineFate::Bad(what) => (false, Some(what.clone())),
            };
            json!({"place": line.place, "order": line.order_id, "at": line.at.map(|at| local(job.zone, at)), "amount": line.amount,
                "product": line.product, "category": line.category, "quantity": line.quantity, "counted": counted, "why": why})
        })
        .collect();
    let mut object = json!({"customer": explanation.customer, "merged": explanation.merged, "as_of": explanation.dates.as_of.to_string(),
        "closing": explanation.dates.closing.to_string(), "settled_before": explanation.dates.settled.to_string(), "excluded": explanation.excluded, "lines": lines});
    if let Some(known) = &explanation.known {
        let rank = |rank: Option<u8>| rank.map(|rank| job.ladder.name(rank).to_owned());
        let standing = &known.standing;
        if let Some(household) = &known.household {
            object["household"] = json!({"name": household.name, "members": household.members});
        }
        object["rank"] = json!({"rank": rank(standing.rank), "qualifies": rank(standing.qualifies), "previous": rank(standing.previous),
            "change": standing.change.word(), "since": day(standing.since), "missed_reviews": standing.missed,
            "safe_until": day(standing.safe_until),
            "given": known.given.map(|given| json!({"rank": rank(Some(given.rank)), "until": day(given.until)})),
            "next": {"rank": rank(standing.next_rank), "orders": standing.next_orders, "spend": standing.next_spend, "on": day(standing.next_on),
                "last_day": day(standing.next_last_day)},
            "keep": {"by": day(standing.keep_by), "last_day": day(standing.keep_last_day), "orders": standing.keep_orders, "spend": standing.keep_spend}});
        let features = &known.features;
        object["features"] = json!({"orders": features.orders, "spend": features.spend, "orders_ever": features.orders_ever,
            "spend_ever": features.spend_ever, "first_order_at": features.first_order_at.map(|at| local(job.zone, at)),
            "last_order_at": features.last_order_at.map(|at| local(job.zone, at))});
        object["points"] = points(known);
        object["cashback"] = json!({"points": known.holding.cashback.points, "amount": known.holding.cashback.amount, "carried": known.holding.cashback.carried});
        object["checks"] = known
            .checks
            .iter()
            .map(|check| {
                json!({"rank": check.rank, "keeps": check.purpose == Purpose::Keeps, "way": check.way, "metric": check.metric,
                    "wanted": plain(&check.wanted), "found": plain(&check.found), "holds": check.holds})
            })
            .collect();
        object["campaigns"] = known
            .pairs
            .iter()
            .map(|pair| match &pair.fate {
                PairFate::Unmatched(no) => json!({"campaign": pair.campaign, "matched": false, "condition": no.condition,
                    "wanted": no.wanted, "found": no.found}),
                PairFate::Mailed { channel, subject, occasion } => {
                    json!({"campaign": pair.campaign, "matched": true, "mailed": true, "channel": channel.word(), "subject": subject,
                        "occasion": occasion})
                }
                PairFate::Skipped { reason, occasion, by } => {
                    json!({"campaign": pair.campaign, "matched": true, "mailed": false, "reason": reason.word(), "occasion": occasion,
                        "by": by})
                }
            })
            .collect();
    }
    text(&object)
}

fn points_totals(totals: PointsTotals) -> Value {
    json!({"earned": totals.earned, "used": totals.used, "expired": totals.expired, "balance": totals.balance, "holders": totals.holders,
        "overdrawn": totals.overdrawn, "missing": totals.missing})
}

fn cashback_totals(totals: CashbackTotals) -> Value {
    json!({"customers": totals.customers, "points": totals.points, "amount": totals.amount, "carried": totals.carried})
}

/// A customer's points, and the account where rankmail keeps it; null where the job has none.
fn points(known: &Known) -> Value {
    let Some(points) = known.holding.points else { return Value::Null };
    let mut object = json!({"balance": points.balance, "expiring": points.expiring, "expire_on": day(points.expire_on)});
    if let Some(account) = &known.account {
        object["earned"] = json!(account.earned);
        object["used"] = json!(account.used);
        object["expired"] = json!(account.expired);
        let lots = account.lots.iter();
        object["lots"] =
            lots.map(|lot| json!({"earned_on": day(Some(lot.earned_on)), "points": lot.points, "last_day": day(lot.last_day)})).collect();
        let promised = account.promised.iter();
        object["promised"] = promised
            .map(|kept| json!({"order": kept.order, "on": day(Some(kept.on)), "campaign": &*kept.campaign, "points": kept.points}))
            .collect();
        let over = account.overdrawn.iter();
        object["overdrawn"] =
            over.map(|each| json!({"order": each.order, "on": day(Some(each.on)), "asked": each.asked, "used": each.used})).collect();
    }
    object
}

/// A plain value of a check.
fn plain(value: &domain::Value) -> Value {
    match value {
        domain::Value::Int(number) => json!(number),
        domain::Value::Float(number) => json!(number),
        domain::Value::Bool(truth) => json!(truth),
        domain::Value::Text(text) => json!(text),
        domain::Value::Date(day) => json!(day.to_string()),
        domain::Value::Null | domain::Value::List(_) | domain::Value::Record(_) => Value::Null,
    }
}

fn day(day: Option<NaiveDate>) -> Value {
    day.map_or(Value::Null, |day| json!(day.to_string()))
}

fn local(zone: Zone, at: i64) -> String {
    zone.local(at).map(|local| local.format("%Y-%m-%dT%H:%M:%S").to_string()).unwrap_or_default()
}

pub fn exported(exported: &Exported, out: Option<&Path>) -> String {
    text(&json!({"as_of": exported.as_of.to_string(), "adopted": exported.adopted, "file": out.map(|path| path.display().to_string()),
        "rows": exported.rows, "stopped": exported.stopped, "passed_over": exported.passed_over, "nowhere": exported.nowhere}))
}

pub fn trial(trial: &Trial) -> String {
    let mails: Vec<Value> = trial
        .mails
        .iter()
        .map(|(why, outcome)| json!({"mail": why, "accepted": matches!(outcome, Outcome::Accepted { .. }), "answer": format!("{outcome:?}")}))
        .collect();
    text(&json!({"destination": trial.destination, "mails": mails}))
}

fn states(states: &BTreeMap<State, u64>) -> Value {
    let states: Map<String, Value> =
        states.iter().filter(|(_, count)| **count > 0).map(|(state, count)| (state.word().to_owned(), json!(count))).collect();
    Value::Object(states)
}

fn sending(sent: &Sent) -> Value {
    let lists: Vec<String> = sent.lists.iter().map(|path| path.display().to_string()).collect();
    json!({"as_of": sent.as_of.to_string(), "destination": sent.destination, "states": states(&sent.states), "lists": lists,
        "interrupted": sent.interrupted})
}

pub fn sent(sent: &Sent) -> String {
    text(&sending(sent))
}

pub fn ran(ran: &Ran) -> String {
    let plan = ran.planned.as_ref().map(|planned| summary(&planned.summary, &planned.folder.display().to_string()));
    text(&json!({"plan": plan, "sent": sending(&ran.sent)}))
}

pub fn nothing_due() -> String {
    text(&json!({"due": false}))
}

pub fn status(job: &Job, status: Option<&Status>, waiting: Option<&Approvals>) -> String {
    let waiting = waiting.map(|waiting| approval(job, waiting));
    let Some(status) = status else { return text(&json!({"job": job.name, "as_of": null, "states": {}, "waiting": waiting})) };
    let in_doubt: Vec<Value> = status
        .in_doubt
        .iter()
        .map(|doubt| json!({"mail_id": doubt.mail_id, "customer": doubt.customer_id, "campaign": doubt.campaign, "answer": doubt.reply}))
        .collect();
    text(&json!({"job": job.name, "as_of": status.as_of.to_string(), "destination": status.destination, "digest": status.digest,
        "states": states(&status.states), "in_doubt": in_doubt, "stopped": status.stopped,
        "approved_by": given(job, &status.approvals), "waiting": waiting}))
}

pub fn schedule(job: &Job, times: &[NaiveDateTime]) -> String {
    let times: Vec<String> = times.iter().map(|time| time.format("%Y-%m-%dT%H:%M:%S").to_string()).collect();
    text(&json!({"job": job.name, "schedule": job.schedule, "time_zone": job.zone.0.name(), "next": times}))
}

pub fn for_cart(written: &ForCart, file: &Path) -> String {
    text(&json!({"as_of": written.as_of.to_string(), "digest": written.digest, "codes": written.codes, "file": file.display().to_string()}))
}

pub fn coupons(job: &Job, coupons: &Coupons, list: bool) -> String {
    let Coupons { as_of, issued, statement, later } = coupons;
    let given = |place: usize| &issued.codes[place];
    let rank = |rank: Option<usize>| rank.map(|rank| issued.ranks[rank].as_str());
    let figures = |tally: &Tally| {
        json!({"issued": tally.issued, "redeemed": tally.redeemed, "expired": tally.expired, "open": tally.open,
            "revenue": tally.revenue, "cost": tally.cost})
    };
    let groups: Vec<Value> = statement
        .groups
        .iter()
        .map(|(campaign, of, tally)| {
            let mut group = figures(tally);
            group["campaign"] = json!(issued.campaigns[*campaign]);
            group["rank"] = json!(rank(*of));
            group
        })
        .collect();
    let irregular: Vec<Value> = statement
        .irregular
        .iter()
        .map(|odd| {
            let given = given(odd.issued);
            json!({"why": odd.why.word(), "code": given.code, "campaign": issued.campaigns[given.campaign], "issued_to": given.customer,
                "valid_from": given.from.to_string(), "valid_until": given.until.map(|until| until.to_string()),
                "customer": odd.customer, "order": odd.order, "date": odd.day.to_string(), "net": odd.net})
        })
        .collect();
    let all = statement.groups.iter().fold(Tally::default(), |all, (.., tally)| all.and(*tally));
    let mut object = json!({"job": job.name, "as_of": as_of.to_string(), "groups": groups, "total": figures(&all), "irregular": irregular,
        "issued_later": later.map(|day| day.to_string())});
    if list {
        let redeemed = statement.redemptions.iter().map(|used| {
            let given = given(used.issued);
            json!({"code": given.code, "campaign": issued.campaigns[given.campaign], "rank": rank(given.rank), "customer": given.customer,
                "issued": given.from.to_string(), "order": used.order, "date": used.day.to_string(), "net": used.net, "cost": used.cost})
        });
        object["redemptions"] = redeemed.collect();
    }
    text(&object)
}
