//! A matched pair of customer and campaign, and where it ends: a mail, or a reason why not.

use super::job::Language;
use chrono::NaiveDate;

/// Why a campaign is this customer's now. The same job, campaign, occasion and customer is mailed once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// The word that identifies it in files and ledger: `2026`, `2026-11-03`, `2026-12`.
    pub word: String,
    /// The day it is about, where there is one: the birthday this year, the last order, the review.
    pub date: Option<NaiveDate>,
    /// Full years, for anniversaries and birthdays.
    pub years: Option<i64>,
}

/// Why a matched pair is not mailed. A pair is skipped for the first that applies, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    NoAddress,
    BadAddress,
    NoConsent,
    Unsubscribed,
    Bounced,
    SameAddress,
    AlreadySent,
    Holdout,
    Superseded,
    TooSoon,
    OverCap,
    OverBudget,
    NotDrawn,
    RenderFailed,
}

impl SkipReason {
    pub const ALL: [Self; 14] = [
        Self::NoAddress,
        Self::BadAddress,
        Self::NoConsent,
        Self::Unsubscribed,
        Self::Bounced,
        Self::SameAddress,
        Self::AlreadySent,
        Self::Holdout,
        Self::Superseded,
        Self::TooSoon,
        Self::OverCap,
        Self::OverBudget,
        Self::NotDrawn,
        Self::RenderFailed,
    ];

    /// The word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NoAddress => "no_address",
            Self::BadAddress => "bad_address",
            Self::NoConsent => "no_consent",
            Self::Unsubscribed => "unsubscribed",
            Self::Bounced => "bounced",
            Self::SameAddress => "same_address",
            Self::AlreadySent => "already_sent",
            Self::Holdout => "holdout",
            Self::Superseded => "superseded",
            Self::TooSoon => "too_soon",
            Self::OverCap => "over_cap",
            Self::OverBudget => "over_budget",
            Self::NotDrawn => "not_drawn",
            Self::RenderFailed => "render_failed",
        }
    }

    /// The reason for people.
    #[must_use]
    pub fn told(self, language: Language) -> &'static str {
        match self {
            Self::NoAddress => language.pick("アドレスなし", "no address"),
            Self::BadAddress => language.pick("アドレス不備", "bad address"),
            Self::NoConsent => language.pick("同意なし", "no consent"),
            Self::Unsubscribed => language.pick("配信停止", "unsubscribed"),
            Self::Bounced => language.pick("不達", "bounced"),
            Self::SameAddress => language.pick("同じアドレス", "same address"),
            Self::AlreadySent => language.pick("送信済み", "already sent"),
            Self::Holdout => language.pick("対照群", "holdout"),
            Self::Superseded => language.pick("別のメールを優先", "superseded"),
            Self::TooSoon => language.pick("間隔が短い", "too soon"),
            Self::OverCap => language.pick("通数の上限", "over the cap"),
            Self::OverBudget => language.pick("予算・人数の上限", "over the budget"),
            Self::NotDrawn => language.pick("抽選もれ", "not drawn"),
            Self::RenderFailed => language.pick("作成できず", "render failed"),
        }
    }

    /// What the reason means, in a few words more than its own.
    #[must_use]
    pub fn meant(self, language: Language) -> &'static str {
        let (japanese, english) = match self {
            Self::NoAddress => ("メールアドレスの登録がありません", "the list has no mail address for them"),
            Self::BadAddress => ("書き間違いなどで届きません", "it is mistyped and cannot be reached"),
            Self::NoConsent => ("配信への同意の記録がありません", "they never agreed to be mailed"),
            Self::Unsubscribed => ("ご本人が配信を止めました", "they asked for no more mails"),
            Self::Bounced => ("以前のメールが戻ってきました", "earlier mails came back"),
            Self::SameAddress => ("同じアドレスの別の方へ送ります", "somebody else there gets this mail"),
            Self::AlreadySent => ("同じ機会にもう送りました", "they got it for the same occasion"),
            Self::Holdout => ("効果を測るため、送らずに比べます", "left out on purpose, to measure the effect"),
            Self::Superseded => ("優先するメールを今回送ります", "a more important mail goes out in this run"),
            Self::TooSoon => ("前のメールから日が浅い方です", "their last mail was only days ago"),
            Self::OverCap => ("一回に送る通数を超えます", "they get enough mails in this run"),
            Self::OverBudget => (
                "特典の予算・人数・コードを、上の方々で使い切りました",
                "those before them took all of the offer's budget, places or codes",
            ),
            Self::NotDrawn => ("抽選で別の方々が当たりました", "the lot fell on others"),
            Self::RenderFailed => ("テンプレートに足りない値がありました", "the template lacked a value for them"),
        };
        language.pick(japanese, english)
    }

    /// The reason of a word in files.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }
}

/// The first condition of a campaign that a customer does not meet, for `explain`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    /// The key in the job: `ranks`, `when.birthday`, `where.store`.
    pub condition: String,
    /// What the job asks for, as written or close to it.
    pub wanted: String,
    /// What this customer has.
    pub found: String,
    /// All of it as a sentence, in the job's language.
    pub said: String,
}

/// What the ledger knows of earlier mails to one customer: accepted or in doubt ones only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastMail {
    pub job: String,
    pub campaign: String,
    pub occasion: String,
    pub as_of: NaiveDate,
    /// It counts towards `min_days_between`.
    pub counts: bool,
}
