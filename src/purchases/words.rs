//! Ids and labels of any type as text.

use crate::domain::merges::Merges;
use crate::domain::text::uuid;
use arrow::array::{Array, ArrayRef, AsArray, Int64Builder, StringViewArray, StringViewBuilder};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float64Type};
use std::sync::Arc;

pub(super) const EXPECTED_ID: &str = "text or a whole number";
pub(super) const EXPECTED_LABEL: &str = "text, a whole number, a truth value or a date";

/// Why values are no ids.
pub(super) enum Flaw {
    /// Bytes that are no text.
    NotText,
    /// The number in a row, counted from 0, is not whole, or too large to be sure of.
    NotWhole { row: usize, value: String },
    /// The text in a row, counted from 0, has so many bytes.
    TooLong { row: usize, bytes: usize },
}

/// Ids with more bytes are not copied: thousands of rows may name one text that is there once.
pub(super) const LONGEST_ID: usize = 16 << 10;

fn fitting(row: usize, id: &str) -> Result<&str, Flaw> {
    if id.len() > LONGEST_ID { Err(Flaw::TooLong { row, bytes: id.len() }) } else { Ok(id) }
}

/// Whether a column of this type can hold ids. Floats can, for some writers make them of whole numbers with gaps, and so can decimals.
pub(super) fn usable_id(found: &DataType) -> bool {
    match found {
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) | DataType::Null => true,
        DataType::Dictionary(_, value) => usable_id(value),
        other => other.is_string() || other.is_numeric(),
    }
}

/// Whether a column of this type can hold labels: categories, stores, states.
pub(super) fn usable_label(found: &DataType) -> bool {
    usable_id(found) || matches!(found, DataType::Boolean | DataType::Date32)
}

/// Whether order ids of this type can travel as 64-bit numbers.
pub(super) fn is_number(found: &DataType) -> bool {
    found.is_integer() && *found != DataType::UInt64 || found.is_floating() || *found == DataType::Null
}

/// Floats turned into the whole numbers that they stand for; NaN is none. Other types stay.
pub(super) fn whole(values: &ArrayRef) -> Result<ArrayRef, Flaw> {
    if !values.data_type().is_floating() {
        return Ok(Arc::clone(values));
    }
    let floats = strict(values, &DataType::Float64)?;
    let floats = floats.as_primitive::<Float64Type>();
    let mut numbers = Int64Builder::with_capacity(floats.len());
    for (row, float) in floats.iter().enumerate() {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and every whole number up to 2^53 is exact")]
        match float.filter(|float| !float.is_nan()) {
            None => numbers.append_null(),
            Some(float) if float.fract() == 0.0 && float.abs() <= EXACT => numbers.append_value(float as i64),
            Some(float) => return Err(Flaw::NotWhole { row, value: float.to_string() }),
        }
    }
    Ok(Arc::new(numbers.finish()))
}

/// 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The values as text, numbers in decimal.
pub(super) fn text(values: &ArrayRef) -> Result<StringViewArray, Flaw> {
    if let Some(views) = values.as_string_view_opt() {
        return Ok(views.clone());
    }
    let values = match values.data_type() {
        DataType::Dictionary(_, value) => return text(&strict(values, value)?),
        // There is no direct way from these to views.
        DataType::FixedSizeBinary(_) => &strict(values, &DataType::Binary)?,
        DataType::Null => return Ok(StringViewArray::new_null(values.len())),
        found if found.is_floating() => &whole(values)?,
        _ => values,
    };
    let texts = strict(values, &DataType::Utf8View)?;
    let texts = texts.as_string_view_opt().ok_or(Flaw::NotText)?;
    if has_fractions(values.data_type()) { without_fractions(texts) } else { Ok(texts.clone()) }
}

fn has_fractions(found: &DataType) -> bool {
    matches!(
        *found,
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale)
        if scale > 0
    )
}

/// Decimals as text, of which nothing but zeros stands behind the point.
fn without_fractions(decimals: &StringViewArray) -> Result<StringViewArray, Flaw> {
    let mut builder = StringViewBuilder::with_capacity(decimals.len());
    for (row, decimal) in decimals.iter().enumerate() {
        match decimal.map(|decimal| decimal.split_once('.').unwrap_or((decimal, ""))) {
            None => builder.append_null(),
            Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => builder.append_value(whole),
            Some((whole, fraction)) => {
                return Err(Flaw::NotWhole { row, value: format!("{whole}.{}", fraction.trim_end_matches('0')) });
            }
        }
    }
    Ok(builder.finish())
}

/// UUIDs, each in sixteen bytes, as people write them; a value of another length is none.
pub(super) fn hyphenated(values: &ArrayRef) -> ArrayRef {
    let Some(values) = values.as_fixed_size_binary_opt() else { return Arc::clone(values) };
    let mut builder = StringViewBuilder::with_capacity(values.len());
    for value in values {
        builder.append_option(value.and_then(uuid));
    }
    Arc::new(builder.finish())
}

/// Who a customer id stands for now: without outer white space, as ids are read everywhere, and with what was merged into another replaced
/// by that.
pub(super) fn who<'a>(id: &'a str, merges: &'a Merges) -> &'a str {
    let id = id.trim();
    if merges.is_empty() { id } else { merges.present(id) }
}

/// The same for a column.
pub(super) fn present(ids: StringViewArray, merges: &Merges) -> Result<StringViewArray, Flaw> {
    if merges.is_empty() && (0..ids.len()).all(|row| is_bare(&ids, row)) || ids.iter().flatten().all(|id| who(id, merges) == id) {
        return Ok(ids);
    }
    let mut builder = StringViewBuilder::with_capacity(ids.len());
    for (row, id) in ids.iter().enumerate() {
        builder.append_option(id.map(|id| fitting(row, who(id, merges))).transpose()?);
    }
    Ok(builder.finish())
}

/// Whether an id begins and ends with what surely is no white space. A view of up to twelve bytes holds them behind its length.
#[expect(clippy::cast_possible_truncation, reason = "length and bytes are taken out of the view")]
fn is_bare(ids: &StringViewArray, row: usize) -> bool {
    let view = ids.views()[row];
    match view as u32 {
        0 => true,
        length @ 1..=12 => ((view >> 32) as u8).is_ascii_graphic() && ((view >> (24 + 8 * length)) as u8).is_ascii_graphic(),
        _ => ids.is_null(row) || ids.value(row).as_bytes().iter().all(u8::is_ascii_graphic),
    }
}

fn strict(values: &ArrayRef, to: &DataType) -> Result<ArrayRef, Flaw> {
    cast_with_options(values, to, &CastOptions { safe: false, ..CastOptions::default() }).map_err(|_| Flaw::NotText)
}

/// The same text for every row.
pub(super) fn constant(value: &str, rows: usize) -> StringViewArray {
    let mut builder = StringViewBuilder::with_capacity(rows);
    let block = builder.append_block(value.as_bytes().to_vec().into());
    for _ in 0..rows {
        // A view that cannot be made, of a name of more than 4 GB, leaves a null.
        if u32::try_from(value.len()).ok().is_none_or(|length| builder.try_append_view(block, 0, length).is_err()) {
            builder.append_null();
        }
    }
    builder.finish()
}

/// One id of several columns: `store/receipt`. A slash or backslash within a part gets a backslash before it, so that two
/// different orders never share an id. A part that is null counts as empty; when all are empty there is no order id.
pub(super) fn joined(parts: &[StringViewArray], rows: usize) -> Result<StringViewArray, Flaw> {
    let mut builder = StringViewBuilder::with_capacity(rows);
    let mut id = String::new();
    for row in 0..rows {
        id.clear();
        let mut empty = true;
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                id.push('/');
            }
            let value = fitting(row, if part.is_valid(row) { part.value(row) } else { "" })?;
            empty &= value.is_empty();
            for letter in value.chars() {
                if matches!(letter, '/' | '\\') {
                    id.push('\\');
                }
                id.push(letter);
            }
        }
        if empty { builder.append_null() } else { builder.append_value(&id) }
    }
    Ok(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, FixedSizeBinaryArray, Float64Array, Int32Array,
        LargeStringArray, StringArray, UInt64Array,
    };
    use arrow::datatypes::Int8Type;

    fn of(array: impl Array + 'static) -> Vec<Option<String>> {
        let array: ArrayRef = Arc::new(array);
        assert!(usable_label(array.data_type()), "{}", array.data_type());
        told(text(&array)).unwrap().iter().map(|value| value.map(str::to_owned)).collect()
    }

    fn told<T>(found: Result<T, Flaw>) -> Result<T, String> {
        found.map_err(|flaw| match flaw {
            Flaw::NotText => "no text".to_owned(),
            Flaw::NotWhole { row, value } => format!("{value} in row {row}"),
            Flaw::TooLong { row, bytes } => format!("{bytes} bytes in row {row}"),
        })
    }

    #[test]
    fn ids_that_are_no_ids_are_not_copied() {
        let texts = |text: &str| StringViewArray::from(vec!["a", text]);
        let long = "x".repeat(LONGEST_ID + 1);
        let too_long = Err(format!("{} bytes in row 1", LONGEST_ID + 1));
        assert_eq!(told(joined(&[texts("b"), texts(&long)], 2)).map(drop), too_long);
        let spaced = format!(" {long} ");
        assert_eq!(told(present(texts(&spaced), &Merges::default())).map(drop), too_long);
        assert!(told(present(texts(&long), &Merges::default())).is_ok(), "what is not copied takes nothing");
    }

    #[test]
    fn every_type_of_id_becomes_text() {
        let some = |text: &str| vec![Some(text.to_owned()), None];
        assert_eq!(of(StringArray::from(vec![Some("京"), None])), some("京"));
        assert_eq!(of(LargeStringArray::from(vec![Some("a"), None])), some("a"));
        assert_eq!(of(StringViewArray::from(vec![Some("a"), None])), some("a"));
        assert_eq!(of([Some("a"), None].into_iter().collect::<DictionaryArray<Int8Type>>()), some("a"));
        assert_eq!(of(BinaryArray::from(vec![Some(&b"a"[..]), None])), some("a"));
        assert_eq!(of(FixedSizeBinaryArray::try_from_iter([b"ab", b"cd"].into_iter()).unwrap())[1].as_deref(), Some("cd"));
        assert_eq!(of(Int32Array::from(vec![Some(-7), None])), some("-7"));
        assert_eq!(of(UInt64Array::from(vec![Some(u64::MAX), None])), some("18446744073709551615"));
        assert_eq!(of(Decimal128Array::from(vec![Some(12), None]).with_precision_and_scale(38, 0).unwrap()), some("12"));
        assert_eq!(of(BooleanArray::from(vec![Some(true), None])), some("true"));
        assert_eq!(of(Date32Array::from(vec![Some(365), None])), some("1971-01-01"));
        let keys = Int32Array::from(vec![5]);
        assert_eq!(of(DictionaryArray::<Int8Type>::new([Some(0_i8), None].into_iter().collect(), Arc::new(keys))), some("5"));
    }

    #[test]
    fn ids_are_read_without_outer_white_space() {
        let merges = Merges::new([("a".to_owned(), "b".to_owned())]).unwrap();
        let ids = || StringViewArray::from(vec![Some(" a"), Some("c\u{3000}"), Some("d e"), Some(" "), None]);
        let of = |merges: &Merges| told(present(ids(), merges)).unwrap().iter().map(|id| id.map(str::to_owned)).collect::<Vec<_>>();
        let texts = |first: &str| vec![Some(first.to_owned()), Some("c".into()), Some("d e".into()), Some(String::new()), None];
        assert_eq!((of(&Merges::default()), of(&merges)), (texts("a"), texts("b")));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let array: ArrayRef = Arc::new(BinaryArray::from(vec![&b"\xff"[..]]));
        assert_eq!(told(text(&array)).unwrap_err(), "no text");
        assert!(!usable_id(&DataType::Boolean) && !usable_label(&DataType::Date64));
    }

    #[test]
    fn floats_that_are_ids_are_whole() {
        let of = |values: Vec<Option<f64>>| told(text(&(Arc::new(Float64Array::from(values)) as ArrayRef)));
        let texts = of(vec![Some(1_200.0), None, Some(f64::NAN), Some(-0.0), Some(EXACT)]).unwrap();
        assert_eq!(texts.iter().collect::<Vec<_>>(), [Some("1200"), None, None, Some("0"), Some("9007199254740992")]);
        for odd in [1.5, f64::INFINITY, 1e300, EXACT * 2.0] {
            assert_eq!(of(vec![Some(1.0), Some(odd)]).unwrap_err(), format!("{odd} in row 1"));
        }
    }

    #[test]
    fn ids_of_several_columns_do_not_collide() {
        let one = StringViewArray::from(vec![Some("a/"), Some("a"), None, Some(""), Some("a\\")]);
        let two = StringViewArray::from(vec![Some("b"), Some("/b"), None, Some("b"), Some("b")]);
        let ids: Vec<_> = told(joined(&[one, two], 5)).unwrap().iter().map(|id| id.map(str::to_owned)).collect();
        let expected = ["a\\//b", "a/\\/b", "", "/b", "a\\\\/b"].map(|id| (!id.is_empty()).then(|| id.to_owned()));
        assert_eq!(ids, expected);
    }

    #[test]
    fn a_folder_name_is_the_same_for_every_row() {
        let stores = constant("a store of more than twelve bytes", 3);
        assert_eq!(stores.iter().collect::<Vec<_>>(), [Some("a store of more than twelve bytes"); 3]);
        assert_eq!(constant("x", 1).value(0), "x");
    }
}
