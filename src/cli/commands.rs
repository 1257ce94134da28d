//! One function for each command: ask the pipeline, print what it says.

use super::args::{Args, Command, Common, Emit, Kind, Optout, Sending};
use super::watch::Bars;
use super::{Done, Signals, clock, json, memory, note, operator, page, say, smtp_url, studio};
use crate::domain::Job;
use crate::domain::job::Language;
use crate::domain::list::ListKind;
use crate::pipeline::{self, ColumnType, DiffRequest, Error, PlanRequest, SendRequest};
use chrono::NaiveDate;
use std::path::{Path, PathBuf};

/// Runs the command that was typed.
pub fn dispatch(args: &Args, signals: &Signals) -> Result<Done, Error> {
    let common = &args.common;
    match &args.command {
        Command::Check { schema: true, .. } | Command::Check { job: None, .. } => {
            say(&pipeline::schema());
            Ok(Done::Clean)
        }
        Command::Check { job: Some(job), data, .. } => check(common, job, *data),
        Command::Import { csv, to, force, types, text, max_bad_rows } => {
            let text = text.iter().map(|column| (column.clone(), ColumnType::Text));
            let types: Vec<_> = types.iter().cloned().chain(text).collect();
            let max_bad_rows = max_bad_rows.as_deref().map(pipeline::max_bad_rows).transpose()?;
            import(common, &pipeline::ImportRequest { csv, to, force: *force, types: &types, max_bad_rows })
        }
        Command::Features { job, out } => features(common, job, out),
        Command::Plan { job, into } => plan(common, job, into.as_deref()),
        Command::Show { job, customer, campaign, html, eml } => show(common, job, customer, campaign.as_deref(), *html, *eml),
        Command::Explain { job, customer } => explain(common, job, customer),
        Command::Pairs { job, support } => pairs(common, job, support),
        Command::Whatif { job, set, months, out } => whatif(common, job, set, *months, out.as_deref()),
        Command::Diff { before, after, job, all } => diff(common, [before, after], job.as_deref(), *all),
        Command::Doctor { job, dns } => operator::doctor(common, job, dns.as_deref()),
        Command::Approve { job, name, digest } => operator::approve(common, job, name, digest.as_deref()),
        Command::Studio { job, listen } => studio::studio(common, job, listen, signals),
        Command::Test { job, to } => test(common, job, to.as_deref()),
        Command::Send { job, sending } => send(common, job, sending, signals),
        Command::Run { job, if_due, sending } => run(common, job, *if_due, sending, signals),
        Command::Export { job, campaign, kind, out, .. } => export(common, job, campaign.as_deref(), *kind, out.as_deref()),
        Command::Status { job } => status(common, job),
        Command::Resolve { job, mail, verdict, .. } => operator::resolve(common, job, mail.as_deref(), *verdict),
        Command::Cancel { job, pick } => operator::cancel(common, job, pick),
        Command::Stop { job, campaign, resume } => operator::stop(common, job, campaign, *resume),
        Command::Optout { what: Optout::Serve { job, listen } } => operator::serve_opt_outs(common, job, listen, signals),
        Command::Optout { what: Optout::Import { job, csv } } => operator::import_opt_outs(common, job, csv),
        Command::Optout { what: Optout::Export { job, out } } => operator::export_opt_outs(common, job, out.as_deref()),
        Command::Bounces { job, mailbox } => operator::bounces(common, job, mailbox),
        Command::Forget { job, customer: Some(customer), .. } => operator::forget(common, job, customer),
        Command::Forget { job, customer: None, .. } => operator::forget_old(common, job),
        Command::Ledger { job, export } => operator::export_ledger(common, job, export),
        Command::Coupons { job, for_cart: Some(file), .. } => for_cart(common, job, file),
        Command::Coupons { job, for_cart: None, list } => coupons(common, job, *list),
        Command::Schedule { job, emit } => schedule(common, job, *emit),
    }
}

pub fn load(common: &Common, path: &Path) -> Result<Job, Error> {
    let job = pipeline::load_job(path, common.runs.as_deref())?;
    Ok(Job { memory: common.memory.unwrap_or_else(memory::half), ..job })
}

fn as_of(common: &Common, job: &Job) -> NaiveDate {
    common.as_of.unwrap_or_else(|| clock::today(job.zone))
}

/// The date that a look at one customer means: the one asked for, else that of the newest plan, else today.
pub fn looked_at(common: &Common, job: &Job) -> Result<NaiveDate, Error> {
    match common.as_of {
        Some(date) => Ok(date),
        None => Ok(pipeline::latest_plan(job)?.unwrap_or_else(|| clock::today(job.zone))),
    }
}

pub fn bars(common: &Common, job: &Job) -> Bars {
    Bars::new(job.language, !common.quiet && !common.json)
}

fn check(common: &Common, path: &Path, data: bool) -> Result<Done, Error> {
    let (checked, opened) = pipeline::check(path, &|job| as_of(common, job), data)?;
    if common.json {
        say(&json::checked(&checked, opened.as_ref()));
    } else if !common.quiet {
        say(&page::checked(&checked, opened.as_ref()));
    }
    Ok(Done::Clean)
}

fn import(common: &Common, request: &pipeline::ImportRequest<'_>) -> Result<Done, Error> {
    let imported = pipeline::import(request)?;
    if common.json {
        say(&json::imported(&imported));
    } else if !common.quiet || imported.not_read > 0 {
        say(&page::imported(&imported));
    }
    // What is missing must be seen by whoever calls this in a script.
    Ok(if imported.not_read == 0 { Done::Clean } else { Done::Unfinished })
}

fn features(common: &Common, path: &Path, out: &Path) -> Result<Done, Error> {
    let job = load(common, path)?;
    let bars = bars(common, &job);
    let (customers, read) = pipeline::features(&job, as_of(common, &job), out, &|step, done, total| bars.watch(step, done, total))?;
    bars.clear();
    if common.json {
        say(&json::features(customers, &read));
    } else if !common.quiet {
        say(&page::features(&job, customers, &read, out));
    }
    Ok(Done::Clean)
}

fn plan(common: &Common, path: &Path, into: Option<&Path>) -> Result<Done, Error> {
    let job = load(common, path)?;
    let bars = bars(common, &job);
    let watch = |step, done, total| bars.watch(step, done, total);
    let request = PlanRequest { job: &job, as_of: as_of(common, &job), planned_at: clock::now(), into, watch: &watch };
    let planned = pipeline::plan(&request)?;
    bars.clear();
    if common.json {
        say(&json::planned(&job, &planned));
    } else if !common.quiet {
        say(&page::planned(&job, &planned, common.verbose));
        let runs = common.runs.as_deref().map_or_else(String::new, |runs| format!(" --runs {}", quoted(runs)));
        let wait = page::next_step(&job, &planned, &runs);
        note(&wait);
    }
    Ok(Done::Clean)
}

fn show(common: &Common, path: &Path, customer: &str, campaign: Option<&str>, html: bool, eml: bool) -> Result<Done, Error> {
    let job = load(common, path)?;
    let date = looked_at(common, &job)?;
    let mails = pipeline::show(&job, date, customer, campaign)?;
    if common.json {
        say(&json::shown(date, customer, &mails));
    } else if html {
        say(&mails.iter().map(|mail| mail.html.as_str()).collect::<String>());
    } else if eml {
        say(&mails.iter().map(|mail| String::from_utf8_lossy(&mail.eml)).collect::<String>());
    } else {
        say(&page::shown(&job, date, customer, &mails));
    }
    Ok(Done::Clean)
}

fn explain(common: &Common, path: &Path, customer: &str) -> Result<Done, Error> {
    let job = load(common, path)?;
    let date = looked_at(common, &job)?;
    let bars = bars(common, &job);
    let explanation = pipeline::explain(&job, date, customer, &|step, done, total| bars.watch(step, done, total))?;
    bars.clear();
    if common.json {
        say(&json::explained(&job, &explanation));
    } else {
        say(&page::explained(&job, &explanation));
    }
    Ok(Done::Clean)
}

fn pairs(common: &Common, path: &Path, support: &str) -> Result<Done, Error> {
    let job = load(common, path)?;
    let support = pipeline::support(support)?;
    let date = looked_at(common, &job)?;
    let bars = bars(common, &job);
    let found = pipeline::pairs(&job, date, support, &|step, done, total| bars.watch(step, done, total))?;
    bars.clear();
    say(&if common.json { json::pairs(date, &found) } else { page::pairs(&job, date, &found, common.verbose) });
    Ok(Done::Clean)
}

fn whatif(common: &Common, path: &Path, settings: &[String], months: u32, picture: Option<&Path>) -> Result<Done, Error> {
    let job = load(common, path)?;
    let bars = bars(common, &job);
    let watch = |step, done, total| bars.watch(step, done, total);
    let request = pipeline::WhatIfRequest { job: &job, settings, months, as_of: as_of(common, &job), picture, watch: &watch };
    let found = pipeline::whatif(&request)?;
    bars.clear();
    if common.json {
        say(&json::whatif(&found));
    } else {
        say(&page::whatif(&job, &found, picture));
    }
    Ok(Done::Clean)
}

fn diff(common: &Common, plans: [&PathBuf; 2], job: Option<&Path>, all: bool) -> Result<Done, Error> {
    let loaded = job.map(|path| load(common, path)).transpose()?;
    let folder = |typed: &PathBuf| match (&loaded, typed.to_str().and_then(|text| text.parse::<NaiveDate>().ok())) {
        (Some(job), Some(date)) if !typed.exists() => pipeline::plan_folder(job, date),
        _ => typed.clone(),
    };
    let [before, after] = plans.map(folder);
    let bars = Bars::new(loaded.as_ref().map_or(Language::En, |job| job.language), !common.quiet && !common.json);
    let watch = |step, done, total| bars.watch(step, done, total);
    let runs = common.runs.as_deref().or(loaded.as_ref().map(|job| job.runs.as_path()));
    let diff = pipeline::diff(&DiffRequest { before: &before, after: &after, job, runs, watch: &watch })?;
    bars.clear();
    if common.json {
        say(&json::diff(&diff));
    } else if !common.quiet {
        say(&page::diff(&diff, all));
    }
    Ok(Done::Clean)
}

fn test(common: &Common, path: &Path, to: Option<&str>) -> Result<Done, Error> {
    let job = load(common, path)?;
    let date = looked_at(common, &job)?;
    let environment = smtp_url();
    let server = pipeline::Server { typed: common.smtp.as_deref(), environment: environment.as_deref() };
    let trial = pipeline::trial(&job, date, to, server, clock::now())?;
    if common.json {
        say(&json::trial(&trial));
    } else if !common.quiet {
        say(&page::trial(&job, &trial));
    }
    let all = trial.mails.iter().all(|(_, outcome)| matches!(outcome, crate::domain::Outcome::Accepted { .. }));
    Ok(if all { Done::Clean } else { Done::Unfinished })
}

/// A sending as the command line asks for it.
fn sending<'a>(
    common: &'a Common,
    job: &'a Job,
    date: NaiveDate,
    sending: &'a Sending,
    environment: Option<&'a str>,
    signals: &'a Signals,
    watch: &'a pipeline::Watch<'a>,
) -> SendRequest<'a> {
    SendRequest {
        job,
        as_of: date,
        server: pipeline::Server { typed: common.smtp.as_deref(), environment },
        limit: sending.limit,
        digest: sending.digest.as_deref(),
        no_wait: sending.no_wait,
        accept: &common.accept,
        now: &clock::now,
        interrupted: &signals.interrupted,
        watch,
    }
}

fn send(common: &Common, path: &Path, wanted: &Sending, signals: &Signals) -> Result<Done, Error> {
    let job = load(common, path)?;
    let date = common.as_of.map_or_else(|| pipeline::unfinished(&job), Ok)?;
    let bars = bars(common, &job);
    let watch = |step, done, total| bars.watch(step, done, total);
    let environment = smtp_url();
    let sent = pipeline::send(&sending(common, &job, date, wanted, environment.as_deref(), signals, &watch))?;
    bars.clear();
    if common.json {
        say(&json::sent(&sent));
    } else if !common.quiet {
        say(&page::sent(&job, &sent));
    }
    operator::forget_in_passing(common, &job, &sent)?;
    Ok(ending(&sent))
}

fn run(common: &Common, path: &Path, if_due: bool, wanted: &Sending, signals: &Signals) -> Result<Done, Error> {
    let job = load(common, path)?;
    let date = if if_due {
        let Some(date) = pipeline::due(&job, clock::now(), &common.accept)? else {
            if common.json {
                say(&json::nothing_due());
            } else if !common.quiet {
                say(&page::nothing_due(&job));
            }
            return Ok(Done::Clean);
        };
        date
    } else {
        as_of(common, &job)
    };
    let bars = bars(common, &job);
    let watch = |step, done, total| bars.watch(step, done, total);
    let seen = |planned: &pipeline::Planned| {
        bars.clear();
        if !common.json && !common.quiet {
            say(&page::planned(&job, planned, common.verbose));
        }
    };
    let environment = smtp_url();
    let ran = pipeline::run(&sending(common, &job, date, wanted, environment.as_deref(), signals, &watch), &seen)?;
    bars.clear();
    if common.json {
        say(&json::ran(&ran));
    } else if !common.quiet {
        say(&page::sent(&job, &ran.sent));
    }
    operator::forget_in_passing(common, &job, &ran.sent)?;
    Ok(ending(&ran.sent))
}

fn ending(sent: &pipeline::Sent) -> Done {
    if sent.interrupted {
        Done::Interrupted
    } else if sent.is_clean() {
        Done::Clean
    } else {
        Done::Unfinished
    }
}

fn export(common: &Common, path: &Path, campaign: Option<&str>, kind: Option<Kind>, out: Option<&Path>) -> Result<Done, Error> {
    let job = load(common, path)?;
    let wanted = match (campaign, kind) {
        (Some(campaign), Some(kind)) => pipeline::Wanted::People { campaign, kind: list_kind(kind) },
        _ => pipeline::Wanted::Ranks,
    };
    let exported = pipeline::export(&job, common.as_of, wanted, out, &mut anstream::stdout())?;
    // The list itself may be on standard output; what is said of it must not get into it.
    if common.json && out.is_some() {
        say(&json::exported(&exported, out));
    } else if common.json {
        note(&json::exported(&exported, out));
    } else if !common.quiet {
        note(&page::exported(&job, wanted, &exported, out));
    }
    Ok(Done::Clean)
}

fn list_kind(kind: Kind) -> ListKind {
    match kind {
        Kind::Post => ListKind::Post,
        Kind::Line => ListKind::Line,
        Kind::Call => ListKind::Call,
        Kind::Google => ListKind::Google,
        Kind::Meta => ListKind::Meta,
        Kind::Gifts => ListKind::Gifts,
    }
}

fn status(common: &Common, path: &Path) -> Result<Done, Error> {
    let job = load(common, path)?;
    let status = pipeline::status(&job, common.as_of)?;
    let waiting = pipeline::waiting(&job, common.as_of, clock::now())?;
    say(&if common.json {
        json::status(&job, status.as_ref(), waiting.as_ref())
    } else {
        page::status(&job, status.as_ref(), waiting.as_ref())
    });
    Ok(Done::Clean)
}

fn coupons(common: &Common, path: &Path, list: bool) -> Result<Done, Error> {
    let job = load(common, path)?;
    let bars = bars(common, &job);
    let coupons = pipeline::coupons(&job, as_of(common, &job), &|step, done, total| bars.watch(step, done, total))?;
    bars.clear();
    say(&if common.json { json::coupons(&job, &coupons, list) } else { page::coupons(&job, &coupons, list) });
    Ok(Done::Clean)
}

fn for_cart(common: &Common, path: &Path, file: &Path) -> Result<Done, Error> {
    let job = load(common, path)?;
    let written = pipeline::for_cart(&job, common.as_of, file, clock::now())?;
    if common.json {
        say(&json::for_cart(&written, file));
    } else if !common.quiet {
        say(&page::for_cart(&job, &written, file));
    }
    Ok(Done::Clean)
}

/// A path as a word of a command line.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.chars().any(char::is_whitespace) { format!("\"{text}\"") } else { text }
}

fn schedule(common: &Common, path: &Path, emit: Option<Emit>) -> Result<Done, Error> {
    let job = load(common, path)?;
    let command = || -> Result<String, Error> {
        let failed = |source| Error::File { path: path.to_path_buf(), source };
        let job = std::path::absolute(path).map_err(failed)?;
        let program = std::env::current_exe().map_err(failed)?;
        // A timer must keep to the ledger that its user means, or it would send what another one has sent.
        let runs = match &common.runs {
            Some(runs) => format!(" --runs {}", quoted(&std::path::absolute(runs).map_err(failed)?)),
            None => String::new(),
        };
        Ok(format!("{} run {}{runs} --if-due", quoted(&program), quoted(&job)))
    };
    match emit {
        Some(Emit::Systemd) => say(&pipeline::systemd(&job, &command()?)?),
        Some(Emit::Cron) => say(&pipeline::cron(&job, &command()?)?),
        None => {
            let times = pipeline::next_times(&job, clock::now(), 5)?;
            say(&if common.json { json::schedule(&job, &times) } else { page::schedule(&job, &times) });
        }
    }
    Ok(Done::Clean)
}
