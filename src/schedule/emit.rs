//! A cron line written for those who start programs: systemd timers and crontab.

use super::{Error, parse};
use crate::domain::Zone;
use croner::{Cron, CronPattern, Weekday};

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// The text of a `.service` and a `.timer` unit, each under a comment with its file name. `command` is the whole command line, its
/// program as an absolute path, and arguments with blanks quoted; `%` and `$` in it are kept as they are.
pub fn systemd(job_name: &str, line: &str, zone: Zone, command: &str) -> Result<String, Error> {
    let times: Vec<String> = calendar(line)?.iter().map(|time| format!("OnCalendar={time} {}", zone.0.name())).collect();
    if command.chars().any(char::is_control) || job_name.chars().any(char::is_control) {
        return Err(Error::BadCommand);
    }
    // A unit file expands `%x` everywhere and `$X` in commands; doubled, they stand for themselves.
    let job_name = job_name.replace('%', "%%");
    let command = command.replace('%', "%%").replace('$', "$$");
    Ok(format!(
        "# rankmail-{job_name}.service\n\
         [Unit]\nDescription=rankmail {job_name}\nWants=network-online.target\nAfter=network-online.target\n\n\
         [Service]\nType=oneshot\nExecStart={command}\n\n\
         # rankmail-{job_name}.timer\n\
         [Unit]\nDescription=rankmail {job_name}, when it is due\n\n\
         [Timer]\n{}\nPersistent=true\n\n\
         [Install]\nWantedBy=timers.target\n",
        times.join("\n")
    ))
}

/// A crontab entry: the zone, then the line with its command.
pub fn cron(line: &str, zone: Zone, command: &str) -> Result<String, Error> {
    let pattern = parse(line)?.pattern;
    if command.chars().any(char::is_control) {
        return Err(Error::BadCommand);
    }
    // Month and weekday names hold an L too (JUL), so the fields are looked at with names already replaced by numbers.
    let fields: Vec<&str> = pattern.as_str().split_whitespace().collect();
    let strange = |at: usize, marks: &[char]| fields.get(at).copied().filter(|field| field.contains(marks));
    if let Some(field) = strange(2, &['L', 'W', '?']).or_else(|| strange(4, &['L', '#', '+', '?'])) {
        return Err(Error::Inexpressible { target: "crontab", what: format!("the field `{field}`"), line: line.to_owned() });
    }
    // In a crontab a bare percent sign ends the command.
    let command = command.replace('%', "\\%");
    Ok(format!(
        "# CRON_TZ is understood by cronie; other crons take the line in the machine's own zone.\nCRON_TZ={}\n{} {command}\n",
        zone.0.name(),
        line.trim()
    ))
}

/// The `OnCalendar` values, without a zone, that together are due when the line is.
fn calendar(line: &str) -> Result<Vec<String>, Error> {
    let Cron { pattern } = parse(line)?;
    let beyond = |what: String| Error::Inexpressible { target: "a systemd timer", what, line: line.to_owned() };
    let fields: Vec<&str> = pattern.as_str().split_whitespace().collect();
    let [_, _, days, _, weekdays] = fields.as_slice() else { return Err(beyond("the fields".to_owned())) };
    let hours = spread(0..=23, |hour| pattern.hour_match(hour).unwrap_or(false));
    let minutes = spread(0..=59, |minute| pattern.minute_match(minute).unwrap_or(false));
    let months = spread(1..=12, |month| pattern.month_match(month).unwrap_or(false));
    let days = days_of_month(days).ok_or_else(|| beyond(format!("the day of month `{days}`")))?;
    let weekdays = days_of_week(weekdays).ok_or_else(|| beyond(format!("the day of week `{weekdays}`")))?;
    let at = |weekday: &str, day: &str| format!("{weekday}*-{months}{day} {hours}:{minutes}:00");

    if pattern.matches_dom_and_dow() && !pattern.is_dom_wildcard() && !pattern.is_dow_wildcard() {
        // Both must hold. systemd has one place for days, so a weekday that already uses it cannot be narrowed further.
        if weekdays.iter().any(|weekday| weekday.within.is_some()) {
            return Err(beyond("a numbered weekday together with a day of month".to_owned()));
        }
        return Ok(days.iter().flat_map(|day| weekdays.iter().map(|weekday| at(&weekday.names, day))).collect());
    }
    let mut times = Vec::new();
    if !pattern.is_dom_wildcard() || pattern.is_dow_wildcard() {
        times.extend(days.iter().map(|day| at("", day)));
    }
    if !pattern.is_dow_wildcard() {
        times.extend(weekdays.iter().map(|weekday| at(&weekday.names, weekday.within.as_deref().unwrap_or("-*"))));
    }
    Ok(times)
}

/// Weekdays, and where in the month they must lie.
struct WeekdayRule {
    /// With the blank behind it: `Mon,Fri `.
    names: String,
    /// The day part of a calendar value.
    within: Option<String>,
}

/// Day parts of a calendar value (`-01,15`, `~01`) for the day of month field; `None` when systemd has no word for it.
fn days_of_month(field: &str) -> Option<Vec<String>> {
    if field.contains('W') {
        return None;
    }
    let (last, rest): (Vec<&str>, Vec<&str>) = field.split(',').partition(|item| *item == "L");
    let mut parts = Vec::new();
    if !rest.is_empty() {
        let pattern = alone(&rest.join(","), "*")?;
        // January 2023 has 31 days and begins on a Sunday.
        parts.push(format!("-{}", spread(1..=31, |day| pattern.day_match(2023, 1, day, weekday_of(day - 1)).unwrap_or(false))));
    }
    if !last.is_empty() {
        parts.push("~01".to_owned());
    }
    Some(parts)
}

/// The rules of the day of week field; `None` when systemd has no word for it.
fn days_of_week(field: &str) -> Option<Vec<WeekdayRule>> {
    let mut rules = Vec::new();
    let mut plain = Vec::new();
    for item in field.trim_start_matches('+').split(',') {
        let (weekday, place) = match (item.split_once('#'), item.strip_suffix('L')) {
            (Some((weekday, place)), _) => (weekday, place),
            (None, Some(weekday)) => (weekday, "L"),
            (None, None) => {
                plain.push(item);
                continue;
            }
        };
        // The second Friday is the one from the 8th to the 14th; the last one is among the last seven days.
        let within = match place {
            "1" => "-01..07",
            "2" => "-08..14",
            "3" => "-15..21",
            "4" => "-22..28",
            "5" => "-29..31",
            "L" => "~07/1",
            _ => return None,
        };
        rules.push(WeekdayRule { names: weekday_names(weekday)?, within: Some(within.to_owned()) });
    }
    if !plain.is_empty() {
        rules.insert(0, WeekdayRule { names: weekday_names(&plain.join(","))?, within: None });
    }
    Some(rules)
}

/// The names of the weekdays of a plain field, with a blank behind; empty for every day.
fn weekday_names(field: &str) -> Option<String> {
    let pattern = alone("*", field)?;
    let held: Vec<&str> = (0_u32..7)
        .zip(WEEKDAYS)
        .filter(|(number, _)| pattern.is_dow_wildcard() || pattern.day_match(2023, 1, number + 1, weekday_of(*number)).unwrap_or(false))
        .map(|(_, name)| name)
        .collect();
    Some(if held.len() == 7 { String::new() } else { format!("{} ", held.join(",")) })
}

/// A pattern that asks for nothing but these days.
fn alone(days: &str, weekdays: &str) -> Option<CronPattern> {
    parse(&format!("0 0 {days} * {weekdays}")).ok().map(|cron| cron.pattern)
}

fn weekday_of(days_after_sunday: u32) -> Weekday {
    Weekday::from_days_from_sunday(days_after_sunday % 7)
}

/// The numbers that hold, in systemd's words: `*` for all, else single ones and ranges of three or more.
fn spread(numbers: std::ops::RangeInclusive<u32>, holds: impl Fn(u32) -> bool) -> String {
    let held: Vec<u32> = numbers.clone().filter(|number| holds(*number)).collect();
    if held.len() == numbers.count() {
        return "*".to_owned();
    }
    let runs = held.chunk_by(|one, next| one + 1 == *next);
    let words = runs.flat_map(|run| match run {
        [first, _, .., last] => vec![format!("{first:02}..{last:02}")],
        few => few.iter().map(|number| format!("{number:02}")).collect(),
    });
    words.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKYO: Zone = Zone(chrono_tz::Asia::Tokyo);

    #[test]
    fn fields_become_calendar_values() {
        for (line, expected) in [
            ("7 10 1 * *", vec!["*-*-01 10:07:00"]),
            ("*/15 * * * 1-5", vec!["Mon,Tue,Wed,Thu,Fri *-*-* *:00,15,30,45:00"]),
            ("0 9 1,15 * *", vec!["*-*-01,15 09:00:00"]),
            ("0 9-11,20 * JAN,JUL *", vec!["*-01,07-* 09..11,20:00:00"]),
            ("0 9 L * *", vec!["*-*~01 09:00:00"]),
            ("0 9 15,L * *", vec!["*-*-15 09:00:00", "*-*~01 09:00:00"]),
            ("0 9 * * 7", vec!["Sun *-*-* 09:00:00"]),
            ("0 9 * * FRI#2", vec!["Fri *-*-08..14 09:00:00"]),
            ("0 9 * * 1,5#L", vec!["Mon *-*-* 09:00:00", "Fri *-*~07/1 09:00:00"]),
            ("0 9 1 * MON", vec!["*-*-01 09:00:00", "Mon *-*-* 09:00:00"]),
            ("0 9 1-7 * +MON", vec!["Mon *-*-01..07 09:00:00"]),
            ("* * * * *", vec!["*-*-* *:*:00"]),
            ("@monthly", vec!["*-*-01 00:00:00"]),
        ] {
            assert_eq!(calendar(line).expect(line), expected, "{line}");
        }
    }

    #[test]
    fn what_a_target_cannot_express_is_said() {
        let error = systemd("monthly", "0 9 15W * *", TOKYO, "/usr/bin/rankmail").expect_err("no nearest weekday");
        assert!(error.to_string().contains("`15W`"), "{error}");
        assert!(matches!(calendar("0 9 1-7 * +MON#1"), Err(Error::Inexpressible { .. })));
        for line in ["0 9 L * *", "0 9 * * 5#2", "0 9 * * 5L", "0 9 1-7 * +MON", "0 9 15W * *"] {
            assert!(matches!(cron(line, TOKYO, "rankmail"), Err(Error::Inexpressible { .. })), "{line}");
        }
        assert!(cron("0 9 1 JUL *", TOKYO, "rankmail").is_ok());
    }

    #[test]
    fn units_and_crontab_lines_keep_percent_signs_and_the_zone() {
        let units = systemd("monthly", "7 10 1 * *", TOKYO, "/usr/bin/rankmail run '/jobs/5% $x.toml' --if-due").expect("units");
        assert!(units.contains("\nExecStart=/usr/bin/rankmail run '/jobs/5%% $$x.toml' --if-due\n"), "{units}");
        assert!(units.contains("\nOnCalendar=*-*-01 10:07:00 Asia/Tokyo\n"), "{units}");
        assert!(units.contains("\nPersistent=true\n") && units.contains("\nType=oneshot\n"), "{units}");
        let entry = cron("7 10 1 * *", TOKYO, "rankmail run 5%.toml --if-due").expect("an entry");
        assert!(entry.ends_with("\nCRON_TZ=Asia/Tokyo\n7 10 1 * * rankmail run 5\\%.toml --if-due\n"), "{entry}");
        assert_eq!(cron("7 10 1 * *", TOKYO, "rankmail\n* * * * * other"), Err(Error::BadCommand));
        assert_eq!(systemd("monthly", "7 10 1 * *", TOKYO, "a\nb"), Err(Error::BadCommand));
    }
}
