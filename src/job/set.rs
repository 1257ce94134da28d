//! `--set PATH=VALUE`: a key of the job file set anew, by its dotted path.

use super::words;
use toml::{Table, Value};

/// Keys by which a job is found, with all that it has done.
const NO_RULES: [&str; 2] = ["name", "runs"];

/// The text of a job with some of its keys set anew. A path names tables and keys; an entry of a list, such as a rank or a campaign, goes
/// by its name: `rank.AA.at_least.spend`. A value that is not TOML is a text: `ranks.window=calendar year`.
///
/// Whether the keys exist and the values fit is for the checks of the whole job to say.
///
/// # Errors
/// What cannot be followed, in words.
pub fn with_settings(text: &str, settings: &[String]) -> Result<String, String> {
    let mut job = Value::Table(text.parse::<Table>().map_err(|error| error.to_string())?);
    for setting in settings {
        if let Some(key) = NO_RULES.into_iter().find(|key| setting.split('=').next().is_some_and(|path| path.trim() == *key)) {
            return Err(format!(
                "--set {}: `{key}` is no rule, it says whose runs of the past count; set ranks, campaigns or what is around them",
                words::quote(setting)
            ));
        }
        let Some((path, value)) = setting.split_once('=').filter(|(path, _)| !path.trim().is_empty()) else {
            return Err(format!(
                "--set {} sets nothing; write --set PATH=VALUE, such as rank.AA.at_least.spend=30000",
                words::quote(setting)
            ));
        };
        put(&mut job, path.trim(), read(value.trim())).map_err(|why| format!("--set {}: {why}", words::quote(setting)))?;
    }
    toml::to_string(&job).map_err(|error| error.to_string())
}

/// A value as it would be written in the file; what is not, is a text.
fn read(written: &str) -> Value {
    let line: Option<Table> = format!("value = {written}").parse().ok();
    line.filter(|table| table.len() == 1).and_then(|mut table| table.remove("value")).unwrap_or_else(|| Value::String(written.to_owned()))
}

fn put(place: &mut Value, path: &str, value: Value) -> Result<(), String> {
    match place {
        Value::Table(table) => match path.split_once('.') {
            None => {
                table.insert(path.to_owned(), value);
                Ok(())
            }
            Some((key, rest)) => put(table.entry(key).or_insert_with(|| Value::Table(Table::new())), rest, value),
        },
        Value::Array(entries) => {
            let (at, rest) = named(entries, path)?;
            match (entries.get_mut(at), rest) {
                (Some(entry), Some(rest)) => put(entry, rest, value),
                _ => Err(format!("say which key of `{}`", words::plain(path))),
            }
        }
        _ => Err(format!("`{}` is a key of no table; the value before it is a single one", words::plain(path))),
    }
}

fn name(entry: &Value) -> Option<&str> {
    entry.get("name").and_then(Value::as_str)
}

/// The entry that a path begins with, and the rest of the path. Names may have points in them, so the longest that fits is meant.
fn named<'p>(entries: &[Value], path: &'p str) -> Result<(usize, Option<&'p str>), String> {
    let rest = |name: &str| -> Option<Option<&'p str>> {
        let rest = path.strip_prefix(name)?;
        if rest.is_empty() { Some(None) } else { rest.strip_prefix('.').map(Some) }
    };
    let fitting = entries.iter().enumerate().filter_map(|(at, entry)| {
        let name = name(entry)?;
        rest(name).map(|rest| (name.len(), at, rest))
    });
    fitting.max_by_key(|(length, ..)| *length).map(|(_, at, rest)| (at, rest)).ok_or_else(|| {
        let asked = path.split('.').next().unwrap_or(path);
        let names: Vec<&str> = entries.iter().filter_map(name).collect();
        format!("there is none named `{}`: {}", words::plain(asked), words::choice(asked, names.into_iter()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "name = 'm'\n[ranks]\nwindow = '12 months'\n[[rank]]\nname = 'AA'\nat_least = { spend = 1 }\n\
                       [[rank]]\nname = 'AA+'\nat_least = { spend = 2 }\n[[rank]]\nname = 'A.1'\n";

    fn set(settings: &[&str]) -> Result<Table, String> {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        with_settings(JOB, &settings).map(|text| text.parse().unwrap())
    }

    #[test]
    fn keys_are_set_by_path_and_list_entries_by_name() {
        let job = set(&[
            "rank.AA+.at_least.spend=30_000",
            "ranks.window=calendar year",
            "rank.A.1.at_least.orders=3",
            "contact.holdout={ share = '5%' }",
        ]);
        let job = job.unwrap();
        assert_eq!(job["rank"][1]["at_least"]["spend"].as_integer(), Some(30_000));
        assert_eq!(job["rank"][0]["at_least"]["spend"].as_integer(), Some(1));
        assert_eq!(job["rank"][2]["at_least"]["orders"].as_integer(), Some(3));
        assert_eq!(job["ranks"]["window"].as_str(), Some("calendar year"));
        assert_eq!(job["contact"]["holdout"]["share"].as_str(), Some("5%"));
    }

    #[test]
    fn what_cannot_be_followed_is_told() {
        let error = |setting| set(&[setting]).unwrap_err();
        assert!(error("rank.AAA.at_least.spend=1").contains("there is none named `AAA`: did you mean \"AA"), "{}", error("rank.AAA.x=1"));
        assert!(error("rank.AA=1").contains("say which key of `AA`"));
        assert!(error("name.first=1").contains("`first` is a key of no table"));
        assert!(error("name=weekly").contains("`name` is no rule") && error(" runs = x").contains("`runs` is no rule"));
        assert!(error("window").contains("write --set PATH=VALUE"));
    }
}
