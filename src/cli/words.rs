//! The words of the terminal, in the job's language.

use crate::domain::job::Language;
use crate::domain::{RankChange, SkipReason, State};

/// Chooses between a Japanese and an English word.
#[must_use]
pub fn pick<'a>(language: Language, ja: &'a str, en: &'a str) -> &'a str {
    match language {
        Language::Ja => ja,
        Language::En => en,
    }
}

/// Why a pair was skipped, for people.
#[must_use]
pub fn skip(language: Language, reason: SkipReason) -> &'static str {
    let (ja, en) = match reason {
        SkipReason::NoAddress => ("アドレスなし", "no address"),
        SkipReason::BadAddress => ("アドレス不備", "bad address"),
        SkipReason::NoConsent => ("配信同意なし", "no consent"),
        SkipReason::Unsubscribed => ("配信停止", "unsubscribed"),
        SkipReason::Bounced => ("不達", "bounced"),
        SkipReason::SameAddress => ("同じアドレスの方が優先", "same address"),
        SkipReason::AlreadySent => ("送信済み", "already sent"),
        SkipReason::Holdout => ("効果測定の対照群", "holdout"),
        SkipReason::Superseded => ("他のメールを優先", "superseded"),
        SkipReason::TooSoon => ("前回から間もない", "too soon"),
        SkipReason::OverCap => ("上限通数を超える", "over the cap"),
        SkipReason::RenderFailed => ("作成に失敗", "render failed"),
    };
    pick(language, ja, en)
}

/// What happened to a rank, for people.
#[must_use]
pub fn change(language: Language, change: RankChange) -> &'static str {
    let (ja, en) = match change {
        RankChange::None => ("ランクなし", "no rank"),
        RankChange::New => ("新規", "new"),
        RankChange::Up => ("アップ", "up"),
        RankChange::Kept => ("維持", "kept"),
        RankChange::Missed => ("猶予", "missed, forgiven"),
        RankChange::Down => ("ダウン", "down"),
    };
    pick(language, ja, en)
}

/// A ledger state, for people.
#[must_use]
pub fn state(language: Language, state: State) -> &'static str {
    let (ja, en) = match state {
        State::Planned => ("未送信", "planned"),
        State::Handing => ("送信中", "handing"),
        State::Accepted => ("送信済み", "accepted"),
        State::Rejected => ("拒否", "rejected"),
        State::Deferred => ("再送待ち", "deferred"),
        State::InDoubt => ("不明", "in doubt"),
        State::Suppressed => ("停止", "suppressed"),
        State::Held => ("保留", "held"),
        State::Cancelled => ("取消", "cancelled"),
    };
    pick(language, ja, en)
}
