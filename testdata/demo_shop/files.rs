//! The shop as Parquet files. What writes them is kept out of them, so that their bytes stay the same.

use super::orders::{Line, Product};
use super::people::Shopper;
use arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use chrono::{Datelike, NaiveDate, NaiveDateTime};
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::error::Error;
use std::fs::{File, create_dir_all};
use std::path::Path;
use std::sync::Arc;

type Column<'a> = (&'a str, ArrayRef);

pub fn write_customers(path: &Path, shoppers: &[Shopper]) -> Result<(), Box<dyn Error>> {
    let dates = |day: fn(&Shopper) -> Option<NaiveDate>| -> ArrayRef {
        let days = shoppers.iter().map(|shopper| day(shopper).map(|day| day.num_days_from_ce() - 719_163));
        Arc::new(days.collect::<Date32Array>())
    };
    let texts = |text: fn(&Shopper) -> Option<&str>| -> ArrayRef { Arc::new(shoppers.iter().map(text).collect::<StringArray>()) };
    let consents = shoppers.iter().map(|shopper| shopper.consented_at.map(micros)).collect::<TimestampMicrosecondArray>();
    write(
        path,
        vec![
            ("customer_id", texts(|shopper| Some(&shopper.id))),
            ("email", texts(|shopper| shopper.email.as_deref())),
            ("name", texts(|shopper| shopper.name.as_deref())),
            ("birthday", dates(|shopper| shopper.birthday)),
            ("consented_at", Arc::new(consents)),
            ("first_visit_on", dates(|shopper| shopper.first_visit_on)),
            ("rank", texts(|shopper| shopper.rank)),
            ("status", texts(|shopper| Some(shopper.status))),
            ("store", texts(|shopper| Some(shopper.store))),
            ("likes", texts(|shopper| shopper.likes)),
            ("vip_type", texts(|shopper| shopper.vip_type)),
            ("nickname", texts(|shopper| shopper.nickname.as_deref())),
            ("postal_code", texts(|shopper| shopper.home.postal_code.as_deref())),
            ("postal_address", texts(|shopper| shopper.home.address.as_deref())),
            ("phone", texts(|shopper| shopper.home.phone.as_deref())),
            ("line_id", texts(|shopper| shopper.home.line_id.as_deref())),
            ("allergies", texts(|shopper| shopper.home.allergies.as_deref())),
            ("household_id", texts(|shopper| shopper.home.household.as_deref())),
        ],
    )
}

pub fn write_products(path: &Path, products: &[Product]) -> Result<(), Box<dyn Error>> {
    let urls = |end: fn(&str) -> String| -> ArrayRef {
        let urls = products.iter().map(|product| Some(format!("https://tsubaki.example/{}", end(&product.id))));
        Arc::new(urls.collect::<StringArray>())
    };
    write(
        path,
        vec![
            ("product_id", Arc::new(products.iter().map(|product| Some(&product.id)).collect::<StringArray>())),
            ("name", Arc::new(products.iter().map(|product| Some(product.name)).collect::<StringArray>())),
            ("category", Arc::new(products.iter().map(|product| Some(product.category)).collect::<StringArray>())),
            ("price", Arc::new(products.iter().map(|product| product.price).collect::<Int64Array>())),
            ("url", urls(|id| format!("p/{id}"))),
            ("image", urls(|id| format!("img/{id}.jpg"))),
            ("stock", Arc::new(products.iter().map(|product| product.stock).collect::<Int64Array>())),
        ],
    )
}

pub fn write_purchases(path: &Path, lines: &[Line]) -> Result<(), Box<dyn Error>> {
    let texts = |text: fn(&Line) -> Option<&str>| -> ArrayRef { Arc::new(lines.iter().map(text).collect::<StringArray>()) };
    let numbers = |number: fn(&Line) -> i64| -> ArrayRef { Arc::new(lines.iter().map(number).collect::<Int64Array>()) };
    let times = lines.iter().map(|line| Some(micros(line.at))).collect::<TimestampMicrosecondArray>();
    write(
        path,
        vec![
            ("customer_id", texts(|line| line.customer.as_deref())),
            ("order_id", texts(|line| line.order.as_deref())),
            ("purchased_at", Arc::new(times)),
            ("amount", numbers(|line| line.amount)),
            ("quantity", numbers(|line| line.quantity)),
            ("product_id", texts(|line| Some(&line.product))),
            ("category", texts(|line| Some(line.category))),
            ("status", texts(|line| line.status)),
            ("coupon_code", texts(|line| line.coupon)),
            ("points_used", numbers(|line| line.points_used)),
            ("store", texts(|line| Some(line.store))),
        ],
    )
}

fn write(path: &Path, columns: Vec<Column>) -> Result<(), Box<dyn Error>> {
    if let Some(folder) = path.parent() {
        create_dir_all(folder)?;
    }
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))?;
    let properties = WriterProperties::builder()
        .set_created_by("demo_shop".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(9)?))
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(File::create(path)?, batch.schema(), options)?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(())
}

/// A local time as it lies in the files: microseconds without a zone.
fn micros(at: NaiveDateTime) -> i64 {
    at.and_utc().timestamp_micros()
}
