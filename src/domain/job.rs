//! A checked job: everything that the job file says, with paths resolved, names looked up and ranges read.

use super::bounce::SoftRule;
use super::finding::Rule;
use super::pace::{DayWindow, DomainPace, Pace};
use super::recommend::Wallet;
use super::{Campaign, CashbackRule, Channel, Contact, Currency, Ladder, PointsRule, Zone};
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub name: String,
    /// The job file itself, and its text as it was read.
    pub path: PathBuf,
    pub text: String,
    pub zone: Zone,
    /// A cron line in the job's zone.
    pub schedule: Option<String>,
    pub currency: Currency,
    pub language: Language,
    pub runs: PathBuf,
    /// How many bytes of memory a run may take; no key of the file, but said where the program is called.
    pub memory: u64,
    /// For how many months runs keep personal data; `None`: for ever.
    pub keep_runs: Option<u32>,
    pub templates: PathBuf,
    /// `[shop]`, in the order of the file; name, address, contact and url are among them.
    pub shop: Vec<(String, String)>,
    pub purchases: PurchasesSource,
    pub customers: Option<CustomersSource>,
    pub products: Option<ProductsSource>,
    pub wallets: Vec<Wallet>,
    pub ladder: Ladder,
    pub points: Option<PointsRule>,
    pub cashback: Option<CashbackRule>,
    pub contact: Contact,
    /// The most that the offers of a run may cost, minor units; who would exceed it gets no mail.
    pub budget: Option<i64>,
    /// In file order, which is priority.
    pub campaigns: Vec<Campaign>,
    pub mail: MailSettings,
    pub smtp: Option<SmtpSettings>,
    pub brakes: Brakes,
    /// `[coupons] register`: nothing is sent before the codes that rankmail made were written for the cart.
    pub register_codes: bool,
    /// `[approval]`: how many different people must approve a plan before it is sent; 0: nobody.
    pub approvals: usize,
    /// `[stop]`: lists of those who must not be reached, as files and patterns against the job file's folder.
    pub stop_files: Vec<String>,
    /// `[bounces] soft`: when mails that did not arrive stop an address.
    pub soft_bounces: SoftRule,
    pub keys: KeySource,
    /// The keys before this one: their opt-out links and return paths still count, and who was forgotten under them is still known.
    pub previous_keys: Vec<KeySource>,
    pub on_render_error: OnRenderError,
    pub inline_css: bool,
    /// Rules of the linter that are allowed everywhere (`[check] allow`).
    pub allow: Vec<Rule>,
    /// Warnings that do not stop anything: dates that are past, and kin. Written for people.
    pub warnings: Vec<String>,
}

impl Job {
    /// Whether anything tells categories: the purchases or the product list.
    #[must_use]
    pub fn has_categories(&self) -> bool {
        self.purchases.category.is_some() || self.products.as_ref().is_some_and(|list| list.category.is_some())
    }

    /// Whether mails come back to a return path that does not tell which mail a report is of.
    #[must_use]
    pub fn returns_without_token(&self) -> bool {
        self.smtp.as_ref().and_then(|smtp| smtp.return_path.as_ref()).is_some_and(|path| !path.contains("{token}"))
    }

    /// A value of `[shop]`; empty when it is not there.
    #[must_use]
    pub fn shop(&self, key: &str) -> &str {
        self.shop.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value.as_str())
    }

    /// The rule by which rankmail keeps accounts of points: there is none where the customer list tells the balance.
    #[must_use]
    pub fn accounts(&self) -> Option<&PointsRule> {
        self.points.as_ref().filter(|_| self.customers.as_ref().is_none_or(|list| list.points.is_none()))
    }

    /// The categories that `bought` and `not_bought` name, in the order of their bits in `FeatureRow::bought`; 64 at most.
    #[must_use]
    pub fn categories(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for campaign in &self.campaigns {
            let asked = [&campaign.when.bought, &campaign.when.not_bought];
            for name in asked.into_iter().flatten().flat_map(|categories| &categories.names) {
                if !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
        }
        names
    }
}

/// What templates are checked against.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    pub templates: PathBuf,
    /// Names of the campaigns, in file order, and of the ranks, the lowest first.
    pub campaigns: Vec<String>,
    /// Those of the campaigns that never go by mail: they need no templates.
    pub without_mail: Vec<String>,
    /// The variants of those that have some.
    pub variants: Vec<(String, Vec<String>)>,
    pub ranks: Vec<String>,
    /// The keys of `[shop]`.
    pub shop: Vec<String>,
    pub currency: Currency,
    pub language: Language,
}

impl Outline {
    #[must_use]
    pub fn of(job: &Job) -> Self {
        Self {
            templates: job.templates.clone(),
            campaigns: job.campaigns.iter().map(|campaign| campaign.name.clone()).collect(),
            without_mail: job
                .campaigns
                .iter()
                .filter(|campaign| !campaign.goes_by(Channel::Mail))
                .map(|campaign| campaign.name.clone())
                .collect(),
            variants: job
                .campaigns
                .iter()
                .filter(|campaign| !campaign.variants.is_empty())
                .map(|campaign| (campaign.name.clone(), campaign.variants.iter().map(|variant| variant.name.clone()).collect()))
                .collect(),
            ranks: job.ladder.ranks.iter().map(|rank| rank.name.clone()).collect(),
            shop: job.shop.iter().map(|(name, _)| name.clone()).collect(),
            currency: job.currency.clone(),
            language: job.language,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Ja,
    En,
}

impl Language {
    /// What is meant for people in this language.
    #[must_use]
    pub fn pick<T>(self, ja: T, en: T) -> T {
        match self {
            Self::Ja => ja,
            Self::En => en,
        }
    }
}

/// How an amount column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountUnit {
    /// Yen, dollars.
    Major,
    /// Yen, cents.
    Minor,
}

/// `[purchases]`.
#[derive(Debug, Clone, PartialEq)]
pub struct PurchasesSource {
    /// Files, folders or globs, resolved against the job file's folder.
    pub paths: Vec<PathBuf>,
    /// The same as written in the job, for messages and digests.
    pub written: Vec<String>,
    /// What decides by a column's values whether a line counts; `exclude` before `include`.
    pub rules: Vec<LineRule>,
    pub amount_unit: AmountUnit,
    /// Share (0 to 1) of rows that may be bad.
    pub max_bad_rows: f64,
    pub customer: String,
    /// Empty: each line is an order of its own.
    pub order: Vec<String>,
    /// The columns that name the order a line refunds, one for each of `order`; empty where there are none.
    pub refund_of: Vec<String>,
    pub at: String,
    pub amount: AmountColumns,
    pub quantity: Option<String>,
    pub product: Option<String>,
    pub category: Option<String>,
    pub store: Option<String>,
    pub coupon: Option<String>,
    pub points_used: Option<String>,
}

/// A column whose values decide whether a line counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRule {
    pub kind: RuleKind,
    pub column: String,
    pub values: Vec<String>,
}

impl LineRule {
    /// Whether a line with this value (`None` is a null) is left out.
    #[must_use]
    pub fn leaves_out(&self, value: Option<&str>) -> bool {
        let listed = value.is_some_and(|value| self.values.iter().any(|one| one == value));
        listed == (self.kind == RuleKind::Exclude)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    /// Lines with one of the values are left out.
    Exclude,
    /// Only lines with one of the values count.
    Include,
}

/// The columns that make up what a line cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AmountColumns {
    pub add: Vec<String>,
    pub minus: Vec<String>,
}

impl AmountColumns {
    /// All of them: those that are added, then those that are taken off.
    pub fn columns(&self) -> impl Iterator<Item = &String> {
        self.add.iter().chain(&self.minus)
    }
}

/// `[customers]`.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomersSource {
    pub path: PathBuf,
    pub written: String,
    pub exclude: Vec<(String, Vec<String>)>,
    pub customer: String,
    pub email: Option<String>,
    /// One column, or several that are joined by a space.
    pub name: Vec<String>,
    pub birthday: Option<String>,
    pub consent: Option<ConsentSource>,
    pub since: Option<String>,
    pub rank: Option<String>,
    pub rank_at_least: Option<String>,
    pub rank_at_least_until: Option<String>,
    pub contacts: ContactsSource,
    /// The list of merged customers.
    pub merged: Option<PathBuf>,
    /// The column whose equal values mean one household.
    pub household: Option<String>,
    /// Where the shop's cart owns the points.
    pub points: Option<PointsColumns>,
}

/// The columns by which people are reached other than by mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactsSource {
    pub postal_code: Option<String>,
    /// One column, or several that are joined by a space.
    pub postal_address: Vec<String>,
    pub line_id: Option<String>,
    pub phone: Option<String>,
    pub post_consent: Option<ConsentSource>,
    pub line_consent: Option<ConsentSource>,
    pub call_consent: Option<ConsentSource>,
}

/// Columns of balances that somebody else keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointsColumns {
    pub balance: String,
    /// How many expire next, and the last day on which they can be used.
    pub next: Option<(String, String)>,
}

/// The column that tells of consent. Without `yes` it holds a time or a truth value; with it, one of these values means yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentSource {
    pub column: String,
    pub yes: Option<Vec<String>>,
}

/// `[products]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductsSource {
    pub path: PathBuf,
    pub written: String,
    pub amount_unit: AmountUnit,
    pub product: String,
    pub name: Option<String>,
    pub category: Option<String>,
    pub price: Option<String>,
    pub url: Option<String>,
    pub image: Option<String>,
    pub stock: Option<String>,
}

/// `[mail]`.
#[derive(Debug, Clone, PartialEq)]
pub struct MailSettings {
    /// `Name <address>`, checked.
    pub from: String,
    pub reply_to: Option<String>,
    /// An https address that holds `{token}`, or a page of the shop's own.
    pub unsubscribe: String,
    pub list_id: Option<String>,
    pub test_to: Vec<String>,
    pub outbox: Option<PathBuf>,
}

/// `[mail.smtp]`.
#[derive(Debug, Clone, PartialEq)]
pub struct SmtpSettings {
    pub url: Option<String>,
    /// Where the password is; it is never in the job itself.
    pub password: Option<PasswordSource>,
    /// How to sign in; `None`: the first way that the server offers.
    pub auth: Option<AuthWay>,
    /// Authorities that are trusted instead of the machine's.
    pub ca_file: Option<PathBuf>,
    pub allow_plaintext: bool,
    /// Envelope sender; `None`: the From address.
    pub return_path: Option<String>,
    pub connections: usize,
    /// Over all domains.
    pub pace: Option<Pace>,
    pub per_domain: Vec<DomainPace>,
    /// In the job's time zone.
    pub send_between: Option<DayWindow>,
    pub on_in_doubt: OnInDoubt,
    pub retry_every_seconds: u64,
    pub retry_for_seconds: u64,
    /// Whose keys sign each mail.
    pub dkim: Vec<DkimKey>,
}

/// A key that signs mails for a domain (DKIM); its public half is in the DNS under `selector._domainkey.domain`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DkimKey {
    pub domain: String,
    pub selector: String,
    pub file: PathBuf,
}

/// Where a password is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordSource {
    Env(String),
    File(PathBuf),
}

/// How somebody signs in at a mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthWay {
    Plain,
    Login,
    XOauth2,
}

impl AuthWay {
    /// The word that a server offers it by.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::XOauth2 => "XOAUTH2",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnInDoubt {
    Hold,
    Resend,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRenderError {
    Stop,
    Skip,
}

/// `[brakes]`; `None` is "off".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Brakes {
    pub audience: Option<f64>,
    pub stale_days: Option<u32>,
    pub history: Option<f64>,
    pub late_hours: Option<u32>,
    pub old_plan_days: Option<u32>,
    /// How many days the as-of date may be ahead of both today and the newest purchase.
    pub future_days: Option<u32>,
    pub names: Option<f64>,
    pub failures: Option<f64>,
    /// What the offers of a run may cost before somebody looks at it, minor units.
    pub budget: Option<i64>,
}

impl Default for Brakes {
    fn default() -> Self {
        Self {
            audience: Some(0.3),
            stale_days: Some(3),
            history: Some(0.01),
            late_hours: Some(12),
            old_plan_days: Some(7),
            future_days: Some(7),
            names: Some(0.02),
            failures: Some(0.05),
            budget: None,
        }
    }
}

/// Where the key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// `rankmail.key` beside the job file, made when it is not there.
    Beside(PathBuf),
    /// A file that must be there.
    File(PathBuf),
    /// An environment variable with 64 hex digits.
    Env(String),
}
