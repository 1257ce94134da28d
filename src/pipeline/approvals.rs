//! Whether enough people have approved a plan, and what an operator types next.

use super::error::Error;
use super::{adopt, inputs};
use crate::domain::job::Language;
use crate::domain::{Approval, Job};
use crate::{job as job_room, ledger, runs};
use chrono::NaiveDate;

/// Who has approved a plan, and how many must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvals {
    pub as_of: NaiveDate,
    pub digest: String,
    /// How many different people must approve; 0 where nobody has to.
    pub wanted: usize,
    /// The first one first.
    pub given: Vec<Approval>,
    /// What somebody types to approve this very plan, with NAME for the name.
    pub approve: String,
    /// What the operator types to send this very plan.
    pub send: String,
}

impl Approvals {
    /// How many more people must approve.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.wanted.saturating_sub(self.given.len())
    }

    /// The plan's digest as people compare it.
    #[must_use]
    pub fn short_digest(&self) -> &str {
        short(&self.digest)
    }

    /// Their names, in the order in which they approved.
    #[must_use]
    pub fn names(&self) -> String {
        self.given.iter().map(|approval| approval.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The same with a command that goes past these brakes, on which `send` would stop: whoever types it has been shown them.
    pub(super) fn accepting(mut self, brakes: &[(String, String)]) -> Self {
        for (name, _) in brakes {
            self.send += " --accept ";
            self.send += name;
        }
        self
    }

    /// Why the plan is not sent.
    pub(super) fn refusal(&self, language: Language) -> String {
        let Self { as_of, wanted, approve, .. } = self;
        let (digest, given, missing) = (self.short_digest(), self.given.len(), self.missing());
        let by = if given == 0 { String::new() } else { language.pick(format!("（{}）", self.names()), format!(" ({})", self.names())) };
        language.pick(
            format!("{as_of} の計画（識別値 {digest}）は承認が足りないため送りません。必要 {wanted} 人、承認済み {given} 人{by}、あと {missing} 人。計画を確かめて承認してください: {approve}"),
            format!("the plan of {as_of} (digest {digest}) is not sent before it is approved: {wanted} must approve it, {given} have{by}, {missing} more to go; look at it, then: {approve}"),
        )
    }
}

/// The approvals of a plan that lies in the job's runs.
pub fn approvals(job: &Job, opened: &runs::Opened) -> Result<Approvals, Error> {
    let planned = inputs::planned_job(job, opened)?;
    of_plan(job, opened.summary.as_of, &opened.summary.digest, planned.approvals)
}

/// The same of the plan of a date, or of the newest one, while it is not adopted, at the instant `now` (microseconds UTC). Its tables are
/// read only where the job asks whether the cart knows its codes.
pub fn waiting(job: &Job, as_of: Option<NaiveDate>, now: i64) -> Result<Option<Approvals>, Error> {
    let newest = || Ok::<_, Error>(runs::plans(&job.runs, &job.name)?.into_iter().max());
    let Some(as_of) = as_of.map_or_else(newest, |as_of| Ok(Some(as_of)))? else { return Ok(None) };
    let folder = runs::folder(&job.runs, &job.name, as_of);
    let adopted = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?.map(|ledger| ledger.latest_adoption(&job.name));
    let is_over = adopted.transpose()?.flatten().is_some_and(|last| last.as_of >= as_of);
    if is_over {
        return Ok(None);
    }
    // What is wrong with a plan that cannot be read is for those to tell who would approve or send it.
    let Ok(glance) = runs::glance(&folder) else { return Ok(None) };
    let Ok(text) = glance.job_text() else { return Ok(None) };
    let planned = inputs::planned_by(job, &text)?;
    let approvals = of_plan(job, as_of, &glance.summary.digest, planned.approvals)?;
    let opened = if job.register_codes { runs::open(&folder).ok() } else { None };
    let own_codes = opened.map_or(Ok(0), |opened| adopt::Codes::count(&planned, &opened))?;
    let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
    let leaving = adopt::Leaving { job, planned: &planned, summary: &glance.summary, own_codes, is_adopted: false, now };
    let approvals = approvals.accepting(&adopt::tripped(&leaving, ledger.as_ref())?);
    Ok(Some(approvals).filter(|approvals| approvals.wanted > 0 || !approvals.given.is_empty()))
}

/// The approvals of the plan with this digest, of which so many are wanted.
pub fn of_plan(job: &Job, as_of: NaiveDate, digest: &str, wanted: usize) -> Result<Approvals, Error> {
    let ledger = ledger::Ledger::open_existing(&job.runs.join("ledger.sqlite"))?;
    let given = ledger.map_or_else(|| Ok(Vec::new()), |ledger| ledger.approvals(&job.name, as_of, digest))?;
    let (path, runs) = typed(job);
    let plan = format!("--as-of {as_of} --digest {}{runs}", short(digest));
    let approve = format!("rankmail approve {path} --as NAME {plan}");
    let send = format!("rankmail send {path} {plan}");
    Ok(Approvals { as_of, digest: digest.to_owned(), wanted, given, approve, send })
}

/// Refuses a plan that too few people have approved.
pub fn demand(job: &Job, as_of: NaiveDate, digest: &str, wanted: usize) -> Result<(), Error> {
    if wanted == 0 {
        return Ok(());
    }
    let approvals = of_plan(job, as_of, digest, wanted)?;
    if approvals.missing() == 0 {
        return Ok(());
    }
    Err(Error::Unapproved { approvals: Box::new(approvals), language: job.language })
}

/// What somebody types to make the plan of a date.
pub fn plan_again(job: &Job, as_of: NaiveDate) -> String {
    let (path, runs) = typed(job);
    format!("rankmail plan {path} --as-of {as_of}{runs}")
}

/// The job's file and `--runs` as they must be typed.
fn typed(job: &Job) -> (String, String) {
    (word(&job.path.display().to_string()), typed_runs(job))
}

fn short(digest: &str) -> &str {
    digest.get(..8).unwrap_or(digest)
}

/// `--runs` as it must be typed, with a blank before it; nothing where the job file says the same.
fn typed_runs(job: &Job) -> String {
    match job_room::load_text(&job.path, &job.text) {
        Ok(written) if written.runs == job.runs => String::new(),
        _ => format!(" --runs {}", word(&job.runs.display().to_string())),
    }
}

/// A text as one word of a shell's line.
fn word(text: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "_-./+=:,@%".contains(letter);
    let text = if text.starts_with('-') { format!("./{text}") } else { text.to_owned() };
    if !text.is_empty() && text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_for_the_shell() {
        for (path, typed) in [
            ("jobs/monthly.toml", "jobs/monthly.toml"),
            ("店/毎月.toml", "店/毎月.toml"),
            ("my jobs/a.toml", "'my jobs/a.toml'"),
            ("it's.toml", r"'it'\''s.toml'"),
            ("-x.toml", "./-x.toml"),
            ("$(id).toml", "'$(id).toml'"),
            ("", "''"),
        ] {
            assert_eq!(word(path), typed);
        }
    }

    #[test]
    fn a_refusal_says_who_approved_and_what_to_type() {
        let approvals = Approvals {
            as_of: NaiveDate::from_ymd_opt(2026, 12, 1).unwrap(),
            digest: "0123456789abcdef".into(),
            wanted: 3,
            given: vec![Approval { name: "Hana".into(), at: 5 }],
            approve: "rankmail approve a.toml --as NAME".into(),
            send: String::new(),
        };
        for (language, words) in [(Language::En, ["(Hana)", "2 more"]), (Language::Ja, ["（Hana）", "あと 2 人"])] {
            let told = approvals.refusal(language);
            assert!(words.iter().all(|word| told.contains(word)) && told.ends_with(&approvals.approve), "{told}");
            assert!(told.contains("01234567") && !told.contains("012345678"), "{told}");
        }
    }
}
