//! A plan: the tables that one run decides, before anything leaves.

use super::coupon::PoolUse;
use super::job::Language;
use super::points::{Cashback, CashbackTotals, Holding, PointsTotals};
use super::{Allotment, Channel, Currency, Exposure, FeatureRow, RankChange, RankIndex, SkipReason, Standing, Texts};
use chrono::NaiveDate;
use std::path::PathBuf;

/// The part of a plan that belongs to one hash partition of customers. Rows are sorted by customer id (UTF-8 bytes).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanPart {
    pub customer_id: Texts,
    pub features: Vec<FeatureRow>,
    pub standings: Vec<Standing>,
    pub holdout: Vec<bool>,
    /// Empty where the job has neither points nor cashback.
    pub holdings: Vec<Holding>,
    /// Sorted by customer row, then campaign.
    pub mails: Vec<PlannedMail>,
    /// Sorted by customer row, then campaign.
    pub skipped: Vec<Skip>,
}

/// A mail that the plan decided on.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedMail {
    pub mail_id: String,
    /// The row in the part's customers.
    pub customer: usize,
    pub rank: Option<RankIndex>,
    /// The campaign's place in the job.
    pub campaign: usize,
    /// Whose templates it has, where the campaign has variants.
    pub variant: Option<String>,
    pub occasion: String,
    pub channel: Channel,
    /// Where the channel reaches the customer.
    pub address: String,
    /// Empty where the campaign's templates have none.
    pub subject: String,
    pub offer: Option<&'static str>,
    pub gift: Option<String>,
    pub coupon_code: Option<String>,
    pub valid_until: Option<NaiveDate>,
    /// What its offer costs when it is used, minor units.
    pub exposure: i64,
    pub content_hash: [u8; 32],
    /// The template values, as JSON text.
    pub values: String,
}

/// A matched pair that is not mailed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skip {
    /// The row in the part's customers.
    pub customer: usize,
    pub campaign: usize,
    pub reason: SkipReason,
}

/// A planned mail as it is read back for sending.
#[derive(Debug, Clone, PartialEq)]
pub struct MailRow {
    pub mail_id: String,
    pub customer_id: String,
    pub rank: Option<String>,
    pub campaign: String,
    pub variant: Option<String>,
    pub occasion: String,
    pub channel: Channel,
    pub address: String,
    pub subject: String,
    pub offer: Option<String>,
    pub coupon_code: Option<String>,
    pub valid_until: Option<NaiveDate>,
    /// What its offer costs when it is used, minor units; 0 in plans of before that was told.
    pub exposure: i64,
    pub content_hash: [u8; 32],
    pub values: String,
}

/// A planned mail as a later run asks for it, when it counts what was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpentRow {
    pub mail_id: String,
    pub campaign: String,
    pub occasion: String,
    /// It has the campaign's offer.
    pub offered: bool,
    /// As in [`MailRow`].
    pub exposure: i64,
}

/// A gift that a plan gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GiftRow {
    pub customer_id: String,
    pub campaign: String,
    pub gift: String,
}

/// A customer's row of an earlier plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PastCustomer {
    pub customer_id: String,
    /// Rank names as that plan wrote them.
    pub rank: Option<String>,
    pub rank_since: Option<NaiveDate>,
    pub missed_reviews: u32,
    pub safe_until: Option<NaiveDate>,
    /// `FeatureRow::mark`; plans of earlier versions have none.
    pub mark: Option<i64>,
}

/// What an earlier plan says of a customer's rank and of what was paid back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastAccount {
    pub customer_id: String,
    /// By the name that the plan wrote.
    pub rank: Option<String>,
    pub cashback: Cashback,
}

/// One customer as `customers.parquet` tells it, with ranks by name.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerRow {
    pub customer_id: String,
    /// Microseconds UTC.
    pub first_order_at: Option<i64>,
    pub last_order_at: Option<i64>,
    pub orders_ever: i64,
    /// Minor units.
    pub spend_ever: i64,
    pub orders: i64,
    pub spend: i64,
    pub qualifies: Option<String>,
    pub rank: Option<String>,
    pub previous_rank: Option<String>,
    pub rank_change: RankChange,
    pub rank_since: Option<NaiveDate>,
    pub missed_reviews: u32,
    pub safe_until: Option<NaiveDate>,
    pub next_rank: Option<String>,
    pub next_orders: Option<i64>,
    pub next_spend: Option<i64>,
    pub next_on: Option<NaiveDate>,
    /// `None` in plans of before it was told, as is `keep_last_day`.
    pub next_last_day: Option<NaiveDate>,
    pub keep_by: Option<NaiveDate>,
    pub keep_last_day: Option<NaiveDate>,
    pub keep_orders: Option<i64>,
    pub keep_spend: Option<i64>,
    pub holdout: bool,
    pub holding: Holding,
}

/// A row of `skipped.parquet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkipRow {
    pub customer_id: String,
    pub campaign: String,
    pub reason: SkipReason,
}

/// `plan.json`: what a plan is and how much it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub job: String,
    pub as_of: NaiveDate,
    pub closing: NaiveDate,
    pub next_closing: NaiveDate,
    pub keep_by: Option<NaiveDate>,
    /// The review that was due, if any.
    pub review: Option<NaiveDate>,
    /// The as-of date of the adopted run before, if any.
    pub previous: Option<NaiveDate>,
    /// Microseconds UTC; not in the digest.
    pub planned_at: i64,
    /// 64 hex digits over everything that decides a mail.
    pub digest: String,
    /// What was read: a name that is relative to the job, and its digest. Sorted.
    pub inputs: Vec<(String, String)>,
    /// Digest of the job's rules, and of each template file. Sorted.
    pub rules: String,
    pub templates: Vec<(String, String)>,
    pub key_id: String,
    /// Where the job and its runs lay, seen from the plan's folder; not in the digest. `None` in plans of earlier versions.
    pub origin: Option<Origin>,
    /// Stands for the very program that planned; not in the digest. `None` in plans of earlier versions, and where nothing tells programs apart.
    pub program: Option<String>,
    /// BLAKE3 of each data file of the folder, 64 hex digits.
    pub files: Vec<(String, String)>,
    pub ranks: Vec<String>,
    pub campaigns: Vec<String>,
    pub counts: Counts,
    /// Brakes that would stop: name and what was seen.
    pub brakes: Vec<(String, String)>,
    pub warnings: Vec<String>,
}

impl Summary {
    /// What became of the places and budgets of campaigns, a line for each campaign that has any.
    #[must_use]
    pub fn allotments(&self, currency: &Currency, language: Language) -> Vec<String> {
        let line = |(at, name): (usize, &String)| {
            let places = self.counts.places.get(at).copied().flatten().map(|places| places.told_of_places(language));
            let budget = self.counts.budgets.get(at).copied().flatten().map(|budget| budget.told_of_money(currency, language));
            let told: Vec<String> = [places, budget].into_iter().flatten().collect();
            (!told.is_empty()).then(|| format!("{name}: {}", told.join(language.pick("。", "; "))))
        };
        self.campaigns.iter().enumerate().filter_map(line).collect()
    }
}

/// Where a plan was made, as paths relative to its folder: there `diff` finds the purchases and the ledger again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub job: PathBuf,
    pub runs: PathBuf,
}

/// The figures of a plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    pub customers: u64,
    /// Customers left out by `[customers] exclude`.
    pub customers_excluded: u64,
    pub lines: u64,
    /// Counted lines before the last adopted as-of date: as read now.
    pub lines_before_previous: u64,
    pub lines_excluded: u64,
    pub guests: u64,
    pub bad_rows: u64,
    pub bad_row_notes: Vec<String>,
    /// The newest counted purchase, microseconds UTC.
    pub newest: Option<i64>,
    /// Customers for each rank, the lowest first; then those without a rank.
    pub rank_sizes: Vec<u64>,
    pub no_rank: u64,
    /// (before, now, how many), `None` is no rank, sorted.
    pub moves: Vec<(Option<RankIndex>, Option<RankIndex>, u64)>,
    pub changes: Vec<(RankChange, u64)>,
    pub matched: u64,
    pub mails: u64,
    pub skipped: u64,
    /// Mails for each campaign and rank: `[campaign][rank]`, the last place of a row is no rank.
    pub mails_by_rank: Vec<Vec<u64>>,
    /// Mails for each campaign and channel: `[campaign]`, then (channel, how many) sorted, no zeros.
    pub channels: Vec<Vec<(Channel, u64)>>,
    /// Skips for each campaign: `[campaign]`, then (reason, how many) sorted, no zeros.
    pub skips: Vec<Vec<(SkipReason, u64)>>,
    pub nameless: u64,
    /// What campaigns took out of pools of codes, in the order of campaigns.
    pub pools: Vec<PoolUse>,
    /// What the offers of all mails cost when every one is used, minor units.
    pub offer_exposure: i64,
    /// The same for each campaign, and what of it is to be expected. Empty in plans of before that was told.
    pub exposure: Vec<Exposure>,
    /// The places and the budget of each campaign that has candidates and such a limit. Empty in plans of before that was told.
    pub places: Vec<Option<Allotment>>,
    pub budgets: Vec<Option<Allotment>>,
    pub holdout: u64,
    pub points: Option<PointsTotals>,
    /// What is paid back at this closing, where the job has cashback.
    pub cashback: Option<CashbackTotals>,
}

/// One sample mail for the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    pub campaign: String,
    pub rank: String,
    pub subject: String,
    pub html: String,
}
