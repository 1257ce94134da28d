//! The words of the terminal, in the job's language.

use crate::domain::DateOrder;
use crate::domain::job::{Language, RuleKind};
use crate::pipeline::Remedy;

/// Chooses between a Japanese and an English word.
#[must_use]
pub fn pick<'a>(language: Language, ja: &'a str, en: &'a str) -> &'a str {
    language.pick(ja, en)
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
