//! What the ledger knows of a customer before a new plan: mails that were or may have been delivered, and who must not be mailed.

use super::{Error, Ledger, Result, look};
use crate::domain::mail::PastMail;
use crate::domain::merges::Merges;
use crate::domain::stop::StopList;
use crate::domain::{SkipReason, Texts};
use chrono::NaiveDate;
use rusqlite::{Connection, params};
use std::collections::HashMap;
use std::sync::Arc;

/// Earlier mails by customer, and the suppressions. Millions of rows fit: a mail takes a few numbers, its words are kept once.
#[derive(Debug, Default)]
pub struct Past {
    /// Sorted, no doubles; the mails of the nth customer are `mails[ends[n - 1]..ends[n]]`.
    customers: Texts,
    ends: Vec<usize>,
    mails: Vec<Row>,
    words: Vec<String>,
    customers_out: HashMap<String, SkipReason>,
    addresses_out: HashMap<String, SkipReason>,
    played: Option<Played>,
    /// The names under which old mails of a customer are kept, by id.
    aged: HashMap<String, Vec<String>>,
    /// What belongs to an id that was merged belongs to the one that stands for it now.
    merges: Arc<Merges>,
}

/// Mails of a job that stand in for those that it really sent from a day on.
#[derive(Debug)]
struct Played {
    job: String,
    from: NaiveDate,
    mails: Arc<HashMap<String, Vec<PastMail>>>,
}

/// The words are places in `Past::words`.
#[derive(Debug, Clone, Copy)]
struct Row {
    job: u32,
    campaign: u32,
    occasion: u32,
    as_of: NaiveDate,
    counts: bool,
}

/// Somebody who must not be mailed any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Who opted out. A bounce tells of an address, not of a customer, so it is looked up by address only.
    pub customer_id: Option<String>,
    /// The address in the form in which two are compared (all in lower case).
    pub address: Option<String>,
    /// `Unsubscribed` or `Bounced`.
    pub reason: SkipReason,
    /// Microseconds UTC.
    pub at: i64,
}

impl Past {
    /// The same past, of customers some of whom were merged.
    #[must_use]
    pub fn merging(self, merges: Arc<Merges>) -> Self {
        Self { merges, ..self }
    }

    /// The customer's earlier mails, the oldest as-of date first.
    #[must_use]
    pub fn mails(&self, customer_id: &str) -> Vec<PastMail> {
        let former = self.merges.former(customer_id);
        let aged = self.aged.get(customer_id).map(Vec::as_slice).unwrap_or_default();
        let mut mails = self.sent(customer_id);
        mails.extend(former.iter().chain(aged).flat_map(|id| self.sent(id)));
        if let Some(played) = &self.played {
            mails.retain(|mail| mail.job != played.job || mail.as_of < played.from);
            mails.extend(played.mails.get(customer_id).into_iter().flatten().cloned());
        }
        if self.played.is_some() || !former.is_empty() || !aged.is_empty() {
            mails.sort_by_key(|mail| mail.as_of);
        }
        mails
    }

    /// The ids and marks under which the mails of a customer are kept, the present id first.
    #[must_use]
    pub fn names(&self, customer_id: &str) -> Vec<String> {
        let aged = self.aged.get(customer_id).map(Vec::as_slice).unwrap_or_default();
        let own = std::iter::once(customer_id.to_owned());
        own.chain(self.merges.former(customer_id).iter().chain(aged).cloned()).collect()
    }

    /// The names in it that stand for customers of runs that were cleaned.
    pub fn aged(&self) -> impl Iterator<Item = &str> {
        self.customers.iter().filter(|name| name.starts_with(super::AGED))
    }

    /// The same past with these names of customers, by id; with those of former ids among them.
    #[must_use]
    pub fn knowing(self, aged: HashMap<String, Vec<String>>) -> Self {
        Self { aged, ..self }
    }

    /// The past in which a job mailed these from a day on, by customer, and not what it really did.
    #[must_use]
    pub fn replayed(self, job: &str, from: NaiveDate, mails: Arc<HashMap<String, Vec<PastMail>>>) -> Self {
        Self { played: Some(Played { job: job.to_owned(), from, mails }), ..self }
    }

    /// The mails that went to this very id.
    fn sent(&self, customer_id: &str) -> Vec<PastMail> {
        let Some(place) = self.find(customer_id) else { return Vec::new() };
        let start = if place == 0 { 0 } else { self.ends.get(place - 1).copied().unwrap_or(0) };
        let end = self.ends.get(place).copied().unwrap_or(start);
        let word = |place: u32| usize::try_from(place).ok().and_then(|place| self.words.get(place)).cloned().unwrap_or_default();
        let rows = self.mails.get(start..end).unwrap_or_default();
        rows.iter()
            .map(|row| PastMail {
                job: word(row.job),
                campaign: word(row.campaign),
                occasion: word(row.occasion),
                as_of: row.as_of,
                counts: row.counts,
            })
            .collect()
    }

    /// Why this customer must not be mailed: opted out by id or address, or the address bounced. An opt-out comes first.
    /// `same_address` is the address in the form in which two are compared.
    #[must_use]
    pub fn suppressed(&self, customer_id: &str, same_address: &str) -> Option<SkipReason> {
        let former = || self.merges.former(customer_id).iter().find_map(|id| self.customers_out.get(id));
        self.customers_out.get(customer_id).or_else(former).or_else(|| self.addresses_out.get(same_address)).copied()
    }

    /// The same past, with those on stop lists as if they had opted out.
    #[must_use]
    pub fn stopping(mut self, list: StopList) -> Self {
        self.customers_out.extend(list.customers.into_iter().map(|id| (id, SkipReason::Unsubscribed)));
        self.addresses_out.extend(list.addresses.into_iter().map(|address| (address, SkipReason::Unsubscribed)));
        self
    }

    /// Whether the same people must not be mailed, for the same reasons.
    #[must_use]
    pub fn stops_as(&self, other: &Self) -> bool {
        self.customers_out == other.customers_out && self.addresses_out == other.addresses_out
    }

    /// The same mails with the suppressions of another time.
    pub fn stop_as(&mut self, other: &Self) {
        self.customers_out.clone_from(&other.customers_out);
        self.addresses_out.clone_from(&other.addresses_out);
    }

    fn find(&self, customer_id: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.customers.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.customers.get(middle).cmp(customer_id) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

impl Ledger {
    /// What is known before `job` plans `as_of`: mails of adopted plans that went out or still may, of earlier as-of dates and of the same
    /// date of other jobs; and the suppressions. Only what was refused for good, suppressed or cancelled came to nothing. Mails of the
    /// very run that is planned are left out, and so is what happened after `until` (microseconds UTC): a plan that was made then did
    /// not know it.
    pub fn history(&self, job: &str, as_of: NaiveDate, until: i64) -> Result<Past> {
        let mut past = Past::default();
        self.read_mails(&mut past, job, as_of, until)?;
        self.read_suppressions(&mut past, until)?;
        Ok(past)
    }

    /// Only who must not be reached, as it is now.
    pub fn stops(&self) -> Result<Past> {
        let mut past = Past::default();
        self.read_suppressions(&mut past, i64::MAX)?;
        Ok(past)
    }

    /// Writes down that somebody must not be mailed. Claims after this commit see it. Any other reason than `Unsubscribed` counts
    /// as a bounce.
    pub fn suppress(&mut self, suppression: &Suppression) -> Result<()> {
        let word = if suppression.reason == SkipReason::Unsubscribed { "unsubscribed" } else { "bounced" };
        self.connection
            .execute(
                "INSERT INTO suppressions (customer_id, address, reason, at) VALUES (?1, ?2, ?3, ?4)",
                params![suppression.customer_id, suppression.address, word, suppression.at],
            )
            .map_err(|error| Error::write(&error))?;
        Ok(())
    }

    fn read_mails(&self, past: &mut Past, job: &str, as_of: NaiveDate, until: i64) -> Result<()> {
        let read = |error: rusqlite::Error| Error::read(&error);
        let mut statement = self
            .connection
            .prepare(
                "SELECT customer_id, job, campaign, occasion, as_of, counts FROM mails JOIN adoptions USING (job, as_of)
                 WHERE (as_of < ?2 OR (as_of = ?2 AND job <> ?1)) AND adopted_at <= ?3
                 AND NOT (state IN ('rejected', 'suppressed', 'cancelled') AND coalesce(settled_at, 0) <= ?3)
                 -- All rows are read anyway, so sorting them is cheaper than looking each up by the index.
                 ORDER BY +customer_id, as_of, job, place",
            )
            .map_err(read)?;
        let mut rows = statement.query(params![job, as_of.to_string(), until]).map_err(read)?;
        let mut places: HashMap<String, u32> = HashMap::new();
        while let Some(row) = rows.next().map_err(read)? {
            let text = |column: usize| row.get_ref(column).map_err(read)?.as_str().map_err(|error| Error::Read { why: error.to_string() });
            let customer = text(0)?;
            if past.customers.is_empty() || past.customers.get(past.customers.len() - 1) != customer {
                past.customers.push(customer);
                past.ends.push(past.mails.len());
            }
            let mut place = |word: &str| {
                if let Some(place) = places.get(word) {
                    return *place;
                }
                let place = u32::try_from(past.words.len()).unwrap_or(u32::MAX);
                past.words.push(word.to_owned());
                places.insert(word.to_owned(), place);
                place
            };
            let (job, campaign, occasion) = (place(text(1)?), place(text(2)?), place(text(3)?));
            past.mails.push(Row { job, campaign, occasion, as_of: look::date(text(4)?)?, counts: row.get(5).map_err(read)? });
            if let Some(end) = past.ends.last_mut() {
                *end = past.mails.len();
            }
        }
        Ok(())
    }

    fn read_suppressions(&self, past: &mut Past, until: i64) -> Result<()> {
        let read = |error: rusqlite::Error| Error::read(&error);
        let mut statement =
            self.connection.prepare("SELECT customer_id, address, reason FROM suppressions WHERE at <= ?1").map_err(read)?;
        let mut rows = statement.query([until]).map_err(read)?;
        while let Some(row) = rows.next().map_err(read)? {
            let (customer, address): (Option<String>, Option<String>) = (row.get(0).map_err(read)?, row.get(1).map_err(read)?);
            let reason = reason(&row.get::<_, String>(2).map_err(read)?);
            if let Some(customer) = customer.filter(|_| reason == SkipReason::Unsubscribed) {
                past.customers_out.insert(customer, reason);
            }
            if let Some(address) = address {
                let known = past.addresses_out.entry(address).or_insert(reason);
                if reason == SkipReason::Unsubscribed {
                    *known = reason;
                }
            }
        }
        Ok(())
    }
}

/// The same question as `Past::suppressed`, asked of the file within the transaction that claims.
pub(super) fn suppressed(
    connection: &Connection,
    customer_id: &str,
    merges: &Merges,
    same_address: &str,
) -> rusqlite::Result<Option<SkipReason>> {
    // Each question is one look into one index. Both in one would be planned anew whenever it is asked.
    let mut of_customer = connection.prepare_cached("SELECT 1 FROM suppressions WHERE customer_id = ?1 AND reason = 'unsubscribed'")?;
    for id in std::iter::once(customer_id).chain(merges.former(customer_id).iter().map(String::as_str)) {
        if of_customer.exists([id])? {
            return Ok(Some(SkipReason::Unsubscribed));
        }
    }
    // They are few, and SQLite would build a table to put them in order.
    let mut of_address = connection.prepare_cached("SELECT reason FROM suppressions WHERE address = ?1")?;
    let mut words = of_address.query([same_address])?;
    let mut found = None;
    while let Some(row) = words.next()? {
        found = Some(reason(row.get_ref(0)?.as_str()?));
        if found == Some(SkipReason::Unsubscribed) {
            break;
        }
    }
    Ok(found)
}

fn reason(word: &str) -> SkipReason {
    if word == "unsubscribed" { SkipReason::Unsubscribed } else { SkipReason::Bounced }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_merged_id_belongs_to_the_present_one() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let row = |as_of: &str| Row { job: 0, campaign: 0, occasion: 0, as_of: day(as_of), counts: true };
        let past = Past {
            customers: ["new", "old"].into_iter().collect(),
            ends: vec![1, 3],
            mails: vec![row("2026-11-01"), row("2026-10-01"), row("2026-12-01")],
            words: vec!["word".to_owned()],
            customers_out: HashMap::from([("older".to_owned(), SkipReason::Unsubscribed)]),
            ..Past::default()
        };
        assert_eq!((past.mails("new").len(), past.suppressed("new", "")), (1, None));
        let pairs = [("older", "old"), ("old", "new")].map(|(old, new)| (old.to_owned(), new.to_owned()));
        let past = past.merging(Arc::new(Merges::new(pairs).unwrap()));
        let dates: Vec<NaiveDate> = past.mails("new").iter().map(|mail| mail.as_of).collect();
        assert_eq!(dates, ["2026-10-01", "2026-11-01", "2026-12-01"].map(day));
        assert_eq!(past.suppressed("new", ""), Some(SkipReason::Unsubscribed));
        assert_eq!(past.suppressed("another", ""), None);
    }
}
