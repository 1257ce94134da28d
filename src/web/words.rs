//! The words of the frame, in the job's language. Each page has its own beside it.

use crate::domain::job::Language;
use std::collections::BTreeMap;

/// Words by name, as pages ask for them: `{{ t.next }}`.
pub type Words = BTreeMap<&'static str, &'static str>;

/// Picks the language of a table of names, Japanese and English.
pub fn words(language: Language, table: &[(&'static str, &'static str, &'static str)]) -> Words {
    table.iter().map(|(name, ja, en)| (*name, language.pick(*ja, *en))).collect()
}

pub fn frame(language: Language) -> Words {
    words(
        language,
        &[
            ("skip", "本文へ", "Skip to the content"),
            ("pages", "ページ", "Pages"),
            ("plan", "計画", "Plan"),
            ("mails", "通", "mails"),
            ("days", "日前の計画", "days old"),
            ("digest", "識別値", "Digest"),
        ],
    )
}
