//! Approvals on the terminal: the plan that was approved, who has approved it, and what to type next.

use super::{FAINT, good, planned, warning};
use crate::domain::{Approval, Job};
use crate::pipeline::{Approvals, Approved};

/// The plan that somebody approved.
pub fn approved(approved: &Approved, verbose: bool) -> String {
    let (job, name, approvals) = (&approved.job, &approved.name, &approved.planned.approvals);
    let as_of = approvals.as_of;
    let done = if approved.is_new {
        good(&job.language.pick(format!("{name} さんが {as_of} の計画を承認しました"), format!("{name} approves the plan of {as_of}")))
    } else {
        let told = (format!("{name} さんはこの計画を承認済みです"), format!("{name} had approved this plan before"));
        good(&job.language.pick(told.0, told.1))
    };
    let note = job.language.pick(
        "このジョブは承認を求めていません（[approval] required = true で必須になります）。記録だけ残しました",
        "the job does not ask for approvals ([approval] required = true does); it is only noted",
    );
    let note = if approvals.wanted == 0 { warning(note) } else { String::new() };
    planned(job, &approved.planned, verbose) + "\n" + &done + &note + &waiting(job, approvals)
}

/// Who has approved a plan that is not sent, and what is to be typed next.
pub fn waiting(job: &Job, approvals: &Approvals) -> String {
    let (as_of, digest, wanted, missing) = (approvals.as_of, approvals.short_digest(), approvals.wanted, approvals.missing());
    let given = approvals.given.len();
    let counted = if wanted == 0 { given.to_string() } else { format!("{given}/{wanted}") };
    let head = job.language.pick(format!("{as_of} の計画の承認 {counted}"), format!("approvals of the plan of {as_of}: {counted}"));
    let mut out = format!("  {head}  {FAINT}{digest}{FAINT:#}\n");
    out += &approvals.given.iter().map(|approval| line(job, approval)).collect::<String>();
    let next = if missing > 0 {
        let told =
            (format!("あと {missing} 人の承認が必要: {}", approvals.approve), format!("{missing} more to go: {}", approvals.approve));
        job.language.pick(told.0, told.1)
    } else {
        job.language.pick(format!("送るには: {}", approvals.send), format!("To send it: {}", approvals.send))
    };
    out + &format!("  {next}\n")
}

/// Who approved, and when in the job's time zone.
pub fn line(job: &Job, approval: &Approval) -> String {
    let at = job.zone.local(approval.at).map(|at| at.format("%Y-%m-%d %H:%M").to_string()).unwrap_or_default();
    format!("    {}  {FAINT}{at}{FAINT:#}\n", approval.name)
}
