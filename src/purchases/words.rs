//! Ids and labels of any type as text.

use crate::domain::merges::Merges;
use arrow::array::{Array, ArrayRef, AsArray, Int64Builder, StringViewArray, StringViewBuilder};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float64Type};
use std::sync::Arc;

pub(super) const EXPECTED_ID: &str = "text or a whole number";
pub(super) const EXPECTED_LABEL: &str = "text, a whole number, a truth value or a date";

/// Whether a column of this type can hold ids.
pub(super) fn usable_id(found: &DataType) -> bool {
    match found {
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) | DataType::Null => true,
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => {
            *scale == 0
        }
        DataType::Dictionary(_, value) => usable_id(value),
        other => other.is_string() || other.is_integer(),
    }
}

/// Whether a column of this type can hold labels: categories, stores, states.
pub(super) fn usable_label(found: &DataType) -> bool {
    usable_id(found) || matches!(found, DataType::Boolean | DataType::Date32)
}

/// Whether a column of this type can name orders: ids, and whole numbers among floats, which some writers make of whole numbers with gaps.
pub(super) fn usable_reference(found: &DataType) -> bool {
    usable_id(found) || found.is_floating()
}

/// Whether order ids of this type can travel as 64-bit numbers.
pub(super) fn is_number(found: &DataType) -> bool {
    found.is_integer() && *found != DataType::UInt64
}

/// Whether references of this type can travel as 64-bit numbers, beside order ids that do.
pub(super) fn is_number_or_nothing(found: &DataType) -> bool {
    is_number(found) || found.is_floating() || *found == DataType::Null
}

/// References with floats turned into whole numbers; NaN is none. `None` when one is not whole, or too large to be sure of.
pub(super) fn reference(values: &ArrayRef) -> Option<ArrayRef> {
    if !values.data_type().is_floating() {
        return Some(Arc::clone(values));
    }
    let floats = strict(values, &DataType::Float64)?;
    let floats = floats.as_primitive_opt::<Float64Type>()?;
    let mut numbers = Int64Builder::with_capacity(floats.len());
    for float in floats {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and every whole number up to 2^53 is exact")]
        match float {
            None => numbers.append_null(),
            Some(float) if float.is_nan() => numbers.append_null(),
            Some(float) if float.fract() == 0.0 && float.abs() <= EXACT => numbers.append_value(float as i64),
            Some(_) => return None,
        }
    }
    Some(Arc::new(numbers.finish()))
}

/// 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The values as text, numbers in decimal. `None` when some are bytes that are no text.
pub(super) fn text(values: &ArrayRef) -> Option<StringViewArray> {
    if let Some(views) = values.as_string_view_opt() {
        return Some(views.clone());
    }
    let values = match values.data_type() {
        DataType::Dictionary(_, value) => &strict(values, value)?,
        // There is no direct way from these to views.
        DataType::FixedSizeBinary(_) => &strict(values, &DataType::Binary)?,
        DataType::Null => return Some(StringViewArray::new_null(values.len())),
        _ => values,
    };
    strict(values, &DataType::Utf8View)?.as_string_view_opt().cloned()
}

/// Who a customer id stands for now: without outer white space, as ids are read everywhere, and with what was merged into another replaced
/// by that.
pub(super) fn who<'a>(id: &'a str, merges: &'a Merges) -> &'a str {
    let id = id.trim();
    if merges.is_empty() { id } else { merges.present(id) }
}

/// The same for a column.
pub(super) fn present(ids: StringViewArray, merges: &Merges) -> StringViewArray {
    if ids.iter().flatten().all(|id| who(id, merges) == id) {
        return ids;
    }
    let mut builder = StringViewBuilder::with_capacity(ids.len());
    for id in &ids {
        builder.append_option(id.map(|id| who(id, merges)));
    }
    builder.finish()
}

fn strict(values: &ArrayRef, to: &DataType) -> Option<ArrayRef> {
    cast_with_options(values, to, &CastOptions { safe: false, ..CastOptions::default() }).ok()
}

/// The same text (or null) for every row.
pub(super) fn constant(value: Option<&str>, rows: usize) -> StringViewArray {
    let Some(value) = value else { return StringViewArray::new_null(rows) };
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
pub(super) fn joined(parts: &[StringViewArray], rows: usize) -> StringViewArray {
    let mut builder = StringViewBuilder::with_capacity(rows);
    let mut id = String::new();
    for row in 0..rows {
        id.clear();
        let mut empty = true;
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                id.push('/');
            }
            let value = if part.is_valid(row) { part.value(row) } else { "" };
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
    builder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, FixedSizeBinaryArray, Int32Array, LargeStringArray,
        StringArray, UInt64Array,
    };
    use arrow::datatypes::Int8Type;

    fn of(array: impl Array + 'static) -> Vec<Option<String>> {
        let array: ArrayRef = Arc::new(array);
        assert!(usable_label(array.data_type()), "{}", array.data_type());
        text(&array).unwrap().iter().map(|value| value.map(str::to_owned)).collect()
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
        let of = |merges: &Merges| present(ids(), merges).iter().map(|id| id.map(str::to_owned)).collect::<Vec<_>>();
        let texts = |first: &str| vec![Some(first.to_owned()), Some("c".into()), Some("d e".into()), Some(String::new()), None];
        assert_eq!((of(&Merges::default()), of(&merges)), (texts("a"), texts("b")));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let array: ArrayRef = Arc::new(BinaryArray::from(vec![&b"\xff"[..]]));
        assert!(text(&array).is_none());
        assert!(!usable_id(&DataType::Float64) && !usable_id(&DataType::Decimal128(10, 2)) && !usable_id(&DataType::Boolean));
    }

    #[test]
    fn floats_that_name_orders_are_whole() {
        let of = |values: Vec<Option<f64>>| {
            let array: ArrayRef = Arc::new(arrow::array::Float64Array::from(values));
            assert!(usable_reference(array.data_type()) && !usable_id(array.data_type()));
            reference(&array)
                .and_then(|numbers| text(&numbers))
                .map(|texts| texts.iter().map(|id| id.map(str::to_owned)).collect::<Vec<_>>())
        };
        assert_eq!(
            of(vec![Some(1_200.0), None, Some(f64::NAN), Some(-0.0)]),
            Some(vec![Some("1200".into()), None, None, Some("0".into())])
        );
        for odd in [1.5, f64::INFINITY, 1e300, EXACT * 2.0] {
            assert_eq!(of(vec![Some(1.0), Some(odd)]), None, "{odd}");
        }
    }

    #[test]
    fn ids_of_several_columns_do_not_collide() {
        let one = StringViewArray::from(vec![Some("a/"), Some("a"), None, Some(""), Some("a\\")]);
        let two = StringViewArray::from(vec![Some("b"), Some("/b"), None, Some("b"), Some("b")]);
        let ids: Vec<_> = joined(&[one, two], 5).iter().map(|id| id.map(str::to_owned)).collect();
        let expected = ["a\\//b", "a/\\/b", "", "/b", "a\\\\/b"].map(|id| (!id.is_empty()).then(|| id.to_owned()));
        assert_eq!(ids, expected);
    }

    #[test]
    fn a_folder_name_is_the_same_for_every_row() {
        let stores = constant(Some("a store of more than twelve bytes"), 3);
        assert_eq!(stores.iter().collect::<Vec<_>>(), [Some("a store of more than twelve bytes"); 3]);
        assert_eq!(constant(None, 2).null_count(), 2);
        assert_eq!(constant(Some("x"), 1).value(0), "x");
    }
}
