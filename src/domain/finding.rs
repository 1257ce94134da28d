//! What is worth a second look in a job that has no mistakes: findings of the linter.

use super::job::Language;

/// A rule of the linter. Its word is what a job allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    RankWithoutMail,
    ShadowedCampaign,
    FallingDiscount,
    PriceWithoutSelling,
    LinkWithoutSelling,
    TwoDiscounts,
    NewsletterForLowest,
    EventDiscountNearTop,
    CostlyGift,
}

impl Rule {
    pub const ALL: [Self; 9] = [
        Self::RankWithoutMail,
        Self::ShadowedCampaign,
        Self::FallingDiscount,
        Self::PriceWithoutSelling,
        Self::LinkWithoutSelling,
        Self::TwoDiscounts,
        Self::NewsletterForLowest,
        Self::EventDiscountNearTop,
        Self::CostlyGift,
    ];

    /// The word in `allow`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::RankWithoutMail => "rank-without-mail",
            Self::ShadowedCampaign => "shadowed-campaign",
            Self::FallingDiscount => "falling-discount",
            Self::PriceWithoutSelling => "price-without-selling",
            Self::LinkWithoutSelling => "link-without-selling",
            Self::TwoDiscounts => "two-discounts",
            Self::NewsletterForLowest => "newsletter-for-lowest",
            Self::EventDiscountNearTop => "event-discount-near-top",
            Self::CostlyGift => "costly-gift",
        }
    }

    /// The rule of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.word() == word)
    }

    /// A hint is advice about the ladder; anything else is probably not meant.
    #[must_use]
    pub fn is_hint(self) -> bool {
        matches!(self, Self::NewsletterForLowest | Self::EventDiscountNearTop)
    }

    /// Why the rule is there, for people.
    #[must_use]
    pub fn reason(self, language: Language) -> &'static str {
        match self {
            Self::RankWithoutMail => {
                language.pick("上がっても何も変わらないランクには意味がありません", "a rank in which nothing happens is no reason to climb")
            }
            Self::ShadowedCampaign => {
                language.pick("送られないメールは、ないのと同じです", "a campaign that never becomes a mail is dead weight")
            }
            Self::FallingDiscount => language.pick("ランクが上がると損をします", "customers lose by climbing"),
            Self::PriceWithoutSelling | Self::LinkWithoutSelling => {
                language.pick("売らないと決めたメールです（sells = false）", "the campaign says that it does not sell (sells = false)")
            }
            Self::TwoDiscounts => language.pick(
                "どちらを送るか、not_with・reduced_by・discounts で決めてください",
                "say what is meant: not_with, reduced_by, or discounts = \"stack\"",
            ),
            Self::NewsletterForLowest => language.pick(
                "一番下のランクへの便りは、費用に見合わないことが多いものです",
                "on the lowest rung a newsletter seldom earns its cost",
            ),
            Self::EventDiscountNearTop => language.pick(
                "年間の予算は決まっているため、値引きは来店を減らします。別の財布をおすすめください",
                "a customer's yearly budget for one thing is fixed: more of it lowers frequency; offer something from another wallet",
            ),
            Self::CostlyGift => language.pick(
                "景品表示法の景品類の限度にふれるおそれがあります。確認を受けてください",
                "the law on premiums (景品表示法) limits gifts that depend on purchases: have it checked",
            ),
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Rank(String),
    Campaign(String),
}

/// One thing worth a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub rule: Rule,
    pub subject: Subject,
    /// What was seen, in the job's language.
    pub message: String,
}

/// A price or a link in a campaign's templates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    pub what: Showing,
    /// The template file, relative to the folder of templates, and the line (from 1).
    pub file: String,
    pub line: usize,
    /// The piece of it, as written.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Showing {
    Price,
    Link,
}
