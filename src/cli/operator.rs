//! The commands of an operator: what was sent is looked after by hand.

use super::args::{Common, Picked, Verdict};
use super::commands::{bars, load, looked_at};
use super::{Done, Signals, clock, json, note, page, say, smtp_url};
use crate::domain::Job;
use crate::domain::health::Health;
use crate::pipeline::{self, Error, Moved, Pick, Sent};
use std::path::Path;

pub fn doctor(common: &Common, path: &Path, dns: Option<&str>) -> Result<Done, Error> {
    let job = load(common, path)?;
    let as_of = looked_at(common, &job)?;
    let bars = bars(common, &job);
    let watch = |step, done, total| bars.watch(step, done, total);
    let environment = smtp_url();
    let server = pipeline::Server { typed: common.smtp.as_deref(), environment: environment.as_deref() };
    let checks = pipeline::doctor(&pipeline::DoctorRequest { job: &job, as_of, server, dns, now: clock::now(), watch: &watch })?;
    bars.clear();
    if common.json {
        say(&json::examined(as_of, &checks));
    } else if !common.quiet {
        say(&page::examined(&job, as_of, &checks));
    }
    let is_bad = checks.iter().any(|check| check.health == Health::Bad);
    Ok(if is_bad { Done::Unfinished } else { Done::Clean })
}

pub fn approve(common: &Common, path: &Path, name: &str, digest: Option<&str>) -> Result<Done, Error> {
    let job = load(common, path)?;
    let request = pipeline::ApproveRequest { job: &job, as_of: common.as_of, name, digest, now: clock::now() };
    let approved = pipeline::approve(&request)?;
    if common.json {
        say(&json::approved(&approved));
    } else if !common.quiet {
        say(&page::approved(&approved, common.verbose));
    }
    Ok(Done::Clean)
}

pub fn resolve(common: &Common, path: &Path, mail: Option<&str>, verdict: Verdict) -> Result<Done, Error> {
    let job = load(common, path)?;
    let verdict = match verdict {
        Verdict::Sent => pipeline::Verdict::Sent,
        Verdict::Again => pipeline::Verdict::Again,
    };
    let moved = pipeline::resolve(&job, common.as_of, mail, verdict, clock::now())?;
    Ok(tell(common, &job, &moved))
}

pub fn cancel(common: &Common, path: &Path, picked: &Picked) -> Result<Done, Error> {
    let job = load(common, path)?;
    let campaign = picked.campaign.as_deref().map(Pick::Campaign);
    let customer = picked.customer.as_deref().map(Pick::Customer);
    let pick = picked.mail.as_deref().map(Pick::Mail).or(campaign).or(customer).unwrap_or(Pick::All);
    let moved = pipeline::cancel(&job, common.as_of, pick, clock::now())?;
    Ok(tell(common, &job, &moved))
}

pub fn stop(common: &Common, path: &Path, campaign: &str, resume: bool) -> Result<Done, Error> {
    let job = load(common, path)?;
    let moved = if resume {
        pipeline::resume_campaign(&job, common.as_of, campaign)?
    } else {
        pipeline::stop_campaign(&job, common.as_of, campaign, clock::now())?
    };
    Ok(tell(common, &job, &moved))
}

fn tell(common: &Common, job: &Job, moved: &Moved) -> Done {
    if common.json {
        say(&json::moved(moved));
    } else if !common.quiet {
        say(&page::moved(job, moved));
    }
    Done::Clean
}

pub fn serve_opt_outs(common: &Common, path: &Path, listen: &str, signals: &Signals) -> Result<Done, Error> {
    let job = load(common, path)?;
    let listening = |address: std::net::SocketAddr| {
        if common.json {
            say(&json::listening(address));
        } else if !common.quiet {
            say(&page::listening(&job, address));
        }
    };
    let serving = pipeline::Serving {
        job: &job,
        listen,
        now: &clock::now,
        ended: &signals.interrupted,
        listening: &listening,
        trouble: &|what| note(&format!("{what}\n")),
    };
    pipeline::serve_opt_outs(&serving)?;
    Ok(Done::Clean)
}

pub fn import_opt_outs(common: &Common, path: &Path, csv: &Path) -> Result<Done, Error> {
    let job = load(common, path)?;
    let (named, new) = pipeline::import_opt_outs(&job, csv, clock::now())?;
    if common.json {
        say(&json::opt_outs(named, Some(new)));
    } else if !common.quiet {
        say(&page::opt_outs_imported(&job, named, new));
    }
    Ok(Done::Clean)
}

pub fn export_opt_outs(common: &Common, path: &Path, out: Option<&Path>) -> Result<Done, Error> {
    let job = load(common, path)?;
    let rows = pipeline::export_opt_outs(&job, out, &mut anstream::stdout())?;
    // The list may be on standard output; what is said of it must not get into it.
    if common.json {
        note(&json::opt_outs(rows, None));
    } else if !common.quiet {
        note(&page::opt_outs_exported(&job, rows));
    }
    Ok(Done::Clean)
}

pub fn bounces(common: &Common, path: &Path, mailbox: &Path) -> Result<Done, Error> {
    let job = load(common, path)?;
    let bounced = pipeline::bounces(&job, mailbox, clock::now())?;
    if common.json {
        say(&json::bounced(&job, &bounced));
    } else if !common.quiet {
        say(&page::bounced(&job, &bounced));
    }
    Ok(Done::Clean)
}

pub fn forget(common: &Common, path: &Path, customer: &str) -> Result<Done, Error> {
    let job = load(common, path)?;
    let forgotten = pipeline::forget(&job, customer, clock::now())?;
    if common.json {
        say(&json::forgotten(&forgotten));
    } else if !common.quiet {
        say(&page::forgotten(&job, customer, &forgotten));
    }
    // Whoever asked to be forgotten is not, as long as another job knows them.
    Ok(if forgotten.elsewhere.is_empty() { Done::Clean } else { Done::Unfinished })
}

/// Takes everybody out of the runs that are too old.
pub fn forget_old(common: &Common, path: &Path) -> Result<Done, Error> {
    let job = load(common, path)?;
    if job.keep_runs.is_none() {
        let job = path.display();
        return Err(Error::Usage(format!("{job} keeps its runs for ever; write how long, such as keep_runs = \"37 months\"")));
    }
    let aged = pipeline::age(&job, clock::now())?;
    if common.json {
        say(&json::aged(&aged));
    } else if !common.quiet {
        say(&page::aged(&job, &aged));
    }
    Ok(Done::Clean)
}

/// The same behind a run, when nobody waits for it: what is too old goes without anybody thinking of it.
pub fn forget_in_passing(common: &Common, job: &Job, sent: &Sent) -> Result<(), Error> {
    if sent.interrupted {
        return Ok(());
    }
    let aged = pipeline::age(job, clock::now())?;
    if !common.json && !common.quiet && !aged.runs.is_empty() {
        say(&page::aged(job, &aged));
    }
    Ok(())
}

pub fn export_ledger(common: &Common, path: &Path, file: &Path) -> Result<Done, Error> {
    let job = load(common, path)?;
    let rows = pipeline::export_ledger(&job, file)?;
    if common.json {
        say(&json::ledger_exported(rows, file));
    } else if !common.quiet {
        say(&page::ledger_exported(&job, rows, file));
    }
    Ok(Done::Clean)
}
