//! Opening the file: its permissions, its format version, and what makes `SQLite` keep a commit through a power cut.

use super::stops::Stops;
use super::{Error, Ledger, Result};
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, TransactionBehavior};
use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

/// The changes that lead to the format that this program writes, from an empty file on: the nth makes format n of the one before.
const STEPS: [&str; 9] = [SCHEMA, REGISTERED, CHANNELS, STOPPED, BY_CUSTOMER, BOUNCES, REWRITTEN, BY_PLACE, APPROVALS];
#[expect(clippy::cast_possible_wrap, reason = "there are a few")]
const VERSION: i64 = STEPS.len() as i64;

/// Other programs (an opt-out page, a second job) hold the file for milliseconds; longer than this is a fault.
const PATIENCE: Duration = Duration::from_secs(10);

/// Kibibytes of the file that are kept in memory, written as `SQLite` wants it: each claim looks its mail up by its id, and those are anywhere.
const CACHE: i64 = -16_384;
/// Pages in the log before they are moved into the file; those of a mail that is claimed and settled come twice, and are moved once.
const LOG: i64 = 4_000;

/// `place` is the mail's place in the plan, and a mail id is unique within its run.
const SCHEMA: &str = "
CREATE TABLE adoptions (
  job         TEXT NOT NULL,
  as_of       TEXT NOT NULL,
  closing     TEXT NOT NULL,
  digest      TEXT NOT NULL,
  destination TEXT NOT NULL,
  mails       INTEGER NOT NULL,
  adopted_at  INTEGER NOT NULL,
  finished_at INTEGER,
  PRIMARY KEY (job, as_of)
) STRICT, WITHOUT ROWID;
CREATE TABLE mails (
  job              TEXT NOT NULL,
  as_of            TEXT NOT NULL,
  mail_id          TEXT NOT NULL,
  place            INTEGER NOT NULL,
  customer_id      TEXT NOT NULL,
  campaign         TEXT NOT NULL,
  occasion         TEXT NOT NULL,
  address          TEXT NOT NULL,
  counts           INTEGER NOT NULL CHECK (counts IN (0, 1)),
  coupon_code      TEXT,
  state            TEXT NOT NULL DEFAULT 'planned' CHECK (state IN
    ('planned', 'handing', 'accepted', 'rejected', 'deferred', 'in_doubt', 'suppressed', 'held', 'cancelled')),
  attempts         INTEGER NOT NULL DEFAULT 0,
  first_claim_at   INTEGER,
  first_attempt_at INTEGER,
  settled_at       INTEGER,
  not_before       INTEGER,
  code             INTEGER,
  reply            TEXT,
  reason           TEXT,
  PRIMARY KEY (job, as_of, mail_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE suppressions (
  customer_id TEXT,
  address     TEXT,
  reason      TEXT NOT NULL CHECK (reason IN ('unsubscribed', 'bounced')),
  at          INTEGER NOT NULL,
  CHECK (customer_id IS NOT NULL OR address IS NOT NULL)
) STRICT;
CREATE INDEX suppressions_customer ON suppressions (customer_id);
CREATE INDEX suppressions_address ON suppressions (address);
";

/// Plans whose codes were written for the cart.
const REGISTERED: &str = "
CREATE TABLE registered (
  job    TEXT NOT NULL,
  as_of  TEXT NOT NULL,
  digest TEXT NOT NULL,
  codes  INTEGER NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (job, as_of, digest)
) STRICT, WITHOUT ROWID;
";

/// Rows of every channel; those of earlier versions were mails.
const CHANNELS: &str = "
ALTER TABLE mails ADD COLUMN channel TEXT NOT NULL DEFAULT 'mail' CHECK (channel IN ('mail', 'post', 'line', 'call'));
";

/// Campaigns that an operator stopped in a run.
const STOPPED: &str = "
CREATE TABLE stopped (
  job      TEXT NOT NULL,
  as_of    TEXT NOT NULL,
  campaign TEXT NOT NULL,
  at       INTEGER NOT NULL,
  PRIMARY KEY (job, as_of, campaign)
) STRICT, WITHOUT ROWID;
";

/// An opt-out asks where a customer was mailed.
const BY_CUSTOMER: &str = "CREATE INDEX mails_customer ON mails (customer_id);";

/// Reports of mails that came back, each once.
const BOUNCES: &str = "
CREATE TABLE bounces (
  report  TEXT NOT NULL PRIMARY KEY,
  kind    TEXT NOT NULL CHECK (kind IN ('hard', 'soft', 'blocked', 'complaint')),
  mail_id TEXT NOT NULL,
  address TEXT NOT NULL,
  sent_at INTEGER NOT NULL,
  at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX bounces_address ON bounces (address);
";

/// Plans that stand for adopted ones, because somebody was taken out.
const REWRITTEN: &str = "
CREATE TABLE rewritten (
  job    TEXT NOT NULL,
  as_of  TEXT NOT NULL,
  digest TEXT NOT NULL,
  reason TEXT NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (job, as_of, digest)
) STRICT, WITHOUT ROWID;
";

/// Rows of one run lie in the order of its plan, in which they are sent: mails that are claimed and settled together share a few pages. Ids
/// differ in their first letters, so they come first in the index.
const BY_PLACE: &str = "
CREATE TABLE mails_by_place (
  job              TEXT NOT NULL,
  as_of            TEXT NOT NULL,
  place            INTEGER NOT NULL,
  mail_id          TEXT NOT NULL,
  customer_id      TEXT NOT NULL,
  campaign         TEXT NOT NULL,
  occasion         TEXT NOT NULL,
  channel          TEXT NOT NULL DEFAULT 'mail' CHECK (channel IN ('mail', 'post', 'line', 'call')),
  address          TEXT NOT NULL,
  counts           INTEGER NOT NULL CHECK (counts IN (0, 1)),
  coupon_code      TEXT,
  state            TEXT NOT NULL DEFAULT 'planned' CHECK (state IN
    ('planned', 'handing', 'accepted', 'rejected', 'deferred', 'in_doubt', 'suppressed', 'held', 'cancelled')),
  attempts         INTEGER NOT NULL DEFAULT 0,
  first_claim_at   INTEGER,
  first_attempt_at INTEGER,
  settled_at       INTEGER,
  not_before       INTEGER,
  code             INTEGER,
  reply            TEXT,
  reason           TEXT,
  PRIMARY KEY (job, as_of, place)
) STRICT, WITHOUT ROWID;
INSERT INTO mails_by_place (job, as_of, place, mail_id, customer_id, campaign, occasion, channel, address, counts, coupon_code, state,
  attempts, first_claim_at, first_attempt_at, settled_at, not_before, code, reply, reason)
SELECT job, as_of, place, mail_id, customer_id, campaign, occasion, channel, address, counts, coupon_code, state,
  attempts, first_claim_at, first_attempt_at, settled_at, not_before, code, reply, reason
FROM mails ORDER BY job, as_of, place;
DROP TABLE mails;
ALTER TABLE mails_by_place RENAME TO mails;
CREATE UNIQUE INDEX mails_id ON mails (mail_id, job, as_of);
CREATE INDEX mails_customer ON mails (customer_id);
";

/// Who approved a plan; `person` is the name as names are compared.
const APPROVALS: &str = "
CREATE TABLE approvals (
  job    TEXT NOT NULL,
  as_of  TEXT NOT NULL,
  digest TEXT NOT NULL,
  person TEXT NOT NULL,
  name   TEXT NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (job, as_of, digest, person)
) STRICT, WITHOUT ROWID;
";

impl Ledger {
    /// Opens the ledger for writing. A missing file is made, readable by its owner only; an older format is brought up to date.
    ///
    /// # Errors
    /// The file cannot be opened or written, is no ledger, or has a newer format.
    pub fn open(path: &Path) -> Result<Self> {
        let open = |why: String| Error::Open { path: path.to_owned(), why };
        make_private(path).map_err(|error| open(error.to_string()))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(|error| open(error.to_string()))?;
        // SQLite falls back to reading when it may not write, and would only say so at the first claim.
        if connection.is_readonly(MAIN_DB).map_err(|error| open(error.to_string()))? {
            return Err(open("it is read-only".to_owned()));
        }
        let foreign = |error: &rusqlite::Error| match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Error::NotALedger { path: path.to_owned() },
            _ => open(error.to_string()),
        };
        connection.busy_timeout(PATIENCE).map_err(|error| open(error.to_string()))?;
        // A stranger's file is refused before anything in it is changed, its journal mode included.
        check_version(&connection, path)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(|error| foreign(&error))?;
        // Only FULL syncs the log at each commit; a claim must not be forgotten when the power goes.
        connection.pragma_update(None, "synchronous", "FULL").map_err(|error| foreign(&error))?;
        // The words of states come from a list of this program's own, and types stay strict. For each change SQLite would build a table of all
        // these words, only to find the new one in it.
        connection.pragma_update(None, "ignore_check_constraints", true).map_err(|error| foreign(&error))?;
        // Whom a ledger forgets is not in what it gave up either: not in rows that grew and moved, nor in a table that was made anew.
        connection.pragma_update(None, "secure_delete", "ON").map_err(|error| foreign(&error))?;
        connection.pragma_update(None, "cache_size", CACHE).map_err(|error| foreign(&error))?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG).map_err(|error| foreign(&error))?;
        migrate(&mut connection, path)?;
        Ok(Self { connection, stops: Stops::default() })
    }

    /// Opens a ledger to look at it; `None` where there is none yet. It never makes one.
    ///
    /// # Errors
    /// The file cannot be read, is no ledger, or has a newer format.
    pub fn open_existing(path: &Path) -> Result<Option<Self>> {
        let open = |why: String| Error::Open { path: path.to_owned(), why };
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => return Err(open(error.to_string())),
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| open(error.to_string()))?;
        connection.busy_timeout(PATIENCE).map_err(|error| open(error.to_string()))?;
        take_back(&connection, path).map_err(|error| open(error.to_string()))?;
        match check_version(&connection, path)? {
            // Somebody died between making the file and filling it: it holds nothing, as if it were not there.
            0 => Ok(None),
            _ => Ok(Some(Self { connection, stops: Stops::default() })),
        }
    }
}

/// Has `SQLite` take back a change in which somebody died while the ledger was made, before there was a log of changes: whoever only looks
/// may not, and could never look again.
fn take_back(looking: &Connection, path: &Path) -> rusqlite::Result<()> {
    let look = |connection: &Connection| connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    match look(looking) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {
            let writing = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
            writing.busy_timeout(PATIENCE)?;
            look(&writing)
        }
        // Whatever else is wrong is told by whoever looks next.
        _ => Ok(()),
    }
}

/// Makes the file before `SQLite` does, so that nobody else can ever read it. The log beside it gets the same permissions.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The format version of an open file; zero for an empty one.
fn check_version(connection: &Connection, path: &Path) -> Result<i64> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    // The tables first: another process makes them and their version in one commit, perhaps between these two looks.
    let looked = number("SELECT count(*) FROM sqlite_schema").and_then(|tables| Ok((tables, number("PRAGMA user_version")?)));
    match looked {
        Ok((1.., 0)) => Err(Error::NotALedger { path: path.to_owned() }),
        Ok((_, version)) if version > VERSION => Err(Error::Newer { path: path.to_owned(), found: version, known: VERSION }),
        Ok((_, version)) => Ok(version),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => Err(Error::NotALedger { path: path.to_owned() }),
        Err(error) => Err(Error::Open { path: path.to_owned(), why: error.to_string() }),
    }
}

/// Brings an older or empty file to the current format, one version after the other, each in a transaction of its own.
fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let open = |error: rusqlite::Error| Error::Open { path: path.to_owned(), why: error.to_string() };
    loop {
        // The version is read again inside the transaction: another process may have been quicker.
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(open)?;
        let version = check_version(&step, path)?;
        if version == VERSION {
            return Ok(());
        }
        let change = usize::try_from(version).ok().and_then(|version| STEPS.get(version));
        let change = change.ok_or_else(|| Error::NotALedger { path: path.to_owned() })?;
        step.execute_batch(change).map_err(open)?;
        step.pragma_update(None, "user_version", version + 1).map_err(open)?;
        step.commit().map_err(open)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_while_the_ledger_was_made_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let living = Connection::open(path("living")).unwrap();
        let begun = "PRAGMA cache_size = 1; BEGIN; CREATE TABLE t (x); \
                     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT zeroblob(900) FROM n;";
        living.execute_batch(begun).unwrap();
        // As a crash leaves it: pages of a change that was never committed, and the journal that takes them back.
        for ending in ["", "-journal"] {
            std::fs::copy(path(&format!("living{ending}")), path(&format!("dead{ending}"))).unwrap();
        }
        assert!(Ledger::open_existing(&path("dead")).unwrap().is_none());
        assert!(Ledger::open(&path("dead")).is_ok() && Ledger::open_existing(&path("dead")).unwrap().is_some());
    }

    #[test]
    fn a_new_ledger_is_private_and_can_be_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        assert!(Ledger::open_existing(&path).unwrap().is_none());
        assert!(!path.exists(), "looking must not make a file");
        drop(Ledger::open(&path).unwrap());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let ledger = Ledger::open(&path).unwrap();
        let mode: String = ledger.connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        let synchronous: i64 = ledger.connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
        assert_eq!((mode.as_str(), synchronous), ("wal", 2));
        assert!(Ledger::open_existing(&path).unwrap().is_some());
    }

    #[test]
    fn a_newer_format_is_refused_with_both_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        Ledger::open(&path).unwrap().connection.pragma_update(None, "user_version", 99).unwrap();
        let newer = Error::Newer { path: path.clone(), found: 99, known: VERSION };
        assert_eq!(Ledger::open(&path).unwrap_err(), newer);
        assert_eq!(Ledger::open_existing(&path).unwrap_err(), newer);
        assert!(newer.to_string().contains("format 99"));
    }

    #[test]
    fn every_older_format_is_brought_up_to_date_and_can_be_looked_at_before() {
        let tables = |ledger: &Ledger| ledger.all("SELECT sql FROM sqlite_schema ORDER BY name", [], |row| row.get(0)).unwrap();
        let fresh = tempfile::tempdir().unwrap();
        let fresh: Vec<Option<String>> = tables(&Ledger::open(&fresh.path().join("ledger.sqlite")).unwrap());
        let as_of = chrono::NaiveDate::from_ymd_opt(2026, 12, 1).unwrap();
        for version in 1..STEPS.len() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("ledger.sqlite");
            let old = Connection::open(&path).unwrap();
            old.execute_batch(&format!(
                "{} PRAGMA user_version = {version}; INSERT INTO suppressions (customer_id, reason, at) VALUES ('c1', 'unsubscribed', 5);
                 INSERT INTO adoptions VALUES ('monthly', '2026-12-01', '2026-12-01', 'd', 'outbox', 1, 5, NULL);
                 INSERT INTO mails (job, as_of, mail_id, place, customer_id, campaign, occasion, address, counts, state)
                 VALUES ('monthly', '2026-12-01', 'm0', 0, 'c2', 'news', '2026-12', 'a@b.example', 1, 'in_doubt');",
                STEPS[..version].concat()
            ))
            .unwrap();
            drop(old);
            let looked = Ledger::open_existing(&path).unwrap().unwrap();
            assert!(!looked.codes_registered("monthly", as_of, "").unwrap());
            assert!(looked.approvals("monthly", as_of, "d").unwrap().is_empty());
            assert!(looked.stopped("monthly", as_of).unwrap().is_empty());
            assert_eq!(looked.in_doubt("monthly", as_of).unwrap().len(), 1);
            drop(looked);
            let ledger = Ledger::open(&path).unwrap();
            assert_eq!(ledger.connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)).unwrap(), VERSION);
            assert_eq!(tables(&ledger), fresh, "from format {version}");
            let past = ledger.history("monthly", as_of.succ_opt().unwrap(), i64::MAX).unwrap();
            assert!(past.suppressed("c1", "").is_some() && past.mails("c2").len() == 1, "from format {version}");
        }
    }

    #[test]
    fn rows_that_are_laid_anew_stay_what_they_were_and_leave_no_copies() {
        let columns = "job, as_of, mail_id, place, customer_id, campaign, occasion, address, counts, coupon_code, state, attempts, \
                       first_claim_at, first_attempt_at, settled_at, not_before, code, reply, reason, channel";
        let row = |row: &rusqlite::Row<'_>| (0..20).map(|at| row.get(at)).collect::<rusqlite::Result<Vec<rusqlite::types::Value>>>();
        let rows = |connection: &Connection| -> Vec<Vec<rusqlite::types::Value>> {
            let mut statement = connection.prepare(&format!("SELECT {columns} FROM mails ORDER BY job, as_of, mail_id")).unwrap();
            statement.query_map([], row).unwrap().collect::<rusqlite::Result<_>>().unwrap()
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(&format!("{} PRAGMA user_version = 7;", STEPS[..7].concat())).unwrap();
        for number in 0..600 {
            // Places go against the ids, in each of three runs; every column has a value of its own.
            let (run, at) = (number % 3, number / 3);
            old.execute_batch(&format!(
                "INSERT INTO mails ({columns}) VALUES ('job{run}', '2026-12-0{}', 'm{at:03}', {}, 'c{number}', 'news{number}', 'o{number}',
                 'a{number:03}@b.example', {}, 'code{number}', 'deferred', {number}, 1{number}, 2{number}, 3{number}, 4{number}, 5{number}, 'r{number}',
                 'why{number}', 'post');",
                1 + run,
                199 - at,
                number % 2,
            ))
            .unwrap();
        }
        let before = rows(&old);
        drop(old);
        let ledger = Ledger::open(&path).unwrap();
        assert_eq!((before.len(), rows(&ledger.connection) == before), (600, true));
        ledger.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(memchr::memmem::find_iter(&bytes, "@b.example").count(), 600, "addresses are in the file once each");
    }

    #[test]
    fn a_ledger_is_known_as_one_while_it_is_made() {
        for _ in 0..100 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("ledger.sqlite");
            std::thread::scope(|scope| {
                let looking = scope.spawn(|| while Ledger::open_existing(&path).unwrap().is_none() {});
                drop(Ledger::open(&path).unwrap());
                looking.join().unwrap();
            });
        }
    }

    #[test]
    fn other_files_are_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text");
        let content = "not a database, but long enough to be taken for one".repeat(40);
        std::fs::write(&text, &content).unwrap();
        assert_eq!(Ledger::open(&text).unwrap_err(), Error::NotALedger { path: text.clone() });
        assert_eq!(std::fs::read_to_string(&text).unwrap(), content);

        let other = folder.path().join("other.sqlite");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
        assert_eq!(Ledger::open(&other).unwrap_err(), Error::NotALedger { path: other.clone() });
        assert_eq!(Ledger::open_existing(&other).unwrap_err(), Error::NotALedger { path: other });
    }

    #[test]
    fn an_empty_file_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        std::fs::write(&path, "").unwrap();
        assert!(Ledger::open_existing(&path).unwrap().is_none());
        Ledger::open(&path).unwrap();
        assert!(Ledger::open_existing(&path).unwrap().is_some());
    }
}
