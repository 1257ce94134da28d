//! What a person reads on the terminal, in the job's language.

mod approved;
mod coupons;
mod diff;
mod doctor;
mod explained;
mod exported;
mod operator;
mod pairs;
mod planned;
mod points;
mod whatif;

pub use approved::approved;
pub use coupons::{coupons, for_cart};
pub use diff::diff;
pub use doctor::examined;
pub use explained::explained;
pub use exported::exported;
pub use operator::{aged, bounced, forgotten, ledger_exported, listening, moved, opt_outs_exported, opt_outs_imported, studio};
pub use pairs::pairs;
pub use planned::{next_step, planned};
pub use whatif::whatif;

use super::table;
use super::words::{self, pick};
use crate::domain::features::ReadCounts;
use crate::domain::finding::{Rule, Subject};
use crate::domain::money::{grouped, many};
use crate::domain::{Job, Outcome, State};
use crate::pipeline::{Approvals, Checked, DataCheck, Imported, Sent, Shown, Status, Trial, outbox};
use anstyle::{AnsiColor, Style};
use chrono::{NaiveDate, NaiveDateTime};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(colour.into()))
}

fn heading(text: &str) -> String {
    format!("\n{BOLD}{text}{BOLD:#}\n")
}

fn warning(text: &str) -> String {
    let yellow = colour(AnsiColor::Yellow);
    format!("  {yellow}▲{yellow:#} {text}\n")
}

fn good(text: &str) -> String {
    let green = colour(AnsiColor::Green);
    format!("{green}✓{green:#} {text}\n")
}

/// What the linter found, and how to tell it that something is meant.
fn found(checked: &Checked) -> String {
    if checked.findings.is_empty() {
        return String::new();
    }
    let language = checked.job.language;
    let mut out = heading(pick(language, "はしごの点検", "The ladder, looked at twice"));
    for finding in &checked.findings {
        let subject = match &finding.subject {
            Subject::Rank(name) => format!("{} {name}", pick(language, "ランク", "rank")),
            Subject::Campaign(name) => name.clone(),
        };
        let line = format!("{subject}: {} [{}]", finding.message, finding.rule.word());
        out += &if finding.rule.is_hint() { format!("  {}: {line}\n", pick(language, "ヒント", "hint")) } else { warning(&line) };
        out += &format!("    {}\n", finding.rule.reason(language));
    }
    let rules: BTreeSet<Rule> = checked.findings.iter().map(|finding| finding.rule).collect();
    let words: Vec<String> = rules.into_iter().map(|rule| format!("\"{}\"", rule.word())).collect();
    let words = words.join(", ");
    out += &format!(
        "  {}\n",
        language.pick(
            format!("意図どおりなら、キャンペーンまたは [check] に allow = [{words}] と書きます"),
            format!("if it is meant, write allow = [{words}] in the campaign or in [check]"),
        )
    );
    out
}

pub fn checked(checked: &Checked, data: Option<&DataCheck>) -> String {
    let job = &checked.job;
    let language = job.language;
    let mut out = good(&format!(
        "{}: {} {}, {} {}",
        job.name,
        job.ladder.ranks.len(),
        pick(language, "ランク", "ranks"),
        job.campaigns.len(),
        pick(language, "キャンペーン", "campaigns"),
    ));
    for line in &checked.echo {
        out += &format!("  {line}\n");
    }
    out += &checked.warnings.iter().map(|line| warning(line)).collect::<String>();
    out += &found(checked);
    if let Some(data) = data {
        out += &heading(pick(language, "データ", "Data"));
        out += &format!(
            "  {} {}, {} {}\n  {} {} ({} {})\n",
            data.files,
            pick(language, "ファイル", "files"),
            grouped(data.rows),
            pick(language, "行", "lines"),
            data.customers,
            pick(language, "顧客", "customers"),
            data.excluded_customers,
            pick(language, "除外", "excluded"),
        );
        for (column, value) in data.values.iter().flat_map(|(column, values)| values.iter().map(move |value| (column, value))) {
            let mark = if value.left_out { pick(language, "除外", "left out") } else { pick(language, "集計", "counted") };
            let shown = value.value.as_deref().unwrap_or("null");
            out += &format!(
                "  {column} = {shown}: {} ({}) {mark}\n",
                grouped(value.lines),
                job.currency.show(i64::try_from(value.sum).unwrap_or(i64::MAX))
            );
        }
        out += &data.notes.iter().map(|line| warning(line)).collect::<String>();
    }
    out
}

/// An import has no job, and so no language.
pub fn imported(imported: &Imported) -> String {
    let there = if imported.unchanged { ", as it was" } else { "" };
    let mut out = good(&format!("{}: {}, {}{there}", imported.file.display(), many(imported.rows, "row", "rows"), imported.encoding));
    let width = table::widest(imported.columns.iter().map(|column| column.name.as_str()));
    for column in &imported.columns {
        out += &format!("  {}  {}\n", table::flush_left(&column.name, width), column.kind);
    }
    for column in &imported.columns {
        if let Some(odd) = &column.odd {
            let (name, remedy) = (&column.name, words::remedy(&column.name, odd.remedy));
            let looks = format!("`{name}` is text, though most of it looks like numbers or dates (\"{}\" on line {})", odd.value, odd.line);
            out += &warning(&format!("{looks}; {remedy}"));
        }
        if column.marked > 0 {
            let (cells, name) = (many(column.marked, "cell", "cells"), &column.name);
            out += &warning(&format!("{cells} of `{name}` read without the mark of a spreadsheet (=\"001\" and '001 are 001)"));
        }
    }
    if imported.not_read > 0 {
        out += &warning(&format!("{} left out, for they cannot be read; the first:", many(imported.not_read, "row", "rows")));
        for (line, what) in &imported.notes {
            out += &format!("  line {line} {what}\n");
        }
    }
    out
}

pub fn features(job: &Job, customers: u64, read: &ReadCounts, out: &Path) -> String {
    let language = job.language;
    let mut text = good(&format!(
        "{}: {} {}, {} {}",
        out.display(),
        grouped(customers),
        pick(language, "顧客", "customers"),
        grouped(read.lines),
        pick(language, "行", "lines")
    ));
    for (count, ja, en) in [
        (read.guests, "会員外の明細（集計外）", "guest lines, left out"),
        (read.excluded, "除外した明細", "lines excluded"),
        (read.bad_rows, "読めない行（集計外）", "bad rows, left out"),
    ] {
        if count > 0 {
            text += &format!("  {} {}\n", grouped(count), pick(language, ja, en));
        }
    }
    text + &read.bad_row_notes.iter().map(|line| warning(line)).collect::<String>()
}

pub fn shown(job: &Job, date: NaiveDate, customer: &str, mails: &[Shown]) -> String {
    let language = job.language;
    if mails.is_empty() {
        return format!(
            "{customer} · {date}: {}\n",
            pick(language, "送るメールはありません。理由は rankmail explain で。", "gets no mail; `rankmail explain` says why.")
        );
    }
    let mut out = String::new();
    for mail in mails {
        let rank = mail.rank.as_deref().unwrap_or("-");
        out += &format!("\n{BOLD}{}{BOLD:#}\n", if mail.subject.is_empty() { mail.channel.told(language) } else { &mail.subject });
        out += &format!("{FAINT}{} · {rank} · {} · {}{FAINT:#}\n\n", mail.campaign, mail.address, mail.mail_id);
        out += &format!("{}\n", mail.text.trim_end());
    }
    out
}

pub fn trial(job: &Job, trial: &Trial) -> String {
    let (language, to) = (job.language, trial.to.join(", "));
    let mut out = format!("{} → {to} ({})\n", pick(language, "テスト送信", "Test mails"), trial.destination);
    for (why, outcome) in &trial.mails {
        out += &match outcome {
            Outcome::Accepted { .. } => good(why),
            other => warning(&format!("{why}: {other:?}")),
        };
    }
    out
}

fn state_lines(job: &Job, states: &BTreeMap<State, u64>) -> String {
    let mut out = String::new();
    for state in [
        State::InDoubt,
        State::Accepted,
        State::Planned,
        State::Handing,
        State::Deferred,
        State::Rejected,
        State::Suppressed,
        State::Held,
        State::Cancelled,
    ] {
        let count = states.get(&state).copied().unwrap_or_default();
        if count > 0 {
            let style = match state {
                State::Accepted => colour(AnsiColor::Green),
                State::InDoubt | State::Rejected => colour(AnsiColor::Red),
                _ => Style::new(),
            };
            out += &format!("  {style}{:>8}{style:#}  {}\n", grouped(count), state.told(job.language));
        }
    }
    out
}

pub fn sent(job: &Job, sent: &Sent) -> String {
    let language = job.language;
    let place = if sent.destination == "outbox" { outbox(job).join("new").display().to_string() } else { sent.destination.clone() };
    let mut out = heading(&format!("{} {} → {place}", pick(language, "送信", "Sent"), sent.as_of));
    out += &state_lines(job, &sent.states);
    let before = sent.states.get(&State::Accepted).copied().unwrap_or_default().saturating_sub(sent.handed);
    if before > 0 {
        let handed = grouped(sent.handed);
        out += &format!("  {}\n", language.pick(format!("うち今回 {handed} 通"), format!("{handed} of them by this call")));
    }
    for list in &sent.lists {
        out += &format!("  {} {}\n", pick(language, "一覧", "list"), list.display());
    }
    if sent.states.values().sum::<u64>() == 0 && !sent.interrupted {
        out += &format!("  {}\n", pick(language, "送るメールはありません。", "There is nothing to mail."));
    }
    if sent.interrupted {
        out += &warning(pick(
            language,
            "中断しました。rankmail send で続きから送れます。",
            "Interrupted; `rankmail send` goes on where it stopped.",
        ));
    }
    out
}

pub fn status(job: &Job, status: Option<&Status>, waiting: Option<&Approvals>) -> String {
    let language = job.language;
    let waiting = waiting.map_or_else(String::new, |waiting| approved::waiting(job, waiting));
    let Some(status) = status else {
        return format!("{}: {}\n{waiting}", job.name, pick(language, "まだ送信していません。", "nothing has been sent yet."));
    };
    let mut out = String::new();
    if !status.in_doubt.is_empty() {
        out += &heading(pick(language, "届いたか不明なメール", "In doubt: the server may have taken these"));
        for doubt in &status.in_doubt {
            out += &warning(&format!("{} · {} · {} · {}", doubt.mail_id, doubt.customer_id, doubt.campaign, doubt.reply));
        }
    }
    out += &heading(&format!("{} {} → {}", job.name, status.as_of, status.destination));
    out += &state_lines(job, &status.states);
    for campaign in &status.stopped {
        out += &warning(&language.pick(
            format!("{campaign} は停止中。再開: rankmail stop {} --campaign {campaign} --resume", job.path.display()),
            format!("{campaign} is stopped; it goes on with: rankmail stop {} --campaign {campaign} --resume", job.path.display()),
        ));
    }
    if !status.approvals.is_empty() {
        out += &format!("  {}\n", pick(language, "承認した人", "approved by"));
        out += &status.approvals.iter().map(|approval| approved::line(job, approval)).collect::<String>();
    }
    out + &format!("  {FAINT}{}{FAINT:#}\n{waiting}", &status.digest)
}

pub fn nothing_due(job: &Job) -> String {
    format!("{}: {}\n", job.name, pick(job.language, "実行する予定はありません。", "nothing is due."))
}

pub fn schedule(job: &Job, times: &[NaiveDateTime]) -> String {
    let mut out = heading(&format!("{} · {} · {}", job.name, job.schedule.as_deref().unwrap_or_default(), job.zone.0.name()));
    for time in times {
        out += &format!("  {}\n", time.format("%Y-%m-%d %H:%M"));
    }
    out
}
