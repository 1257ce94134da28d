//! The words of the terminal, in the job's language.

use crate::domain::job::{Language, RuleKind};
use crate::domain::{DateOrder, RankChange, State};
use crate::pipeline::Remedy;

/// Chooses between a Japanese and an English word.
#[must_use]
pub fn pick<'a>(language: Language, ja: &'a str, en: &'a str) -> &'a str {
    language.pick(ja, en)
}

/// What happened to a rank, for people.
#[must_use]
pub fn change(language: Language, change: RankChange) -> &'static str {
    let (ja, en) = match change {
        RankChange::None => ("ランクなし", "no rank"),
        RankChange::New => ("新規", "new"),
        RankChange::Up => ("昇格", "up"),
        RankChange::Kept => ("維持", "kept"),
        RankChange::Missed => ("猶予", "missed, forgiven"),
        RankChange::Down => ("降格", "down"),
    };
    pick(language, ja, en)
}

/// Why a rule of the job leaves a line out.
#[must_use]
pub fn left_out(language: Language, rule: RuleKind, column: &str, value: Option<&str>) -> String {
    let value = value.unwrap_or("null");
    match rule {
        RuleKind::Exclude => format!("{} {column} = {value}", pick(language, "除外", "excluded:")),
        RuleKind::Include => format!("{} {column} = {value}", pick(language, "対象外", "not included:")),
    }
}

/// A ledger state, for people.
#[must_use]
pub fn state(language: Language, state: State) -> &'static str {
    let (ja, en) = match state {
        State::Planned => ("未送信", "planned"),
        State::Handing => ("送信中", "handing"),
        State::Accepted => ("送信済み", "accepted"),
        State::Rejected => ("拒否", "rejected"),
        State::Deferred => ("再送待ち", "deferred"),
        State::InDoubt => ("不明", "in doubt"),
        State::Suppressed => ("停止", "suppressed"),
        State::Held => ("保留", "held"),
        State::Cancelled => ("取消", "cancelled"),
    };
    pick(language, ja, en)
}

/// What can be done about a column that stays text.
#[must_use]
pub fn remedy(column: &str, remedy: Remedy) -> String {
    let say = |kind: &str| {
        let typed = format!("{column}={kind}");
        if typed.contains(char::is_whitespace) { format!("--type \"{typed}\"") } else { format!("--type {typed}") }
    };
    match remedy {
        Remedy::Number => format!("{} leaves the rows of such values out", say("number")),
        Remedy::Plus => format!("the plus may be a telephone number's, else {} reads them", say("number")),
        Remedy::Dates(order) => {
            let kind = match order {
                DateOrder::YearFirst => "date",
                DateOrder::DayFirst => "dmy",
                DateOrder::MonthFirst => "mdy",
            };
            format!("{} leaves the rows of such values out", say(kind))
        }
        Remedy::Order => format!("say whether the month or the day comes first, {} or {}", say("mdy"), say("dmy")),
        Remedy::Rewrite => "write its numbers or dates as rankmail reads them (docs/job-file.md lists how)".to_owned(),
    }
}
