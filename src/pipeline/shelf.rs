//! The mails of a plan while they are sent. What decides about their order is at hand for all of them; the rest of a mail is read from
//! the plan again when it is due, so that a million of them need no more room than their numbers.

use super::error::Error;
use crate::domain::Channel;
use crate::domain::plan::MailRow;
use crate::{ledger, runs};
use chrono::NaiveDate;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows that are read together.
const BATCH: usize = 1_024;
/// So many batches are kept, for connections that are not at the same place, and for mails that were set aside.
const KEPT: usize = 8;

/// A mail that may leave: its row in the plan, and the number of its receiving domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub row: u32,
    pub domain: u32,
}

/// A mail that the ledger has not handed over yet.
#[derive(Debug, Clone, Copy)]
pub struct Left {
    row: u32,
    /// Microseconds UTC.
    pub not_before: Option<i64>,
}

/// What is known of every row.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Of the row as it was when the plan was opened.
    mark: u64,
    domain: u32,
    valid_until: Option<NaiveDate>,
}

/// All mails of a plan.
pub struct Shelf<'a> {
    opened: &'a runs::Opened,
    slots: Vec<Slot>,
    /// The rows of mails, by what stands for their ids, sorted.
    by_id: Vec<([u8; 16], u32)>,
    /// Names of domains in small letters, by their numbers.
    domains: Vec<String>,
    /// Rows of other channels, whole.
    others: Vec<MailRow>,
    reading: Mutex<Reading>,
}

/// Where the plan is being read.
#[derive(Default)]
struct Reading {
    /// The rows from this batch on.
    rows: Option<(usize, runs::Rows<MailRow>)>,
    kept: VecDeque<(usize, Arc<Vec<MailRow>>)>,
}

/// One row, and the batch that it is kept in.
#[derive(Debug, Clone)]
pub struct Held {
    batch: Arc<Vec<MailRow>>,
    at: usize,
}

impl Deref for Held {
    type Target = MailRow;

    fn deref(&self) -> &MailRow {
        &self.batch[self.at]
    }
}

impl<'a> Shelf<'a> {
    /// Reads a plan once, and shows all of it to `look` on the way.
    pub fn open(opened: &'a runs::Opened, mut look: impl FnMut(&[MailRow]) -> Result<(), Error>) -> Result<Self, Error> {
        let mut shelf =
            Self { opened, slots: Vec::new(), by_id: Vec::new(), domains: Vec::new(), others: Vec::new(), reading: Mutex::default() };
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut rows = opened.mails_from(0)?;
        loop {
            let batch: Vec<MailRow> = rows.by_ref().take(BATCH).collect::<Result<_, _>>()?;
            if batch.is_empty() {
                break;
            }
            look(&batch)?;
            for mail in batch {
                shelf.take(mail, &mut numbers);
            }
        }
        shelf.by_id.sort_unstable();
        Ok(shelf)
    }

    fn take(&mut self, mail: MailRow, numbers: &mut HashMap<String, u32>) {
        // No plan has as many rows as these numbers, or as many domains.
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let row = number(self.slots.len());
        let name = mail.address.rsplit_once('@').map_or("", |(_, domain)| domain).to_ascii_lowercase();
        let domain = *numbers.entry(name).or_insert_with_key(|name| {
            self.domains.push(name.clone());
            number(self.domains.len() - 1)
        });
        self.slots.push(Slot { mark: mark(&mail), domain, valid_until: mail.valid_until });
        if mail.channel == Channel::Mail {
            self.by_id.push((short(&mail.mail_id), row));
        } else {
            self.others.push(mail);
        }
    }

    /// How many go by mail.
    pub fn mails(&self) -> usize {
        self.by_id.len()
    }

    /// The rows of other channels.
    pub fn others(&self) -> &[MailRow] {
        &self.others
    }

    /// The receiving domains, by their numbers.
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// The days on which what mails offer ends.
    pub fn ends(&self) -> BTreeSet<NaiveDate> {
        self.by_id.iter().filter_map(|(_, row)| self.slot(*row)?.valid_until).collect()
    }

    /// The last day of what a mail offers.
    pub fn end(&self, left: Left) -> Option<NaiveDate> {
        self.slot(left.row)?.valid_until
    }

    pub fn due(&self, left: Left) -> Due {
        Due { row: left.row, domain: self.slot(left.row).map_or(0, |slot| slot.domain) }
    }

    /// What the ledger has not handed over yet, in the order of the plan.
    pub fn left(&self, ledger: &ledger::Ledger, job: &str, as_of: NaiveDate) -> Result<Vec<Left>, Error> {
        let mut left = Vec::new();
        ledger.pending(job, as_of, |mail_id, not_before| {
            let id = short(mail_id);
            if let Ok(at) = self.by_id.binary_search_by(|(known, _)| known.cmp(&id)) {
                left.extend(self.by_id.get(at).map(|(_, row)| Left { row: *row, not_before }));
            }
        })?;
        left.sort_unstable_by_key(|left| left.row);
        Ok(left)
    }

    pub fn mail_id(&self, left: Left) -> Result<String, Error> {
        Ok(self.row(left.row)?.mail_id.clone())
    }

    /// A row, as it was when the plan was opened.
    pub fn row(&self, row: u32) -> Result<Held, Error> {
        let row = usize::try_from(row).unwrap_or(usize::MAX);
        let held = Some(Held { batch: self.batch(row / BATCH)?, at: row % BATCH });
        let is_same = |held: &Held| held.batch.get(held.at).map(mark) == self.slots.get(row).map(|slot| slot.mark);
        held.filter(is_same).ok_or_else(|| {
            let folder = self.opened.folder().display();
            Error::Folder(format!("the plan in {folder} was changed while it was sent; nothing more of it is sent"))
        })
    }

    fn batch(&self, number: usize) -> Result<Arc<Vec<MailRow>>, Error> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, batch)) = reading.kept.iter().find(|(kept, _)| *kept == number) {
            return Ok(Arc::clone(batch));
        }
        let before = reading.rows.take();
        // In one of the few helping threads: what each of many connections reads by itself would lie in a heap of its own, and stay there.
        let (batch, rows) = rayon::scope(|_| {
            let mut rows = match before {
                Some((next, rows)) if next == number => rows,
                _ => self.opened.mails_from(number * BATCH)?,
            };
            let batch: Vec<MailRow> = rows.by_ref().take(BATCH).collect::<Result<_, _>>()?;
            Ok::<_, Error>((Arc::new(batch), rows))
        })?;
        reading.rows = Some((number + 1, rows));
        if reading.kept.len() == KEPT {
            reading.kept.pop_front();
        }
        reading.kept.push_back((number, Arc::clone(&batch)));
        Ok(batch)
    }

    fn slot(&self, row: u32) -> Option<&Slot> {
        self.slots.get(usize::try_from(row).ok()?)
    }
}

/// Stands for a mail id: no two ids have the same.
fn short(mail_id: &str) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(blake3::hash(mail_id.as_bytes()).as_bytes().split_at(16).0);
    short
}

/// Tells whether a row is the one that was seen before.
fn mark(mail: &MailRow) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(mail.mail_id.as_bytes());
    hasher.update(&mail.content_hash);
    let mut mark = [0; 8];
    mark.copy_from_slice(hasher.finalize().as_bytes().split_at(8).0);
    u64::from_le_bytes(mark)
}
