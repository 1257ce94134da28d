//! Amounts of any number type as minor units.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Float16Type, Float32Type, Float64Type, Int64Type, UInt64Type,
    i256,
};

pub(super) const EXPECTED: &str = "a number";

/// 2^63 as a float: the first number that is too large.
const TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;

/// Whether a column of this type can hold amounts.
pub(super) fn usable(found: &DataType) -> bool {
    found.is_integer()
        || found.is_floating()
        || matches!(
            found,
            DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) | DataType::Null
        )
}

/// Each value × 10^digits as a whole number. Floats are rounded after the multiplication, decimals exactly, both half to even. Null, NaN,
/// infinity and what 64 bits do not hold are null. `Err` tells the type that is no number.
pub(super) fn minor(amounts: &ArrayRef, digits: u32) -> Result<Int64Array, DataType> {
    let digits_signed = i64::from(digits);
    let narrow = |wide: i128| i64::try_from(wide).ok();
    Ok(match amounts.data_type() {
        DataType::Float16 => amounts.as_primitive::<Float16Type>().unary_opt(|x| rounded(x.to_f64(), digits)),
        DataType::Float32 => amounts.as_primitive::<Float32Type>().unary_opt(|x| rounded(f64::from(x), digits)),
        DataType::Float64 => amounts.as_primitive::<Float64Type>().unary_opt(|x| rounded(x, digits)),
        DataType::Decimal32(_, scale) => {
            let shift = digits_signed - i64::from(*scale);
            amounts.as_primitive::<Decimal32Type>().unary_opt(|x| shifted(i128::from(x), shift).and_then(narrow))
        }
        DataType::Decimal64(_, scale) => {
            let shift = digits_signed - i64::from(*scale);
            amounts.as_primitive::<Decimal64Type>().unary_opt(|x| shifted(i128::from(x), shift).and_then(narrow))
        }
        DataType::Decimal128(_, scale) => {
            let shift = digits_signed - i64::from(*scale);
            amounts.as_primitive::<Decimal128Type>().unary_opt(|x| shifted(x, shift).and_then(narrow))
        }
        DataType::Decimal256(_, scale) => {
            let shift = digits_signed - i64::from(*scale);
            amounts.as_primitive::<Decimal256Type>().unary_opt(|x| shifted_wide(x, shift)?.to_i128().and_then(narrow))
        }
        DataType::UInt64 => {
            let scale = 10_i128.pow(digits);
            amounts.as_primitive::<UInt64Type>().unary_opt(|x| i128::from(x).checked_mul(scale).and_then(narrow))
        }
        DataType::Null => Int64Array::new_null(amounts.len()),
        found if found.is_integer() => {
            let whole = cast(amounts, &DataType::Int64).map_err(|_| found.clone())?;
            let whole = whole.as_primitive::<Int64Type>();
            let scale = 10_i64.pow(digits);
            if scale == 1 { whole.clone() } else { whole.unary_opt(|x| x.checked_mul(scale)) }
        }
        other => return Err(other.clone()),
    })
}

/// The sum of several columns in minor units: the first `added` of them are added, the others taken off. A null counts as nothing beside
/// a number; a row of nulls only, with a number that cannot be used (null in `minor`, not in `raw`) or with a sum that 64 bits do not hold is null.
pub(super) fn sum(raw: &[ArrayRef], minor: &[Int64Array], added: usize) -> Int64Array {
    let rows = minor.first().map_or(0, Int64Array::len);
    let total = |row: usize| {
        let mut total = None;
        for (place, (raw, minor)) in raw.iter().zip(minor).enumerate() {
            if minor.is_valid(row) {
                let amount = i128::from(minor.value(row));
                total = Some(total.unwrap_or(0) + if place < added { amount } else { -amount });
            } else if !raw.is_null(row) && *raw.data_type() != DataType::Null {
                return None;
            }
        }
        total.and_then(|total| i64::try_from(total).ok())
    };
    (0..rows).map(total).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked just before")]
fn rounded(amount: f64, digits: u32) -> Option<i64> {
    let minor = (amount * 10_f64.powi(digits.cast_signed())).round_ties_even();
    (-TOO_LARGE..TOO_LARGE).contains(&minor).then_some(minor as i64)
}

/// value × 10^shift; a negative shift rounds half to even.
fn shifted(value: i128, shift: i64) -> Option<i128> {
    let places = u32::try_from(shift.unsigned_abs()).ok()?;
    match 10_i128.checked_pow(places) {
        Some(power) if shift >= 0 => value.checked_mul(power),
        Some(power) => {
            let (quotient, rest) = (value / power, (value % power).abs());
            let up = rest > power - rest || rest == power - rest && quotient % 2 != 0;
            Some(quotient + if up { value.signum() } else { 0 })
        }
        // Beyond the largest power there is nothing but zero, on either side.
        None => (value == 0 || shift < 0).then_some(0),
    }
}

/// The same for 256 bits.
fn shifted_wide(value: i256, shift: i64) -> Option<i256> {
    let places = u32::try_from(shift.unsigned_abs()).ok()?;
    let ten = i256::from_i128(10);
    match ten.checked_pow(places) {
        Some(power) if shift >= 0 => value.checked_mul(power),
        Some(power) => {
            let quotient = value.checked_div(power)?;
            let rest = value.checked_rem(power)?.checked_abs()?;
            let other = power.checked_sub(rest)?;
            let odd = quotient.checked_rem(i256::from_i128(2))? != i256::ZERO;
            let sign = if value < i256::ZERO { i256::MINUS_ONE } else { i256::ONE };
            quotient.checked_add(if rest > other || rest == other && odd { sign } else { i256::ZERO })
        }
        None => (value == i256::ZERO || shift < 0).then_some(i256::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        Decimal32Array, Decimal64Array, Decimal128Array, Decimal256Array, Float32Array, Float64Array, Int8Array, StringArray, UInt16Array,
        UInt64Array,
    };
    use proptest::prelude::*;
    use std::sync::Arc;

    /// Hundredths, and what they are a hundred times of.
    #[expect(clippy::cast_precision_loss, reason = "they are small")]
    fn to_float(cents: i64) -> f64 {
        cents as f64 / 100.0
    }

    fn of(array: impl Array + 'static, digits: u32) -> Vec<Option<i64>> {
        minor(&(Arc::new(array) as ArrayRef), digits).unwrap().iter().collect()
    }

    #[test]
    fn whole_numbers_are_major_units() {
        assert_eq!(of(Int8Array::from(vec![Some(-3), None]), 2), [Some(-300), None]);
        assert_eq!(of(UInt16Array::from(vec![65_535]), 0), [Some(65_535)]);
        assert_eq!(of(Int64Array::from(vec![i64::MAX, 1]), 2), [None, Some(100)]);
        assert_eq!(of(UInt64Array::from(vec![u64::MAX, 7]), 0), [None, Some(7)]);
    }

    #[test]
    fn floats_round_half_to_even_after_the_multiplication() {
        let floats = vec![0.125, 0.375, -0.125, 1e300, f64::NAN, f64::INFINITY, 92_233_720_368_547_758.08, 19.99];
        let minor = [Some(12), Some(38), Some(-12), None, None, None, None, Some(1_999)];
        assert_eq!(of(Float64Array::from(floats), 2), minor);
        assert_eq!(of(Float32Array::from(vec![0.1, 2.5, 3.5]), 0), [Some(0), Some(2), Some(4)]);
    }

    #[test]
    fn decimals_round_exactly() {
        let decimals = |scale| Decimal128Array::from(vec![125, 135, -125, -135, 126]).with_precision_and_scale(10, scale).unwrap();
        assert_eq!(of(decimals(2), 1), [Some(12), Some(14), Some(-12), Some(-14), Some(13)]);
        assert_eq!(of(decimals(-1), 0)[0], Some(1_250));
        let widest = 10_i128.pow(37) * 5;
        let wide = Decimal128Array::from(vec![widest, -widest, widest + 1, i128::MAX]).with_precision_and_scale(38, 38);
        assert_eq!(of(wide.unwrap(), 0), [Some(0), Some(0), Some(1), Some(2)], "half of one, a bit more, and the largest");
        assert_eq!(of(Decimal32Array::from(vec![15]).with_precision_and_scale(9, 1).unwrap(), 0), [Some(2)]);
        assert_eq!(of(Decimal64Array::from(vec![25]).with_precision_and_scale(18, 1).unwrap(), 0), [Some(2)]);
    }

    #[test]
    fn text_is_no_number() {
        assert_eq!(minor(&(Arc::new(StringArray::from(vec!["1"])) as ArrayRef), 0).unwrap_err(), DataType::Utf8);
    }

    proptest! {
        #[test]
        fn a_sum_of_columns_is_what_one_would_add_up(rows in proptest::collection::vec(proptest::array::uniform4(prop_oneof![
            3 => (-1_000_000_i64..1_000_000).prop_map(|cents| Some(to_float(cents))), 1 => Just(None), 1 => Just(Some(f64::NAN)), 1 => Just(Some(9e16)),
        ]), 1..20)) {
            let column = |place: usize| Arc::new(rows.iter().map(|row| row[place]).collect::<Float64Array>()) as ArrayRef;
            let raw: Vec<ArrayRef> = (0..4).map(column).collect();
            let minors: Vec<Int64Array> = raw.iter().map(|raw| minor(raw, 2).unwrap()).collect();
            let found: Vec<Option<i64>> = sum(&raw, &minors, 3).iter().collect();
            let naive: Vec<Option<i64>> = rows.iter().map(|row| {
                if row.iter().all(Option::is_none) || row.iter().flatten().any(|amount| amount.is_nan()) { return None; }
                let cents = row.map(|amount| (amount.unwrap_or(0.0) * 100.0).round_ties_even());
                let cents = cents.map(|amount| format!("{amount:.0}").parse::<i128>().unwrap());
                i64::try_from(cents[0] + cents[1] + cents[2] - cents[3]).ok()
            }).collect();
            prop_assert_eq!(found, naive);
        }

        #[test]
        fn both_widths_of_decimals_agree(value in any::<i64>(), scale in 0_i8..30, digits in 0_u32..3) {
            let narrow = Decimal128Array::from(vec![i128::from(value)]).with_precision_and_scale(38, scale).unwrap();
            let wide = Decimal256Array::from(vec![i256::from_i128(i128::from(value))]).with_precision_and_scale(76, scale).unwrap();
            prop_assert_eq!(of(narrow, digits), of(wide, digits));
        }
    }
}
