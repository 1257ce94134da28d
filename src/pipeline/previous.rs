//! What the shop's memory says before a run: the last adopted run, the ranks held, the mails of the past.

use super::error::Error;
use super::forgotten;
use super::held::HeldBefore;
use super::list::List;
use super::owed::{self, Owed};
use super::spent::{self, SpentBefore};
use crate::domain::ladder::PreviousRun;
use crate::domain::mail::PastMail;
use crate::domain::merges::Merges;
use crate::domain::money::many;
use crate::domain::offer::OfferKind;
use crate::domain::plan::Summary;
use crate::domain::standing::{Given, Held};
use crate::domain::{Customers, Job, Ladder, OfferRule, RankIndex};
use crate::{ledger, runs};
use chrono::NaiveDate;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The state before a run.
#[derive(Default)]
pub struct Before {
    /// Microseconds UTC: what happened later is not known.
    pub until: i64,
    /// The last adopted run of the job whose ranks count, if any.
    pub run: Option<PreviousRun>,
    /// The last adopted run of this very job, if any.
    pub summary: Option<Summary>,
    /// The adopted runs of that job, the earliest first.
    pub adopted: Vec<ledger::Adoption>,
    pub held: HeldBefore,
    /// Mails of the past and those who must not be mailed.
    pub past: ledger::Past,
    /// The gifts that customers have had from the job, by customer.
    pub gifts: HashMap<String, Vec<String>>,
    /// Coupon codes that are given out, folded; only where the job gives out such codes.
    pub issued: HashSet<String>,
    /// Places, seats and money that earlier runs gave.
    pub spent: SpentBefore,
    /// Cashback that no mail has given yet.
    pub owed: Owed,
}

/// Reads the state before `as_of` as it was at the instant `until` (microseconds UTC). Nothing is created where nothing is.
pub fn read(job: &Job, customers: &List, merges: &Merges, as_of: NaiveDate, until: i64) -> Result<Before, Error> {
    let Some(ledger) = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))? else {
        let before = Before { owed: Owed::nothing(job, customers)?, ..Before::default() };
        return first_run(job, customers, before);
    };
    let own = ledger.adopted_until(&job.name, as_of, until)?.map(|adoption| open_adopted(job, &adoption)).transpose()?;
    let summary = own.as_ref().map(|opened| under_present_names(opened.summary.clone(), &job.ladder));
    let past = ledger.history(&job.name, as_of, until)?;
    let aged = forgotten::aged(job, &past, customers, merges)?;
    let mut gifts = gifts(job, &ledger, &past, merges, (as_of, until))?;
    for (id, names) in &aged {
        let had: Vec<String> = names.iter().filter_map(|name| gifts.remove(name)).flatten().collect();
        if !had.is_empty() {
            gifts.entry(id.clone()).or_default().extend(had);
        }
    }
    let past = past.knowing(aged);
    let issued = issued(job, as_of, until)?;
    let adopted = adopted_in(&ledger, job, as_of, until)?;
    let spent = spent::read(job, &ledger, as_of, until)?;
    let owed = owed::read(job, &ledger, (customers, merges), as_of, until)?;
    let before = Before { until, summary, adopted, past, gifts, issued, spent, owed, ..Before::default() };
    let ranking = match &job.ladder.of {
        None => own,
        Some(_) => before.adopted.last().map(|adoption| open_adopted(job, adoption)).transpose()?,
    };
    let Some(ranking) = ranking else { return first_run(job, customers, before) };
    let summary = &ranking.summary;
    let run = PreviousRun { as_of: summary.as_of, closing: summary.closing, keep_by: summary.keep_by };
    Ok(Before { run: Some(run), held: HeldBefore::left(job, &ranking, merges, customers.partitions())?, ..before })
}

/// The adopted runs of the job whose ranks count, before `as_of` and as it was at the instant `until`.
pub fn adopted(job: &Job, as_of: NaiveDate, until: i64) -> Result<Vec<ledger::Adoption>, Error> {
    let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
    ledger.map_or_else(|| Ok(Vec::new()), |ledger| adopted_in(&ledger, job, as_of, until))
}

fn adopted_in(ledger: &ledger::Ledger, job: &Job, as_of: NaiveDate, until: i64) -> Result<Vec<ledger::Adoption>, Error> {
    // A job that takes another's ranks takes those of the same day too: there it follows, here it would review.
    let end = if job.ladder.of.is_some() { as_of.succ_opt().unwrap_or(as_of) } else { as_of };
    let mut adopted = ledger.adoptions(job.ladder.of.as_ref().unwrap_or(&job.name))?;
    adopted.retain(|adoption| adoption.as_of < end && adoption.adopted_at <= until);
    Ok(adopted)
}

/// The mails and stops of the past alone, as `read` gives them.
pub fn past(job: &Job, customers: &List, merges: &Merges, as_of: NaiveDate, until: i64) -> Result<ledger::Past, Error> {
    let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
    let past = ledger.map_or_else(|| Ok(ledger::Past::default()), |ledger| ledger.history(&job.name, as_of, until))?;
    let aged = forgotten::aged(job, &past, customers, merges)?;
    Ok(past.knowing(aged))
}

/// The gifts that customers have had from earlier runs of the job, as far as they were handed over. Plans are opened only for a job that
/// gives something.
fn gifts(
    job: &Job,
    ledger: &ledger::Ledger,
    past: &ledger::Past,
    merges: &Merges,
    (as_of, until): (NaiveDate, i64),
) -> Result<HashMap<String, Vec<String>>, Error> {
    let mut had: HashMap<String, Vec<String>> = HashMap::new();
    let has_gifts =
        job.campaigns.iter().filter_map(|campaign| campaign.offer.as_ref()).any(|offer| matches!(offer.kind, OfferKind::Gift { .. }));
    if !has_gifts {
        return Ok(had);
    }
    for adoption in ledger.adoptions(&job.name)?.iter().filter(|adoption| adoption.as_of < as_of && adoption.adopted_at <= until) {
        for row in open_any(job, adoption)?.gifts()? {
            let row = row?;
            let is_it = |mail: &PastMail| mail.job == job.name && mail.campaign == row.campaign && mail.as_of == adoption.as_of;
            if past.mails(&row.customer_id).iter().any(is_it) {
                had.entry(merges.present(&row.customer_id).to_owned()).or_default().push(row.gift);
            }
        }
    }
    Ok(had)
}

/// The codes that are given out, folded, for a job that gives out codes of which each is in one mail.
pub fn issued(job: &Job, as_of: NaiveDate, until: i64) -> Result<HashSet<String>, Error> {
    if !job.campaigns.iter().filter_map(|campaign| campaign.offer.as_ref()).any(OfferRule::has_unique_codes) {
        return Ok(HashSet::new());
    }
    let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
    Ok(ledger.map(|ledger| ledger.issued_codes(&job.name, as_of, until)).transpose()?.unwrap_or_default())
}

/// Opens the plan of an adopted run for whom it ranked and mailed, and makes sure that it is the one that was adopted.
pub fn open_adopted(job: &Job, adoption: &ledger::Adoption) -> Result<runs::Opened, Error> {
    let opened = open_any(job, adoption)?;
    refuse_aged(job, adoption, &opened.summary.digest)?;
    Ok(opened)
}

/// The same for what is left of it where it is older than the shop keeps runs: the mails, under marks.
pub fn open_any(job: &Job, adoption: &ledger::Adoption) -> Result<runs::Opened, Error> {
    let folder = runs::folder(&job.runs, &adoption.job, adoption.as_of);
    let opened = runs::open(&folder).map_err(gone)?;
    refuse_other(job, adoption, &opened.summary, folder)?;
    Ok(opened)
}

/// The same for what it says of its customers.
pub fn open_adopted_customers(job: &Job, adoption: &ledger::Adoption) -> Result<runs::PastRun, Error> {
    let folder = runs::folder(&job.runs, &adoption.job, adoption.as_of);
    let opened = runs::open_customers(&folder).map_err(gone)?;
    refuse_other(job, adoption, &opened.summary, folder)?;
    refuse_aged(job, adoption, &opened.summary.digest)?;
    Ok(opened)
}

/// The same for what its mails gave.
pub fn open_adopted_mails(job: &Job, adoption: &ledger::Adoption) -> Result<runs::PastMails, Error> {
    let folder = runs::folder(&job.runs, &adoption.job, adoption.as_of);
    let opened = runs::open_mails(&folder).map_err(gone)?;
    refuse_other(job, adoption, &opened.summary, folder)?;
    Ok(opened)
}

/// Whether a plan is what `keep_runs` left of an adopted one.
pub fn is_aged(job: &Job, adoption: &ledger::Adoption, digest: &str) -> Result<bool, Error> {
    if digest == adoption.digest {
        return Ok(false);
    }
    let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
    Ok(ledger.map(|ledger| ledger.is_aged(adoption, digest)).transpose()? == Some(true))
}

/// What needs to know who was ranked or mailed must not take a cleaned run for one of nobody.
pub fn refuse_aged(job: &Job, adoption: &ledger::Adoption, digest: &str) -> Result<(), Error> {
    if !is_aged(job, adoption, digest)? {
        return Ok(());
    }
    Err(Error::Folder(format!(
        "the run of {} for {} is older than `keep_runs` and holds nobody any more, so nothing that needs to know its customers can be \
         done; take a later date",
        adoption.job, adoption.as_of
    )))
}

/// It was planned and adopted, so planning it again is no way out.
fn gone(error: runs::Error) -> runs::Error {
    match error {
        runs::Error::NoPlan { path } => runs::Error::Missing { folder: path, file: "plan.json".to_owned() },
        other => other,
    }
}

/// The folder must hold the very plan that was adopted, or one that stands for it because somebody was forgotten.
fn refuse_other(job: &Job, adoption: &ledger::Adoption, summary: &Summary, folder: std::path::PathBuf) -> Result<(), Error> {
    if summary.digest == adoption.digest {
        return Ok(());
    }
    let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
    if ledger.map(|ledger| ledger.stands_for(adoption, &summary.digest)).transpose()? == Some(true) {
        return Ok(());
    }
    Err(Error::Runs(runs::Error::Altered { folder, file: "plan.json".to_owned() }))
}

/// Sizes of ranks are compared under the names that they have now.
fn under_present_names(mut summary: Summary, ladder: &Ladder) -> Summary {
    for name in &mut summary.ranks {
        if let Some(rank) = ladder.find_or_was(name) {
            ladder.name(rank).clone_into(name);
        }
    }
    summary
}

/// At the first run the customer list tells where ranks start.
fn first_run(job: &Job, customers: &List, before: Before) -> Result<Before, Error> {
    if let Some(ranks_of) = &job.ladder.of {
        return Err(Error::Data(format!(
            "[ranks] of = \"{ranks_of}\": that job has no adopted run in {} yet; run it first",
            job.runs.display()
        )));
    }
    refuse_starts(job, customers)?;
    Ok(Before { held: HeldBefore::Listed, ..before })
}

/// The ranks that customers of the list have for a first run, and those names that the ladder does not have.
pub fn starts(job: &Job, customers: &Customers) -> (HashMap<String, Held>, Unknown) {
    let mut held = HashMap::new();
    let mut unknown = Unknown::new();
    for (id, name) in customers.id.iter().zip(customers.rank.iter()).filter(|(_, name)| !name.is_empty()) {
        match job.ladder.find_or_was(name) {
            Some(rank) => {
                held.insert(id.to_owned(), Held { rank, since: None, missed: 0, safe_until: None });
            }
            None => note_unknown(&mut unknown, name, id),
        }
    }
    (held, unknown)
}

fn refuse_starts(job: &Job, customers: &List) -> Result<(), Error> {
    refuse_unknown(&customers.facts().unknown_starts, "the customer list has", &job.ladder)
}

/// Ranks given by hand that the ladder does not have.
pub fn refuse_given(job: &Job, customers: &List) -> Result<(), Error> {
    refuse_unknown(&customers.facts().unknown_given, "the customer list gives (rank_at_least)", &job.ladder)
}

/// The ranks in the customer list that the ladder does not have, as a plan would find them.
pub fn refuse_listed(job: &Job, customers: &List) -> Result<(), Error> {
    refuse_given(job, customers)?;
    if job.ladder.of.is_none() && adopted(job, NaiveDate::MAX, i64::MAX)?.is_empty() {
        refuse_starts(job, customers)?;
    }
    Ok(())
}

/// The ranks that the list gives by hand to these customers, by row, and those names that the ladder does not have.
pub fn given(job: &Job, customers: &Customers) -> (HashMap<usize, Given>, Unknown) {
    let mut given = HashMap::new();
    let mut unknown = Unknown::new();
    for (row, name) in customers.rank_at_least.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        match job.ladder.find_or_was(name) {
            Some(rank) => {
                given.insert(row, Given { rank, until: customers.rank_at_least_until.get(row).copied().flatten() });
            }
            None => note_unknown(&mut unknown, name, customers.id.get(row)),
        }
    }
    (given, unknown)
}

/// Ranks that the ladder does not have, by name: how many hold them, and one who does.
pub type Unknown = BTreeMap<String, (u64, String)>;

/// One more customer holds such a rank.
pub fn note_unknown(unknown: &mut Unknown, name: &str, id: &str) {
    unknown.entry(name.to_owned()).or_insert_with(|| (0, id.to_owned())).0 += 1;
}

/// The same with those of other customers: of those who hold a rank the first by id is named.
pub fn join_unknown(unknown: &mut Unknown, other: Unknown) {
    for (name, (count, id)) in other {
        let own = unknown.entry(name).or_insert_with(|| (0, id.clone()));
        own.0 += count;
        if id < own.1 {
            own.1 = id;
        }
    }
}

/// Refuses ranks that the ladder does not have.
pub fn refuse_unknown(unknown: &Unknown, who: &str, ladder: &Ladder) -> Result<(), Error> {
    let Some(first) = unknown.keys().next() else { return Ok(()) };
    let holders: Vec<String> = unknown
        .iter()
        .map(|(name, (count, one))| format!("{} in rank `{name}` (`{one}`, for one)", many(*count, "customer", "customers")))
        .collect();
    let known: Vec<&str> = ladder.ranks.iter().map(|rank| rank.name.as_str()).collect();
    Err(Error::Data(format!(
        "{who} {}, which the ladder does not have (it has {}); correct what is mistyped, and if a rank was renamed, write its old name: was = [\"{first}\"]",
        holders.join(", "),
        known.join(", "),
    )))
}

/// The ranks of a ladder from its lowest to its highest, then no rank.
pub fn rank_slots(ladder: &Ladder) -> impl Iterator<Item = Option<RankIndex>> {
    let count = RankIndex::try_from(ladder.ranks.len()).unwrap_or(RankIndex::MAX);
    (0..count).map(Some).chain(std::iter::once(None))
}
