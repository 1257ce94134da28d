//! Rows of a plan's tables as they are read back: batch by batch, never a whole table.

use super::Error;
use super::batches::{Batches, Pick};
use super::folder::{CUSTOMERS, MAILS, SKIPPED, VALUES};
use super::values::values_read;
use crate::domain::plan::{CustomerRow, GiftRow, MailRow, PastAccount, PastCustomer, SkipRow, SpentRow};
use crate::domain::points::{Cashback, Holding, Points};
use crate::domain::{Channel, RankChange, SkipReason, Value};
use arrow::array::{Array, BooleanArray, Date32Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Date32Type;
use chrono::NaiveDate;
use std::ops::Range;
use std::path::Path;
use std::vec::IntoIter;

impl Batches {
    fn rows<T: 'static>(mut self, read: fn(&RecordBatch) -> Result<Vec<T>, String>) -> Rows<T> {
        Rows::new(move || self.next()?.map(|batch| read(&batch)).transpose().map_err(|problem| self.malformed(problem)))
    }
}

/// Rows of a table, one by one. Ends after the first error.
pub struct Rows<T> {
    /// The next batch of rows; `None` after the last one or an error.
    load: Option<Load<T>>,
    rows: IntoIter<T>,
}

type Load<T> = Box<dyn FnMut() -> Result<Option<Vec<T>>, Error> + Send>;

impl<T> Rows<T> {
    fn new(load: impl FnMut() -> Result<Option<Vec<T>>, Error> + Send + 'static) -> Self {
        Self { load: Some(Box::new(load)), rows: IntoIter::default() }
    }
}

impl<T> Iterator for Rows<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(Ok(row));
            }
            match self.load.as_mut()?() {
                Ok(Some(rows)) => self.rows = rows.into_iter(),
                Ok(None) => self.load = None,
                Err(error) => {
                    self.load = None;
                    return Some(Err(error));
                }
            }
        }
    }
}

/// The mails of a plan, each with its values.
pub(super) fn mails(folder: &Path, pick: Pick<'_>) -> Result<Rows<MailRow>, Error> {
    let (mut mails, groups) = Batches::open(folder, MAILS, &[], pick)?;
    let beside = if let Pick::From(_) = pick { pick } else { Pick::Groups(&groups) };
    let (mut values, _) = Batches::open(folder, VALUES, &[], beside)?;
    Ok(Rows::new(move || match (mails.next()?, values.next()?) {
        (None, None) => Ok(None),
        (Some(mail), Some(value)) if mail.num_rows() == value.num_rows() => {
            let rows = mail_rows(&mail).map_err(|problem| mails.malformed(problem))?;
            join(rows, &value).map(Some).map_err(|problem| values.malformed(problem))
        }
        _ => Err(values.malformed("it does not have a row for each mail".into())),
    }))
}

/// The rows of one customer in the table of mails: they are sorted by customer.
pub(super) fn places_of(folder: &Path, id: &str) -> Result<Range<usize>, Error> {
    let (mut batches, _, mut at) = Batches::open_at(folder, MAILS, &["customer_id"], Pick::Customer(id))?;
    let mut found: Option<Range<usize>> = None;
    while let Some(batch) = batches.next()? {
        let ids = column::<StringArray>(&batch, "customer_id").map_err(|problem| batches.malformed(problem))?;
        for own in ids {
            if own == Some(id) {
                found.get_or_insert(at..at).end = at + 1;
            } else if found.is_some() {
                return Ok(found.unwrap_or_default());
            }
            at += 1;
        }
    }
    Ok(found.unwrap_or_default())
}

/// To whom each mail goes and of which campaign it is, from a row on.
pub(super) fn recipients(folder: &Path, from: usize) -> Result<Rows<(String, String)>, Error> {
    let (batches, _) = Batches::open(folder, MAILS, &["customer_id", "campaign"], Pick::From(from))?;
    Ok(batches.rows(|batch| {
        let (ids, campaigns) = (column::<StringArray>(batch, "customer_id")?, column::<StringArray>(batch, "campaign")?);
        (0..batch.num_rows()).map(|at| Ok((text(ids, at)?.to_owned(), text(campaigns, at)?.to_owned()))).collect()
    }))
}

/// The mails of a plan, with nothing where their values would be.
pub(super) fn mails_without_values(folder: &Path) -> Result<Rows<MailRow>, Error> {
    let (batches, _) = Batches::open(folder, MAILS, &[], Pick::All)?;
    Ok(batches.rows(mail_rows))
}

/// What a plan says of its customers, as far as the next run asks.
pub(super) fn past_customers(folder: &Path) -> Result<Rows<PastCustomer>, Error> {
    let columns = ["customer_id", "rank", "rank_since", "missed_reviews", "safe_until", "orders_mark"];
    let (batches, _) = Batches::open(folder, CUSTOMERS, &columns, Pick::All)?;
    Ok(batches.rows(past_rows))
}

/// The gifts of a plan. Plans of earlier versions tell of them in the values of their mails only.
pub(super) fn gifts(folder: &Path) -> Result<Rows<GiftRow>, Error> {
    let (batches, _) = Batches::open(folder, MAILS, &["customer_id", "campaign", "gift"], Pick::All)?;
    if batches.schema().column_with_name("gift").is_some() {
        return Ok(batches.rows(gift_rows));
    }
    let mut mails = mails(folder, Pick::All)?.filter(|mail| mail.as_ref().map_or(true, |mail| mail.offer.as_deref() == Some("gift")));
    Ok(Rows::new(move || {
        let Some(mail) = mails.next().transpose()? else { return Ok(None) };
        let values = values_read(&mail.values)?;
        let gift = match values.get("offer").and_then(|offer| offer.get("gift")) {
            Some(Value::Text(gift)) => Some(gift.clone()),
            _ => None,
        };
        Ok(Some(gift.map(|gift| GiftRow { customer_id: mail.customer_id, campaign: mail.campaign, gift }).into_iter().collect()))
    }))
}

/// What the mails of a plan gave.
pub(super) fn spent(folder: &Path) -> Result<Rows<SpentRow>, Error> {
    let columns = ["mail_id", "campaign", "occasion", "offer", "exposure"];
    let (batches, _) = Batches::open(folder, MAILS, &columns, Pick::All)?;
    Ok(batches.rows(spent_rows))
}

/// What a plan says of its customers' ranks and cashback, as far as points ask.
pub(super) fn past_accounts(folder: &Path) -> Result<Rows<PastAccount>, Error> {
    let columns = ["customer_id", "rank", "cashback_points", "cashback_amount", "cashback_carried"];
    let (batches, _) = Batches::open(folder, CUSTOMERS, &columns, Pick::All)?;
    Ok(batches.rows(account_rows))
}

/// The matched pairs that a plan does not mail.
pub(super) fn skips(folder: &Path, pick: Pick<'_>) -> Result<Rows<SkipRow>, Error> {
    let (batches, _) = Batches::open(folder, SKIPPED, &[], pick)?;
    Ok(batches.rows(skip_rows))
}

/// One customer's row, if it is there.
pub(super) fn customer(folder: &Path, id: &str) -> Result<Option<CustomerRow>, Error> {
    let (mut batches, _) = Batches::open(folder, CUSTOMERS, &[], Pick::Customer(id))?;
    while let Some(batch) = batches.next()? {
        let place = |batch: &RecordBatch| Ok(column::<StringArray>(batch, "customer_id")?.iter().position(|each| each == Some(id)));
        let found = place(&batch).and_then(|place| place.map(|at| customer_row(&batch, at)).transpose());
        if let Some(row) = found.map_err(|problem| batches.malformed(problem))? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// All that a plan says of its customers.
pub(super) fn customers(folder: &Path) -> Result<Rows<CustomerRow>, Error> {
    let (batches, _) = Batches::open(folder, CUSTOMERS, &[], Pick::All)?;
    Ok(batches.rows(|batch| (0..batch.num_rows()).map(|at| customer_row(batch, at)).collect()))
}

fn join(mut rows: Vec<MailRow>, values: &RecordBatch) -> Result<Vec<MailRow>, String> {
    let (ids, texts) = (column::<StringArray>(values, "mail_id")?, column::<StringArray>(values, "values")?);
    for (row, (id, text)) in rows.iter_mut().zip(ids.iter().zip(texts)) {
        match (id, text) {
            (Some(id), Some(text)) if id == row.mail_id => text.clone_into(&mut row.values),
            _ => return Err(format!("the values of mail `{}` are not in its row", row.mail_id)),
        }
    }
    Ok(rows)
}

fn mail_rows(batch: &RecordBatch) -> Result<Vec<MailRow>, String> {
    let words = |name| column::<StringArray>(batch, name);
    let [mail_id, customer_id, rank, campaign, occasion] =
        [words("mail_id")?, words("customer_id")?, words("rank")?, words("campaign")?, words("occasion")?];
    let [address, subject, offer, coupon, hash] =
        [words("address")?, words("subject")?, words("offer")?, words("coupon_code")?, words("content_hash")?];
    let valid_until = column::<Date32Array>(batch, "valid_until")?;
    let channels = later::<StringArray>(batch, "channel")?;
    let exposure = later::<Int64Array>(batch, "exposure")?;
    let variant = later::<StringArray>(batch, "variant")?;
    let row = |at| {
        let hash = blake3::Hash::from_hex(text(hash, at)?).map_err(|error| format!("a content hash is wrong: {error}"))?;
        Ok(MailRow {
            mail_id: text(mail_id, at)?.to_owned(),
            customer_id: text(customer_id, at)?.to_owned(),
            rank: maybe_text(rank, at),
            campaign: text(campaign, at)?.to_owned(),
            variant: variant.and_then(|variant| maybe_text(variant, at)),
            occasion: text(occasion, at)?.to_owned(),
            channel: channel(channels, at)?,
            address: text(address, at)?.to_owned(),
            subject: text(subject, at)?.to_owned(),
            offer: maybe_text(offer, at),
            coupon_code: maybe_text(coupon, at),
            valid_until: day(valid_until, at)?,
            exposure: exposure.and_then(|exposure| number(exposure, at)).unwrap_or(0),
            content_hash: *hash.as_bytes(),
            values: String::new(),
        })
    };
    (0..batch.num_rows()).map(row).collect()
}

fn spent_rows(batch: &RecordBatch) -> Result<Vec<SpentRow>, String> {
    let words = |name| column::<StringArray>(batch, name);
    let [mail_id, campaign, occasion, offer] = [words("mail_id")?, words("campaign")?, words("occasion")?, words("offer")?];
    let exposure = if batch.column_by_name("exposure").is_some() { Some(column::<Int64Array>(batch, "exposure")?) } else { None };
    let row = |at| {
        Ok(SpentRow {
            mail_id: text(mail_id, at)?.to_owned(),
            campaign: text(campaign, at)?.to_owned(),
            occasion: text(occasion, at)?.to_owned(),
            offered: !offer.is_null(at),
            exposure: exposure.and_then(|exposure| number(exposure, at)).unwrap_or(0),
        })
    };
    (0..batch.num_rows()).map(row).collect()
}

fn gift_rows(batch: &RecordBatch) -> Result<Vec<GiftRow>, String> {
    let [customer_id, campaign, gift] = [column::<StringArray>(batch, "customer_id")?, column(batch, "campaign")?, column(batch, "gift")?];
    let given = (0..batch.num_rows()).filter_map(|at| Some((at, maybe_text(gift, at)?)));
    given
        .map(|(at, gift)| Ok(GiftRow { customer_id: text(customer_id, at)?.to_owned(), campaign: text(campaign, at)?.to_owned(), gift }))
        .collect()
}

fn past_rows(batch: &RecordBatch) -> Result<Vec<PastCustomer>, String> {
    let (customer_id, rank) = (column::<StringArray>(batch, "customer_id")?, column::<StringArray>(batch, "rank")?);
    let (since, safe) = (column::<Date32Array>(batch, "rank_since")?, column::<Date32Array>(batch, "safe_until")?);
    let missed = column::<Int32Array>(batch, "missed_reviews")?;
    let marks = if batch.column_by_name("orders_mark").is_some() { Some(column::<Int64Array>(batch, "orders_mark")?) } else { None };
    let row = |at| {
        Ok(PastCustomer {
            customer_id: text(customer_id, at)?.to_owned(),
            rank: maybe_text(rank, at),
            rank_since: day(since, at)?,
            missed_reviews: count(missed, at)?,
            safe_until: day(safe, at)?,
            mark: marks.and_then(|marks| number(marks, at)),
        })
    };
    (0..batch.num_rows()).map(row).collect()
}

fn skip_rows(batch: &RecordBatch) -> Result<Vec<SkipRow>, String> {
    let words = |name| column::<StringArray>(batch, name);
    let [customer_id, campaign, reason] = [words("customer_id")?, words("campaign")?, words("reason")?];
    let row = |at| {
        let word = text(reason, at)?;
        Ok(SkipRow {
            customer_id: text(customer_id, at)?.to_owned(),
            campaign: text(campaign, at)?.to_owned(),
            reason: SkipReason::from_word(word).ok_or_else(|| format!("`{word}` is no reason to skip"))?,
        })
    };
    (0..batch.num_rows()).map(row).collect()
}

fn customer_row(batch: &RecordBatch, at: usize) -> Result<CustomerRow, String> {
    let rank = |name| Ok::<_, String>(maybe_text(column(batch, name)?, at));
    let date = |name| day(column(batch, name)?, at);
    let later_date = |name| later(batch, name)?.map_or(Ok(None), |column| day(column, at));
    let maybe = |name| Ok::<_, String>(number(column::<Int64Array>(batch, name)?, at));
    let whole = |name| maybe(name)?.ok_or_else(|| format!("column `{name}` has a hole"));
    let instant = |name| {
        let times = column::<TimestampMicrosecondArray>(batch, name)?;
        Ok::<_, String>((!times.is_null(at)).then(|| times.value(at)))
    };
    let change = text(column(batch, "rank_change")?, at)?;
    let holdout = column::<BooleanArray>(batch, "holdout")?;
    Ok(CustomerRow {
        customer_id: text(column(batch, "customer_id")?, at)?.to_owned(),
        first_order_at: instant("first_order_at")?,
        last_order_at: instant("last_order_at")?,
        orders_ever: whole("orders_ever")?,
        spend_ever: whole("spend_ever")?,
        orders: whole("orders")?,
        spend: whole("spend")?,
        qualifies: rank("qualifies")?,
        rank: rank("rank")?,
        previous_rank: rank("previous_rank")?,
        rank_change: RankChange::from_word(change).ok_or_else(|| format!("`{change}` is no rank change"))?,
        rank_since: date("rank_since")?,
        missed_reviews: count(column(batch, "missed_reviews")?, at)?,
        safe_until: date("safe_until")?,
        next_rank: rank("next_rank")?,
        next_orders: maybe("next_orders")?,
        next_spend: maybe("next_spend")?,
        next_on: date("next_on")?,
        next_last_day: later_date("next_last_day")?,
        keep_by: date("keep_by")?,
        keep_last_day: later_date("keep_last_day")?,
        keep_orders: maybe("keep_orders")?,
        keep_spend: maybe("keep_spend")?,
        holdout: !holdout.is_null(at) && holdout.value(at),
        holding: holding(batch, at)?,
    })
}

/// Points and cashback; plans of earlier versions have no such columns.
fn holding(batch: &RecordBatch, at: usize) -> Result<Holding, String> {
    let maybe = |name| later::<Int64Array>(batch, name).map(|column| column.and_then(|column| number(column, at)));
    let expire_on = later::<Date32Array>(batch, "points_expire_on")?.map_or(Ok(None), |column| day(column, at))?;
    let expiring = maybe("points_expiring")?.unwrap_or(0);
    Ok(Holding {
        points: maybe("points_balance")?.map(|balance| Points { balance, expiring, expire_on }),
        overdrawn: maybe("points_overdrawn")?,
        cashback: Cashback { points: maybe("cashback_points")?, amount: maybe("cashback_amount")?, carried: maybe("cashback_carried")? },
    })
}

fn account_rows(batch: &RecordBatch) -> Result<Vec<PastAccount>, String> {
    let (customer_id, rank) = (column::<StringArray>(batch, "customer_id")?, column::<StringArray>(batch, "rank")?);
    let words = ["cashback_points", "cashback_amount", "cashback_carried"];
    let [points, amount, carried] = words.map(|name| later::<Int64Array>(batch, name));
    let (points, amount, carried) = (points?, amount?, carried?);
    let of = |column: Option<&Int64Array>, at| column.and_then(|column| number(column, at));
    let row = |at| {
        Ok(PastAccount {
            customer_id: text(customer_id, at)?.to_owned(),
            rank: maybe_text(rank, at),
            cashback: Cashback { points: of(points, at), amount: of(amount, at), carried: of(carried, at) },
        })
    };
    (0..batch.num_rows()).map(row).collect()
}

fn column<'a, T: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a T, String> {
    let array = batch.column_by_name(name).ok_or_else(|| format!("it has no column `{name}`"))?;
    array.as_any().downcast_ref().ok_or_else(|| format!("column `{name}` is {}, which no plan holds there", array.data_type()))
}

/// A column that plans of earlier versions do not have.
fn later<'a, T: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Result<Option<&'a T>, String> {
    batch.column_by_name(name).map(|_| column(batch, name)).transpose()
}

/// Plans of earlier versions hold mails only.
fn channel(column: Option<&StringArray>, at: usize) -> Result<Channel, String> {
    let Some(column) = column else { return Ok(Channel::Mail) };
    let word = text(column, at)?;
    Channel::from_word(word).ok_or_else(|| format!("`{word}` is no channel"))
}

fn text(column: &StringArray, at: usize) -> Result<&str, String> {
    if column.is_null(at) { Err("a text is missing".into()) } else { Ok(column.value(at)) }
}

fn maybe_text(column: &StringArray, at: usize) -> Option<String> {
    (!column.is_null(at)).then(|| column.value(at).to_owned())
}

fn number(column: &Int64Array, at: usize) -> Option<i64> {
    (!column.is_null(at)).then(|| column.value(at))
}

fn count(column: &Int32Array, at: usize) -> Result<u32, String> {
    let count = if column.is_null(at) { -1 } else { column.value(at) };
    u32::try_from(count).map_err(|_| "a count of missed reviews is missing or negative".into())
}

fn day(column: &Date32Array, at: usize) -> Result<Option<NaiveDate>, String> {
    if column.is_null(at) {
        return Ok(None);
    }
    let days = column.value(at);
    Date32Type::to_naive_date_opt(days).map(Some).ok_or_else(|| format!("{days} days since 1970 is no day of a calendar"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::ArrayRef;
    use std::sync::Arc;

    #[test]
    fn plans_from_before_there_were_points_have_none() {
        let id: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
        let rank: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
        let batch = RecordBatch::try_from_iter([("customer_id", id), ("rank", rank)]).unwrap();
        assert_eq!(holding(&batch, 0), Ok(Holding::default()));
        assert_eq!(account_rows(&batch).unwrap(), [PastAccount { customer_id: "a".into(), rank: None, cashback: Cashback::default() }]);
    }
}
