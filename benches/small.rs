//! What the heavy rooms take on small inputs: `cargo bench --bench small`. Full sizes are those of `benches/table.py`.
//!
//! Without `--bench`, as `cargo test --bench small` calls it, each is done once and nothing is measured.

mod mails;
#[path = "../testdata/shapes.rs"]
mod shapes;

use chrono::NaiveDate;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mails::{Mail, mail, own, prove, shop};
use rankmail::domain::Job;
use rankmail::message::Law;
use rankmail::{message, pipeline, runs};
use shapes::{SHAPES, Size};
use std::error::Error;
use std::hint::black_box;
use std::path::Path;

const SIZE: Size = Size { lines: 60_000, customers: 3_000, letters: 10 };

const JOB: &str = r#"
name      = "bench"
time_zone = "UTC"
currency  = "JPY"
runs      = "runs"
templates = "templates"
[shop]
name    = "The shop"
address = "1 Main Street"
contact = "help@shop.example"
url     = "https://shop.example"
[purchases]
path = "lines"
columns = { customer = "customer_id", order = "order_id", at = "purchased_at", amount = "amount" }
[[rank]]
name = "A"
at_least = { orders_ever = 1 }
[mail]
from        = "The shop <hello@shop.example>"
unsubscribe = "https://shop.example/u/{token}"
"#;

criterion_group!(small, features, plan, mails_of_a_plan);
criterion_main!(small);

/// From lines in their files to the file of features, for each shape.
fn features(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("features");
    group.throughput(Throughput::Elements(SIZE.lines)).sample_size(20);
    for shape in SHAPES {
        let folder = folder();
        done(shapes::write(SIZE, shape, &folder.path().join("lines")));
        done(std::fs::write(folder.path().join("job.toml"), JOB));
        let (job, out) = (job(&folder.path().join("job.toml"), folder.path()), folder.path().join("features.parquet"));
        let as_of = day(2026, 1, 1);
        group.bench_function(format!("{shape:?}"), |bencher| {
            bencher.iter(|| done(pipeline::features(&job, as_of, &out, &pipeline::unwatched)));
        });
    }
    group.finish();
}

/// The demo shop's month.
fn plan(criterion: &mut Criterion) {
    let folder = folder();
    let mut group = criterion.benchmark_group("plan");
    group.sample_size(10).bench_function("demo", |bencher| bencher.iter(|| planned(folder.path())));
    group.finish();
}

/// One mail after the other of that month: rendered, looked over for what the law asks, and hashed; and hashed alone.
fn mails_of_a_plan(criterion: &mut Criterion) {
    let folder = folder();
    let plan = done(runs::open(&planned(folder.path()).folder));
    let root = plan.templates_dir();
    let shop = done(shop(&plan.job_text));
    let mails: Vec<Mail> = done(done(plan.mails()).map(|row| mail(row?)).collect::<Result<_, runs::Error>>());
    let own = done(own(&root, &mails.iter(), &shop));
    let law = Law::of(&shop);
    let mut group = criterion.benchmark_group("mail");
    let mut next = mails.iter().cycle();
    group.bench_function("rendered and hashed", |bencher| bencher.iter(|| next.next().map(|mail| done(prove(&own, mail, &shop, &law)))));
    let row = &mails[0].row;
    let content = done(own.render(&row.campaign, row.variant.as_deref(), row.rank.as_deref(), &mails[0].values, &shop));
    group.bench_function("hashed", |bencher| bencher.iter(|| message::hash(black_box(&row.address), &content)));
    group.finish();
}

fn planned(runs: &Path) -> pipeline::Planned {
    let job = job(&Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs/monthly.toml"), runs);
    let request = pipeline::PlanRequest { job: &job, as_of: day(2026, 12, 1), planned_at: 0, into: None, watch: &pipeline::unwatched };
    done(pipeline::plan(&request))
}

fn job(path: &Path, runs: &Path) -> Job {
    Job { memory: 1 << 30, ..done(pipeline::load_job(path, Some(runs))) }
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    done(NaiveDate::from_ymd_opt(year, month, day).ok_or("no such day"))
}

fn folder() -> tempfile::TempDir {
    done(tempfile::tempdir())
}

/// What was made; a bench that cannot be made ready is none.
fn done<T, E: Into<Box<dyn Error>>>(made: Result<T, E>) -> T {
    made.unwrap_or_else(|error| panic!("{}", error.into()))
}
