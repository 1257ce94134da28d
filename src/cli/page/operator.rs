//! What the commands of an operator print.

use super::{good, state_lines, warning};
use crate::domain::BounceKind;
use crate::domain::Job;
use crate::domain::money::{grouped, many};
use crate::pipeline::{Aged, Bounced, Forgotten, Moved};
use chrono::NaiveDate;
use std::path::Path;

pub fn moved(job: &Job, moved: &Moved) -> String {
    let (state, count, as_of) = (moved.to.told(job.language), grouped(moved.mails), moved.as_of);
    let done = job.language.pick(
        format!("{as_of} のメール {count} 通を「{state}」にしました"),
        format!("{} of {as_of} now {state}", many(moved.mails, "mail", "mails")),
    );
    good(&done) + &state_lines(job, &moved.states)
}

pub fn ledger_exported(job: &Job, rows: u64, file: &Path) -> String {
    let (count, file) = (grouped(rows), file.display());
    good(&job.language.pick(format!("{file}: {count} 行"), format!("{file}: {}", many(rows, "row", "rows"))))
}

pub fn listening(job: &Job, address: std::net::SocketAddr) -> String {
    good(&job.language.pick(
        format!("http://{address}/ で配信停止を受け付けています（Ctrl-C で終了）"),
        format!("taking opt-outs on http://{address}/ (Ctrl-C ends it)"),
    ))
}

pub fn studio(job: &Job, url: &str, as_of: NaiveDate) -> String {
    good(&job.language.pick(
        format!("{as_of} の計画を開きました（Ctrl-C で終了）\n\n  {url}\n"),
        format!("the plan of {as_of} is open (Ctrl-C ends it)\n\n  {url}\n"),
    ))
}

pub fn opt_outs_imported(job: &Job, named: usize, new: u64) -> String {
    let (named, new) = (grouped(named as u64), grouped(new));
    good(
        &job.language.pick(
            format!("配信停止 {named} 件を取り込みました（新規 {new} 件）"),
            format!("{named} opt-outs taken over, {new} of them new"),
        ),
    )
}

pub fn opt_outs_exported(job: &Job, rows: usize) -> String {
    let rows = grouped(rows as u64);
    good(&job.language.pick(format!("配信停止 {rows} 件"), format!("{rows} opt-outs")))
}

pub fn bounced(job: &Job, bounced: &Bounced) -> String {
    let language = job.language;
    let (mails, stopped) = (grouped(bounced.mails), grouped(bounced.stopped));
    let mut out = good(&language.pick(
        format!("メール {mails} 通を読み、新たに {stopped} 件のアドレスを停止しました"),
        format!(
            "{} read; no more mails from now on to {}",
            many(bounced.mails, "mail", "mails"),
            many(bounced.stopped, "address", "addresses")
        ),
    ));
    let kinds = BounceKind::ALL.map(|kind| {
        let (ja, en) = match kind {
            BounceKind::Hard => ("宛先不明", "hard: the address does not exist"),
            BounceKind::Soft => ("一時的な不達", "soft: it did not arrive this time"),
            BounceKind::Blocked => ("受信拒否", "blocked: the mail was refused, not the address"),
            BounceKind::Complaint => ("迷惑メール報告", "complaints"),
        };
        (bounced.kinds.get(&kind).copied().unwrap_or_default(), ja, en)
    });
    let others = [
        (bounced.known, "前に読んだもの", "read before"),
        (bounced.notices, "不達ではないもの", "report nothing that went wrong for good"),
        (bounced.strangers, "このお店のメールと確かめられないもの", "carry no token of a mail of this shop"),
        (bounced.too_long, "長すぎて読まないもの", "too long to be read"),
    ];
    for (count, ja, en) in kinds.into_iter().chain(others).filter(|(count, ..)| *count > 0) {
        out += &format!("  {:>8}  {}\n", grouped(count), language.pick(ja, en));
    }
    if job.returns_without_token() {
        out += &warning(language.pick(
            "`return_path` に {token} がないため、報告はどれも信用しません。return_path = \"bounce+{token}@...\" のように書いてください",
            "`return_path` has no {token}, so no report is believed; write it as in return_path = \"bounce+{token}@...\"",
        ));
    }
    out
}

pub fn aged(job: &Job, aged: &Aged) -> String {
    let (rows, files) = (grouped(aged.rows), grouped(aged.files));
    let (runs, removed) = (aged.runs.len(), aged.removed.len());
    let mut out = good(&job.language.pick(
        format!("古い回 {runs} 件（台帳 {rows} 行、ファイル {files} 件、未送信の計画 {removed} 件）から個人の記録を消しました"),
        format!(
            "nobody is named any more in {} ({} of the ledger, {}, {} never sent)",
            many(runs as u64, "old run", "old runs"),
            many(aged.rows, "row", "rows"),
            many(aged.files, "file", "files"),
            many(removed as u64, "plan", "plans"),
        ),
    ));
    for day in &aged.open {
        out += &warning(&job.language.pick(
            format!("{day} の回には終わっていないメールがあるため、そのままにしました（rankmail resolve / cancel）"),
            format!("the run of {day} has mails that have not reached their end, so it stays: `rankmail resolve`, `cancel`"),
        ));
    }
    out
}

pub fn forgotten(job: &Job, customer: &str, forgotten: &Forgotten) -> String {
    let language = job.language;
    let (rows, runs, files) = (grouped(forgotten.rows), forgotten.runs.len(), grouped(forgotten.files));
    let done = good(&language.pick(
        format!("台帳 {rows} 行、計画 {runs} 件、ファイル {files} 件から消しました。今後も送りません"),
        format!(
            "taken out of {} of the ledger, {} and {}; nothing is sent there any more",
            many(forgotten.rows, "row", "rows"),
            many(runs as u64, "plan", "plans"),
            many(forgotten.files, "file", "files"),
        ),
    ));
    let nothing = || {
        warning(&language.pick(
            format!("台帳にも送信済みの回にも `{customer}` の記録がありません。番号を確かめてください。この番号には今後も送りません"),
            format!(
                "the ledger and the adopted runs have nothing of `{customer}`; see that the id is right. Nothing is sent to this id any more"
            ),
        ))
    };
    let mut out = if forgotten.found { done } else { nothing() };
    for day in &forgotten.removed {
        out += &warning(&language.pick(
            format!("{day} の計画は未送信のため削除しました。rankmail plan で作り直してください"),
            format!("the plan of {day} was not adopted and is gone; make it again with `rankmail plan`"),
        ));
    }
    for other in &forgotten.elsewhere {
        out += &warning(&language.pick(
            format!("ジョブ {other} にも記録があります。そのジョブでも rankmail forget を実行してください"),
            format!("the job {other} knows this customer too; run `rankmail forget` with its file as well"),
        ));
    }
    out
}
