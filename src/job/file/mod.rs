//! What may be written in a job file. The doc comments become the descriptions of the JSON Schema.
//!
//! Every key may be missing and every value may be of the wrong type here; `check` judges.

mod campaign;
mod mail;
mod points;
mod ranks;

pub use campaign::{CampaignFile, OfferFile, OnFile, PoolFile, WhenFile, WhereFile};
pub use mail::{BouncesFile, DkimFile, DomainFile, MailFile, SmtpFile};
pub use points::{CashbackFile, PointsFile};
pub use ranks::{ConditionFile, RankFile, RanksFile};

use super::written::{Entries, Key, Many, Or, Scalar};
use schemars::JsonSchema;
use serde::Deserialize;

/// A job of rankmail: who is ranked how, which mails there are, and for whom.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, title = "rankmail job")]
#[schemars(extend("required" = ["name", "time_zone", "currency", "shop", "purchases", "mail"]))]
pub struct JobFile {
    /// The job's name: small letters, digits, `_` and `-`.
    #[schemars(extend("pattern" = "^[a-z0-9_-]{1,64}$"))]
    pub name: Key<String>,
    /// The zone in which days begin, such as `Asia/Tokyo`.
    pub time_zone: Key<String>,
    /// When the job is due: a cron line of five fields, in `time_zone`.
    pub schedule: Key<String>,
    /// The ISO 4217 code of all amounts, such as `JPY`.
    #[schemars(extend("pattern" = "^[A-Z]{3}$"))]
    pub currency: Key<String>,
    /// The language of report and greetings; `en` when left out.
    #[schemars(extend("enum" = ["ja", "en"]))]
    pub language: Key<String>,
    /// The folder of plans and of the ledger, shared by all jobs of the shop; `runs` when left out.
    pub runs: Key<String>,
    /// How long runs keep personal data, such as `37 months`; for ever when left out. The proof of what was sent stays.
    pub keep_runs: Key<String>,
    /// The folder that has a folder of templates for each campaign; `templates` when left out.
    pub templates: Key<String>,
    /// What happens when a template fails for one customer: `stop` (the default) or `skip`.
    #[schemars(extend("enum" = ["stop", "skip"]))]
    pub on_render_error: Key<String>,
    /// Write the style sheets of each mail into its elements; `false` when left out.
    pub inline_css: Key<bool>,
    pub shop: Key<ShopFile>,
    pub purchases: Key<PurchasesFile>,
    pub customers: Key<CustomersFile>,
    pub products: Key<ProductsFile>,
    /// What competes for the same money: wallets, and the categories of each. A category that none names is a wallet of its own.
    pub wallets: Key<Entries<Many<Scalar>>>,
    pub ranks: Key<RanksFile>,
    /// The ranks, the lowest first.
    pub rank: Key<Vec<Key<RankFile>>>,
    pub points: Key<PointsFile>,
    pub cashback: Key<CashbackFile>,
    pub contact: Key<ContactFile>,
    /// The most that the offers of a run may cost when all are used, in major units; who would exceed it gets no mail.
    #[schemars(with = "f64", extend("exclusiveMinimum" = 0))]
    pub budget: Key<Scalar>,
    /// The campaigns, in order of priority.
    pub campaign: Key<Vec<Key<CampaignFile>>>,
    pub mail: Key<MailFile>,
    pub brakes: Key<BrakesFile>,
    pub coupons: Key<CouponsFile>,
    pub approval: Key<ApprovalFile>,
    pub stop: Key<StopFile>,
    pub bounces: Key<BouncesFile>,
    pub check: Key<CheckFile>,
    pub keys: Key<KeysFile>,
}

/// The shop; every key is `shop.KEY` in templates.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct ShopFile(pub Entries<Scalar>);

impl JsonSchema for ShopFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ShopFile".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The shop; every key is shop.KEY in templates.",
            "type": "object",
            "required": ["name", "address", "contact", "url"],
            "properties": {
                "name": { "type": "string", "description": "The shop's name, in every mail." },
                "address": { "type": "string", "description": "The postal address, in every mail." },
                "contact": { "type": "string", "description": "Where a customer can ask: an address or a telephone number, in every mail." },
                "url": { "type": "string", "description": "The shop's page.", "pattern": "^https?://" }
            },
            "additionalProperties": { "type": ["string", "number", "boolean"] }
        })
    }
}

/// The purchase history.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["path", "columns"]))]
pub struct PurchasesFile {
    /// A Parquet file, a folder or a glob, relative to the job file; or a list of them.
    pub path: Key<Many<String>>,
    /// Columns, and for each the values that leave a line out.
    pub exclude: Key<Entries<Many<Scalar>>>,
    /// Columns, and for each the only values with which a line counts.
    pub include: Key<Entries<Many<Scalar>>>,
    /// Whether amounts are `major` units (yen, dollars; the default) or `minor` ones (cents).
    #[schemars(extend("enum" = ["major", "minor"]))]
    pub amount_unit: Key<String>,
    /// The share of rows that may be unusable; `0.1%` when left out.
    #[schemars(extend("pattern" = r"^\s*[0-9.]+\s*%\s*$"))]
    pub max_bad_rows: Key<String>,
    pub columns: Key<PurchaseColumnsFile>,
}

/// Which column of the purchases is what.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["customer", "at", "amount"]))]
pub struct PurchaseColumnsFile {
    /// Who bought.
    pub customer: Key<String>,
    /// The order's id, one column or several together; left out, each line is an order.
    pub order: Key<Many<String>>,
    /// The order that the line refunds, written like `order`: where it is not empty, the line belongs to that order.
    pub refund_of: Key<Many<String>>,
    /// When it was bought.
    pub at: Key<String>,
    /// What it cost, negative for a refund: one column, or a table with the columns to add and to take off.
    pub amount: Key<Or<AmountFile>>,
    /// How many pieces.
    pub quantity: Key<String>,
    /// The product's id.
    pub product: Key<String>,
    /// The product's category, for `bought` and `not_bought`.
    pub category: Key<String>,
    /// The store.
    pub store: Key<String>,
    /// The coupon code that was used.
    pub coupon: Key<String>,
    /// The points that were used.
    pub points_used: Key<String>,
}

/// The columns that make up what a line cost.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["add"]))]
pub struct AmountFile {
    /// The columns that are added up.
    pub add: Key<Many<String>>,
    /// The columns that are taken off.
    pub minus: Key<Many<String>>,
}

/// The customer list.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["path", "columns"]))]
pub struct CustomersFile {
    /// A Parquet or CSV file, relative to the job file.
    pub path: Key<String>,
    /// Columns, and for each the values of customers who are not ranked, not mailed and in no figure.
    pub exclude: Key<Entries<Many<Scalar>>>,
    /// A list of merged customers, an old id and a new one in each row, relative to the job file.
    pub merged: Key<String>,
    /// The column whose equal values mean one household, which ranks together.
    pub household: Key<String>,
    pub columns: Key<CustomerColumnsFile>,
}

/// Which column of the customer list is what.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["customer"]))]
pub struct CustomerColumnsFile {
    /// The id, as in the purchases.
    pub customer: Key<String>,
    /// The mail address.
    pub email: Key<String>,
    /// The name, one column or several that are joined.
    pub name: Key<Many<String>>,
    /// The birthday.
    pub birthday: Key<String>,
    /// The column that tells of consent: a time, or true and false; or a table with the values that mean yes.
    pub consent: Key<Or<ConsentFile>>,
    /// Since when the customer is known, where that is older than the purchases.
    pub since: Key<String>,
    /// The rank to start with at the first run.
    pub rank: Key<String>,
    /// A rank given by hand: while it lasts, the customer holds no lower one.
    pub rank_at_least: Key<String>,
    /// The last day on which the rank given by hand holds; for ever where it is empty.
    pub rank_at_least_until: Key<String>,
    /// The postal code, for letters and gifts.
    pub postal_code: Key<String>,
    /// The postal address, one column or several that are joined.
    pub postal_address: Key<Many<String>>,
    /// The id under which LINE knows the customer: `U` and 32 hex digits.
    pub line_id: Key<String>,
    /// The telephone number, for calls and gifts.
    pub phone: Key<String>,
    /// The column that tells of consent to letters; when it is left out nobody is asked for one.
    pub post_consent: Key<Or<ConsentFile>>,
    /// The column that tells of consent to LINE messages; when it is left out nobody is asked for one.
    pub line_consent: Key<Or<ConsentFile>>,
    /// The column that tells of consent to calls; when it is left out nobody is asked for one.
    pub call_consent: Key<Or<ConsentFile>>,
    /// The balance of points that the shop's cart keeps; then rankmail computes none.
    pub points_balance: Key<String>,
    /// How many of them expire next.
    pub points_expiring: Key<String>,
    /// The last day on which those can be used.
    pub points_expire_on: Key<String>,
}

/// A column whose values mean yes or no.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["column", "yes"]))]
pub struct ConsentFile {
    /// The column's name.
    pub column: Key<String>,
    /// The values that mean consent.
    pub yes: Key<Many<Scalar>>,
}

/// The product list, for templates.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["path", "columns"]))]
pub struct ProductsFile {
    /// A Parquet or CSV file, relative to the job file.
    pub path: Key<String>,
    /// Whether prices are `major` units (the default) or `minor` ones.
    #[schemars(extend("enum" = ["major", "minor"]))]
    pub amount_unit: Key<String>,
    pub columns: Key<ProductColumnsFile>,
}

/// Which column of the product list is what.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["product"]))]
pub struct ProductColumnsFile {
    /// The id, as in the purchases.
    pub product: Key<String>,
    /// The name.
    pub name: Key<String>,
    /// The category.
    pub category: Key<String>,
    /// The price.
    pub price: Key<String>,
    /// The address of its page.
    pub url: Key<String>,
    /// The address of its picture.
    pub image: Key<String>,
    /// How many there are.
    pub stock: Key<String>,
}

/// How often people may be mailed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct ContactFile {
    /// The most mails one customer gets in one run; no limit when left out.
    #[schemars(extend("minimum" = 1))]
    pub max_per_run: Key<i64>,
    /// The fewest days between two mails to one customer; 0 when left out.
    #[schemars(extend("minimum" = 0))]
    pub min_days_between: Key<i64>,
    pub holdout: Key<HoldoutFile>,
    /// Whether addresses such as `a..b@docomo.ne.jp` are mailed: `send` or `skip` (the default).
    #[schemars(extend("enum" = ["send", "skip"]))]
    pub irregular_addresses: Key<String>,
    /// How many discounts on the same thing one customer gets in one run: `one` (the default) or as many as `stack`.
    #[schemars(extend("enum" = ["one", "stack"]))]
    pub discounts: Key<String>,
}

/// A share of customers who get nothing, so that the effect can be measured.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["share"]))]
pub struct HoldoutFile {
    /// The share, such as `5%`.
    #[schemars(extend("pattern" = r"^\s*[0-9.]+\s*%\s*$"))]
    pub share: Key<String>,
    /// Ranks that are never held out.
    pub not: Key<Many<String>>,
    /// Decides who is chosen; the job's name when left out.
    pub salt: Key<String>,
}

/// What stops a run; `off` switches one off.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct BrakesFile {
    /// Mails or the size of a rank moved more than this against the last run; `30%` when left out.
    #[schemars(extend("pattern" = r"^(off|\s*[0-9.]+\s*%\s*)$"))]
    pub audience: Key<String>,
    /// The newest purchase is older than this; `3 days` when left out.
    #[schemars(extend("pattern" = "^(off|[0-9]+ days?)$"))]
    pub stale: Key<String>,
    /// Old purchases changed by more than this; `1%` when left out.
    #[schemars(extend("pattern" = r"^(off|\s*[0-9.]+\s*%\s*)$"))]
    pub history: Key<String>,
    /// `run --if-due` comes later than this; `12 hours` when left out.
    #[schemars(extend("pattern" = "^(off|[0-9]+ (hour|day)s?)$"))]
    pub late: Key<String>,
    /// The plan is older than this; `7 days` when left out.
    #[schemars(extend("pattern" = "^(off|[0-9]+ days?)$"))]
    pub old_plan: Key<String>,
    /// The as-of date is this far ahead of both today and the newest purchase; `7 days` when left out, `off` where `stale` is.
    #[schemars(extend("pattern" = "^(off|[0-9]+ days?)$"))]
    pub future: Key<String>,
    /// More mails than this share greet without a name; `2%` when left out.
    #[schemars(extend("pattern" = r"^(off|\s*[0-9.]+\s*%\s*)$"))]
    pub names: Key<String>,
    /// More of the last 200 mails than this share were refused; `5%` when left out.
    #[schemars(extend("pattern" = r"^(off|\s*[0-9.]+\s*%\s*)$"))]
    pub failures: Key<String>,
    /// The offers of the run cost more than this when all are used, in major units; no limit when left out.
    #[schemars(with = "f64", extend("exclusiveMinimum" = 0))]
    pub budget: Key<Scalar>,
}

/// What `check` keeps to itself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct CheckFile {
    /// Findings that are meant, by the name that `check` shows, such as `costly-gift`.
    pub allow: Key<Many<String>>,
}

/// What holds for the coupons of all campaigns.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct CouponsFile {
    /// Send nothing before the codes that rankmail made were written for the cart (`rankmail coupons JOB --for-cart FILE`); `false` when left out.
    pub register: Key<bool>,
}

/// Whether somebody must have looked at a plan before it is sent (`rankmail approve JOB --as NAME`).
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["required"]))]
pub struct ApprovalFile {
    /// Whether `send` and `run` refuse a plan that nobody approved.
    pub required: Key<bool>,
    /// How many different people must approve; 1 when left out.
    #[schemars(extend("minimum" = 1, "maximum" = 9))]
    pub by: Key<i64>,
}

/// Who must not be reached. It is read at each plan and again while mails are sent.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["files"]))]
pub struct StopFile {
    /// CSV files or globs, relative to the job file: a customer id or a mail address in the first column of each row.
    pub files: Key<Many<String>>,
}

/// Where the secret key is; left out, it is `rankmail.key` beside the job file. Not both.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct KeysFile {
    /// A file, relative to the job file.
    pub file: Key<String>,
    /// The name of an environment variable that holds 64 hex digits.
    pub env: Key<String>,
    /// The key used before, or a list of them, the last one first: files, or with `env` variables. What they made still counts.
    pub previous: Key<Many<String>>,
}
