//! A tiny shop in a folder of its own, with one campaign for everybody, and calls of the program on it.

use crate::sink::Sink;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;
use rankmail::domain::State;
use rankmail::ledger::Ledger;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

pub const DATE: &str = "2026-12-01";

const HEAD: &str = r#"
name = "small"
time_zone = "Asia/Tokyo"
currency = "JPY"
language = "en"
runs = "runs"
templates = "templates"
"#;

/// Who sends, and the list of customers, of all small shops.
pub const SHOP: &str = r#"
[shop]
name = "Small Shop"
address = "Kyoto 1-2-3"
contact = "support@tsubaki.example"
url = "https://tsubaki.example"
[customers]
path = "customers.csv"
columns = { customer = "id", email = "email", name = "name", consent = "consent" }
"#;

const BODY: &str = r#"
[purchases]
path = "purchases.parquet"
columns = { customer = "customer", at = "at", amount = "amount" }
[[rank]]
name = "A"
at_least = { orders_ever = 1 }
[[campaign]]
name = "letter"
ranks = "A and up"
offer = { kind = "coupon", percent = 10, valid = "this month" }
[brakes]
audience = "off"
stale = "off"
"#;

/// Each mail holds one canary, the customer's id, in both parts.
const LETTER: &str = r"<!DOCTYPE html><html><body><p>{{ customer.name }}</p><p>canary-{{ customer.id }}-end {{ offer.code }}</p>
<p>{{ shop.name }} {{ shop.address }} {{ shop.contact }}</p><p><a href='{{ links.unsubscribe }}'>{{ links.unsubscribe }}</a></p></body></html>
";

/// Customers `c000`, `c001`, …, each with one order.
pub struct Shop {
    pub folder: TempDir,
}

impl Shop {
    /// A shop of `count` good addresses.
    pub fn new(count: usize) -> Self {
        Self::with(count, |number| format!("good-c{number:03}@b.example"), "", "")
    }

    /// A shop of these addresses; `top` and `end` are put into the job: keys, and whole tables.
    pub fn with(count: usize, address: impl Fn(usize) -> String, top: &str, end: &str) -> Self {
        let shop = Self { folder: tempfile::tempdir().unwrap() };
        let mut customers = "id,email,name,consent\n".to_owned();
        for number in 0..count {
            customers += &format!("c{number:03},{},山田 {number},true\n", address(number));
        }
        fs::write(shop.path("customers.csv"), customers).unwrap();
        let ids: Vec<String> = (0..count).map(|number| format!("c{number:03}")).collect();
        write_orders(&shop.path("purchases.parquet"), &ids);
        fs::create_dir_all(shop.path("templates/letter")).unwrap();
        fs::write(shop.path("templates/letter/subject.txt"), "冬のお便り {{ customer.name }}\n").unwrap();
        fs::write(shop.path("templates/letter/body.html"), LETTER).unwrap();
        shop.write_job("", top, end);
        shop
    }

    /// Writes the job again; `mail` goes into `[mail]`.
    pub fn write_job(&self, mail: &str, top: &str, end: &str) {
        let from = if mail.contains("from =") { "" } else { "from = \"Small Shop <hello@tsubaki.example>\"\n" };
        let mail = format!("[mail]\n{from}unsubscribe = \"https://tsubaki.example/u/{{token}}\"\n{mail}");
        fs::write(self.path("job.toml"), format!("{HEAD}{top}\n{SHOP}{BODY}\n{mail}\n{end}\n")).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command on this shop's job.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rankmail"));
        let (verb, rest) = arguments.split_first().unwrap();
        command.arg(verb).arg(self.path("job.toml")).args(rest).env_remove("RANKMAIL_SMTP_URL").current_dir(self.folder.path());
        command
    }

    /// Runs a command to its end and expects this exit code; gives what it printed.
    pub fn call(&self, arguments: &[&str], code: i32) -> String {
        finish(&mut self.command(arguments), code)
    }

    /// Starts a sending that a test wants to disturb.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub fn plan(&self) {
        self.call(&["plan", "--as-of", DATE, "-q"], 0);
    }

    /// Sends to a server.
    pub fn send(&self, sink: &Sink, more: &[&str], code: i32) -> String {
        self.call(&[&["send", "--smtp", &sink.url()], more].concat(), code)
    }

    fn ledger(&self) -> Option<Ledger> {
        Ledger::open_existing(&self.path("runs/ledger.sqlite")).unwrap()
    }

    /// Mails by state; empty when nothing was adopted.
    pub fn states(&self) -> BTreeMap<State, u64> {
        self.ledger().map_or_else(BTreeMap::new, |ledger| ledger.states("small", DATE.parse().unwrap()).unwrap())
    }

    pub fn count(&self, state: State) -> u64 {
        self.states().get(&state).copied().unwrap_or(0)
    }

    pub fn in_doubt(&self) -> Vec<String> {
        let doubts = self.ledger().unwrap().in_doubt("small", DATE.parse().unwrap()).unwrap();
        doubts.into_iter().map(|doubt| doubt.mail_id).collect()
    }

    pub fn outbox(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path("runs/small/outbox/new")) else { return Vec::new() };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}

/// Runs a command to its end and expects this exit code; gives what it printed.
pub fn finish(command: &mut Command, code: i32) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let printed = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert_eq!(status.code(), Some(code), "{command:?}\n{printed}");
    printed
}

/// One order for each of these customers.
pub fn write_orders(path: &Path, customers: &[String]) {
    // On 10 November 2020, which is past at whatever day the tests run.
    let at = TimestampMicrosecondArray::from(vec![1_604_966_400_000_000; customers.len()]).with_timezone("UTC");
    let amounts = Int64Array::from(vec![3_000; customers.len()]);
    let customers = StringArray::from_iter_values(customers);
    let columns: [(&str, ArrayRef); 3] = [("customer", Arc::new(customers)), ("at", Arc::new(at)), ("amount", Arc::new(amounts))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}
