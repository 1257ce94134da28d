//! What offers may cost before they are used: all of it, and the part that earlier runs let expect.

use super::Currency;
use super::job::Language;

/// What the offers of a campaign's mails cost, minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exposure {
    /// When everybody uses theirs.
    pub face: i64,
    /// How many of the campaign's earlier offers were used; `None` where nothing is known yet.
    pub used: Option<Rate>,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    pub issued: u64,
    pub redeemed: u64,
}

/// The quantile of the normal distribution that leaves 2.5 % on each side.
const Z: f64 = 1.959_964;

impl Exposure {
    /// What is to be expected, and the ends of the interval that holds it in 95 of 100 cases: low, expected, high, minor units.
    #[must_use]
    pub fn expected(&self) -> Option<[i64; 3]> {
        let rate = self.used.filter(|rate| rate.issued > 0)?;
        let (low, high) = rate.interval();
        Some([low, rate.share(), high].map(|share| part(self.face, share)))
    }

    /// What is expected of the cost, with the interval that holds it in 95 of 100 cases; for people.
    #[must_use]
    pub fn told(&self, currency: &Currency, language: Language) -> String {
        match self.expected().map(|interval| interval.map(|amount| currency.show(amount))) {
            _ if self.face == 0 => String::new(),
            Some([low, expected, high]) => format!("{expected} ({low}–{high})"),
            None => language.pick("実績なし", "no history yet").to_owned(),
        }
    }
}

impl Rate {
    /// The part that was redeemed; nothing of nothing is 0.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.issued == 0 { 0.0 } else { float(self.redeemed.min(self.issued)) / float(self.issued) }
    }

    /// The score interval of E. B. Wilson (1927, "Probable inference, the law of succession, and statistical inference", JASA 22,
    /// 209–212) at 95 %: it stays within 0 and 1, and means something for few codes too.
    #[must_use]
    pub fn interval(&self) -> (f64, f64) {
        let (count, share) = (float(self.issued), self.share());
        if self.issued == 0 {
            return (0.0, 1.0);
        }
        let square = Z * Z;
        let middle = (share + square / (2.0 * count)) / (1.0 + square / count);
        let half = Z / (1.0 + square / count) * (share * (1.0 - share) / count + square / (4.0 * count * count)).sqrt();
        ((middle - half).max(0.0), (middle + half).min(1.0))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of codes are below 2^52")]
fn float(count: u64) -> f64 {
    count as f64
}

/// A share of an amount, rounded to whole minor units.
#[must_use]
pub fn part(amount: i64, share: f64) -> i64 {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "an estimate of money needs no more than 52 bits")]
    let part = (amount as f64 * share).round_ties_even() as i64;
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_agrees_with_published_values() {
        // 81 of 263 and 15 of 148: the examples of R. G. Newcombe (1998), Statistics in Medicine 17, 857–872, method 3.
        for (redeemed, issued, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let (from, to) = Rate { issued, redeemed }.interval();
            assert!((from - low).abs() < 5e-5 && (to - high).abs() < 5e-5, "{redeemed}/{issued}: {from} {to}");
        }
        assert_eq!(Rate::default().interval(), (0.0, 1.0));
    }

    #[test]
    fn the_expected_cost_lies_within_its_interval() {
        for (issued, redeemed) in [(1, 0), (1, 1), (10, 3), (1_000, 999), (3, 9)] {
            let [low, expected, high] = Exposure { face: 123_457, used: Some(Rate { issued, redeemed }) }.expected().unwrap();
            assert!(0 <= low && low <= expected && expected <= high && high <= 123_457, "{issued} {redeemed}: {low} {expected} {high}");
        }
        assert_eq!(Exposure { face: 5, used: None }.expected(), None);
        assert_eq!(Exposure { face: 5, used: Some(Rate::default()) }.expected(), None, "nothing was issued");
    }
}
