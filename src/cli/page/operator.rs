//! What the commands of an operator print.

use super::{good, state_lines, words};
use crate::domain::Job;
use crate::domain::money::grouped;
use crate::pipeline::Moved;
use std::path::Path;

pub fn moved(job: &Job, moved: &Moved) -> String {
    let (state, count, as_of) = (words::state(job.language, moved.to), grouped(moved.mails), moved.as_of);
    let done = job
        .language
        .pick(format!("{as_of} のメール {count} 通を「{state}」にしました"), format!("{count} mails of {as_of} are now {state}"));
    good(&done) + &state_lines(job, &moved.states)
}

pub fn ledger_exported(job: &Job, rows: u64, file: &Path) -> String {
    let (count, file) = (grouped(rows), file.display());
    good(&job.language.pick(format!("{file}: {count} 行"), format!("{file}: {count} rows")))
}

pub fn listening(job: &Job, address: std::net::SocketAddr) -> String {
    good(&job.language.pick(
        format!("http://{address}/ で配信停止を受け付けています（Ctrl-C で終了）"),
        format!("taking opt-outs on http://{address}/ (Ctrl-C ends it)"),
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
