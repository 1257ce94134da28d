//! Approvals: who said that a plan may leave. A name is what somebody writes; nobody proves here who they are.

use super::job::Language;
use icu_properties::props::{
    BinaryProperty, DefaultIgnorableCodePoint, EnumeratedProperty, GeneralCategory, JoinControl, VariationSelector,
};
use unicode_normalization::UnicodeNormalization;
use unicode_security::{GeneralSecurityProfile, skeleton};

/// No name is longer, in letters: it stands on one line of a page and of the terminal.
pub const LONGEST_NAME: usize = 80;

/// More people than this need not agree on a mail.
pub const MOST_PEOPLE: i64 = 9;

/// What Unicode counts as signs, and nothing is to be seen of: a braille cell without dots, a note without a head, a place for an object.
const BLANKS: [char; 3] = ['\u{2800}', '\u{1d159}', '\u{fffc}'];

/// Somebody who approved a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub name: String,
    /// Microseconds UTC.
    pub at: i64,
}

/// Why what somebody wrote is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoName {
    Empty,
    /// Signs only.
    NoLetter,
    /// Letters, but only of kinds that nobody's name is compared by: runes, cuneiform, marks beside a letter. The first of them.
    Uncommon(char),
    TooLong,
    /// A letter that nobody sees, that steers what stands around it, or that has no look of its own.
    Unseen(char),
}

impl NoName {
    /// The reason for people.
    #[must_use]
    pub fn told(self, language: Language) -> String {
        match self {
            Self::Empty => language.pick("空です", "it is empty").to_owned(),
            Self::NoLetter => language.pick("文字がありません", "it has no letter in it").to_owned(),
            Self::Uncommon(letter) => {
                let code = format!("U+{:04X}", u32::from(letter));
                language.pick(
                    format!("「{letter}」（{code}）のような文字だけでは、ほかの人の名前と区別できません。漢字・かな・ラテン文字など、いま使われている文字でも書いてください"),
                    format!(
                        "letters such as {letter} ({code}) do not tell it from other names; write it in letters that names are written with today, such as Latin ones or kanji, if need be beside these"
                    ),
                )
            }
            Self::TooLong => {
                language.pick(format!("{LONGEST_NAME} 文字を超えています"), format!("it is longer than {LONGEST_NAME} letters"))
            }
            Self::Unseen(letter) => {
                let code = format!("U+{:04X}", u32::from(letter));
                language.pick(
                    format!("目に見えない文字または制御文字（{code}）が入っています"),
                    format!("it has {code} in it, a control character or one that nobody sees"),
                )
            }
        }
    }
}

/// A name as it is kept: as it was written, without white space around it, one blank for each white space within.
///
/// # Errors
/// Why it is no name.
pub fn name(written: &str) -> Result<String, NoName> {
    let name = written.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err(NoName::Empty);
    }
    if let Some(unseen) = written.trim().chars().find(|letter| !has_look(*letter)) {
        return Err(NoName::Unseen(unseen));
    }
    if !name.nfkc().any(tells) {
        return Err(name.chars().find(|letter| letter.is_alphanumeric()).map_or(NoName::NoLetter, NoName::Uncommon));
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(NoName::TooLong);
    }
    Ok(name)
}

/// Whether a letter may stand in a name. What chooses the form of the letter before it (葛󠄀) or joins two (Persian) is needed for some
/// names; it plays no part when names are compared.
fn has_look(letter: char) -> bool {
    use GeneralCategory::{Control, Format, PrivateUse, Surrogate, Unassigned};
    let is_silent = |letter| VariationSelector::for_char(letter) || JoinControl::for_char(letter);
    let has_none = matches!(GeneralCategory::for_char(letter), Control | Format | PrivateUse | Surrogate | Unassigned);
    is_silent(letter) || !(has_none || DefaultIgnorableCodePoint::for_char(letter) || BLANKS.contains(&letter))
}

/// Whether two names are one person's: they look the same as they are written, or in small letters, or in capitals.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    looks(one).iter().zip(looks(other)).any(|(one, other)| *one == other)
}

/// The name as it is kept beside the written one, to find it again.
#[must_use]
pub fn folded(name: &str) -> String {
    let [_, small, _] = looks(name);
    small
}

/// Whether a letter tells people apart: a letter or digit that names are written with today (UTS #39), not a mark beside one.
fn tells(letter: char) -> bool {
    let is_mark = matches!(u32::from(letter), 0x2b0..=0x2ff);
    letter.is_alphanumeric() && !is_mark && GeneralSecurityProfile::identifier_allowed(letter)
}

/// What a name looks like: as it is written, in small letters, in capitals. White space, signs, the width of letters, how an accent is put
/// together and what nobody sees change nothing, and letters that look alike (UTS #39) are one.
fn looks(name: &str) -> [String; 3] {
    let plain: String = name.nfkc().filter(|letter| tells(*letter)).collect();
    let capitals = plain.to_uppercase();
    // By way of the capitals ß is ss and every sigma is one.
    [plain, capitals.to_lowercase(), capitals].map(|text| skeleton(&text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_letters() {
        assert_eq!(name("  山田\u{3000}花子 ").as_deref(), Ok("山田 花子"));
        assert_eq!(name(&"花".repeat(LONGEST_NAME)).as_deref(), Ok("花".repeat(LONGEST_NAME).as_str()));
        let kept = ["葛\u{e0100}城 翔", "نرگس علی\u{200c}زاده", "Dvořák", "Dvor\u{30c}a\u{301}k", "O'Neil-3", "ﾊﾅｺ", "花子🌸", "𠮷田"];
        for written in kept {
            assert_eq!(name(written).as_deref(), Ok(written), "a name stays as it was written");
        }
        assert_eq!(name(&"花".repeat(LONGEST_NAME + 1)), Err(NoName::TooLong));
        for (wrong, why) in [("", NoName::Empty), (" \u{3000}\t", NoName::Empty), ("-", NoName::NoLetter), ("🌸", NoName::NoLetter)] {
            assert_eq!(name(wrong), Err(why), "{wrong:?}");
        }
    }

    #[test]
    fn letters_that_tell_nobody_apart_are_named() {
        // Runes, Glagolitic, cuneiform.
        for (written, first) in [("ᚠᚢᚦ", 'ᚠ'), ("Ⰰⰱ", 'Ⰰ'), ("- 𒀀", '𒀀')] {
            let Err(why) = name(written) else { panic!("{written} is a name") };
            let (ja, en) = (why.told(Language::Ja), why.told(Language::En));
            assert!(en.contains(first) && en.contains(&format!("U+{:04X}", u32::from(first))), "{en}");
            assert!(ja.contains(first) && ja.contains("漢字") && en.contains("Latin"), "{ja} {en}");
        }
        assert_eq!(name("🌸"), Err(NoName::NoLetter));
        assert!(name("ᚠ 山田").is_ok());
    }

    #[test]
    fn what_nobody_sees_makes_no_name() {
        let controls = ['\u{7}', '\u{85}', '\u{ad}', '\u{34f}', '\u{61c}', '\u{115f}', '\u{1160}', '\u{180e}', '\u{200b}', '\u{200e}'];
        let more =
            ['\u{202e}', '\u{2060}', '\u{2066}', '\u{2800}', '\u{3164}', '\u{feff}', '\u{ffa0}', '\u{fff9}', '\u{e0041}', '\u{e000}'];
        for unseen in controls.into_iter().chain(more) {
            for written in [format!("Ha{unseen}na"), format!("{unseen}"), format!("Hana{unseen}")] {
                // A line end at the end is white space.
                let is_trimmed = unseen.is_whitespace() && !written.starts_with("Ha\u{85}");
                assert!(is_trimmed || name(&written) == Err(NoName::Unseen(unseen)), "{written:?}: {:?}", name(&written));
            }
        }
        assert_eq!(name("a\nb"), Err(NoName::Unseen('\n')));
        assert!(NoName::Unseen('\u{3164}').told(Language::En).contains("U+3164"));
    }

    #[test]
    fn one_person_is_one_however_the_name_is_written() {
        let written: [&[&str]; 10] = [
            &[
                "Hana Yamada",
                "HANA YAMADA",
                "Ｈａｎａ　Ｙａｍａｄａ",
                "Hana  Yamada",
                "HanaYamada",
                "Hаna Yаmadа",
                "НАNА Yamada",
                "ΗΑΝΑ YAMADA",
            ],
            &["Émile", "E\u{301}mile", "ÉMILE", "émile"],
            &["山田 花子", "山田花子", "山田\u{3000}花子"],
            &["ヤマダ ハナコ", "ﾔﾏﾀﾞ ﾊﾅｺ", "ヤマタ\u{3099} ハナコ", "ヤマダハナコ"],
            &["葛城", "葛\u{e0100}城"],
            &["神田", "\u{fa19}田"],
            &["二宮 力", "ニ宮 カ"],
            &["Ian Lee", "lan Lee", "1an Lee"],
            &["Weiß", "WEISS", "weiss"],
            &[
                "Hana Yamada",
                "Hana Yamada.",
                "Hana\u{305} Yamada",
                "Hana Yamada\u{2bc}",
                "Ha\u{640}na Yamada",
                "Hana Yamada\u{13441}",
                "Hana Yamada\u{16fe4}",
            ],
        ];
        for names in written {
            for one in names {
                assert!(names.iter().all(|other| is_same(one, other)), "{one} of {names:?}");
            }
        }
        assert!(is_same("Ha\u{3164}na\u{2060}", "Hana"), "names of earlier versions may hold what is refused now");
    }

    #[test]
    fn two_people_stay_two() {
        let names =
            ["山田 花子", "山本 花子", "山田 華子", "髙橋 花子", "高橋 花子", "斎藤 花子", "齋藤 花子", "斉藤 花子", "はなこ", "ハナコ"];
        let more = ["Hana Yamada", "Hanna Yamada", "Hána Yamada", "Emile", "Émile", "Ken", "Kenji", "김하나", "김하니"];
        let names: Vec<&str> = names.into_iter().chain(more).collect();
        for (at, one) in names.iter().enumerate() {
            assert!(names[..at].iter().all(|other| !is_same(one, other)), "{one}");
        }
    }
}
