//! Rows of a plan as Arrow columns: the one place that names the columns of the four tables.

use super::Error;
use super::merge::{Planned, contradiction};
use crate::domain::RankIndex;
use crate::domain::plan::{PlannedMail, Skip};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Int32Array, Int64Array, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{Date32Type, Field, Schema};
use chrono::NaiveDate;
use std::sync::Arc;

/// The names of ranks and campaigns, for the places that rows hold.
pub(super) struct Names<'a> {
    pub ranks: &'a [String],
    pub campaigns: &'a [String],
}

impl<'a> Names<'a> {
    pub fn rank(&self, rank: Option<RankIndex>) -> Result<Option<&'a str>, Error> {
        let Some(rank) = rank else { return Ok(None) };
        let name = self.ranks.get(usize::from(rank)).ok_or_else(|| contradiction(format!("there is no rank number {rank}")))?;
        Ok(Some(name))
    }

    pub fn campaign(&self, campaign: usize) -> Result<&'a str, Error> {
        let name = self.campaigns.get(campaign).ok_or_else(|| contradiction(format!("there is no campaign number {campaign}")))?;
        Ok(name)
    }
}

/// A column: its name, whether it may hold nulls, its values.
type Column = (&'static str, bool, ArrayRef);

/// Rows of `customers.parquet`.
pub(super) fn customers(rows: &[Planned<'_>], names: &Names<'_>) -> Result<RecordBatch, Error> {
    let rank = |pick: fn(&Planned<'_>) -> Option<RankIndex>| -> Result<ArrayRef, Error> {
        let words = rows.iter().map(|row| names.rank(pick(row))).collect::<Result<Vec<_>, _>>()?;
        Ok(Arc::new(StringArray::from_iter(words)))
    };
    let day = |pick: fn(&Planned<'_>) -> Option<NaiveDate>| days(rows.iter().map(pick));
    let whole = |pick: fn(&Planned<'_>) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(rows.iter().map(pick))) };
    let maybe = |pick: fn(&Planned<'_>) -> Option<i64>| -> ArrayRef { Arc::new(rows.iter().map(pick).collect::<Int64Array>()) };
    let instant = |pick: fn(&Planned<'_>) -> Option<i64>| -> ArrayRef {
        Arc::new(rows.iter().map(pick).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let missed = rows.iter().map(|row| i32::try_from(row.standing.missed).unwrap_or(i32::MAX));
    batch(vec![
        ("customer_id", false, texts(rows.iter().map(|row| row.id))),
        ("first_order_at", true, instant(|row| row.features.first_order_at)),
        ("last_order_at", true, instant(|row| row.features.last_order_at)),
        ("orders_ever", false, whole(|row| row.features.orders_ever)),
        ("spend_ever", false, whole(|row| row.features.spend_ever)),
        ("orders", false, whole(|row| row.features.orders)),
        ("spend", false, whole(|row| row.features.spend)),
        ("qualifies", true, rank(|row| row.standing.qualifies)?),
        ("rank", true, rank(|row| row.standing.rank)?),
        ("previous_rank", true, rank(|row| row.standing.previous)?),
        ("rank_change", false, texts(rows.iter().map(|row| row.standing.change.word()))),
        ("rank_since", true, day(|row| row.standing.since)),
        ("missed_reviews", false, Arc::new(Int32Array::from_iter_values(missed))),
        ("safe_until", true, day(|row| row.standing.safe_until)),
        ("next_rank", true, rank(|row| row.standing.next_rank)?),
        ("next_orders", true, maybe(|row| row.standing.next_orders)),
        ("next_spend", true, maybe(|row| row.standing.next_spend)),
        ("next_on", true, day(|row| row.standing.next_on)),
        ("next_last_day", true, day(|row| row.standing.next_last_day)),
        ("keep_by", true, day(|row| row.standing.keep_by)),
        ("keep_last_day", true, day(|row| row.standing.keep_last_day)),
        ("keep_orders", true, maybe(|row| row.standing.keep_orders)),
        ("keep_spend", true, maybe(|row| row.standing.keep_spend)),
        ("orders_mark", false, whole(|row| row.features.mark)),
        ("holdout", false, Arc::new(rows.iter().map(|row| Some(row.holdout)).collect::<BooleanArray>())),
        ("points_balance", true, maybe(|row| row.holding.points.map(|points| points.balance))),
        ("points_expiring", true, maybe(|row| row.holding.points.map(|points| points.expiring))),
        ("points_expire_on", true, day(|row| row.holding.points.and_then(|points| points.expire_on))),
        ("points_overdrawn", true, maybe(|row| row.holding.overdrawn)),
        ("cashback_points", true, maybe(|row| row.holding.cashback.points)),
        ("cashback_amount", true, maybe(|row| row.holding.cashback.amount)),
        ("cashback_carried", true, maybe(|row| row.holding.cashback.carried)),
    ])
}

/// The column of `values.parquet` that holds values.
pub(super) const VALUES: &str = "values";

/// Rows of `mails.parquet`, customer ids with their mails, and behind them the values of each.
pub(super) fn mails(rows: &[(&str, &PlannedMail)], names: &Names<'_>) -> Result<RecordBatch, Error> {
    let ranks = rows.iter().map(|(_, mail)| names.rank(mail.rank)).collect::<Result<Vec<_>, _>>()?;
    let campaigns = rows.iter().map(|(_, mail)| names.campaign(mail.campaign)).collect::<Result<Vec<_>, _>>()?;
    let hashes: Vec<String> = rows.iter().map(|(_, mail)| blake3::Hash::from_bytes(mail.content_hash).to_hex().to_string()).collect();
    batch(vec![
        ("mail_id", false, texts(rows.iter().map(|(_, mail)| mail.mail_id.as_str()))),
        ("customer_id", false, texts(rows.iter().map(|(id, _)| *id))),
        ("rank", true, Arc::new(StringArray::from_iter(ranks))),
        ("campaign", false, texts(campaigns.into_iter())),
        ("variant", true, Arc::new(rows.iter().map(|(_, mail)| mail.variant.as_deref()).collect::<StringArray>())),
        ("occasion", false, texts(rows.iter().map(|(_, mail)| mail.occasion.as_str()))),
        ("address", false, texts(rows.iter().map(|(_, mail)| mail.address.as_str()))),
        ("subject", false, texts(rows.iter().map(|(_, mail)| mail.subject.as_str()))),
        ("offer", true, Arc::new(rows.iter().map(|(_, mail)| mail.offer).collect::<StringArray>())),
        ("coupon_code", true, Arc::new(rows.iter().map(|(_, mail)| mail.coupon_code.as_deref()).collect::<StringArray>())),
        ("valid_until", true, days(rows.iter().map(|(_, mail)| mail.valid_until))),
        ("channel", false, texts(rows.iter().map(|(_, mail)| mail.channel.word()))),
        ("gift", true, Arc::new(rows.iter().map(|(_, mail)| mail.gift.as_deref()).collect::<StringArray>())),
        ("exposure", false, Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, mail)| mail.exposure)))),
        ("content_hash", false, texts(hashes.iter().map(String::as_str))),
        (VALUES, false, texts(rows.iter().map(|(_, mail)| mail.values.as_str()))),
    ])
}

/// Which of those columns are in `mails.parquet`, and which in `values.parquet`.
pub(super) fn mails_and_values(schema: &Schema) -> (Vec<usize>, Vec<usize>) {
    let places = |wanted: &dyn Fn(&str) -> bool| {
        schema.fields().iter().enumerate().filter(|(_, field)| wanted(field.name())).map(|(at, _)| at).collect()
    };
    (places(&|name| name != VALUES), places(&|name| name == VALUES || name == "mail_id"))
}

/// Rows of `skipped.parquet`: customer ids with their skips.
pub(super) fn skipped(rows: &[(&str, &Skip)], names: &Names<'_>) -> Result<RecordBatch, Error> {
    let campaigns = rows.iter().map(|(_, skip)| names.campaign(skip.campaign)).collect::<Result<Vec<_>, _>>()?;
    batch(vec![
        ("customer_id", false, texts(rows.iter().map(|(id, _)| *id))),
        ("campaign", false, texts(campaigns.into_iter())),
        ("reason", false, texts(rows.iter().map(|(_, skip)| skip.reason.word()))),
    ])
}

/// Texts in space that is large enough from the start.
fn texts<'a>(values: impl Iterator<Item = &'a str> + Clone) -> ArrayRef {
    let (rows, bytes) = values.clone().fold((0, 0), |(rows, bytes), text| (rows + 1, bytes + text.len()));
    let mut texts = StringBuilder::with_capacity(rows, bytes);
    values.for_each(|text| texts.append_value(text));
    Arc::new(texts.finish())
}

fn days(values: impl Iterator<Item = Option<NaiveDate>>) -> ArrayRef {
    Arc::new(values.map(|day| day.map(Date32Type::from_naive_date)).collect::<Date32Array>())
}

fn batch(columns: Vec<Column>) -> Result<RecordBatch, Error> {
    let fields: Vec<Field> =
        columns.iter().map(|(name, nullable, array)| Field::new(*name, array.data_type().clone(), *nullable)).collect();
    let arrays = columns.into_iter().map(|(_, _, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|error| contradiction(error.to_string()))
}
