//! Purchases that do not fit into the memory: what comes out is what comes out of a small shop that is read by one thread, byte for byte,
//! and nothing is left of where they waited.

#[path = "../../testdata/shapes.rs"]
mod shapes;

use crate::program::root;
use shapes::{SHAPES, Shape, Size};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Ids are so long that the purchases of a small shop do not fit into the least memory that there is.
const SIZE: Size = Size { lines: 39_000, customers: 900, letters: 400 };
const BEFORE: &str = "2025-12-01";
const DATE: &str = "2026-01-01";
const TABLES: [&str; 4] = ["customers.parquet", "mails.parquet", "values.parquet", "skipped.parquet"];

const JOB: &str = r#"
name      = "large"
time_zone = "Asia/Tokyo"
currency  = "JPY"
language  = "en"
runs      = "runs"
templates = "templates"
[shop]
name    = "Large Shop"
address = "Kyoto 1-2-3"
contact = "support@tsubaki.example"
url     = "https://tsubaki.example"
[purchases]
path = "lines"
columns = { customer = "customer_id", order = "order_id", at = "purchased_at", amount = "amount", category = "category" }
[customers]
path = "people.csv"
columns = { customer = "id", email = "email", name = "name", consent = "consent" }
[[rank]]
name = "B"
at_least = { orders_ever = 1 }
[[rank]]
name = "A"
at_least = { orders = 9, spend = 300_000 }
[[campaign]]
name  = "letter"
ranks = "A"
when  = { bought = "gift" }
offer = { kind = "coupon", percent = 10, valid = "this month" }
[keys]
file = "demo.key"
[brakes]
audience = "off"
stale = "off"
history = "off"
[mail]
from        = "Large Shop <hello@tsubaki.example>"
unsubscribe = "https://tsubaki.example/u/{token}"
"#;

const LETTER: &str = "<p>{{ customer.name }} {{ offer.code }} {% for item in last_order.items %}{{ item.amount }}{% endfor %}</p>
<p>{{ shop.name }} {{ shop.address }} {{ shop.contact }} <a href='{{ links.unsubscribe }}'>{{ links.unsubscribe }}</a></p>
";

/// Everybody of the shop in every shape, and a run that came before.
struct Shop {
    folder: tempfile::TempDir,
    /// Numbers are so short that they always fit.
    spills: bool,
}

impl Shop {
    fn new(shape: Shape) -> Self {
        let shop = Self { folder: tempfile::tempdir().unwrap(), spills: shape != Shape::Numbers };
        shapes::write(SIZE, shape, &shop.path("lines")).unwrap();
        let id = |number: u64| if shape == Shape::Numbers { number.to_string() } else { SIZE.customer(number) };
        let people = (0..SIZE.customers).map(|number| format!("{},c{number}@tsubaki.example,山田 {number},true\n", id(number)));
        fs::write(shop.path("people.csv"), format!("id,email,name,consent\n{}", people.collect::<String>())).unwrap();
        fs::create_dir_all(shop.path("templates/letter")).unwrap();
        fs::write(shop.path("templates/letter/subject.txt"), "For {{ customer.name }}\n").unwrap();
        fs::write(shop.path("templates/letter/body.html"), LETTER).unwrap();
        // Everybody's key is the same one: what is made with it is what is compared.
        fs::copy(root().join("jobs/demo.key"), shop.path("demo.key")).unwrap();
        fs::write(shop.path("job.toml"), JOB).unwrap();
        shop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a command with so many threads and the least memory that they may have, or without a limit.
    fn start(&self, threads: u64, is_short: bool, arguments: &[&str]) -> Child {
        let memory = if is_short { format!("{}MB", 48 + 72 * threads) } else { "100GB".to_owned() };
        let mut command = Command::new(env!("CARGO_BIN_EXE_rankmail"));
        command.arg(arguments[0]).arg(self.path("job.toml")).args(&arguments[1..]).args(["-q", "--memory", &memory]);
        command.args(["--threads", &threads.to_string()]).env_remove("RANKMAIL_SMTP_URL");
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs a command to its end; whether purchases had to wait on the disk must be what is expected.
    fn call(&self, threads: u64, is_short: bool, arguments: &[&str]) {
        let mut child = self.start(threads, is_short, arguments);
        let mut has_spilled = false;
        while child.try_wait().unwrap().is_none() {
            has_spilled = has_spilled || is_spilling(&child);
            thread::sleep(Duration::from_millis(2));
        }
        let told = child.wait_with_output().unwrap();
        assert!(told.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&told.stderr));
        assert_eq!(has_spilled, is_short && self.spills, "{arguments:?} with {threads} threads");
    }

    /// The bytes of the file of features and of a plan's tables.
    fn made(&self, threads: u64, is_short: bool) -> Vec<Vec<u8>> {
        let (out, plan) = (self.path("features.parquet"), self.path("plan"));
        let [out, plan] = [&out, &plan].map(|path| path.to_str().unwrap());
        self.call(threads, is_short, &["features", "--as-of", DATE, "--out", out]);
        self.call(threads, is_short, &["plan", "--as-of", DATE, "--into", plan]);
        let files = TABLES.iter().map(|name| Path::new(plan).join(name)).chain([PathBuf::from(out)]);
        let bytes = files.map(|file| fs::read(file).unwrap()).collect();
        fs::remove_dir_all(plan).unwrap();
        bytes
    }
}

/// Whether a process has the file open that purchases wait in, which has no name by then.
fn is_spilling(child: &Child) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{}/fd", child.id())) else { return false };
    let mut links = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    links.any(|link| link.to_string_lossy().contains("rankmail-lines") && link.to_string_lossy().ends_with("(deleted)"))
}

#[test]
fn every_shape_gives_the_same_bytes_for_any_thread_count_also_when_it_spills() {
    let mut expected: Option<Vec<Vec<u8>>> = None;
    for (shape, short_of) in SHAPES.into_iter().zip([1, 2].into_iter().cycle()) {
        let shop = Shop::new(shape);
        // Ranks and mails of a run before are remembered.
        shop.call(2, false, &["run", "--as-of", BEFORE]);
        let small = shop.made(1, false);
        if shape != Shape::Numbers {
            // All texts are the same texts.
            assert!(*expected.get_or_insert_with(|| small.clone()) == small, "{shape:?}");
        }
        for (threads, is_short) in [(short_of, true), (3, false)] {
            assert!(shop.made(threads, is_short) == small, "{shape:?} with {threads} threads, short of memory: {is_short}");
        }
        let mails = crate::shop::rows(&shop.path(&format!("runs/large/{BEFORE}/mails.parquet"))).len();
        assert!(mails > 50, "{mails} mails");
    }
}

#[test]
fn nothing_is_left_of_a_process_that_is_killed_while_purchases_wait_on_the_disk() {
    let shop = Shop::new(Shape::Plain);
    fs::create_dir(shop.path("out")).unwrap();
    let out = shop.path("out/features.parquet");
    for arguments in [vec!["features", "--as-of", DATE, "--out", out.to_str().unwrap()], vec!["plan", "--as-of", DATE]] {
        let mut child = shop.start(1, true, &arguments);
        while !is_spilling(&child) {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }
    let names = |folder: &str| fs::read_dir(shop.path(folder)).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert!(names("out").is_empty(), "{:?}", names("out"));
    assert_eq!(names("runs"), ["large"]);
    assert_eq!(names("runs/large"), ["lock"]);
    // Whoever comes next finds nothing in the way.
    shop.call(1, true, &["plan", "--as-of", DATE]);
}

#[test]
fn a_disk_that_cannot_take_purchases_is_no_fault_of_theirs() {
    let shop = Shop::new(Shape::Plain);
    // Where a folder should be there is a file.
    let out = shop.path("people.csv/features.parquet");
    let told = shop.start(1, true, &["features", "--as-of", DATE, "--out", out.to_str().unwrap()]).wait_with_output().unwrap();
    let err = String::from_utf8(told.stderr).unwrap();
    assert_eq!(told.status.code(), Some(4), "{err}");
    assert!(err.contains("people.csv/.rankmail-lines") && err.contains("--memory"), "{err}");
}
