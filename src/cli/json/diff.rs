//! Two plans compared, as JSON.

use super::text;
use crate::domain::Channel;
use crate::domain::diff::{Cause, Compared, Diff, End, Fate, Kind};
use serde_json::json;

pub fn diff(diff: &Diff) -> String {
    let plan = |plan: &Compared| json!({"folder": plan.folder.display().to_string(), "as_of": plan.as_of.to_string(), "digest": plan.digest, "mails": plan.mails});
    let end = |end: &End| {
        let (fate, reason) = match end.fate {
            Fate::Unmatched => ("unmatched", None),
            Fate::Skipped(reason) => ("skipped", Some(reason.word())),
            Fate::Mailed(_) => ("mailed", None),
        };
        json!({"fate": fate, "reason": reason, "channel": end.channel.map(Channel::word), "subject": end.subject, "rank": end.rank})
    };
    let causes = Cause::ALL.map(|cause| {
        let counts = diff.counts(cause);
        let mut row = json!({"cause": cause.word(), "pairs": counts.iter().sum::<u64>()});
        for (kind, count) in Kind::ALL.into_iter().zip(counts) {
            row[kind.word()] = json!(count);
        }
        row
    });
    let changes = diff.changes.iter().map(|change| {
        json!({"customer_id": change.customer, "campaign": change.campaign, "cause": change.cause.word(), "kind": change.kind().word(),
            "before": end(&change.before), "after": end(&change.after)})
    });
    text(&json!({"job": diff.job, "before": plan(&diff.before), "after": plan(&diff.after), "pairs": diff.changes.len(),
        "causes": causes, "changes": changes.collect::<Vec<_>>(), "notes": diff.notes}))
}
