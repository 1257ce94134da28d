//! A shop for one test: the demo shop's job with some of its campaigns, in a folder of its own, changed as the test needs.

use crate::program::{Call, rankmail, root};
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// The day on which these shops plan, unless a test says another.
pub const DATE: &str = "2026-12-01";

pub struct Shop {
    folder: tempfile::TempDir,
    text: String,
}

impl Shop {
    /// The demo shop with these of its campaigns; data and templates are the demo's own.
    pub fn with(campaigns: &[&str]) -> Self {
        let text = fs::read_to_string(root().join("jobs/monthly.toml")).unwrap();
        let mut parts = text.split("[[campaign]]");
        let mut kept = parts.next().unwrap().to_owned();
        let mut tail = "";
        for part in parts {
            let (campaign, rest) = part.split_once("[mail]").unwrap_or((part, ""));
            if campaigns.iter().any(|name| campaign.contains(&format!("name  = \"{name}\"\n"))) {
                kept += &format!("[[campaign]]{campaign}");
            }
            if !rest.is_empty() {
                tail = rest;
            }
        }
        let text = format!("{kept}[mail]{tail}");
        assert_eq!(text.matches("[[campaign]]").count(), campaigns.len(), "{campaigns:?}");
        let mut shop = Self { folder: tempfile::tempdir().unwrap(), text };
        fs::create_dir(shop.path("jobs")).unwrap();
        shop.edit("\"demo.key\"", &format!("\"{}\"", root().join("jobs/demo.key").display()));
        shop.edit("\"../testdata/", &format!("\"{}/", root().join("testdata").display()));
        if campaigns.is_empty() {
            fs::create_dir(shop.path("templates")).unwrap();
        } else {
            shop.edit("\"../templates\"", &format!("\"{}\"", root().join("templates").display()));
        }
        shop
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn runs(&self) -> PathBuf {
        self.path("runs")
    }

    pub fn job(&self) -> String {
        self.path("jobs/monthly.toml").to_string_lossy().into_owned()
    }

    /// Replaces a text of the job, which must be there.
    pub fn edit(&mut self, from: &str, to: &str) {
        assert!(self.text.contains(from), "the job has no `{from}`:\n{}", self.text);
        self.text = self.text.replace(from, to);
        fs::write(self.job(), &self.text).unwrap();
    }

    /// Puts the text between two marks out of the job and another in; the marks themselves stay, save the first.
    pub fn replace_between(&mut self, first: &str, last: &str, with: &str) {
        let (head, rest) = self.text.split_once(first).unwrap();
        let (_, tail) = rest.split_once(last).unwrap();
        self.text = format!("{head}{with}{last}{tail}");
        fs::write(self.job(), &self.text).unwrap();
    }

    /// Copies the purchases, so that they can be changed, and gives their folder.
    pub fn own_purchases(&mut self) -> PathBuf {
        self.own("purchases")
    }

    /// Copies the customer list, so that it can be changed, and gives the file.
    pub fn own_customers(&mut self) -> PathBuf {
        self.own("customers.parquet")
    }

    /// Copies the templates, so that they can be changed, and gives their folder.
    pub fn own_templates(&mut self) -> PathBuf {
        let (from, to) = (root().join("templates"), self.path("templates"));
        copy(&from, &to);
        let from = format!("\"{}\"", from.display());
        self.edit(&from, "\"../templates\"");
        to
    }

    fn own(&mut self, name: &str) -> PathBuf {
        let (from, to) = (root().join("testdata").join(name), self.path(&format!("data/{name}")));
        copy(&from, &to);
        let from = format!("\"{}\"", from.display());
        self.edit(&from, &format!("\"../data/{name}\""));
        to
    }

    /// A call of the program with this shop's job; its output may be anything until the test says more.
    pub fn call(&self, command: &str, more: &[&str]) -> Call {
        let job = self.job();
        let mut arguments = vec![command, &job];
        arguments.extend(more);
        rankmail(&arguments)
    }

    /// A call whose exit code the test looks at itself: code, standard output and standard error.
    pub fn attempt(&self, command: &str, more: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_rankmail")).arg(command).arg(self.job()).args(more).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().expect("the program ends by itself"), text(&output.stdout), text(&output.stderr))
    }

    /// Runs a date to its end: planned, adopted, every mail in the outbox.
    pub fn run(&self, date: &str) {
        self.call("run", &["--as-of", date, "-q"]).run();
    }

    /// `run` is refused with this code and these words; no plan, no mail and no row of the ledger comes of it.
    pub fn refuses(&self, code: i32, words: &[&str]) -> String {
        self.refuses_on(DATE, code, words)
    }

    pub fn refuses_on(&self, date: &str, code: i32, words: &[&str]) -> String {
        let before = self.traces();
        let mut call = self.call("run", &["--as-of", date]).code(code);
        for word in words {
            call = call.complains(word);
        }
        let printed = call.run();
        assert!(!printed.err.contains("panicked"), "{}", printed.err);
        assert_eq!(self.traces(), before, "a refused run left something behind:\n{}", printed.err);
        printed.err
    }

    /// The files of plans and outbox with their bytes, and every row of the ledger.
    pub fn traces(&self) -> (BTreeMap<PathBuf, Vec<u8>>, Vec<String>) {
        let ledger = self.runs().join("ledger.sqlite");
        let rows = if ledger.is_file() { ledger_rows(&ledger) } else { Vec::new() };
        let mut found = BTreeMap::new();
        files(&self.runs(), &mut found);
        // The lock says nothing, and of the ledger its rows count.
        found.retain(|path, _| {
            let name = path.file_name().unwrap().to_string_lossy();
            name != "lock" && !name.starts_with("ledger.sqlite")
        });
        (found, rows)
    }

    /// A table of a plan, each row as text by column; nulls are empty.
    pub fn table(&self, date: &str, name: &str) -> Vec<BTreeMap<String, String>> {
        rows(&self.runs().join("monthly").join(date).join(name))
    }

    pub fn plan_json(&self, date: &str) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.runs().join("monthly").join(date).join("plan.json")).unwrap()).unwrap()
    }
}

fn ledger_rows(ledger: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open(ledger).unwrap();
    let mut all = Vec::new();
    for sql in [
        "SELECT 'adoption ' || job || as_of || digest || destination FROM adoptions ORDER BY 1",
        "SELECT 'mail ' || job || as_of || mail_id || state FROM mails ORDER BY 1",
    ] {
        let mut statement = database.prepare(sql).unwrap();
        let found = statement.query_map([], |row| row.get(0)).unwrap();
        all.extend(found.map(Result::unwrap));
    }
    all
}

fn files(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files(&path, found);
        } else {
            let bytes = fs::read(&path).unwrap();
            found.insert(path, bytes);
        }
    }
}

pub fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}

/// A whole Parquet file.
pub fn read(path: &Path) -> RecordBatch {
    let file = fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let schema = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap().schema().clone();
    concat_batches(&schema, &batches).unwrap()
}

pub fn write(path: &Path, batch: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// Each row of a Parquet file as text by column; nulls are empty, instants are microseconds.
pub fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let batch = read(path);
    let mut rows = vec![BTreeMap::new(); batch.num_rows()];
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let is_instant = matches!(field.data_type(), DataType::Timestamp(_, Some(_)));
        let column = if is_instant { arrow::compute::cast(column, &DataType::Int64).unwrap() } else { Arc::clone(column) };
        let options = FormatOptions::new();
        let texts = ArrayFormatter::try_new(&column, &options).unwrap();
        for (at, row) in rows.iter_mut().enumerate() {
            row.insert(field.name().clone(), texts.value(at).to_string());
        }
    }
    rows
}

/// The Parquet files below a folder, sorted.
pub fn parquet_files(folder: &Path) -> Vec<PathBuf> {
    let pattern = folder.join("**/*.parquet");
    let mut files: Vec<PathBuf> = glob::glob(&pattern.to_string_lossy()).unwrap().map(Result::unwrap).collect();
    files.sort();
    files
}
