//! What rendering the mails of a plan costs at least: subject, preheader and HTML of each with Tera alone, on all cores, and beside it
//! rankmail's way from the same values to a mail that is proven (with its text part, the law's displays and its hash).
//!
//! `cargo bench --bench bare_loop -- FOLDER [TIMES]`, FOLDER being that of a plan, such as `runs/monthly/2026-12-01`. `rankmail plan`
//! minus `rankmail features` is compared with the first line. Without a folder there is nothing to do.

use chrono::{Datelike, NaiveDate};
use rankmail::domain::plan::MailRow;
use rankmail::domain::{Currency, Value, job::Language};
use rankmail::{message, runs};
use rayon::prelude::*;
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tera::{Context, Kwargs, State, Tera, TeraResult};

/// A mail whose values are parsed.
struct Mail {
    row: MailRow,
    values: Value,
    subject: String,
    preheader: Option<String>,
    html: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let Some(folder) = arguments.next().map(PathBuf::from).filter(|folder| folder.is_dir()) else { return Ok(()) };
    let times = arguments.next().map_or(Ok(3), |times| times.parse::<u32>())?;
    let opened = runs::open(&folder)?;
    let root = opened.templates_dir();
    let files = templates(&root)?;
    let job: toml::Table = opened.job_text.parse()?;
    let shop: Vec<(String, String)> = job
        .get("shop")
        .and_then(toml::Value::as_table)
        .map_or_else(Vec::new, |shop| shop.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect());
    let mails: Vec<Mail> = opened.mails_from(0)?.map(|row| mail(row?, &files)).collect::<Result<_, runs::Error>>()?;
    let bare = bare(&files)?;
    let own = own(&root, &mails, &shop)?;
    for _ in 0..times {
        time("bare loop", &mails, |mail| render(&bare, mail, &shop).map_err(|error| error.to_string()));
        time("rankmail", &mails, |mail| prove(&own, mail, &shop));
    }
    Ok(())
}

/// Does the same with all mails, and prints what it took.
fn time(what: &str, mails: &[Mail], work: impl Fn(&Mail) -> Result<usize, String> + Sync) {
    let (start, before) = (Instant::now(), processor_time());
    let bytes: Result<usize, String> = mails.par_iter().map(&work).sum();
    let (wall, busy) = (start.elapsed().as_secs_f64(), processor_time() - before);
    let number = f64::from(u32::try_from(mails.len()).unwrap_or(u32::MAX));
    let told = match bytes {
        Ok(bytes) => {
            let each = busy * 1e6 / number;
            format!("{what}: {number} mails, {bytes} bytes, {wall:.2} s, {busy:.2} s of processor time, {each:.1} µs a mail\n")
        }
        Err(error) => format!("{what}: {error}\n"),
    };
    // Who closes the pipe wants to read no more.
    let _ = std::io::stdout().write_all(told.as_bytes());
}

/// Seconds of processor time of this process, to a hundredth.
fn processor_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    behind.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Name and text of each template.
fn templates(root: &Path) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let (mut folders, mut found) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.strip_prefix(root)?.to_string_lossy().into_owned(), std::fs::read_to_string(&path)?));
            }
        }
    }
    Ok(found)
}

/// A mail with the names of its files: those of its variant and rank, where there are some.
fn mail(row: MailRow, files: &[(String, String)]) -> Result<Mail, runs::Error> {
    let named = |name: &str, kind: &str| {
        let ranked = row.rank.as_ref().map(|rank| format!("{name}.{rank}.{kind}"));
        let usual = format!("{name}.{kind}");
        let folders = row.variant.as_ref().map(|variant| format!("{}/{variant}", row.campaign)).into_iter().chain([row.campaign.clone()]);
        let mut names = folders.flat_map(|folder| ranked.iter().chain([&usual]).map(|file| format!("{folder}/{file}")).collect::<Vec<_>>());
        names.find(|name| files.iter().any(|(file, _)| file == name))
    };
    let (subject, preheader, html) = (named("subject", "txt"), named("preheader", "txt"), named("body", "html"));
    let values = runs::values_read(&row.values)?;
    Ok(Mail { values, subject: subject.unwrap_or_default(), preheader, html: html.unwrap_or_default(), row })
}

/// Tera with these files, and filters that stand in for ours.
fn bare(files: &[(String, String)]) -> Result<Tera, Box<dyn Error>> {
    let mut tera = Tera::default();
    tera.register_filter("money", |value: &tera::Value, _: Kwargs, _: &State| -> TeraResult<String> {
        Ok(format!("{}円", value.as_i64().unwrap_or_default()))
    });
    tera.register_filter("honorific", |value: &tera::Value, _: Kwargs, _: &State| -> TeraResult<String> {
        Ok(format!("{}様", value.as_str().unwrap_or("お客")))
    });
    tera.register_filter("date", |value: &tera::Value, options: Kwargs, _: &State| -> TeraResult<String> {
        let day: NaiveDate = value.as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
        let year = options.get::<bool>("year")?.unwrap_or(false);
        Ok(if year {
            format!("{}年{}月{}日", day.year(), day.month(), day.day())
        } else {
            format!("{}月{}日", day.month(), day.day())
        })
    });
    tera.add_raw_templates(files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>())?;
    Ok(tera)
}

fn render(tera: &Tera, mail: &Mail, shop: &[(String, String)]) -> Result<usize, tera::Error> {
    let mut context = Context::new();
    if let Value::Record(fields) = &mail.values {
        for (name, value) in fields.iter().filter(|(_, value)| *value != Value::Null) {
            context.insert_value(name.clone(), to_tera(value));
        }
    }
    let shop: tera::Map = shop.iter().map(|(name, value)| (name.clone().into(), tera::Value::from(value.as_str()))).collect();
    context.insert_value("shop", tera::Value::from(shop));
    let subject = tera.render(&mail.subject, &context)?;
    context.insert_value("subject", tera::Value::from(subject.trim()));
    let preheader = mail.preheader.as_ref().map(|name| tera.render(name, &context)).transpose()?;
    if let Some(preheader) = &preheader {
        context.insert_value("preheader", tera::Value::from(preheader.trim()));
    }
    let html = tera.render(&mail.html, &context)?;
    Ok(subject.len() + preheader.map_or(0, |preheader| preheader.len()) + html.len())
}

fn to_tera(value: &Value) -> tera::Value {
    match value {
        Value::Null => tera::Value::undefined(),
        Value::Bool(truth) => tera::Value::from(*truth),
        Value::Int(number) => tera::Value::from(*number),
        Value::Float(number) => tera::Value::from(*number),
        Value::Text(text) => tera::Value::from(text.as_str()),
        Value::Date(day) => tera::Value::from(day.to_string()),
        Value::List(items) => tera::Value::from(items.iter().map(to_tera).collect::<Vec<_>>()),
        Value::Record(fields) => {
            let there = fields.iter().filter(|(_, field)| *field != Value::Null);
            tera::Value::from(there.map(|(name, field)| (name.clone().into(), to_tera(field))).collect::<tera::Map>())
        }
    }
}

/// rankmail's own templates, for the campaigns and ranks of these mails.
fn own(root: &Path, mails: &[Mail], shop: &[(String, String)]) -> Result<message::Templates, Box<dyn Error>> {
    let all = |name: fn(&Mail) -> Option<&String>| {
        let mut names: Vec<String> = mails.iter().filter_map(name).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let campaigns = all(|mail| Some(&mail.row.campaign));
    let variants = all(|mail| mail.row.variant.as_ref());
    let names = message::Names {
        customer: None,
        shop: shop.iter().map(|(key, _)| key.clone()).collect(),
        without_mail: Vec::new(),
        elsewhere: Vec::new(),
        variants: campaigns.iter().map(|campaign| (campaign.clone(), variants.clone())).collect(),
        currency: Currency { code: "JPY".into(), digits: 0 },
        language: Language::Ja,
    };
    Ok(message::Templates::load(root, &campaigns, &all(|mail| mail.row.rank.as_ref()), &names)?)
}

fn prove(templates: &message::Templates, mail: &Mail, shop: &[(String, String)]) -> Result<usize, String> {
    let row = &mail.row;
    let content = templates.render(&row.campaign, row.variant.as_deref(), row.rank.as_deref(), &mail.values, shop);
    let content = content.map_err(|error| error.to_string())?;
    let link = match mail.values.get("links").and_then(|links| links.get("unsubscribe")) {
        Some(Value::Text(link)) => link,
        _ => "",
    };
    message::legal(&content, shop, link)?;
    if message::hash(&row.address, &content) != row.content_hash {
        return Err(format!("{} is not what was planned", row.mail_id));
    }
    Ok(content.subject.len() + content.html.len() + content.text.len())
}
