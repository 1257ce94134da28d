//! Money is a signed integer of the currency's minor unit (1 yen, 1 cent): an `i64` everywhere, with the currency beside it.

/// A currency: its ISO 4217 code and how many decimal digits its minor unit has (JPY 0, USD 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Currency {
    pub code: String,
    pub digits: u32,
}

impl Currency {
    /// Minor units in one major unit: 1 for JPY, 100 for USD.
    #[must_use]
    pub fn scale(&self) -> i64 {
        10_i64.pow(self.digits)
    }

    /// Writes an amount of minor units in major ones, as a program reads it: `12000`, `12.50`.
    #[must_use]
    pub fn plain(&self, minor: i64) -> String {
        let sign = if minor < 0 { "-" } else { "" };
        let (whole, rest) = (minor.unsigned_abs() / self.scale().unsigned_abs(), minor.unsigned_abs() % self.scale().unsigned_abs());
        if self.digits == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest:0width$}", width = self.digits as usize) }
    }

    /// Writes an amount of minor units for people: `12,000円`, `USD 12.50`, a minus sign in front.
    #[must_use]
    pub fn show(&self, minor: i64) -> String {
        let sign = if minor < 0 { "-" } else { "" };
        let scale = self.scale().unsigned_abs();
        let whole = grouped(minor.unsigned_abs() / scale);
        let rest = minor.unsigned_abs() % scale;
        let number = if self.digits == 0 { whole } else { format!("{whole}.{rest:0width$}", width = self.digits as usize) };
        if self.code == "JPY" { format!("{sign}{number}円") } else { format!("{sign}{} {number}", self.code) }
    }
}

/// A number of things in English: `1 mail`, `1,204 mails`.
#[must_use]
pub fn many(count: u64, one: &str, several: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { several })
}

/// Writes a number with a comma before every third digit from the right.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_for_people() {
        let yen = Currency { code: "JPY".into(), digits: 0 };
        let dollar = Currency { code: "USD".into(), digits: 2 };
        assert_eq!(yen.show(-1_234_567), "-1,234,567円");
        assert_eq!(dollar.show(123_405), "USD 1,234.05");
        assert_eq!(dollar.show(-5), "-USD 0.05");
        assert_eq!([yen.plain(12_000), dollar.plain(123_405), dollar.plain(-5)], ["12000", "1234.05", "-0.05"]);
    }
}
