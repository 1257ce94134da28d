//! The desk: one thread writes for all connections, so that one commit, and one sync of the disk, serves everyone who waits.

use super::moves::{self, Turn};
use super::{Claim, Error, Ledger, Result};
use crate::domain::merges::Merges;
use crate::domain::{Outcome, State};
use chrono::NaiveDate;
use rusqlite::TransactionBehavior;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

/// How many requests one transaction may serve, so that the first of them does not wait for ever.
const GROUP: usize = 1024;

/// Where several ask at once, a transaction waits this long for others: each that comes along saves a sync of the disk.
const LINGER: Duration = Duration::from_micros(200);

/// The run a desk works for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub job: String,
    pub as_of: NaiveDate,
    /// A deferred mail is not tried again before this long.
    pub retry_every: Duration,
    /// A mail deferred this long after its first attempt is given up.
    pub retry_for: Duration,
    /// Which ids were one customer when the plan was made: an opt-out of a former id stops the present one.
    pub merges: Arc<Merges>,
}

/// Takes claims and settlements from any number of threads. Once the ledger could not be written it refuses everything, because
/// what cannot be claimed must not be sent.
#[derive(Debug)]
pub struct Desk {
    requests: Sender<Request>,
    keeper: JoinHandle<Ledger>,
    commits: Arc<AtomicU64>,
}

struct Request {
    settle: Vec<(String, Outcome)>,
    claim: Vec<String>,
    now: i64,
    answer: Sender<Result<Answer>>,
}

type Answer = (Vec<State>, Vec<Claim>);

impl Desk {
    /// Hands the ledger to a thread of its own, until [`Desk::finish`].
    #[must_use]
    pub fn start(ledger: Ledger, run: Run) -> Self {
        let (requests, inbox) = mpsc::channel();
        let commits = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&commits);
        let keeper = std::thread::spawn(move || keep(ledger, &run, &inbox, &counter));
        Self { requests, keeper, commits }
    }

    /// Claims mails; comes back when the claims are on the disk. One answer for each mail, in their order.
    ///
    /// # Errors
    /// The ledger cannot be written, now or earlier: nothing of this request was claimed, and nothing may be sent.
    pub fn claim(&self, mail_ids: &[impl AsRef<str>], now: i64) -> Result<Vec<Claim>> {
        Ok(self.turn(&[], mail_ids, now)?.1)
    }

    /// Writes down what came of claimed mails; comes back when that is on the disk, with the state each mail is in now.
    ///
    /// # Errors
    /// The ledger cannot be written, now or earlier: the mails stay `handing` and will be in doubt at the next start.
    pub fn settle(&self, settled: &[(&str, &Outcome)], now: i64) -> Result<Vec<State>> {
        Ok(self.turn(settled, &[""; 0], now)?.0)
    }

    /// Settles some mails and claims the next ones in one commit, which halves a connection's waiting.
    ///
    /// # Errors
    /// As for [`Desk::claim`] and [`Desk::settle`]: neither happened.
    pub fn turn(&self, settled: &[(&str, &Outcome)], mail_ids: &[impl AsRef<str>], now: i64) -> Result<Answer> {
        let gone = || Error::Stopped { why: "the thread that writes it has ended".to_owned() };
        let (answer, reply) = mpsc::channel();
        let settle = settled.iter().map(|(mail_id, outcome)| ((*mail_id).to_owned(), (*outcome).clone())).collect();
        let claim = mail_ids.iter().map(|mail_id| mail_id.as_ref().to_owned()).collect();
        self.requests.send(Request { settle, claim, now, answer }).map_err(|_| gone())?;
        reply.recv().map_err(|_| gone())?
    }

    /// How many transactions were committed so far.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Ends the thread and gives the ledger back, also after a failed write.
    ///
    /// # Errors
    /// The thread died.
    pub fn finish(self) -> Result<Ledger> {
        drop(self.requests);
        self.keeper.join().map_err(|_| Error::Stopped { why: "the thread that writes it died".to_owned() })
    }
}

/// Serves requests until all desks are gone.
fn keep(mut ledger: Ledger, run: &Run, inbox: &Receiver<Request>, commits: &AtomicU64) -> Ledger {
    let mut broken: Option<String> = None;
    let mut is_busy = false;
    while let Ok(first) = inbox.recv() {
        if let Some(why) = &broken {
            // Whoever no longer waits for an answer does not need one.
            let _ = first.answer.send(Err(Error::Stopped { why: why.clone() }));
            continue;
        }
        let mut group = vec![first];
        if is_busy {
            std::thread::sleep(LINGER);
        }
        let done = serve(&mut ledger, run, inbox, &mut group);
        is_busy = group.len() > 1;
        match done {
            Ok(answers) => {
                commits.fetch_add(1, Ordering::Relaxed);
                for (request, answer) in group.into_iter().zip(answers) {
                    let _ = request.answer.send(answer);
                }
            }
            Err(error) => {
                broken = Some(error.to_string());
                for request in group {
                    let _ = request.answer.send(Err(error.clone()));
                }
            }
        }
    }
    ledger
}

/// One transaction for everyone who waits by the time the file is ours. An error means that nothing was committed. While stop lists cannot
/// be read, what is known is still written down, and claims are refused.
fn serve(ledger: &mut Ledger, run: &Run, inbox: &Receiver<Request>, group: &mut Vec<Request>) -> Result<Vec<Result<Answer>>> {
    let write = |error: rusqlite::Error| Error::write(&error);
    let Ledger { connection, stops } = ledger;
    let unsure = group.first().and_then(|first| stops.refresh(first.now).err());
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(write)?;
    group.extend(inbox.try_iter().take(GROUP));
    let turn = Turn::of(&change, run).map_err(write)?;
    let mut answers = Vec::with_capacity(group.len());
    for request in group.iter() {
        let mut states = Vec::with_capacity(request.settle.len());
        for (mail_id, outcome) in &request.settle {
            states.push(moves::settle(&change, &turn, mail_id, outcome, request.now).map_err(write)??);
        }
        if let Some(error) = unsure.as_ref().filter(|_| !request.claim.is_empty()) {
            answers.push(Err(error.clone()));
            continue;
        }
        let mut claims = Vec::with_capacity(request.claim.len());
        for mail_id in &request.claim {
            claims.push(moves::claim(&change, stops, &turn, mail_id, None, request.now).map_err(write)??);
        }
        answers.push(Ok((states, claims)));
    }
    change.commit().map_err(write)?;
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::super::{Adoption, NewMail};
    use super::*;
    use crate::domain::Channel;

    /// A desk whose ledger may not grow by a single page, as on a full disk.
    fn full_desk(path: &std::path::Path, count: u64) -> Desk {
        let as_of = "2026-12-01".parse().unwrap();
        let text = |number: u64| format!("m{number:04}");
        let mails = (0..count).map(|number| NewMail {
            mail_id: text(number),
            customer_id: text(number),
            campaign: "newsletter".into(),
            occasion: "2026-12".into(),
            channel: Channel::Mail,
            address: "a@b.example".into(),
            counts: true,
            coupon_code: None,
        });
        let (job, digest, destination) = ("monthly".to_owned(), "d".to_owned(), "outbox".to_owned());
        let adoption =
            Adoption { job: job.clone(), as_of, closing: as_of, digest, destination, mails: count, adopted_at: 0, finished_at: None };
        let mut ledger = Ledger::open(path).unwrap();
        ledger.adopt(&adoption, mails).unwrap();
        let pages: i64 = ledger.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        let limit: i64 = ledger.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get(0)).unwrap();
        assert_eq!(limit, pages);
        Desk::start(ledger, Run { job, as_of, retry_every: Duration::ZERO, retry_for: Duration::ZERO, merges: Arc::default() })
    }

    #[test]
    fn a_full_disk_stops_within_one_commit_and_claims_nothing_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        let desk = full_desk(&path, 500);
        let accepted = Outcome::Accepted { reply: "250 ".to_owned() + &"long words ".repeat(30) };
        let mut claimed = 0_u64;
        let error = (0..500).find_map(|number| {
            let id = format!("m{number:04}");
            desk.claim(&[&id], 1)
                .and_then(|_| {
                    claimed += 1;
                    desk.settle(&[(&id, &accepted)], 2)
                })
                .err()
        });
        assert!(matches!(&error, Some(Error::Write { why }) if why.contains("full")), "{error:?}");
        let before = desk.commits();
        assert!(matches!(desk.claim(&["m0499"], 3), Err(Error::Stopped { .. })));
        assert!(matches!(desk.settle(&[("m0000", &accepted)], 3), Err(Error::Stopped { .. })));
        assert_eq!(desk.commits(), before);
        let ledger = desk.finish().unwrap();
        let states = ledger.states("monthly", "2026-12-01".parse().unwrap()).unwrap();
        let touched: u64 = states.iter().filter(|(state, _)| **state != State::Planned).map(|(_, count)| count).sum();
        assert_eq!(touched, claimed, "{states:?}");
        assert!(claimed > 0 && touched < 500);
    }
}
