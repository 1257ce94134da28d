//! Two plans compared: which pairs of customer and campaign end otherwise, and by what cause.

use super::job::Language;
use super::{Channel, SkipReason};
use chrono::NaiveDate;
use std::path::PathBuf;

/// Why a pair ends otherwise: the part of the inputs whose replacement made it so. Parts are replaced in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Everything of the job file but its campaigns.
    Rules,
    Campaigns,
    Templates,
    /// Consent in the customer list, opt-outs and bounces in the ledger.
    ConsentAndStops,
    /// Customers who are in one plan only.
    NewCustomers,
    /// Anything else in the customer list and the product list.
    Lists,
    /// The as-of date, and what earlier runs had done by then.
    Window,
    /// Later lines of orders that were known: returns and corrections.
    Refunds,
    NewOrders,
    /// The inputs that are left do not give the plans as they were made.
    Unknown,
}

impl Cause {
    pub const ALL: [Self; 10] = [
        Self::Rules,
        Self::Campaigns,
        Self::Templates,
        Self::ConsentAndStops,
        Self::NewCustomers,
        Self::Lists,
        Self::Window,
        Self::Refunds,
        Self::NewOrders,
        Self::Unknown,
    ];

    /// The word in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Campaigns => "campaigns",
            Self::Templates => "templates",
            Self::ConsentAndStops => "consent_and_stops",
            Self::NewCustomers => "new_customers",
            Self::Lists => "lists",
            Self::Window => "window",
            Self::Refunds => "refunds",
            Self::NewOrders => "new_orders",
            Self::Unknown => "unknown",
        }
    }

    /// The cause for people.
    #[must_use]
    pub fn told(self, language: Language) -> &'static str {
        match self {
            Self::Rules => language.pick("ルール", "rules"),
            Self::Campaigns => language.pick("キャンペーン", "campaigns"),
            Self::Templates => language.pick("テンプレート", "templates"),
            Self::ConsentAndStops => language.pick("同意と配信停止", "consent and stops"),
            Self::NewCustomers => language.pick("顧客の増減", "new and gone customers"),
            Self::Lists => language.pick("顧客・商品リスト", "lists"),
            Self::Window => language.pick("日付の移動", "window"),
            Self::Refunds => language.pick("返品・訂正", "refunds"),
            Self::NewOrders => language.pick("新しい注文", "new orders"),
            Self::Unknown => language.pick("不明", "unknown"),
        }
    }
}

/// Where a pair ends in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The campaign does not match the customer, or one of the two is not there.
    Unmatched,
    Skipped(SkipReason),
    /// A mail that looks like this: a hash of what the customer sees, codes and opt-out links left aside.
    Mailed([u8; 32]),
}

/// What a change is to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A mail where there was none.
    Gained,
    Lost,
    /// Another mail of the same campaign.
    Changed,
    /// No mail in either plan, for another reason.
    Reason,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Gained, Self::Lost, Self::Changed, Self::Reason];

    #[must_use]
    pub fn of(before: Fate, after: Fate) -> Self {
        match (before, after) {
            (Fate::Mailed(_), Fate::Mailed(_)) => Self::Changed,
            (Fate::Mailed(_), _) => Self::Lost,
            (_, Fate::Mailed(_)) => Self::Gained,
            _ => Self::Reason,
        }
    }

    /// The word in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Gained => "gained",
            Self::Lost => "lost",
            Self::Changed => "changed",
            Self::Reason => "reason",
        }
    }

    /// The kind for people, at the head of a column.
    #[must_use]
    pub fn told(self, language: Language) -> &'static str {
        match self {
            Self::Gained => language.pick("届くようになる", "gained"),
            Self::Lost => language.pick("届かなくなる", "lost"),
            Self::Changed => language.pick("内容が変わる", "changed"),
            Self::Reason => language.pick("理由が変わる", "other reason"),
        }
    }
}

/// One end of a pair, with what people want to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub fate: Fate,
    /// By what way it goes, and the subject, where it has one: a letter without templates has none.
    pub channel: Option<Channel>,
    pub subject: Option<String>,
    /// The customer's rank, by name.
    pub rank: Option<String>,
}

impl End {
    /// This end for people: the subject of the mail, or why there is none.
    fn told(&self, language: Language) -> String {
        match (self.fate, &self.subject) {
            (Fate::Mailed(_), Some(subject)) => language.pick(format!("「{subject}」"), format!("\"{subject}\"")),
            (Fate::Mailed(_), None) => self.channel.unwrap_or(Channel::Mail).told(language).to_owned(),
            (Fate::Skipped(reason), _) => reason.told(language).to_owned(),
            (Fate::Unmatched, _) => language.pick("対象外", "not matched").to_owned(),
        }
    }
}

/// A pair that ends otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub customer: String,
    pub campaign: String,
    pub cause: Cause,
    pub before: End,
    pub after: End,
}

impl Change {
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::of(self.before.fate, self.after.fate)
    }

    /// Both ends for people. Two mails of one subject differ in what comes below it.
    #[must_use]
    pub fn told(&self, language: Language) -> (String, String) {
        let (before, after) = (self.before.told(language), self.after.told(language));
        let same = || language.pick("本文が別", "the same subject, another text").to_owned();
        let after = if before == after { same() } else { after };
        (before, after)
    }

    /// The ranks, where the customer's moved.
    #[must_use]
    pub fn told_ranks(&self) -> Option<String> {
        let name = |end: &End| end.rank.clone().unwrap_or_else(|| "-".to_owned());
        let (before, after) = (name(&self.before), name(&self.after));
        (before != after).then(|| format!("{before} → {after}"))
    }
}

/// A plan that is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    pub folder: PathBuf,
    pub as_of: NaiveDate,
    pub digest: String,
    pub mails: u64,
}

/// Two plans of one job compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    pub job: String,
    pub language: Language,
    pub before: Compared,
    pub after: Compared,
    /// By customer id, then campaign.
    pub changes: Vec<Change>,
    /// What could not be told apart, and why; for people.
    pub notes: Vec<String>,
}

impl Diff {
    /// How many pairs changed by a cause, one number for each of `Kind::ALL`.
    #[must_use]
    pub fn counts(&self, cause: Cause) -> [u64; Kind::ALL.len()] {
        Kind::ALL.map(|kind| self.changes.iter().filter(|change| change.cause == cause && change.kind() == kind).count() as u64)
    }
}
