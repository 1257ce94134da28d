//! The words of the frame, in the job's language. Each page has its own beside it.

use crate::domain::job::Language;
use crate::domain::money::{self, grouped};
use std::collections::BTreeMap;

/// Words by name, as pages ask for them: `{{ t.next }}`.
pub type Words = BTreeMap<&'static str, &'static str>;

/// Picks the language of a table of names, Japanese and English.
pub fn words(language: Language, table: &[(&'static str, &'static str, &'static str)]) -> Words {
    table.iter().map(|(name, ja, en)| (*name, language.pick(*ja, *en))).collect()
}

/// A number of things: `3 通`, `1 mail`, `3 mails`.
pub fn counted(language: Language, count: u64, ja: &str, one: &str, many: &str) -> String {
    language.pick(format!("{} {ja}", grouped(count)), money::many(count, one, many))
}

pub fn mails(language: Language, count: u64) -> String {
    counted(language, count, "通", "mail", "mails")
}

pub fn frame(language: Language) -> Words {
    words(
        language,
        &[
            ("skip", "本文へ", "Skip to the content"),
            ("pages", "ページ", "Pages"),
            ("plan", "計画", "Plan"),
            ("digest", "識別値", "Digest"),
            (
                "gone",
                "スタジオから応答がありません。ここに見えるのは前の内容です。端末で studio が動いているか確認してください。",
                "The studio does not answer, and what you see is from before: see whether it runs in its terminal.",
            ),
        ],
    )
}
