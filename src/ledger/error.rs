//! What can go wrong with the ledger, in words for the operator.

use chrono::NaiveDate;
use std::path::PathBuf;

/// Every caller that waits for one commit hears of its failure, so an error can be cloned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("cannot open the ledger `{}`: {why}; check that the folder exists and is yours to write", path.display())]
    Open { path: PathBuf, why: String },
    #[error("`{}` is not a ledger of rankmail; move it away, or point `runs` to another folder", path.display())]
    NotALedger { path: PathBuf },
    #[error("the ledger `{}` has format {found}, this program knows up to {known}; use the newer rankmail that wrote it", path.display())]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("cannot read the ledger: {why}")]
    Read { why: String },
    #[error("cannot write the ledger: {why}; nothing was claimed. Make room or make it writable, then send again")]
    Write { why: String },
    #[error("the ledger could not be written before, so nothing more is claimed: {why}")]
    Stopped { why: String },
    #[error("the ledger holds `{found}` as {what}; it was changed by hand or is damaged, restore it from a backup")]
    Damaged { what: &'static str, found: String },
    #[error("the plan of `{job}` for {as_of} was adopted with digest {adopted}, this one has {given}; send the adopted plan")]
    OtherDigest { job: String, as_of: NaiveDate, adopted: String, given: String },
    #[error(
        "mails of `{job}` for {as_of} already went to {adopted}, so they cannot go on to {given}; send to {adopted}{}",
        if adopted.starts_with("outbox") { ", or use --accept trial if that was only a trial" } else { "" }
    )]
    OtherDestination { job: String, as_of: NaiveDate, adopted: String, given: String },
    #[error("`{job}` for {as_of} went to {destination}, which is no trial: those mails have left and stay as they are")]
    NotATrial { job: String, as_of: NaiveDate, destination: String },
    #[error("`{job}` was already adopted for {last}, after {as_of}; plan a later date")]
    Behind { job: String, as_of: NaiveDate, last: NaiveDate },
    #[error("the plan of `{job}` for {as_of} tells of {told} mails and holds {found}; plan again")]
    Count { job: String, as_of: NaiveDate, told: u64, found: u64 },
    #[error("the code {code} of the plan of `{job}` for {as_of} went out with `{by}` of {on} after this plan was made; plan again")]
    IssuedAgain { job: String, as_of: NaiveDate, code: String, by: String, on: String },
    #[error("the stop lists cannot be read: {why}; nothing is sent while it is not known to whom not")]
    StopList { why: String },
    #[error("cannot write the export: {why}")]
    Export { why: String },
    #[error("`{job}` for {as_of} was never adopted")]
    NotAdopted { job: String, as_of: NaiveDate },
}

impl Error {
    pub(super) fn read(error: &rusqlite::Error) -> Self {
        Self::Read { why: error.to_string() }
    }

    pub(super) fn write(error: &rusqlite::Error) -> Self {
        Self::Write { why: error.to_string() }
    }
}
