//! The shop whose files are damaged: made anew by each thread, with a plan; and sound files to begin from.

use super::hand::Hand;
use super::targets::copy;
use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Int64Array, LargeStringArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::Int32Type;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};
use rankmail::domain::Job;
use rankmail::{pipeline, runs};
use std::cell::OnceCell;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

pub const DATE: &str = "2026-12-01";
/// The tables of a plan that are damaged, each in a copy of its own.
pub const PLANS: [&str; 3] = ["customers.parquet", "mails.parquet", "values.parquet"];
const CUSTOMERS: i64 = 40;

const JOB: &str = r#"
name = "fuzzed"
time_zone = "Asia/Tokyo"
currency = "JPY"
language = "en"
runs = "runs"
templates = "templates"
[shop]
name = "Small Shop"
address = "Kyoto 1-2-3"
contact = "support@tsubaki.example"
url = "https://tsubaki.example"
[customers]
path = "people.csv"
columns = { customer = "id", email = "email", name = "name", consent = "consent" }
[purchases]
path = "purchases.parquet"
exclude = { status = ["cancelled"] }
columns = { customer = "customer", order = "order", at = "at", amount = "amount", product = "product" }
[[rank]]
name = "B"
at_least = { orders_ever = 1 }
[[rank]]
name = "A"
at_least = { orders_ever = 2 }
[[campaign]]
name = "letter"
ranks = "B and up"
offer = { kind = "coupon", percent = 10, valid = "this month" }
[brakes]
audience = "off"
stale = "off"
[mail]
from = "Small Shop <hello@tsubaki.example>"
unsubscribe = "https://tsubaki.example/u/{token}"
"#;

pub struct Shop {
    folder: tempfile::TempDir,
    pub job: Job,
    pub plans: Vec<runs::Opened>,
}

thread_local! {
    static SHOP: OnceCell<Shop> = const { OnceCell::new() };
}

impl Shop {
    /// With this thread's shop.
    pub fn here<T>(work: impl FnOnce(&Self) -> T) -> T {
        SHOP.with(|shop| work(shop.get_or_init(Self::new)))
    }

    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("job.toml"), JOB).unwrap();
        fs::write(path("people.csv"), &list()[0]).unwrap();
        fs::write(path("purchases.parquet"), written(&lines(), &WriterProperties::default())).unwrap();
        fs::create_dir_all(path("templates/letter")).unwrap();
        fs::write(path("templates/letter/subject.txt"), "For {{ customer.name }}\n").unwrap();
        fs::write(path("templates/letter/body.html"), "<p>{{ customer.name }} {{ offer.code }} {{ shop.name }} {{ shop.address }} {{ shop.contact }} <a href='{{ links.unsubscribe }}'>{{ links.unsubscribe }}</a></p>\n").unwrap();
        let job = pipeline::load_job(&path("job.toml"), None).unwrap();
        let as_of = DATE.parse().unwrap();
        let request = pipeline::PlanRequest { job: &job, as_of, planned_at: 0, into: None, watch: &pipeline::unwatched };
        let planned = pipeline::plan(&request).unwrap();
        let plans = PLANS.map(|table| {
            let to = path(table);
            copy(&planned.folder, &to);
            runs::open(&to).unwrap()
        });
        copy(&planned.folder, &path("sound"));
        let plans = plans.into();
        Self { folder, job, plans }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sound files of a target.
    pub fn seeds(&self, target: &str) -> Vec<Vec<u8>> {
        let plan = |name: &str| {
            vec![fs::read(self.plans[PLANS.iter().position(|table| *table == name).unwrap_or(0)].folder().join(name)).unwrap()]
        };
        match target {
            "purchases" => parquet(&lines()),
            "customers_parquet" => parquet(&people()),
            "customers_csv" => list(),
            "stops" => vec![b"customer,why\nc001,moved\n\"a@b.example\",x\n".to_vec(), "会員番号\r\n山1\r\n".into()],
            "import_csv" => vec![
                b"id,at,amount\n1,2026-11-10 12:00:00,1200\n2,2026-11-11,-3.50\n3,,\"1,200\"\n".to_vec(),
                encoding_rs::SHIFT_JIS.encode("顧客,日付,金額\n山田,令和8年11月1日,1,200円\n").0.into_owned(),
            ],
            "plan_customers" => plan("customers.parquet"),
            "plan_mails" => plan("mails.parquet"),
            "plan_values" => plan("values.parquet"),
            "plan_json" => plan("plan.json"),
            "job" => vec![JOB.into()],
            "bounce" => vec![BOUNCE.replace('\n', "\r\n").into_bytes(), b"Subject: Undelivered\r\n\r\n<a@b.example>: 550 5.1.1 User unknown\r\n".to_vec()],
            "opt_out" => vec![
                b"POST /u/abcdef HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 26\r\n\r\nList-Unsubscribe=One-Click".to_vec(),
                b"GET /u/abcdef HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
            ],
            other => panic!("{other}"),
        }
    }
}

const BOUNCE: &str = "From: MAILER-DAEMON@b.example
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; b.example

Final-Recipient: rfc822; a@b.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 unknown

--b
Content-Type: message/rfc822

Message-ID: <abc.1@tsubaki.example>
Subject: x

--b--
";

fn lines() -> RecordBatch {
    let rows = CUSTOMERS * 6;
    let customers: DictionaryArray<Int32Type> =
        (0..rows).map(|row| Some(["c000", "c001", "c002", "c003", "c004"][usize::try_from(row % 5).unwrap()])).collect();
    let products: StringArray = (0..rows).map(|row| (row % 7 > 0).then(|| format!("tea no. {}", row % 9))).collect();
    let status: LargeStringArray = (0..rows).map(|row| Some(if row % 11 == 0 { "cancelled" } else { "paid" })).collect();
    let at =
        TimestampMicrosecondArray::from_iter_values((0..rows).map(|row| 1_790_000_000_000_000 + row * 86_400_000)).with_timezone("UTC");
    let amounts = Decimal128Array::from_iter_values((0..rows).map(|row| i128::from(1_000 + row))).with_precision_and_scale(12, 0).unwrap();
    let columns: [(&str, ArrayRef); 6] = [
        ("customer", Arc::new(customers)),
        ("order", Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row / 2)))),
        ("at", Arc::new(at)),
        ("amount", Arc::new(amounts)),
        ("product", Arc::new(products)),
        ("status", Arc::new(status)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn people() -> RecordBatch {
    let texts = |text: fn(i64) -> String| Arc::new(StringArray::from_iter_values((0..CUSTOMERS).map(text)));
    let consent: BooleanArray = (0..CUSTOMERS).map(|number| (number % 5 > 0).then_some(number % 3 > 0)).collect();
    let mut tags = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new());
    for number in 0..CUSTOMERS {
        (0..number % 4).for_each(|tag| tags.values().append_value(format!("tag {tag}")));
        tags.append(number % 6 > 0);
    }
    let columns: [(&str, ArrayRef); 6] = [
        ("id", texts(|number| format!("c{number:03}"))),
        ("email", texts(|number| format!("c{number:03}@b.example"))),
        ("name", texts(|number| format!("山田 {number}"))),
        ("consent", Arc::new(consent)),
        ("tags", Arc::new(tags.finish())),
        ("score", Arc::new((0..CUSTOMERS).map(|number| (number % 4 > 0).then_some(number)).collect::<Int64Array>())),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn list() -> Vec<Vec<u8>> {
    let rows = (0..CUSTOMERS).map(|number| format!("c{number:03},c{number:03}@b.example,山田 {number},true\n"));
    let text = ["id,email,name,consent\n".to_owned()].into_iter().chain(rows).collect::<Vec<_>>().concat();
    let utf16 = [0xfe_u8, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    vec![text.clone().into_bytes(), encoding_rs::SHIFT_JIS.encode(&text).0.into_owned(), utf16]
}

/// The same rows as different writers have them.
fn parquet(batch: &RecordBatch) -> Vec<Vec<u8>> {
    let with =
        || WriterProperties::builder().set_max_row_group_row_count(Some(100)).set_data_page_row_count_limit(40).set_write_batch_size(20);
    let second = || with().set_writer_version(WriterVersion::PARQUET_2_0).set_dictionary_enabled(false);
    let mut files: Vec<Vec<u8>> = [
        with().build(),
        with().set_compression(Compression::SNAPPY).build(),
        with().set_compression(Compression::GZIP(GzipLevel::default())).build(),
        with().set_compression(Compression::LZ4).build(),
        with().set_dictionary_enabled(false).set_compression(Compression::LZ4_RAW).build(),
        second().set_compression(Compression::ZSTD(ZstdLevel::default())).build(),
        second().build(),
    ]
    .iter()
    .map(|properties| written(batch, properties))
    .collect();
    files.push(Hand::purchases(3, 4).bytes());
    files
}

fn written(batch: &RecordBatch, properties: &WriterProperties) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.clone())).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}
