//! Customers as bytes, column by column: made of rows once, taken up with little more than copying.
//!
//! These bytes never outlive the program, so they have no version. They may lie on a disk, so whatever is read is checked.

use crate::domain::{Address, Block, Contacts, Customers, Points, Texts, Value, Values};
use crate::piles::pack::{append, append_text, length, number, read_number, read_signed, read_text, signed, take, take_some, value};
use chrono::{Datelike, NaiveDate};

/// The kinds of addresses.
const MISSING: u8 = 0;
const BAD: u8 = 1;
const REGULAR: u8 = 2;
const IRREGULAR: u8 = 3;

/// The forms of blocks.
const WORDS: u8 = 0;
const TEXTS: u8 = 1;
const DAYS: u8 = 2;
const NUMBERS: u8 = 3;
const ANY: u8 = 4;

/// The bytes of customers.
pub fn pack(customers: &Customers) -> Vec<u8> {
    // Whoever adds a field comes by here.
    let Customers {
        id,
        address,
        name,
        birthday,
        consent,
        since,
        contacts,
        rank,
        rank_at_least,
        rank_at_least_until,
        household,
        points,
        columns,
        excluded,
    } = customers;
    let mut out = Vec::new();
    append_texts(id, &mut out);
    append_addresses(address, &mut out);
    append_texts(name, &mut out);
    append_days(birthday, &mut out);
    append_truths(consent, &mut out);
    append_days(since, &mut out);
    append_contacts(contacts, &mut out);
    append_texts(rank, &mut out);
    append_texts(rank_at_least, &mut out);
    append_days(rank_at_least_until, &mut out);
    append_texts(household, &mut out);
    append_points(points, &mut out);
    number(columns.len() as u64, &mut out);
    for (name, values) in columns {
        append_text(name, &mut out);
        append_values(values, &mut out);
    }
    number(excluded.len() as u64, &mut out);
    for (id, why) in excluded {
        append_text(id, &mut out);
        append_text(why, &mut out);
    }
    out
}

/// The customers of their bytes; `None` where the bytes are not those that were made of customers.
pub fn unpack(mut bytes: &[u8]) -> Option<Customers> {
    let bytes = &mut bytes;
    let customers = Customers {
        id: texts(bytes)?,
        address: addresses(bytes)?,
        name: texts(bytes)?,
        birthday: days(bytes)?,
        consent: truths(bytes)?,
        since: days(bytes)?,
        contacts: contacts(bytes)?,
        rank: texts(bytes)?,
        rank_at_least: texts(bytes)?,
        rank_at_least_until: days(bytes)?,
        household: texts(bytes)?,
        points: points(bytes)?,
        columns: several(bytes, |bytes| Some((read_text(bytes)?.to_owned(), values(bytes)?)))?,
        excluded: several(bytes, |bytes| Some((read_text(bytes)?.to_owned(), read_text(bytes)?.to_owned())))?,
    };
    (bytes.is_empty() && is_even(&customers)).then_some(customers)
}

/// Whether all columns are equally long, but for those that may have no rows.
fn is_even(customers: &Customers) -> bool {
    let Customers { address, name, birthday, consent, since, contacts, rank, rank_at_least, .. } = customers;
    let Customers { rank_at_least_until, household, points, columns, .. } = customers;
    let Contacts { postal_code, postal_address, line_id, phone, post_consent, line_consent, call_consent } = contacts;
    let rows = customers.len();
    let always = [address.len(), name.len(), birthday.len(), consent.len(), since.len(), rank_at_least_until.len()];
    let words = [rank, rank_at_least, household, postal_code, postal_address, line_id, phone].map(Texts::len);
    let mut asked = [post_consent, line_consent, call_consent].into_iter().flatten();
    always.iter().all(|length| *length == rows)
        && words.iter().chain([&points.len()]).all(|length| *length == rows || *length == 0)
        && asked.all(|consent| consent.len() == rows)
        && columns.iter().all(|(_, values)| values.len() == rows)
}

/// Reads how many there are, then each.
fn several<T>(bytes: &mut &[u8], mut read: impl FnMut(&mut &[u8]) -> Option<T>) -> Option<Vec<T>> {
    let count = length(bytes)?;
    // A damaged count must not take memory: each takes a byte at least.
    let mut all = Vec::with_capacity(count.min(bytes.len()));
    for _ in 0..count {
        all.push(read(bytes)?);
    }
    Some(all)
}

/// How long each string is, then all of them one behind the other.
fn append_texts(texts: &Texts, out: &mut Vec<u8>) {
    let (text, ends) = texts.parts();
    number(ends.len() as u64, out);
    let mut start = 0;
    for end in ends {
        number((end - start) as u64, out);
        start = *end;
    }
    out.extend_from_slice(text.as_bytes());
}

fn texts(bytes: &mut &[u8]) -> Option<Texts> {
    let mut end = 0_usize;
    let ends = several(bytes, |bytes| {
        end = end.checked_add(length(bytes)?)?;
        Some(end)
    })?;
    Texts::of_parts(text(bytes, end)?, ends)
}

/// A text of so many bytes.
fn text(bytes: &mut &[u8], length: usize) -> Option<String> {
    std::str::from_utf8(take_some(bytes, length)?).ok().map(str::to_owned)
}

fn append_addresses(addresses: &[Address], out: &mut Vec<u8>) {
    number(addresses.len() as u64, out);
    out.extend(addresses.iter().map(|address| match address {
        Address::Missing => MISSING,
        Address::Bad => BAD,
        Address::Usable { irregular: false, .. } => REGULAR,
        Address::Usable { irregular: true, .. } => IRREGULAR,
    }));
    for address in addresses {
        if let Address::Usable { wire, .. } = address {
            append_text(wire, out);
        }
    }
}

fn addresses(bytes: &mut &[u8]) -> Option<Vec<Address>> {
    let count = length(bytes)?;
    let kinds = take_some(bytes, count)?;
    let mut usable = |irregular| Some(Address::Usable { wire: read_text(bytes)?.into(), irregular });
    let address = |kind: &u8| match *kind {
        MISSING => Some(Address::Missing),
        BAD => Some(Address::Bad),
        REGULAR => usable(false),
        IRREGULAR => usable(true),
        _ => None,
    };
    kinds.iter().map(address).collect()
}

fn append_days(days: &[Option<NaiveDate>], out: &mut Vec<u8>) {
    number(days.len() as u64, out);
    for day in days {
        append_day(*day, out);
    }
}

fn days(bytes: &mut &[u8]) -> Option<Vec<Option<NaiveDate>>> {
    several(bytes, day)
}

/// The year and, in the last nine bits, the day of the year; 0 for none. Nothing has to be divided to read it again.
fn append_day(day: Option<NaiveDate>, out: &mut Vec<u8>) {
    let written = day.map_or(0, |day| (day.year() << 9) | day.ordinal().cast_signed());
    out.extend_from_slice(&written.to_le_bytes());
}

#[expect(clippy::option_option, reason = "the outer one tells of damage, the inner one of nothing")]
fn day(bytes: &mut &[u8]) -> Option<Option<NaiveDate>> {
    match i32::from_le_bytes(take(bytes)?) {
        0 => Some(None),
        written => NaiveDate::from_yo_opt(written >> 9, (written & 0x1ff).cast_unsigned()).map(Some),
    }
}

fn append_truths(truths: &[bool], out: &mut Vec<u8>) {
    number(truths.len() as u64, out);
    out.extend(truths.iter().map(|truth| u8::from(*truth)));
}

fn truths(bytes: &mut &[u8]) -> Option<Vec<bool>> {
    let count = length(bytes)?;
    let truths = take_some(bytes, count)?;
    truths.iter().all(|truth| *truth < 2).then(|| truths.iter().map(|truth| *truth == 1).collect())
}

fn append_contacts(contacts: &Contacts, out: &mut Vec<u8>) {
    let Contacts { postal_code, postal_address, line_id, phone, post_consent, line_consent, call_consent } = contacts;
    for column in [postal_code, postal_address, line_id, phone] {
        append_texts(column, out);
    }
    for consent in [post_consent, line_consent, call_consent] {
        out.push(consent.is_some().into());
        if let Some(consent) = consent {
            append_truths(consent, out);
        }
    }
}

fn contacts(bytes: &mut &[u8]) -> Option<Contacts> {
    Some(Contacts {
        postal_code: texts(bytes)?,
        postal_address: texts(bytes)?,
        line_id: texts(bytes)?,
        phone: texts(bytes)?,
        post_consent: maybe(bytes, truths)?,
        line_consent: maybe(bytes, truths)?,
        call_consent: maybe(bytes, truths)?,
    })
}

/// Reads whether there is something, then that.
#[expect(clippy::option_option, reason = "the outer one tells of damage, the inner one of nothing")]
fn maybe<T>(bytes: &mut &[u8], read: impl FnOnce(&mut &[u8]) -> Option<T>) -> Option<Option<T>> {
    match take(bytes)? {
        [0] => Some(None),
        [1] => read(bytes).map(Some),
        _ => None,
    }
}

fn append_points(points: &[Option<Points>], out: &mut Vec<u8>) {
    number(points.len() as u64, out);
    for points in points {
        out.push(points.is_some().into());
        if let Some(Points { balance, expiring, expire_on }) = points {
            signed(*balance, out);
            signed(*expiring, out);
            append_day(*expire_on, out);
        }
    }
}

fn points(bytes: &mut &[u8]) -> Option<Vec<Option<Points>>> {
    let points = |bytes: &mut &[u8]| Some(Points { balance: read_signed(bytes)?, expiring: read_signed(bytes)?, expire_on: day(bytes)? });
    several(bytes, |bytes| maybe(bytes, points))
}

fn append_values(values: &Values, out: &mut Vec<u8>) {
    let blocks = values.blocks();
    number(blocks.len() as u64, out);
    for block in blocks {
        append_block(&block, out);
    }
}

fn values(bytes: &mut &[u8]) -> Option<Values> {
    Values::of_blocks(several(bytes, block)?)
}

fn append_block(block: &Block, out: &mut Vec<u8>) {
    match block {
        Block::Words { words, places } => {
            out.push(WORDS);
            append_each(words, out);
            number(places.len() as u64, out);
            out.extend_from_slice(places);
        }
        Block::Texts { bytes, ends, there } => {
            out.push(TEXTS);
            number(ends.len() as u64, out);
            let mut start = 0;
            for (end, there) in ends.iter().zip(there) {
                number(u64::from(end - start) + u64::from(*there), out);
                start = *end;
            }
            out.extend_from_slice(bytes.as_bytes());
        }
        Block::Days(days) => {
            out.push(DAYS);
            append_days(days, out);
        }
        Block::Numbers(numbers) => {
            out.push(NUMBERS);
            number(numbers.len() as u64, out);
            for one in numbers {
                out.push(one.is_some().into());
                if let Some(one) = one {
                    signed(*one, out);
                }
            }
        }
        Block::Any(values) => {
            out.push(ANY);
            append_each(values, out);
        }
    }
}

fn append_each(values: &[Value], out: &mut Vec<u8>) {
    number(values.len() as u64, out);
    for value in values {
        append(value, out);
    }
}

fn block(bytes: &mut &[u8]) -> Option<Block> {
    Some(match take::<1>(bytes)?[0] {
        WORDS => {
            let words = several(bytes, value)?;
            let count = length(bytes)?;
            Block::Words { words, places: take_some(bytes, count)?.to_vec() }
        }
        TEXTS => {
            let (mut end, mut there) = (0_u32, Vec::new());
            // A text that is there is one longer than its length says.
            let ends = several(bytes, |bytes| {
                let length = u32::try_from(read_number(bytes)?).ok()?;
                there.push(length > 0);
                end = end.checked_add(length.saturating_sub(1))?;
                Some(end)
            })?;
            Block::Texts { bytes: text(bytes, end as usize)?, ends, there }
        }
        DAYS => Block::Days(days(bytes)?),
        NUMBERS => Block::Numbers(several(bytes, |bytes| maybe(bytes, read_signed))?),
        ANY => Block::Any(several(bytes, value)?),
        _ => return None,
    })
}

#[cfg(test)]
#[path = "packed_tests.rs"]
mod tests;
