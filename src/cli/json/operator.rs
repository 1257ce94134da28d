//! What the commands of an operator print as JSON.

use super::{states, text};
use crate::domain::health::{Check, Health};
use crate::domain::{BounceKind, Job};
use crate::pipeline::{Aged, Bounced, Forgotten, Moved};
use chrono::NaiveDate;
use serde_json::json;
use std::path::Path;

pub fn moved(moved: &Moved) -> String {
    text(&json!({"as_of": moved.as_of.to_string(), "to": moved.to.word(), "mails": moved.mails, "states": states(&moved.states)}))
}

pub fn examined(as_of: NaiveDate, checks: &[Check]) -> String {
    let lines = checks
        .iter()
        .map(|check| json!({"check": check.topic.word(), "state": check.health.word(), "seen": check.seen, "advice": check.advice}));
    let worst = checks.iter().map(|check| check.health).max().unwrap_or(Health::Good);
    text(&json!({"as_of": as_of.to_string(), "state": worst.word(), "checks": lines.collect::<Vec<_>>()}))
}

pub fn ledger_exported(rows: u64, file: &Path) -> String {
    text(&json!({"rows": rows, "file": file.display().to_string()}))
}

pub fn listening(address: std::net::SocketAddr) -> String {
    text(&json!({"listening": address.to_string()}))
}

pub fn studio(url: &str, as_of: NaiveDate) -> String {
    text(&json!({"url": url, "as_of": as_of.to_string()}))
}

/// Opt-outs that were read from a list or written to one, and how many of those read are new.
pub fn opt_outs(rows: usize, new: Option<u64>) -> String {
    text(&json!({"rows": rows, "new": new}))
}

pub fn bounced(job: &Job, bounced: &Bounced) -> String {
    let mut object = json!({"mails": bounced.mails, "known": bounced.known, "notices": bounced.notices, "strangers": bounced.strangers,
        "too_long": bounced.too_long, "stopped": bounced.stopped, "return_path_without_token": job.returns_without_token()});
    for kind in BounceKind::ALL {
        object[kind.word()] = json!(bounced.kinds.get(&kind).copied().unwrap_or_default());
    }
    text(&object)
}

pub fn aged(aged: &Aged) -> String {
    let days = |days: &[NaiveDate]| days.iter().map(ToString::to_string).collect::<Vec<_>>();
    text(
        &json!({"runs": days(&aged.runs), "rows": aged.rows, "files": aged.files, "removed_plans": days(&aged.removed), "open": days(&aged.open)}),
    )
}

pub fn forgotten(forgotten: &Forgotten) -> String {
    let days = |days: &[NaiveDate]| days.iter().map(ToString::to_string).collect::<Vec<_>>();
    text(
        &json!({"found": forgotten.found, "rows": forgotten.rows, "runs": days(&forgotten.runs), "removed_plans": days(&forgotten.removed),
        "files": forgotten.files, "other_jobs": forgotten.elsewhere}),
    )
}
