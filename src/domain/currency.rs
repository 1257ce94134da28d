//! The currencies of ISO 4217 and their digits.

use super::Currency;

/// Currencies whose minor unit is not a hundredth.
const DIGITS: [(u32, &[&str]); 3] = [
    (0, &["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"]),
    (3, &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
    (4, &["CLF", "UYW"]),
];

/// Currencies with hundredths.
const HUNDREDTHS: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF \
    CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD \
    KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB \
    PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH \
    USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG";

/// The currency of a code, in capitals.
#[must_use]
pub fn find(code: &str) -> Option<Currency> {
    let digits = DIGITS.iter().find(|(_, codes)| codes.contains(&code)).map(|(digits, _)| *digits);
    let digits = digits.or_else(|| HUNDREDTHS.split_whitespace().any(|known| known == code).then_some(2))?;
    Some(Currency { code: code.to_owned(), digits })
}

/// The code that a text may stand for: one in small letters, or what people call the money.
#[must_use]
pub fn meant(text: &str) -> Option<&'static str> {
    let everyday = [
        ("yen", "JPY"),
        ("円", "JPY"),
        ("¥", "JPY"),
        ("￥", "JPY"),
        ("dollar", "USD"),
        ("$", "USD"),
        ("euro", "EUR"),
        ("€", "EUR"),
        ("pound", "GBP"),
        ("£", "GBP"),
        ("won", "KRW"),
    ];
    let folded = text.trim().to_lowercase();
    let named = everyday.iter().find(|(word, _)| folded.trim_end_matches('s') == *word).map(|(_, code)| *code);
    named.or_else(|| codes().find(|code| code.eq_ignore_ascii_case(&folded)))
}

/// Every code.
fn codes() -> impl Iterator<Item = &'static str> {
    DIGITS.iter().flat_map(|(_, codes)| codes.iter().copied()).chain(HUNDREDTHS.split_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_currency_has_its_digits_and_stands_here_once() {
        for (code, digits) in [("JPY", 0), ("KRW", 0), ("USD", 2), ("EUR", 2), ("KWD", 3), ("TND", 3), ("CLF", 4)] {
            assert_eq!(find(code).map(|currency| currency.digits), Some(digits), "{code}");
        }
        assert_eq!(find("jpy"), None);
        let mut all: Vec<_> = codes().collect();
        all.sort_unstable();
        let before = all.len();
        all.dedup();
        assert_eq!(all.len(), before);
        assert!(all.iter().all(|code| code.len() == 3));
    }
}
