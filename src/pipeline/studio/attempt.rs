//! "Try on all": every mail of the plan is rendered with the templates as they are now, in the background, and it is told whom they fail
//! and which of their branches nobody reaches.

use super::Studio;
use super::preview::NAMED;
use super::trouble::told;
use crate::message::Branch;
use crate::pipeline::Error;
use crate::runs;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Mails that are read at once.
const CHUNK: usize = 1_024;
/// Different errors that are kept.
const MOST: usize = 50;

/// One attempt, while it goes on and afterwards.
#[derive(Default)]
pub struct Attempt {
    done: AtomicU64,
    failed: AtomicU64,
    stopped: AtomicBool,
    total: u64,
    /// Microseconds UTC.
    began: i64,
    /// Stands for the template files as they were then; empty where they could not be read.
    tried: String,
    failures: Mutex<BTreeMap<(String, usize, String), Failed>>,
    /// What came of it, once it is over: the branches that nobody reached, or why it ended early.
    over: Mutex<Option<Result<Vec<Branch>, String>>>,
}

/// Mails that fail for one reason.
#[derive(Debug, Clone)]
pub struct Failed {
    /// With file, line and caret.
    pub told: String,
    pub mails: u64,
    /// The first customers and campaigns.
    pub first: Vec<(String, String)>,
}

/// How far an attempt is.
pub struct Progress {
    pub done: u64,
    pub total: u64,
    pub failed: u64,
    pub is_stopped: bool,
    /// When it began, in microseconds UTC.
    pub began: i64,
    pub failures: Vec<Failed>,
    pub over: Option<Result<Vec<Branch>, String>>,
}

impl Attempt {
    #[must_use]
    pub fn progress(&self) -> Progress {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        Progress {
            done: self.done.load(Ordering::Relaxed),
            total: self.total,
            failed: self.failed.load(Ordering::Relaxed),
            is_stopped: self.stopped.load(Ordering::Relaxed),
            began: self.began,
            failures,
            over: self.over.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn end(&self, how: Result<Vec<Branch>, String>) {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = Some(how);
    }
}

impl Studio {
    /// The attempt that goes on, or the last one.
    #[must_use]
    pub fn attempt(&self) -> Option<Arc<Attempt>> {
        self.attempt.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the template files are no longer those that were tried.
    #[must_use]
    pub fn is_outdated(&self, attempt: &Attempt) -> bool {
        self.fingerprint() != attempt.tried
    }

    /// Stands for all template files as they are now; empty where they cannot be read.
    fn fingerprint(&self) -> String {
        let Ok(listing) = self.template_files() else { return String::new() };
        let mut all = blake3::Hasher::new();
        for file in listing.campaigns.iter().flat_map(|(_, files)| files).chain(&listing.shared).filter(|file| file.is_there) {
            let digest = self.template(&file.name).map(|text| text.digest).unwrap_or_default();
            all.update(format!("{}\0{digest}\0", file.name).as_bytes());
        }
        all.finalize().to_hex().to_string()
    }

    /// Begins to try the templates on everybody at the instant `now` (microseconds UTC), unless that goes on already.
    pub fn try_on_all(self: &Arc<Self>, now: i64) -> Arc<Attempt> {
        let mut kept = self.attempt.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(attempt) = kept.as_ref().filter(|attempt| !attempt.is_over()) {
            return Arc::clone(attempt);
        }
        let attempt = Arc::new(Attempt { total: self.summary().counts.mails, began: now, tried: self.fingerprint(), ..Attempt::default() });
        *kept = Some(Arc::clone(&attempt));
        let (studio, tried) = (Arc::clone(self), Arc::clone(&attempt));
        std::thread::spawn(move || {
            let ended = studio.go_through(&tried).map_err(|error| told(&error, studio.job.language));
            tried.end(ended);
        });
        attempt
    }

    fn go_through(&self, attempt: &Attempt) -> Result<Vec<Branch>, Error> {
        let templates = self.working(None, None).map_err(|error| self.unreadable(error))?;
        let mut mails = self.opened.mails()?;
        while !attempt.stopped.load(Ordering::Relaxed) {
            let chunk = mails.by_ref().take(CHUNK).collect::<Result<Vec<_>, _>>()?;
            if chunk.is_empty() {
                return Ok(templates.unreached());
            }
            chunk.par_iter().try_for_each(|mail| {
                // Who stops it does not wait for a thousand slow mails.
                if attempt.stopped.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let values = runs::values_read(&mail.values)?;
                if let Err(failure) = self.tried(&templates, mail, &values) {
                    attempt.failed.fetch_add(1, Ordering::Relaxed);
                    let mut failures = attempt.failures.lock().unwrap_or_else(PoisonError::into_inner);
                    if failures.len() < MOST || failures.contains_key(&failure.place) {
                        let failed = failures.entry(failure.place).or_insert(Failed { told: failure.told, mails: 0, first: Vec::new() });
                        failed.mails += 1;
                        failed.first.push((mail.customer_id.clone(), mail.campaign.clone()));
                        // Threads come in any order; the smallest ids are told.
                        failed.first.sort();
                        failed.first.truncate(NAMED);
                    }
                }
                attempt.done.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Error>(())
            })?;
        }
        Ok(Vec::new())
    }
}
