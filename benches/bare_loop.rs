//! What the work costs at least, with the libraries alone.
//!
//! `cargo bench --bench bare_loop -- FOLDER [TIMES [tera]]`, FOLDER being that of a plan, such as `runs/monthly/2026-12-01`: subject,
//! preheader and HTML of each mail with Tera alone, on all cores, and beside it (but for `tera`) rankmail's way from the same values to a
//! mail that is proven (with its text part, the law's displays and its hash). `rankmail plan` minus `rankmail features` is compared with
//! the first line.
//!
//! `cargo bench --bench bare_loop -- decode FILE THREADS`: what a fold needs of the generator's file, decoded by the Parquet library alone,
//! a row group a task. How much faster two threads are than one is compared with how much faster `rankmail features` is.
//!
//! With no argument there is nothing to do.

mod mails;

use chrono::{Datelike, NaiveDate};
use mails::{Mail, mail, own, prove, shop};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use rankmail::domain::Value;
use rankmail::message::Law;
use rankmail::runs;
use rayon::prelude::*;
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use tera::{Context, Kwargs, State, Tera, TeraResult};

/// So many mails are in memory at a time: a plan's values take kilobytes each.
const AT_ONCE: usize = 50_000;
/// What a fold reads.
const COLUMNS: [&str; 4] = ["customer_id", "order_id", "purchased_at", "amount"];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["decode", file, threads] => decode(Path::new(file), threads.parse()?),
        [folder] => render_all(Path::new(folder), 3, false),
        [folder, times] => render_all(Path::new(folder), times.parse()?, false),
        [folder, times, "tera"] => render_all(Path::new(folder), times.parse()?, true),
        _ => Ok(()),
    }
}

/// Decodes the columns of a fold and prints what it took.
fn decode(path: &Path, threads: usize) -> Result<(), Box<dyn Error>> {
    let (start, before) = (Instant::now(), processor_time());
    let footer = ArrowReaderMetadata::load(&File::open(path)?, ArrowReaderOptions::default())?;
    let wanted = ProjectionMask::columns(footer.metadata().file_metadata().schema_descr(), COLUMNS);
    let group = |at| -> Result<usize, Box<dyn Error + Send + Sync>> {
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(File::open(path)?, footer.clone());
        let batches = reader.with_projection(wanted.clone()).with_row_groups(vec![at]).with_batch_size(8_192).build()?;
        batches.map(|batch| Ok(batch?.num_rows())).sum()
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let groups = footer.metadata().num_row_groups();
    let rows = pool.install(|| (0..groups).into_par_iter().with_max_len(1).map(group).sum::<Result<usize, _>>());
    let rows = rows.map_err(|error| error.to_string())?;
    let (wall, busy) = (start.elapsed().as_secs_f64(), processor_time() - before);
    tell(&format!("bare decode: {rows} rows, {threads} threads, {wall:.2} s, {busy:.2} s of processor time"));
    Ok(())
}

/// Renders the mails of a plan so many times, and prints what it took.
fn render_all(folder: &Path, times: u32, tera_alone: bool) -> Result<(), Box<dyn Error>> {
    let opened = runs::open(folder)?;
    let root = opened.templates_dir();
    let files = templates(&root)?;
    let shop = shop(&opened.job_text)?;
    let bare = bare(&files)?;
    let law = Law::of(&shop);
    for _ in 0..times {
        let (mut with_tera, mut proven) = (Spent::default(), Spent::default());
        let mut rows = opened.mails_from(0)?;
        loop {
            let some = rows.by_ref().take(AT_ONCE).map(|row| Ok(Named::of(mail(row?)?, &files)));
            let some = some.collect::<Result<Vec<Named>, runs::Error>>()?;
            if some.is_empty() {
                break;
            }
            with_tera.time(&some, |named| render(&bare, named, &shop).map_err(|error| error.to_string()))?;
            if !tera_alone {
                let own = own(&root, &some.iter().map(|named| &named.mail), &shop)?;
                proven.time(&some, |named| prove(&own, &named.mail, &shop, &law))?;
            }
        }
        tell(&with_tera.told("bare loop"));
        if !tera_alone {
            tell(&proven.told("rankmail"));
        }
    }
    Ok(())
}

/// What mails have taken so far.
#[derive(Default)]
struct Spent {
    mails: usize,
    bytes: usize,
    wall: Duration,
    busy: f64,
}

impl Spent {
    /// Does the same with each of these mails.
    fn time(&mut self, mails: &[Named], work: impl Fn(&Named) -> Result<usize, String> + Sync) -> Result<(), String> {
        let (start, before) = (Instant::now(), processor_time());
        self.bytes += mails.par_iter().map(&work).sum::<Result<usize, String>>()?;
        self.wall += start.elapsed();
        self.busy += processor_time() - before;
        self.mails += mails.len();
        Ok(())
    }

    fn told(&self, what: &str) -> String {
        let Self { mails, bytes, wall, busy } = self;
        let each = busy * 1e6 / f64::from(u32::try_from(*mails).unwrap_or(u32::MAX));
        format!("{what}: {mails} mails, {bytes} bytes, {:.2} s, {busy:.2} s of processor time, {each:.1} µs a mail", wall.as_secs_f64())
    }
}

fn tell(line: &str) {
    // Who closes the pipe wants to read no more.
    let _ = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}

/// A mail with the names of its files: those of its variant and rank, where there are some.
struct Named {
    mail: Mail,
    subject: String,
    preheader: Option<String>,
    html: String,
}

impl Named {
    fn of(mail: Mail, files: &[(String, String)]) -> Self {
        let row = &mail.row;
        let named = |name: &str, kind: &str| {
            let ranked = row.rank.as_ref().map(|rank| format!("{name}.{rank}.{kind}"));
            let usual = format!("{name}.{kind}");
            let variant = row.variant.as_ref().map(|variant| format!("{}/{variant}", row.campaign));
            let folders = variant.into_iter().chain([row.campaign.clone()]);
            let mut names =
                folders.flat_map(|folder| ranked.iter().chain([&usual]).map(|file| format!("{folder}/{file}")).collect::<Vec<_>>());
            names.find(|name| files.iter().any(|(file, _)| file == name))
        };
        let (subject, preheader, html) = (named("subject", "txt"), named("preheader", "txt"), named("body", "html"));
        Self { subject: subject.unwrap_or_default(), preheader, html: html.unwrap_or_default(), mail }
    }
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

/// Seconds of processor time of this process, to a hundredth.
fn processor_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    behind.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
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

fn render(tera: &Tera, named: &Named, shop: &[(String, String)]) -> Result<usize, tera::Error> {
    let mut context = Context::new();
    if let Value::Record(fields) = &named.mail.values {
        for (name, value) in fields.iter().filter(|(_, value)| *value != Value::Null) {
            context.insert_value(name.clone(), to_tera(value));
        }
    }
    let shop: tera::Map = shop.iter().map(|(name, value)| (name.clone().into(), tera::Value::from(value.as_str()))).collect();
    context.insert_value("shop", tera::Value::from(shop));
    let subject = tera.render(&named.subject, &context)?;
    context.insert_value("subject", tera::Value::from(subject.trim()));
    let preheader = named.preheader.as_ref().map(|name| tera.render(name, &context)).transpose()?;
    if let Some(preheader) = &preheader {
        context.insert_value("preheader", tera::Value::from(preheader.trim()));
    }
    let html = tera.render(&named.html, &context)?;
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
