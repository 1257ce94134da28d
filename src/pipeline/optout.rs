//! Opt-outs: the page behind the link in every mail, and lists that go in and out.

use super::error::Error;
use super::{forgotten, handed_out, inputs};
use crate::domain::stop::Stopped;
use crate::domain::{Job, Key};
use crate::optout::{self, Desk, Site, Stop};
use crate::{keys, ledger, tables};
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

/// How the opt-out page is served. The clock is handed in.
pub struct Serving<'a> {
    pub job: &'a Job,
    /// Host and port.
    pub listen: &'a str,
    /// Microseconds UTC.
    pub now: &'a (dyn Fn() -> i64 + Sync),
    pub ended: &'a AtomicBool,
    /// Hears of the address once somebody can call there.
    pub listening: &'a dyn Fn(SocketAddr),
    /// Hears of an opt-out that could not be written down. The words name nobody.
    pub trouble: &'a (dyn Fn(&str) + Sync),
}

/// Serves the opt-out page until it is ended.
pub fn serve_opt_outs(serving: &Serving) -> Result<(), Error> {
    let job = serving.job;
    let keys = live_keys(job)?;
    let cannot = |reason: String| Error::Usage(format!("cannot listen on {}: {reason}", serving.listen));
    let addresses: Vec<SocketAddr> = serving.listen.to_socket_addrs().map_err(|error| cannot(error.to_string()))?.collect();
    if keys.iter().any(|key| key.demo) && !addresses.iter().all(|address| address.ip().is_loopback()) {
        return Err(cannot(
            "the job's key is public, so anybody could opt out anybody; take one of your own, or listen on 127.0.0.1".to_owned(),
        ));
    }
    let ledger = Mutex::new(Standing::open(job)?);
    let listener = TcpListener::bind(addresses.as_slice()).map_err(|error| cannot(error.to_string()))?;
    (serving.listening)(listener.local_addr().map_err(|error| cannot(error.to_string()))?);
    let site = Site { name: job.shop("name").to_owned(), contact: job.shop("contact").to_owned(), language: job.language };
    let stop = |token: &str| {
        let Some(customer) = keys::customer_of(&keys, token) else { return Stop::Unknown };
        // One opt-out at a time: each is a commit of its own, and comes back when it is on the disk.
        let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = ledger.now(job).and_then(|ledger| {
            let stopped = forgotten::as_marks(ledger, &keys, vec![Stopped::Customer(customer)])?;
            Ok(ledger.opt_out(&stopped, (serving.now)())?)
        });
        match stored {
            Ok(_) => Stop::Stored,
            Err(error) => {
                (serving.trouble)(&error.to_string());
                Stop::Failed
            }
        }
    };
    let desk = Desk { knows: &|token| keys::customer_of(&keys, token).is_some(), stop: &stop };
    optout::serve(&listener, &site, &desk, serving.ended).map_err(|error| cannot(error.to_string()))
}

/// The ledger while the page is served, and which file it is: one that was put in its place is another.
struct Standing {
    /// Gone when another could not be opened.
    ledger: Option<ledger::Ledger>,
    file: (u64, u64),
}

impl Standing {
    fn open(job: &Job) -> Result<Self, Error> {
        let ledger = Some(open(job)?);
        Ok(Self { ledger, file: file_of(job)? })
    }

    /// The ledger that is in its place now. None is made where it was taken away: perhaps another is about to be put there.
    fn now(&mut self, job: &Job) -> Result<&mut ledger::Ledger, Error> {
        let file = file_of(job)?;
        if file != self.file {
            // The old one is closed before the new one is opened, since both have their logs under the same name.
            self.ledger = None;
            self.file = file;
        }
        let ledger = match self.ledger.take() {
            Some(ledger) => ledger,
            None => open(job)?,
        };
        Ok(self.ledger.insert(ledger))
    }
}

/// Device and number of the ledger's file; all files are alike where there are no such numbers.
fn file_of(job: &Job) -> Result<(u64, u64), Error> {
    let path = job.runs.join("ledger.sqlite");
    let found = std::fs::metadata(&path).map_err(|source| Error::File { path, source })?;
    Ok(numbers(&found))
}

#[cfg(unix)]
fn numbers(found: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

#[cfg(not(unix))]
fn numbers(_: &std::fs::Metadata) -> (u64, u64) {
    (0, 0)
}

/// The job's key, and those before it that the job names.
pub fn live_keys(job: &Job) -> Result<Vec<Key>, Error> {
    std::iter::once(&job.keys).chain(&job.previous_keys).map(|source| Ok(keys::load(source, false)?)).collect()
}

/// The ledger, which is made where there is none yet: opt-outs may come before the first plan is sent.
pub fn open(job: &Job) -> Result<ledger::Ledger, Error> {
    std::fs::create_dir_all(&job.runs).map_err(|source| Error::File { path: job.runs.clone(), source })?;
    Ok(ledger::Ledger::open(&job.runs.join("ledger.sqlite"))?)
}

/// Takes over those whom a file names: who is in it, and how many of them are new.
pub fn import_opt_outs(job: &Job, file: &Path, now: i64) -> Result<(usize, u64), Error> {
    let stopped = tables::stopped(file, inputs::base(job), "the file that was named")?;
    let (named, mut ledger) = (stopped.len(), open(job)?);
    // Where nobody was forgotten no key is needed, and there may be none yet.
    let stopped = if ledger.forgotten()?.is_empty() { stopped } else { forgotten::as_marks(&ledger, &live_keys(job)?, stopped)? };
    let new = ledger.opt_out(&stopped, now)?;
    Ok((named, new))
}

/// Writes all opt-outs as CSV: a customer id or an address in each row, and since when. Gives the number of rows.
pub fn export_opt_outs(job: &Job, file: Option<&Path>, screen: &mut dyn Write) -> Result<usize, Error> {
    let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
    let opt_outs = ledger.map(|ledger| ledger.opt_outs()).transpose()?.unwrap_or_default();
    let mut rows = vec![["customer_or_address".to_owned(), "since".to_owned()]];
    for opt_out in opt_outs {
        let since = job.zone.local(opt_out.at).map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default();
        rows.extend([opt_out.customer_id, opt_out.address].into_iter().flatten().map(|who| [who, since.clone()]));
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |source| Error::File { path: "the list".into(), source };
    for row in &rows {
        writer.write_record(row).map_err(|error| failed(error.into()))?;
    }
    let text = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    match file {
        Some(file) => {
            let mut out = handed_out::create(job, file)?;
            out.write_all(&text).map_err(failed)?;
            out.finish()?;
        }
        None => match screen.write_all(&text) {
            // A reader that went away is no error.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(failed(error)),
            _ => {}
        },
    }
    Ok(rows.len() - 1)
}
