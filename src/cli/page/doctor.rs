//! What `rankmail doctor` found, a line for each check.

use super::{FAINT, colour, heading};
use crate::domain::Job;
use crate::domain::health::{Check, Health};
use crate::domain::job::Language;
use anstyle::AnsiColor;
use chrono::NaiveDate;

pub fn examined(job: &Job, as_of: NaiveDate, checks: &[Check]) -> String {
    let language = job.language;
    let mut out = heading(&format!("{} · {as_of}", job.name));
    for check in checks {
        let (mark, shade) = match check.health {
            Health::Good => ("✓", AnsiColor::Green),
            Health::Hint => ("▲", AnsiColor::Yellow),
            Health::Bad => ("✗", AnsiColor::Red),
        };
        let shade = colour(shade);
        out +=
            &format!("  {shade}{mark} {}{shade:#}  {}: {}\n", word(check.health, language), check.topic.title(language), check.seen.trim());
        if !check.advice.is_empty() {
            out += &format!("      {FAINT}→ {}{FAINT:#}\n", check.advice);
        }
    }
    let count = |health| checks.iter().filter(|check| check.health == health).count();
    let (good, hints, bad) = (count(Health::Good), count(Health::Hint), count(Health::Bad));
    out + &language.pick(format!("\n良 {good}、注意 {hints}、要対応 {bad}\n"), format!("\n{good} good, {hints} hints, {bad} bad\n"))
}

fn word(health: Health, language: Language) -> &'static str {
    match health {
        Health::Good => language.pick("良　　", "good"),
        Health::Hint => language.pick("注意　", "hint"),
        Health::Bad => language.pick("要対応", "bad "),
    }
}
