//! From what was written to what is checked: every part is looked at, whatever is wrong with the others.

mod campaign;
mod channel;
mod codes;
mod dkim;
mod kinds;
mod ladder;
mod limits;
mod mail;
mod never;
mod offer;
mod others;
mod points;
mod purchases;
mod recommend;
mod rewards;
mod rising;
mod sources;
mod variants;
mod when;
mod worth;

use super::file::JobFile;
use super::report::{At, Report};
use super::words;
use super::written::{Key, Many, Span};
use crate::domain::approval::MOST_PEOPLE;
use crate::domain::currency;
use crate::domain::finding::Rule;
use crate::domain::job::{CustomersSource, KeySource, Language, OnRenderError};
use crate::domain::points::CashbackAs;
use crate::domain::{Currency, Job, Ladder, Zone};
use chrono::TimeZone;
use croner::parser::{CronParser, Seconds, Year};
use std::path::Path;

/// The job file that is being checked.
pub struct Source<'a> {
    pub path: &'a Path,
    /// The folder that relative paths start from.
    pub folder: &'a Path,
    pub text: &'a str,
    /// Where a missing key of the top level is shown.
    pub top: Span,
}

/// What the ranks of another job are, for `[ranks] of`. The error says why they cannot be had.
pub type Borrow<'a> = &'a dyn Fn(&str) -> Result<(Ladder, Currency), String>;

/// What campaigns are checked against. Where a part of the job is wrong, its checks are left out.
pub struct Around<'a> {
    /// The ranks' names, the lowest first.
    pub names: Option<Vec<String>>,
    pub ladder: Option<&'a Ladder>,
    pub currency: Currency,
    /// What the job surely does not have.
    pub lacks: Vec<Lack>,
    /// What cashback counts in, where there is any.
    pub cashback: Option<CashbackAs>,
}

/// Something that a condition may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    Customers,
    Birthdays,
    /// A column that tells since when a customer is known.
    Since,
    Categories,
    /// A column that tells which product was bought.
    Products,
    /// Categories, be it of purchases or of the product list.
    AnyCategories,
    PostalAddress,
    LineId,
    Phone,
    /// Accounts of points, kept by rankmail or told by the list.
    Points,
    /// `[points]`, which tells what an order earns.
    PointsRate,
    /// A day on which points expire.
    Expiry,
    Cashback,
    /// A column that tells what a product costs.
    Prices,
}

/// Checks the whole file. `None` when there are problems, which are in the report.
pub fn job(file: &JobFile, source: &Source<'_>, borrow: Borrow<'_>, report: &mut Report) -> Option<Job> {
    let top = source.top;
    let name = name(&file.name, top, report);
    let zone = zone(&file.time_zone, top, report);
    let schedule = schedule(&file.schedule, report);
    let money = money(&file.currency, top, report);
    let language = report.word(&file.language, "language", &[("ja", Language::Ja), ("en", Language::En)]);
    let folder = |key: &Key<String>, name: &str, usual: &str, report: &mut Report| {
        let written = report.line(key, name).map_or(usual, |path| path.value);
        source.folder.join(written)
    };
    let runs = folder(&file.runs, "runs", "runs", report);
    let templates = folder(&file.templates, "templates", "templates", report);
    let failing = [("stop", OnRenderError::Stop), ("skip", OnRenderError::Skip)];
    let on_render_error = report.word(&file.on_render_error, "on_render_error", &failing).unwrap_or(OnRenderError::Stop);
    let inline_css = report.get(&file.inline_css, "inline_css").is_some_and(|at| *at.value);
    let shop = sources::shop(&file.shop, top, report);
    let purchases = purchases::purchases(&file.purchases, top, source.folder, report);
    let customers = sources::customers(&file.customers, source.folder, report);
    let products = sources::products(&file.products, source.folder, report);
    let wallets = recommend::wallets(&file.wallets, report);
    // Amounts are still looked at when the currency is wrong, with more digits than nearly any currency has.
    let around_currency = money.clone().unwrap_or(Currency { code: String::new(), digits: 4 });
    let (names, ladder) = ladder::check(file, top, &around_currency, name, borrow, report);
    let mut around = Around { names, ladder: ladder.as_ref(), currency: around_currency, lacks: lacks(file), cashback: None };
    let points = points::points(&file.points, &around, report);
    let cashback = points::cashback(file, &around, report);
    around.cashback = cashback.as_ref().map(|rule| rule.paid_as);
    let contact = campaign::contact(&file.contact, name.unwrap_or_default(), &around, report);
    let campaigns = campaign::all(&file.campaign, &around, report);
    let stop_files = stop_files(file, report);
    let soft_bounces = mail::bounces(&file.bounces, report);
    let has_stops = !matches!(file.stop, Key::Absent);
    let mail = mail::settings(&file.mail, top, source.folder, has_stops, report);
    let from = mail.as_ref().map(|mail| mail.from.as_str());
    let smtp = mail::smtp(file.mail.value().map(|mail| &mail.smtp), from, source.folder, report);
    let brakes = mail::brakes(&file.brakes, &around.currency, report);
    let budget = limits::budget(&file.budget, &around.currency, report);
    let coupons = report.get(&file.coupons, "coupons");
    let register_codes = coupons.and_then(|at| report.get(&at.value.register, "register")).is_some_and(|at| *at.value);
    let approvals = approvals(file, report);
    let (keys, previous_keys) = keys(file, source.folder, report);
    let keep_runs = keep_runs(file, points.is_some() && customers.as_ref().is_some_and(|list| keeps_no_points(list.as_ref())), report);
    let allow = report.get(&file.check, "check").map_or_else(Vec::new, |at| allow(&at.value.allow, report));
    if report.found.is_empty() {
        limits::run_has_costs(file, &campaigns, &around, report);
    }
    if !report.found.is_empty() {
        return None;
    }
    let mut job = Job {
        name: name?.to_owned(),
        path: source.path.to_owned(),
        text: source.text.to_owned(),
        zone: zone?,
        schedule,
        currency: money?,
        language: language.unwrap_or(Language::En),
        runs,
        memory: u64::MAX,
        keep_runs,
        templates,
        shop: shop?,
        purchases: purchases?,
        customers: customers?,
        products: products?,
        wallets,
        ladder: ladder?,
        points,
        cashback,
        contact,
        budget,
        campaigns,
        mail: mail?,
        smtp,
        brakes,
        register_codes,
        approvals,
        stop_files,
        soft_bounces,
        keys,
        previous_keys,
        on_render_error,
        inline_css,
        allow,
        warnings: Vec::new(),
    };
    job.warnings = super::warnings::standing(&job);
    Some(job)
}

/// Whether the customer list leaves the points to rankmail.
fn keeps_no_points(list: Option<&CustomersSource>) -> bool {
    list.is_none_or(|list| list.points.is_none())
}

/// For how many months runs keep personal data.
fn keep_runs(file: &JobFile, counts_points: bool, report: &mut Report) -> Option<u32> {
    let At { span, value } = report.line(&file.keep_runs, "keep_runs")?;
    let Some((months @ 1..=1_200, "month")) = words::counted(value) else {
        let help = "write a number of months: \"37 months\"";
        report.add(span, format!("`keep_runs` cannot be {}", words::quote(value)), "not a number of months", help);
        return None;
    };
    if counts_points {
        report.add(
            span,
            "`keep_runs` would take points away",
            "points are counted from everybody's ranks at all earlier runs",
            "take it out, or let the cart keep the points (points_balance in [customers.columns])",
        );
    }
    Some(months)
}

/// Rules of the linter by name.
fn allow(key: &Key<Many<String>>, report: &mut Report) -> Vec<Rule> {
    let mut rules = Vec::new();
    for At { span, value } in report.lines(key, "allow").unwrap_or_default() {
        let rule = Rule::from_word(value);
        if rule.is_none() {
            let help = words::choice(value, Rule::ALL.iter().map(|rule| rule.word()));
            report.add(span, format!("`check` has no finding named {}", words::quote(value)), "not a name that is known here", help);
        }
        rules.extend(rule);
    }
    rules
}

/// What the job does not have. A part that is there and wrong is not missing.
fn lacks(file: &JobFile) -> Vec<Lack> {
    let customers = file.customers.value().and_then(|list| list.columns.value());
    let purchases = file.purchases.value().and_then(|source| source.columns.value());
    let products = file.products.value().and_then(|source| source.columns.value());
    let absent = |key: &Key<String>| matches!(key, Key::Absent);
    let no_list = matches!(file.customers, Key::Absent);
    let no_points = matches!(file.points, Key::Absent);
    let not_told = no_list || customers.is_some_and(|columns| absent(&columns.points_balance));
    let no_expiry = match customers {
        Some(columns) if !not_told => absent(&columns.points_expire_on),
        _ => not_told && (no_points || file.points.value().is_some_and(|points| absent(&points.expire))),
    };
    let lacks = [
        (Lack::Customers, no_list),
        (Lack::Birthdays, no_list || customers.is_some_and(|columns| absent(&columns.birthday))),
        (Lack::Since, no_list || customers.is_some_and(|columns| absent(&columns.since))),
        (Lack::PostalAddress, no_list || customers.is_some_and(|columns| columns.postal_address.span().is_none())),
        (Lack::LineId, no_list || customers.is_some_and(|columns| absent(&columns.line_id))),
        (Lack::Phone, no_list || customers.is_some_and(|columns| absent(&columns.phone))),
        (Lack::Categories, purchases.is_some_and(|columns| absent(&columns.category))),
        (Lack::Points, no_points && not_told),
        (Lack::PointsRate, no_points),
        (Lack::Expiry, no_expiry),
        (Lack::Cashback, matches!(file.cashback, Key::Absent)),
        (Lack::Prices, matches!(file.products, Key::Absent) || products.is_some_and(|columns| absent(&columns.price))),
    ];
    lacks.into_iter().chain(recommend::lacks(file)).filter(|(_, lacking)| *lacking).map(|(lack, _)| lack).collect()
}

/// The name of the job or of a campaign.
fn name<'k>(key: &'k Key<String>, table: Span, report: &mut Report) -> Option<&'k str> {
    let At { span, value } = report.needed(key, table, "name", "write name = \"…\" with small letters, digits, _ and -")?;
    if words::is_name(value) {
        return Some(value);
    }
    let help = "use at most 64 of a-z, 0-9, _ and -; it names folders and files";
    report.add(span, format!("`name` cannot be {}", words::quote(value)), "not a plain name", help);
    None
}

fn zone(key: &Key<String>, top: Span, report: &mut Report) -> Option<Zone> {
    let At { span, value } = report.needed(key, top, "time_zone", "write time_zone = \"Asia/Tokyo\", or the shop's own zone")?;
    if let Ok(zone) = value.parse() {
        return Some(Zone(zone));
    }
    let near = words::nearest(value, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
    let help = near.map_or_else(|| "write a name such as \"Asia/Tokyo\"".to_owned(), |zone| format!("did you mean \"{zone}\"?"));
    report.add(span, format!("there is no time zone {}", words::quote(value)), "not in the IANA time zone database", help);
    None
}

fn schedule(key: &Key<String>, report: &mut Report) -> Option<String> {
    let At { span, value } = report.line(key, "schedule")?;
    let help = "write five fields: minute, hour, day of the month, month, weekday; \"7 10 1 * *\" is 10:07 on the 1st";
    let cron = match CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build().parse(value) {
        Ok(cron) => cron,
        Err(error) => {
            let words = error.to_string();
            let words = words.split_once(": ").map_or(words.as_str(), |(_, words)| words).trim_end_matches('.');
            report.add(span, "`schedule` is not a cron line", words, help);
            return None;
        }
    };
    // Any day would do to begin the search; 2027 has the next three leap days within what croner searches.
    let start = chrono::Utc.with_ymd_and_hms(2027, 1, 1, 0, 0, 0).single()?;
    if cron.find_next_occurrence(&start, true).is_err() {
        report.add(span, "`schedule` never comes due", "there is no such day", help);
        return None;
    }
    Some(value.to_owned())
}

fn money(key: &Key<String>, top: Span, report: &mut Report) -> Option<Currency> {
    let At { span, value } = report.needed(key, top, "currency", "write currency = \"JPY\", or the shop's own")?;
    let found = currency::find(value);
    if found.is_none() {
        let near = currency::meant(value);
        let help = near.map_or_else(|| "write a code such as \"JPY\"".to_owned(), |code| format!("did you mean \"{code}\"?"));
        report.add(span, format!("there is no currency {}", words::quote(value)), "not a code of ISO 4217", help);
    }
    found
}

/// How many different people must approve a plan.
fn approvals(file: &JobFile, report: &mut Report) -> usize {
    let Some(At { span, value: approval }) = report.get(&file.approval, "approval") else { return 0 };
    if matches!(approval.required, Key::Absent) {
        report.missing(span, "required", "write required = true, or false while nobody has to approve");
    }
    let is_required = report.get(&approval.required, "required").is_some_and(|at| *at.value);
    let by = report.whole(&approval.by, "by", 1, MOST_PEOPLE).and_then(|by| usize::try_from(by).ok());
    if is_required { by.unwrap_or(1) } else { 0 }
}

/// `[stop] files`, as they are written.
fn stop_files(file: &JobFile, report: &mut Report) -> Vec<String> {
    let Some(At { span, value: stop }) = report.get(&file.stop, "stop") else { return Vec::new() };
    if matches!(stop.files, Key::Absent) {
        report.missing(span, "files", "write files = [\"stop/*.csv\"], the lists of those who must not be reached");
    }
    let files = report.lines(&stop.files, "files").unwrap_or_default();
    files.into_iter().map(|file| file.value.to_owned()).collect()
}

/// Where the key is, and those before it.
fn keys(file: &JobFile, folder: &Path, report: &mut Report) -> (KeySource, Vec<KeySource>) {
    let beside = KeySource::Beside(folder.join("rankmail.key"));
    let Some(At { span, value: keys }) = report.get(&file.keys, "keys") else { return (beside, Vec::new()) };
    let previous = report.lines(&keys.previous, "previous").unwrap_or_default();
    let from_file = report.line(&keys.file, "file");
    let from_env = report.line(&keys.env, "env");
    let now = match (from_file, from_env) {
        (Some(_), Some(_)) => {
            report.add(span, "[keys] has both `file` and `env`", "only one of them can hold the key", "take one of them out");
            beside
        }
        (Some(file), None) => KeySource::File(folder.join(file.value)),
        (None, Some(variable)) => environment(variable, "env", report),
        (None, None) => beside,
    };
    let before = previous.into_iter().map(|previous| match now {
        KeySource::Env(_) => environment(previous, "previous", report),
        KeySource::Beside(_) | KeySource::File(_) => KeySource::File(folder.join(previous.value)),
    });
    let before = before.collect();
    (now, before)
}

/// A variable that holds a key.
fn environment(variable: At<&str>, key: &str, report: &mut Report) -> KeySource {
    let plain = variable.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !plain || variable.value.starts_with(|first: char| first.is_ascii_digit()) {
        let help = "write the variable's name, such as \"RANKMAIL_KEY\", not the key itself";
        report.add(variable.span, format!("`{key}` is not the name of an environment variable"), "letters, digits and _ only", help);
    }
    KeySource::Env(variable.value.to_owned())
}
