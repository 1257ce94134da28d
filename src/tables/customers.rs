//! Customers of the rows of a list: who may be mailed, under which name, since when.

use super::address;
use super::error::Error;
use super::notes::{About, Absent, EXAMPLES, HELD, Notes};
use super::points;
use super::table::{Column, IDS, Kind, Table, one_of, word};
use crate::domain::job::{ConsentSource, ContactsSource, CustomersSource};
use crate::domain::merges::Merges;
use crate::domain::{Contacts, Customers, Moment, Texts, Value, Values, Zone, channel};
use chrono::NaiveDate;
use std::borrow::Cow;
use std::collections::HashMap;
use std::slice;
use std::sync::Arc;

/// The kinds that a date can be read from.
const DATES: [Kind; 5] = [Kind::Date, Kind::Time, Kind::Text, Kind::Int, Kind::Float];
const WORDS: [Kind; 2] = [Kind::Text, Kind::Int];

/// What customers are made by.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub source: CustomersSource,
    pub merges: Arc<Merges>,
    pub zone: Zone,
    pub as_of: NaiveDate,
}

/// Customers that were made of rows.
pub struct Made {
    pub customers: Customers,
    pub notes: Notes,
    /// Ids that are there more than once, with the places of their rows. Then there are no customers.
    pub twice: Doubles,
}

/// Makes the customers of a table, sorted by id. No row of another table may be one of these customers.
///
/// Consent must have been given before 00:00 of `as_of` in `zone`. Customers whom `exclude` names are in `excluded` only. A row of an id
/// that was merged is the new id's, unless the new id has a row of its own.
pub fn made(recipe: &Recipe, table: Table) -> Result<Made, Error> {
    let Recipe { source, merges, zone, as_of } = recipe;
    let mut notes = Notes::default();
    let ids = ids(&table, source)?;
    let order = order(&ids);
    let twice = doubles(&table, &order, |row| ids.get(*row));
    if !twice.is_empty() {
        return Ok(Made { customers: Customers::default(), notes, twice });
    }
    let (order, ids) = merged(order, ids, merges, &mut notes);
    notes.absent = absent(&table, source, &ids, &order)?;
    let (kept, excluded) = split(&table, source, &ids, order)?;
    let rows = Rows { table: &table, ids: &ids, kept: &kept, zone: *zone };

    let customers = Customers {
        id: kept.iter().map(|row| ids.of(*row)).collect(),
        address: rows.addresses(source, &mut notes)?,
        name: rows.joined(&source.name, "name")?,
        birthday: rows.dates(source.birthday.as_deref(), "birthday", &mut notes)?,
        consent: rows.consents(source.consent.as_ref(), "consent", *as_of)?.unwrap_or_else(|| vec![false; kept.len()]),
        since: rows.dates(source.since.as_deref(), "since", &mut notes)?,
        contacts: rows.contacts(&source.contacts, *as_of)?,
        rank: rows.words(source.rank.as_deref(), &key("rank"))?,
        rank_at_least: rows.words(source.rank_at_least.as_deref(), &key("rank_at_least"))?,
        rank_at_least_until: rows.ends(source.rank_at_least_until.as_deref(), "rank_at_least_until")?,
        household: rows.words(source.household.as_deref(), "[customers] household")?,
        points: points::points(&rows, source.points.as_ref(), *as_of, &mut notes)?,
        columns: Vec::new(),
        excluded,
    };
    drop(ids);
    Ok(Made { customers: Customers { columns: in_order(table, &kept), ..customers }, notes, twice })
}

pub(super) fn key(role: &str) -> String {
    format!("[customers.columns] {role}")
}

/// The id of each row without outer white space, empty where there is none.
fn ids(table: &Table, source: &CustomersSource) -> Result<Texts, Error> {
    table.ids(table.column_of(&source.customer, &key("customer"), &IDS, "text or whole numbers")?)
}

/// The rows sorted by id.
fn order(ids: &Texts) -> Vec<usize> {
    let mut order: Vec<usize> = (0..ids.len()).filter(|row| !ids.get(*row).is_empty()).collect();
    order.sort_by(|one, other| ids.get(*one).cmp(ids.get(*other)).then(one.cmp(other)));
    order
}

/// The rows that stay when merged ids are one, with the ids that they have now, sorted by those.
fn merged(order: Vec<usize>, ids: Texts, merges: &Merges, notes: &mut Notes) -> (Vec<usize>, Ids) {
    let mut ids = Ids { written: ids, renamed: HashMap::new() };
    if merges.is_empty() {
        return (order, ids);
    }
    // The new id's own row wins, else the first of the old ones by id.
    let mut chosen: HashMap<String, usize> = HashMap::with_capacity(order.len());
    for row in order {
        let present = merges.present(ids.of(row));
        let own = present == ids.of(row);
        if let Some(other) = chosen.get_mut(present) {
            notes.merged += 1;
            if own {
                *other = row;
            }
        } else {
            chosen.insert(present.to_owned(), row);
        }
    }
    let mut chosen: Vec<(String, usize)> = chosen.into_iter().collect();
    chosen.sort_unstable();
    let mut order = Vec::with_capacity(chosen.len());
    for (id, row) in chosen {
        ids.renamed.insert(row, id);
        order.push(row);
    }
    (order, ids)
}

/// The id of each row.
pub(super) struct Ids {
    written: Texts,
    /// Of those rows whose customer was merged, the id that is theirs now.
    renamed: HashMap<usize, String>,
}

impl Ids {
    fn of(&self, row: usize) -> &str {
        self.renamed.get(&row).map_or_else(|| self.written.get(row), String::as_str)
    }
}

/// Ids with the places of their rows.
pub(super) type Doubles = Vec<(String, Vec<String>)>;

/// The ids that are there more than once in rows that are sorted by them.
pub(super) fn doubles<'a>(table: &Table, order: &[usize], id: impl Fn(&usize) -> &'a str) -> Doubles {
    let alike = order.chunk_by(|one, other| id(one) == id(other)).filter(|rows| rows.len() > 1);
    let places = |rows: &[usize]| rows.iter().take(EXAMPLES).map(|row| table.place(*row)).collect();
    alike.filter_map(|rows| Some((id(rows.first()?).to_owned(), places(rows)))).collect()
}

/// Refuses ids that are there more than once, sorted.
pub(super) fn refuse_twice(file: &str, what: &'static str, doubles: &[(String, Vec<String>)]) -> Result<(), Error> {
    if doubles.is_empty() {
        return Ok(());
    }
    let shown = doubles.iter().take(EXAMPLES).map(|(id, places)| format!("`{id}` ({})", places.join(", ")));
    let more = if doubles.len() > EXAMPLES { format!(" and {} more", doubles.len() - EXAMPLES) } else { String::new() };
    let which = format!("{}{more}", shown.collect::<Vec<_>>().join(", "));
    Err(Error::Twice { file: file.to_owned(), what, which })
}

/// Ids with the column and value that left them out, both in one text.
type Excluded = Vec<(String, String)>;

/// The rows that stay, and whom `exclude` leaves out.
fn split(table: &Table, source: &CustomersSource, ids: &Ids, order: Vec<usize>) -> Result<(Vec<usize>, Excluded), Error> {
    let rules = source.exclude.iter().map(|(name, words)| Ok((table.column(name, "[customers] exclude")?, words)));
    let rules: Vec<(&Column, &Vec<String>)> = rules.collect::<Result<_, Error>>()?;
    let mut excluded = Vec::new();
    let mut kept = Vec::with_capacity(order.len());
    for row in order {
        let hit = rules.iter().find_map(|(column, words)| Some((column, one_of(&*column.values.get(row)?, words)?)));
        match hit {
            Some((column, word)) => {
                excluded.push((ids.of(row).to_owned(), format!("{} = {word}", column.name)));
            }
            None => kept.push(row),
        }
    }
    Ok((kept, excluded))
}

/// The words of `exclude` that none of these rows has.
fn absent(table: &Table, source: &CustomersSource, ids: &Ids, rows: &[usize]) -> Result<Vec<Absent>, Error> {
    let mut absent = Vec::new();
    for (name, words) in &source.exclude {
        let column = table.column(name, "[customers] exclude")?;
        let values = || rows.iter().filter_map(|row| Some((*row, column.values.get(*row)?)));
        let nobody = |word: &&String| !values().any(|(_, value)| one_of(&value, slice::from_ref(*word)).is_some());
        let words: Vec<String> = words.iter().filter(nobody).cloned().collect();
        let mut held: Vec<(String, String)> = Vec::new();
        for (row, value) in values() {
            if held.len() == HELD || words.is_empty() {
                break;
            }
            let each = if let Value::List(values) = &*value { values.as_slice() } else { slice::from_ref(&*value) };
            for word in each.iter().filter_map(word).filter(|word| !word.trim().is_empty()) {
                if held.len() < HELD && !held.iter().any(|(_, one)| *one == word) {
                    held.push((ids.of(row).to_owned(), word.into_owned()));
                }
            }
        }
        absent.push(Absent { column: name.clone(), words, held });
    }
    Ok(absent)
}

/// The rows of a table in the order of the list.
pub(super) struct Rows<'a> {
    table: &'a Table,
    ids: &'a Ids,
    kept: &'a [usize],
    zone: Zone,
}

impl<'a> Rows<'a> {
    pub fn table(&self) -> &'a Table {
        self.table
    }

    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// The id of a row's customer.
    pub fn id(&self, row: usize) -> &'a str {
        self.ids.of(row)
    }

    /// The row of each customer in the file.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        self.kept.iter().copied()
    }

    pub fn of(&self, column: &'a Column) -> impl Iterator<Item = (usize, Cow<'a, Value>)> {
        self.kept.iter().map(|row| (*row, column.values.get(*row).unwrap_or(Cow::Owned(Value::Null))))
    }

    fn addresses(&self, source: &CustomersSource, notes: &mut Notes) -> Result<Vec<crate::domain::Address>, Error> {
        let Some(name) = &source.email else { return Ok(vec![crate::domain::Address::Missing; self.kept.len()]) };
        let column = self.table.column_of(name, &key("email"), &[Kind::Text], "text")?;
        let judged = self.of(column).map(|(_, value)| {
            let (address, cleaned) = address::judge_written(&word(&value).unwrap_or_default());
            notes.cleaned_addresses += u64::from(cleaned);
            address
        });
        Ok(judged.collect())
    }

    /// Texts of one column or several, each cleaned and joined by a space.
    fn joined(&self, columns: &[String], role: &str) -> Result<Texts, Error> {
        let parts = columns.iter().map(|name| self.table.column_of(name, &key(role), &WORDS, "text"));
        let parts: Vec<&Column> = parts.collect::<Result<_, Error>>()?;
        let mut texts = Texts::default();
        for row in self.kept {
            let words = parts.iter().filter_map(|column| Some(clean(&word(&*column.values.get(*row)?)?)));
            texts.push(&words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "));
        }
        Ok(texts)
    }

    /// How people can be reached other than by mail. Only texts are taken, for a number has lost the zeros that it began with.
    fn contacts(&self, source: &ContactsSource, as_of: NaiveDate) -> Result<Contacts, Error> {
        let column = |name: &Option<String>, role: &str, write: fn(&str) -> String| -> Result<Texts, Error> {
            let Some(name) = name else { return Ok(Texts::default()) };
            let column = self.table.column_of(name, &key(role), &[Kind::Text], "text")?;
            let mut texts = Texts::default();
            for (_, value) in self.of(column) {
                texts.push(&write(&clean(&word(&value).unwrap_or_default())));
            }
            Ok(texts)
        };
        let address = &source.postal_address;
        Ok(Contacts {
            postal_code: column(&source.postal_code, "postal_code", channel::postal_code)?,
            postal_address: if address.is_empty() { Texts::default() } else { self.joined(address, "postal_address")? },
            line_id: column(&source.line_id, "line_id", str::to_owned)?,
            phone: column(&source.phone, "phone", channel::narrowed)?,
            post_consent: self.consents(source.post_consent.as_ref(), "post_consent", as_of)?,
            line_consent: self.consents(source.line_consent.as_ref(), "line_consent", as_of)?,
            call_consent: self.consents(source.call_consent.as_ref(), "call_consent", as_of)?,
        })
    }

    /// A column of words without outer white space; without rows where none is mapped. `key` is what names it in the job.
    fn words(&self, name: Option<&str>, key: &str) -> Result<Texts, Error> {
        let Some(name) = name else { return Ok(Texts::default()) };
        let ids = self.table.ids(self.table.column_of(name, key, &IDS, "text or whole numbers")?)?;
        Ok(self.kept.iter().map(|row| ids.get(*row)).collect())
    }

    /// A column of dates. Empty texts are nothing, unusable ones are counted.
    pub fn dates(&self, name: Option<&str>, role: &str, notes: &mut Notes) -> Result<Vec<Option<NaiveDate>>, Error> {
        let Some(name) = name else { return Ok(vec![None; self.kept.len()]) };
        let column = self.table.column_of(name, &key(role), &DATES, "a date")?;
        let mut days = Vec::with_capacity(self.kept.len());
        for (row, value) in self.of(column) {
            if let Value::Date(day) = *value {
                days.push(Some(day));
                continue;
            }
            let text = word(&value).unwrap_or_default();
            let day = Moment::parse(&text).map(|moment| moment.date(self.zone));
            if day.is_none() && !text.trim().is_empty() {
                let count = match role {
                    "birthday" => &mut notes.unusable_birthdays,
                    "since" => &mut notes.unusable_since,
                    _ => &mut notes.unusable_points,
                };
                *count += 1;
                notes.example(About::role(role), self, row, || format!("{role} \"{}\" is no date", shortened(&text)));
            }
            days.push(day);
        }
        Ok(days)
    }

    /// A column of last days. Nothing means for ever, so a text that is no date is refused: nobody could tell what it means.
    fn ends(&self, name: Option<&str>, role: &str) -> Result<Vec<Option<NaiveDate>>, Error> {
        let Some(name) = name else { return Ok(vec![None; self.kept.len()]) };
        let column = self.table.column_of(name, &key(role), &DATES, "a date")?;
        let end = |(row, value): (usize, Cow<Value>)| {
            let text = word(&value).unwrap_or_default();
            let text = text.trim();
            if text.is_empty() || text.starts_with("0000-00-00") {
                return Ok(None);
            }
            Moment::parse(text).map(|moment| Some(moment.date(self.zone))).ok_or_else(|| Error::Unusable {
                file: self.table.file.clone(),
                column: column.name.clone(),
                value: shortened(text),
                place: self.table.place(row),
                what: "end date",
            })
        };
        self.of(column).map(end).collect()
    }

    /// Who has consented before the as-of date; `None` without a column.
    fn consents(&self, source: Option<&ConsentSource>, role: &str, as_of: NaiveDate) -> Result<Option<Vec<bool>>, Error> {
        let Some(source) = source else { return Ok(None) };
        let column = self.table.column(&source.column, &key(role))?;
        if let Some(yes) = &source.yes {
            return Ok(Some(self.of(column).map(|(_, value)| one_of(&value, yes).is_some()).collect()));
        }
        if !column.fits(&[Kind::Bool, Kind::Date, Kind::Time, Kind::Text]) {
            let expected = "a time or true and false, or { column = \"…\", yes = [\"…\"] } with the values that mean consent";
            return Err(self.table.wrong_type(column, &key(role), expected));
        }
        let end = self.zone.midnight(as_of);
        let before = |moment: Moment| moment.instant(self.zone) < end;
        self.of(column)
            .map(|(row, value)| {
                // A truth value reads as `true` or `false` here, as it does in a CSV.
                let text = word(&value).unwrap_or_default();
                let text = text.trim();
                // Some databases write a missing time as a day zero.
                if text.is_empty() || text.eq_ignore_ascii_case("false") || text.starts_with("0000-00-00") {
                    return Ok(false);
                }
                if text.eq_ignore_ascii_case("true") {
                    return Ok(true);
                }
                Moment::parse(text).map(before).ok_or_else(|| Error::Consent {
                    file: self.table.file.clone(),
                    column: column.name.clone(),
                    value: shortened(text),
                    place: self.table.place(row),
                })
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }
}

/// A name without control characters and line separators, which become spaces, and without outer white space.
fn clean(text: &str) -> String {
    let spaced = |letter: char| if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') { ' ' } else { letter };
    if text.chars().all(|letter| spaced(letter) == letter) {
        return text.trim().to_owned();
    }
    text.chars().map(spaced).collect::<String>().trim().to_owned()
}

/// The start of a text, for messages.
pub(super) fn shortened(text: &str) -> String {
    let start: String = clean(text).chars().take(40).collect();
    if start.len() < text.len() && text.chars().count() > 40 { format!("{start}…") } else { start }
}

/// The columns with their values in the order of the list. Exact decimals become the numbers that templates know.
fn in_order(table: Table, kept: &[usize]) -> Vec<(String, Values)> {
    let as_it_is = kept.len() == table.rows && kept.iter().enumerate().all(|(at, row)| at == *row);
    let ordered = table.columns.into_iter().map(|column| {
        let decimal = column.kind == Kind::Decimal;
        if as_it_is && !decimal {
            return (column.name, column.values);
        }
        let values = column.values.picked(kept.iter().copied());
        (column.name, if decimal { values.iter().map(|value| number(value.into_owned())).collect() } else { values })
    });
    ordered.collect()
}

fn number(value: Value) -> Value {
    let Value::Text(text) = &value else { return value };
    if let Ok(whole) = text.parse() {
        return Value::Int(whole);
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map_or(value, Value::Float)
}

#[cfg(test)]
#[path = "customers_tests.rs"]
mod tests;
