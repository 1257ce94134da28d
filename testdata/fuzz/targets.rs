//! What reads files of strangers, each as a function of bytes: whatever they are, it comes to an end, and an error names the file.
//!
//! Driven by the mutator in this folder, and by cargo-fuzz (`fuzz/`).

use super::shop::{DATE, PLANS, Shop};
use rankmail::domain::{Customers, Zone};
use rankmail::optout::{Desk, Site, Stop};
use rankmail::purchases::Request;
use rankmail::{bounces, domain, import, optout, pipeline, purchases, runs, tables};
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// A target, and words that mean something in its files.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    pub marks: &'static [&'static str],
}

const CSV: &[&str] = &["\"", ",", "\n", "\r\n", "\u{feff}", "\0", ";", "\t", "@", "2026-11-10", "=\"1\"", "１"];

pub const TARGETS: &[Target] = &[
    Target { name: "purchases", run: purchases, marks: &[] },
    Target { name: "customers_parquet", run: customers_parquet, marks: &[] },
    Target { name: "customers_csv", run: customers_csv, marks: CSV },
    Target { name: "stops", run: stops, marks: CSV },
    Target { name: "import_csv", run: import_csv, marks: CSV },
    Target { name: "plan_customers", run: plan_customers, marks: &[] },
    Target { name: "plan_mails", run: plan_mails, marks: &[] },
    Target { name: "plan_values", run: plan_values, marks: &[] },
    Target { name: "plan_json", run: plan_json, marks: &["[", "{", "null", "1e999", "-1", "\"\\ud800\"", "99999999999999999999", ","] },
    Target {
        name: "job",
        run: job,
        marks: &["[[rank]]", "[[campaign]]", "{", "[", "=", "\"", "'''", "\n", "1e400", "inf", "0x", "offer", "when"],
    },
    Target {
        name: "bounce",
        run: bounce,
        marks: &["\r\n", "--b", "Content-Type: multipart/report; boundary=b\r\n", "=?utf-8?B?", "5.1.1", "<", ";"],
    },
    Target {
        name: "opt_out",
        run: opt_out,
        marks: &["\r\n", "Content-Length: 99999999999999999999\r\n", "Transfer-Encoding: chunked\r\n", " HTTP/1.1", "%", "POST "],
    },
];

fn names(error: &dyn std::fmt::Display, file: &str) {
    let text = error.to_string();
    assert!(text.contains(file), "no file is named: {text}");
    assert!(text.len() < 200_000, "a message of {} bytes", text.len());
}

pub fn purchases(bytes: &[u8]) {
    Shop::here(|shop| {
        fs::write(shop.path("purchases.parquet"), bytes).unwrap();
        let job = &shop.job;
        let opened = purchases::open(&job.purchases, job.zone, &job.currency, &shop.path(""));
        let read = opened.and_then(|opened| {
            let request = Request { as_of: i64::MAX, category: true, details: true, ..Request::default() };
            opened.read(&request, &|batch| {
                assert!(batch.num_rows() > 0);
                Ok(())
            })?;
            opened.history("c001", i64::MAX)
        });
        read.err().iter().for_each(|error| names(error, "purchases.parquet"));
    });
}

fn customers(shop: &Shop, file: &str, bytes: &[u8]) {
    fs::write(shop.path(file), bytes).unwrap();
    let mut source = shop.job.customers.clone().unwrap();
    source.path = shop.path(file);
    let zone: Zone = shop.job.zone;
    let as_of = DATE.parse().unwrap();
    let recipe = tables::Recipe { source: source.clone(), merges: Arc::default(), zone, as_of };
    let dealing = tables::Dealing { piles: 2, pile_of: &|id: &str| id.len() % 2, folder: &shop.path(""), held: 0 };
    let read = tables::customers(recipe, &shop.path(""), &dealing).and_then(|(rows, _)| rows.look(|customers| customers, Customers::len));
    read.err().iter().for_each(|error| names(error, file));
    tables::customer_columns(&source, &shop.path("")).err().iter().for_each(|error| names(error, file));
}

pub fn customers_parquet(bytes: &[u8]) {
    Shop::here(|shop| customers(shop, "people.parquet", bytes));
}

pub fn customers_csv(bytes: &[u8]) {
    Shop::here(|shop| customers(shop, "people.csv", bytes));
}

pub fn stops(bytes: &[u8]) {
    Shop::here(|shop| {
        let path = shop.path("stops.csv");
        fs::write(&path, bytes).unwrap();
        tables::stopped(&path, &shop.path(""), "stop").err().iter().for_each(|error| names(error, "stops.csv"));
    });
}

pub fn import_csv(bytes: &[u8]) {
    Shop::here(|shop| {
        let csv = shop.path("till.csv");
        fs::write(&csv, bytes).unwrap();
        let request = import::Request { csv: &csv, to: &shop.path("imported"), force: true, types: &[], max_bad_rows: Some(1.0) };
        import::import(&request).err().iter().for_each(|error| names(error, "till.csv"));
    });
}

/// The tables change after their digests were compared, which is the worst that can happen.
fn changed(table: &str, bytes: &[u8], read: fn(&runs::Opened) -> Result<(), runs::Error>) {
    Shop::here(|shop| {
        let place = PLANS.iter().position(|name| *name == table).unwrap();
        let opened = &shop.plans[place];
        fs::write(opened.folder().join(table), bytes).unwrap();
        read(opened).err().iter().for_each(|error| names(error, table));
    });
}

pub fn plan_customers(bytes: &[u8]) {
    changed("customers.parquet", bytes, |opened| {
        opened.customers()?.try_for_each(|row| row.map(drop))?;
        opened.customer_rows()?.try_for_each(|row| row.map(drop))?;
        opened.customer("c003").map(drop)
    });
}

pub fn plan_mails(bytes: &[u8]) {
    changed("mails.parquet", bytes, |opened| {
        opened.gifts()?.try_for_each(|row| row.map(drop))?;
        opened.mails_of("c003").map(drop)
    });
}

pub fn plan_values(bytes: &[u8]) {
    changed("values.parquet", bytes, |opened| {
        opened.mails()?.try_for_each(|row| {
            // What it holds is a matter of its own.
            let _ = runs::values_read(&row?.values);
            Ok(())
        })
    });
}

pub fn plan_json(bytes: &[u8]) {
    Shop::here(|shop| {
        let folder = shop.path("sound");
        fs::write(folder.join("plan.json"), bytes).unwrap();
        // It lists the other files with their digests, so that one of them may be what is not right.
        runs::open(&folder).err().iter().for_each(|error| names(error, "sound"));
    });
}

pub fn job(bytes: &[u8]) {
    Shop::here(|shop| {
        let path = shop.path("strange.toml");
        fs::write(&path, bytes).unwrap();
        let checked = pipeline::check(&path, &|_| DATE.parse().unwrap(), false);
        checked.err().iter().for_each(|error| assert!(!error.to_string().is_empty()));
    });
}

pub fn bounce(bytes: &[u8]) {
    let report = format!("{:?}", bounces::read(bytes, 22));
    assert!(report.len() < 100_000 + 20 * bytes.len(), "{} bytes of {}", report.len(), bytes.len());
}

/// One connection at a time is answered by a server of this thread's own.
pub fn opt_out(bytes: &[u8]) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ended = AtomicBool::new(false);
    let site = Site { name: "Shop".into(), contact: "s@b.example".into(), language: domain::job::Language::En };
    let desk = Desk { knows: &|token| token.len() > 3, stop: &|_| Stop::Stored };
    std::thread::scope(|scope| {
        let server = scope.spawn(|| optout::serve(&listener, &site, &desk, &ended));
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        // It may have its answer, and go, before all is sent.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 "), "{}", String::from_utf8_lossy(&answer));
        ended.store(true, std::sync::atomic::Ordering::SeqCst);
        server.join().unwrap().unwrap();
    });
}

/// A copy of a folder with what is in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() { copy(&entry.path(), &to) } else { fs::copy(entry.path(), to).map(drop).unwrap() }
    }
}
