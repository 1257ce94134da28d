//! Channels: by which way a campaign reaches people, and what the customer list must hold for it.

use super::Texts;
use super::job::Language;
use super::money::grouped;
use super::text::narrow;
use std::borrow::Cow;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    Mail,
    /// A printed letter.
    Post,
    /// A LINE message.
    Line,
    /// A telephone call.
    Call,
}

impl Channel {
    pub const ALL: [Self; 4] = [Self::Mail, Self::Post, Self::Line, Self::Call];

    /// The word in jobs and files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Post => "post",
            Self::Line => "line",
            Self::Call => "call",
        }
    }

    /// The channel of a word in files.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.word() == word)
    }

    /// The channel for people.
    #[must_use]
    pub fn told(self, language: Language) -> &'static str {
        match self {
            Self::Mail => language.pick("メール", "mail"),
            Self::Post => language.pick("郵送", "post"),
            Self::Line => language.pick("LINE", "LINE"),
            Self::Call => language.pick("電話", "call"),
        }
    }
}

/// How a campaign goes where that is not by mail alone, to stand behind its name: ` (post)`, ` (mail 12, post 3)`.
#[must_use]
pub fn told_where_not_mail(channels: &[(Channel, u64)], language: Language) -> String {
    match channels {
        [] | [(Channel::Mail, _)] => String::new(),
        [(channel, _)] => format!(" ({})", channel.told(language)),
        several => {
            let told: Vec<String> =
                several.iter().map(|(channel, count)| format!("{} {}", channel.told(language), grouped(*count))).collect();
            format!(" ({})", told.join(", "))
        }
    }
}

/// What the customer list holds for channels other than mail, row for row beside it. A column that the job does not map is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contacts {
    /// `604-0000`; other countries' codes as they are.
    pub postal_code: Texts,
    /// On one line.
    pub postal_address: Texts,
    pub line_id: Texts,
    pub phone: Texts,
    /// Who agreed to a channel. Where no column is mapped nobody was asked.
    pub post_consent: Option<Vec<bool>>,
    pub line_consent: Option<Vec<bool>>,
    pub call_consent: Option<Vec<bool>>,
}

impl Contacts {
    /// The contacts of these rows, each of one of two lists. Who was never asked and stands beside people who were has not declined.
    #[must_use]
    pub fn woven(lists: [&Self; 2], rows: &[(usize, usize)]) -> Self {
        let picked = || rows.iter().map(|(list, row)| (lists[usize::from(*list > 0)], *row));
        let texts = |pick: fn(&Self) -> &Texts| {
            let is_mapped = lists.iter().any(|list| !pick(list).is_empty());
            if is_mapped { picked().map(|(list, row)| pick(list).get(row)).collect() } else { Texts::default() }
        };
        let consent = |pick: fn(&Self) -> Option<&Vec<bool>>| {
            let asked = lists.iter().any(|list| pick(list).is_some());
            asked.then(|| picked().map(|(list, row)| pick(list).and_then(|column| column.get(row)).copied().unwrap_or(true)).collect())
        };
        Self {
            postal_code: texts(|list| &list.postal_code),
            postal_address: texts(|list| &list.postal_address),
            line_id: texts(|list| &list.line_id),
            phone: texts(|list| &list.phone),
            post_consent: consent(|list| list.post_consent.as_ref()),
            line_consent: consent(|list| list.line_consent.as_ref()),
            call_consent: consent(|list| list.call_consent.as_ref()),
        }
    }
}

/// Full-width letters as plain ones, and everything that people write for a hyphen as one.
#[must_use]
pub fn narrowed(text: &str) -> String {
    let plain = |letter: char| match letter {
        '\u{a0}' => ' ',
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | 'ー' | 'ｰ' => '-',
        other => narrow(other),
    };
    text.chars().map(plain).collect::<String>().trim().to_owned()
}

/// A Japanese postal code with its hyphen; any other code as it is.
#[must_use]
pub fn postal_code(text: &str) -> String {
    let narrow = narrowed(text);
    let plain = narrow.trim_start_matches(['〒', ' ']);
    let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
    let is_japanese = digits.len() == 7 && plain.chars().all(|letter| letter.is_ascii_digit() || letter == '-');
    match digits.split_at_checked(3) {
        Some((area, rest)) if is_japanese => format!("{area}-{rest}"),
        _ => plain.to_owned(),
    }
}

/// Whether a text can be the id under which LINE knows somebody: U and 32 hex digits. The name that people search each other by is not.
#[must_use]
pub fn is_line_id(text: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix('U').is_some_and(|rest| rest.len() == 32 && rest.bytes().all(hex))
}

/// The digits of a telephone number; `None` when it cannot be one.
#[must_use]
pub fn digits_of_phone(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let plain = text.chars().all(|letter| letter.is_ascii_digit() || "+-(). ".contains(letter));
    (plain && (9..=15).contains(&digits.len())).then_some(digits)
}

/// The name on an envelope or in a greeting, and what follows it: 様 once, ご担当者様 for a company, お客様 for nobody. In English the
/// name alone.
#[must_use]
pub fn addressed(name: &str, language: Language) -> (Cow<'_, str>, &'static str) {
    let name = name.trim();
    match language {
        Language::En if name.is_empty() => (Cow::Borrowed("Customer"), ""),
        Language::En => (Cow::Borrowed(name), ""),
        Language::Ja if name.is_empty() => (Cow::Borrowed("お客様"), ""),
        Language::Ja if TITLES.iter().any(|title| name.ends_with(title)) => (Cow::Borrowed(name), ""),
        Language::Ja if name.contains(COMPANY_ENDS) && COMPANIES.iter().any(|kind| name.contains(kind)) => {
            (Cow::Borrowed(name), "ご担当者様")
        }
        Language::Ja => (Cow::Borrowed(name), "様"),
    }
}

/// A name that ends in one of these has its title already.
const TITLES: [&str; 6] = ["様", "さま", "さん", "殿", "御中", "先生"];

/// How those end: most names have none of these letters, and need not be looked through for each word.
const COMPANY_ENDS: [char; 7] = ['社', '人', '合', ')', '）', '㈱', '㈲'];

/// What Japanese companies are called; one of these in a name makes it a company's.
const COMPANIES: [&str; 21] = [
    "株式会社",
    "有限会社",
    "合同会社",
    "合資会社",
    "合名会社",
    "相互会社",
    "社団法人",
    "財団法人",
    "学校法人",
    "医療法人",
    "宗教法人",
    "福祉法人",
    "NPO法人",
    "独立行政法人",
    "協同組合",
    "(株)",
    "(有)",
    "（株）",
    "（有）",
    "㈱",
    "㈲",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_that_no_column_is_mapped_to_stays_without_rows() {
        let list = Contacts { phone: ["075", "06"].into_iter().collect(), ..Contacts::default() };
        let woven = Contacts::woven([&list, &list], &[(0, 1)]);
        assert_eq!((woven.phone.get(0), woven.line_id.is_empty(), woven.postal_code.is_empty()), ("06", true, true));
    }

    #[test]
    fn every_company_is_known_by_its_end() {
        for kind in COMPANIES {
            assert!(kind.ends_with(COMPANY_ENDS), "{kind}");
            assert_eq!(addressed(&format!("{kind}山田"), Language::Ja).1, "ご担当者様");
        }
        assert_eq!(addressed("山田 花子", Language::Ja), (Cow::Borrowed("山田 花子"), "様"));
    }

    #[test]
    fn postal_codes_get_their_hyphen() {
        for (written, code) in [
            ("6040000", "604-0000"),
            ("〒604-0000", "604-0000"),
            ("〒 ６０４－００００", "604-0000"),
            ("604ー0000", "604-0000"),
            ("SW1A 1AA", "SW1A 1AA"),
            ("12345", "12345"),
            ("", ""),
        ] {
            assert_eq!(postal_code(written), code, "{written}");
        }
    }

    #[test]
    fn ids_and_numbers_are_told_from_other_texts() {
        assert!(is_line_id("U0123456789abcdef0123456789abcdef"));
        for text in ["hanako_2000", "U0123", "C0123456789abcdef0123456789abcdef", "U0123456789ABCDEF0123456789ABCDEF", ""] {
            assert!(!is_line_id(text), "{text}");
        }
        assert_eq!(digits_of_phone("090-1234-5678").as_deref(), Some("09012345678"));
        assert_eq!(digits_of_phone("+81 (0)3-1234-5678").as_deref(), Some("810312345678"));
        for text in ["", "110", "なし", "090-1234-5678 内線3", "12345678901234567890"] {
            assert_eq!(digits_of_phone(text), None, "{text}");
        }
        assert_eq!(narrowed("　０９０ー１２３４－５６７８ "), "090-1234-5678");
    }

    #[test]
    fn names_are_addressed_once() {
        for (name, told) in [
            ("山田 花子", ("山田 花子", "様")),
            ("山田様", ("山田様", "")),
            ("株式会社つばき", ("株式会社つばき", "ご担当者様")),
            ("㈲つばき", ("㈲つばき", "ご担当者様")),
            ("茶の湯研究会 御中", ("茶の湯研究会 御中", "")),
            ("  ", ("お客様", "")),
        ] {
            let (addressee, title) = addressed(name, Language::Ja);
            assert_eq!((addressee.as_ref(), title), told);
        }
        assert_eq!(addressed(" Ann Lee ", Language::En), (Cow::Borrowed("Ann Lee"), ""));
    }
}
