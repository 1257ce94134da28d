//! The filters that write money, dates and names the way a shop writes them.

use super::{bounded, limits};
use crate::domain::Currency;
use crate::domain::channel::addressed;
use crate::domain::job::Language;
use crate::domain::money::grouped;
use chrono::{Datelike, NaiveDate};
use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

/// Every filter that a template can use: Tera's own and ours.
pub(super) const NAMES: [&str; 40] = [
    "abs",
    "capitalize",
    "date",
    "default",
    "escape",
    "escape_html",
    "escape_xml",
    "first",
    "float",
    "get",
    "group_by",
    "honorific",
    "indent",
    "int",
    "join",
    "keys",
    "last",
    "length",
    "lower",
    "money",
    "newlines_to_br",
    "nth",
    "pairs",
    "pluralize",
    "replace",
    "reverse",
    "round",
    "sort",
    "split",
    "str",
    "title",
    "trim",
    "trim_end",
    "trim_start",
    "truncate",
    "unique",
    "upper",
    "values",
    "wordcount",
    "yen",
];

/// Adds our filters.
pub(super) fn register(tera: &mut Tera, currency: &Currency, language: Language) {
    let currency = currency.clone();
    let code = currency.code.clone();
    bounded::register(tera);
    tera.register_filter("money", move |value: &Value, _: Kwargs, _: &State| -> TeraResult<String> {
        let minor = whole(value, "money")?;
        Ok(match (language, currency.code.as_str()) {
            (Language::En, "JPY") => format!("{}¥{}", if minor < 0 { "-" } else { "" }, grouped(minor.unsigned_abs())),
            _ => currency.show(minor),
        })
    });
    tera.register_filter("yen", move |value: &Value, _: Kwargs, _: &State| -> TeraResult<String> {
        if code != "JPY" {
            return Err(Error::message(format!("this shop counts in {code}; write `| money`")));
        }
        let yen = whole(value, "yen")?;
        Ok(format!("{}{}円", if yen < 0 { "-" } else { "" }, grouped(yen.unsigned_abs())))
    });
    tera.register_filter("date", move |value: &Value, options: Kwargs, _: &State| date(value, &options, language));
    tera.register_filter("honorific", move |value: &Value, _: Kwargs, _: &State| -> TeraResult<String> {
        match value.as_str() {
            Some(name) => Ok(honorific(name, language)),
            None if value.is_undefined() || value.is_none() => Ok(honorific("", language)),
            None => Err(Error::message(format!("`honorific` is for a name, found {}", value.name()))),
        }
    });
    // Tera's own two write a missing value as nothing.
    tera.register_filter("str", |value: &Value, _: Kwargs, _: &State| -> TeraResult<String> {
        if value.is_undefined() {
            return Err(missing("str"));
        }
        limits::weigh(value, limits::LARGEST).map_err(Error::message)?;
        Ok(value.to_string())
    });
    tera.register_filter("safe", |_: &Value, _: Kwargs, _: &State| -> TeraResult<String> {
        Err(Error::message("the filter `safe` is not for mails"))
    });
}

fn missing(filter: &str) -> Error {
    Error::message(format!("there is no value here that `{filter}` could write"))
}

/// An amount in minor units.
fn whole(value: &Value, filter: &str) -> TeraResult<i64> {
    if value.is_undefined() {
        return Err(missing(filter));
    }
    value.as_i64().ok_or_else(|| Error::message(format!("`{filter}` is for a whole number, found {}", value.name())))
}

/// `12月25日(金)`; with `year=true` `2026年12月25日(金)`; with `weekday=false` without the weekday; `language="en"` or `"ja"`.
fn date(value: &Value, options: &Kwargs, language: Language) -> TeraResult<String> {
    if value.is_undefined() {
        return Err(missing("date"));
    }
    // A time of day is written as RFC 3339 text; its date part is local already.
    let day = value.as_str().and_then(|text| text.get(..10)).and_then(|text| text.parse::<NaiveDate>().ok());
    let day = day.ok_or_else(|| Error::message(format!("`date` is for a date such as 2026-12-25, found {value}")))?;
    let year = options.get::<bool>("year")?.unwrap_or(false);
    let weekday = options.get::<bool>("weekday")?.unwrap_or(true);
    let language = match options.get::<&str>("language")? {
        None => language,
        Some("ja") => Language::Ja,
        Some("en") => Language::En,
        Some(other) => return Err(Error::message(format!("`date` knows the languages \"ja\" and \"en\", not \"{other}\""))),
    };
    Ok(match language {
        Language::Ja => {
            let names = ["月", "火", "水", "木", "金", "土", "日"];
            let name = names.get(day.weekday().num_days_from_monday() as usize).filter(|_| weekday);
            let year = if year { format!("{}年", day.year()) } else { String::new() };
            let weekday = name.map(|name| format!("({name})")).unwrap_or_default();
            format!("{year}{}月{}日{weekday}", day.month(), day.day())
        }
        Language::En => {
            let pattern = match (weekday, year) {
                (true, true) => "%A, %B %-d, %Y",
                (true, false) => "%A, %B %-d",
                (false, true) => "%B %-d, %Y",
                (false, false) => "%B %-d",
            };
            day.format(pattern).to_string()
        }
    })
}

/// The name as a mail greets it: 様 once, ご担当者様 for a company, お客様 for nobody. In English the name alone.
fn honorific(name: &str, language: Language) -> String {
    match addressed(name, language) {
        (name, title @ "ご担当者様") => format!("{name} {title}"),
        (name, title) => format!("{name}{title}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(template: &str, value: impl Into<Value>, currency: &str, language: Language) -> Result<String, String> {
        let mut tera = Tera::default();
        let digits = if currency == "JPY" { 0 } else { 2 };
        register(&mut tera, &Currency { code: currency.into(), digits }, language);
        let mut context = tera::Context::new();
        context.insert_value("v", value.into());
        tera.render_str(template, &context, false).map_err(|error| error.to_string())
    }

    #[test]
    fn money_is_written_in_its_currency() {
        assert_eq!(write("{{ v | yen }}", 12_000, "JPY", Language::Ja).unwrap(), "12,000円");
        assert_eq!(write("{{ v | money }}", -1_500, "JPY", Language::Ja).unwrap(), "-1,500円");
        assert_eq!(write("{{ v | money }}", 1_500, "JPY", Language::En).unwrap(), "¥1,500");
        assert_eq!(write("{{ v | money }}", 123_405, "USD", Language::En).unwrap(), "USD 1,234.05");
        assert!(write("{{ v | yen }}", 1, "USD", Language::Ja).unwrap_err().contains("write `| money`"));
        assert!(write("{{ v | yen }}", "many", "JPY", Language::Ja).unwrap_err().contains("whole number"));
        assert!(write("{{ v | yen }}", Value::undefined(), "JPY", Language::Ja).unwrap_err().contains("no value"));
    }

    #[test]
    fn dates_are_written_for_people() {
        assert_eq!(write("{{ v | date }}", "2026-12-25", "JPY", Language::Ja).unwrap(), "12月25日(金)");
        assert_eq!(write("{{ v | date(year=true) }}", "2026-12-05", "JPY", Language::Ja).unwrap(), "2026年12月5日(土)");
        assert_eq!(write("{{ v | date(weekday=false) }}", "2026-01-01T23:30:00+09:00", "JPY", Language::Ja).unwrap(), "1月1日");
        assert_eq!(
            write("{{ v | date(language='en', year=true) }}", "2026-12-25", "JPY", Language::Ja).unwrap(),
            "Friday, December 25, 2026"
        );
        assert!(write("{{ v | date }}", "soon", "JPY", Language::Ja).unwrap_err().contains("found soon"));
        assert!(write("{{ v | date(language='fr') }}", "2026-12-25", "JPY", Language::Ja).is_err());
    }

    #[test]
    fn names_are_greeted_once() {
        for (name, greeting) in [
            ("山田 花子", "山田 花子様"),
            ("山田様", "山田様"),
            ("株式会社つばき", "株式会社つばき ご担当者様"),
            ("茶の湯研究会 御中", "茶の湯研究会 御中"),
            ("医療法人みどり会", "医療法人みどり会 ご担当者様"),
            ("  ", "お客様"),
        ] {
            assert_eq!(honorific(name, Language::Ja), greeting);
        }
        assert_eq!(write("{{ v | honorific }}", Value::undefined(), "JPY", Language::Ja).unwrap(), "お客様");
        assert_eq!(honorific("Ann Lee", Language::En), "Ann Lee");
    }

    #[test]
    fn a_missing_value_is_never_a_hole() {
        for filter in NAMES.iter().filter(|name| !["default", "honorific"].contains(name)) {
            let result = write(&format!("[{{{{ v | {filter} }}}}]"), Value::undefined(), "JPY", Language::Ja);
            assert!(result.is_err(), "{filter} wrote {result:?}");
        }
    }
}
