//! `[[campaign]]`, its conditions and its offer, as they are written.

use crate::job::written::{Entries, Key, Many, Or, Scalar};
use schemars::JsonSchema;
use serde::Deserialize;

/// A campaign: a folder of templates, and for whom and when it is.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["name", "ranks"]))]
pub struct CampaignFile {
    /// The campaign's name, which is its folder of templates: small letters, digits, `_` and `-`.
    #[schemars(extend("pattern" = "^[a-z0-9_-]{1,64}$"))]
    pub name: Key<String>,
    /// The ranks it is for: `VIP`, `AA and up`, `AA and below`, `AA to AAA`, a list, or `none` for people without a rank.
    pub ranks: Key<Many<String>>,
    pub when: Key<WhenFile>,
    /// Conditions on columns of the customer list; all must hold.
    #[serde(rename = "where")]
    pub wheres: Key<Entries<Or<WhereFile>>>,
    /// How often a customer gets it; once for each occasion when left out.
    #[schemars(extend("pattern" = "^(month|year|ever|every run|[0-9]+ months?)$"))]
    pub once: Key<String>,
    /// Whether its mail may sell something; `true` when left out.
    pub sells: Key<bool>,
    /// Earlier campaigns whose mail takes this one's place.
    pub not_with: Key<Many<String>>,
    /// Earlier campaigns whose mail makes this one's discount smaller, and by how much: `{ birthday = "50%" }`.
    pub reduced_by: Key<Entries<Scalar>>,
    /// How many discounts on the same thing one customer gets in one run: `one` or as many as `stack`; as `[contact]` says when left out.
    #[schemars(extend("enum" = ["one", "stack"]))]
    pub discounts: Key<String>,
    /// The share of those it is for who get it, such as `10%`; the same people at every run.
    #[schemars(extend("pattern" = r"^\s*[0-9.]+\s*%\s*$"))]
    pub share: Key<String>,
    /// Which part of the people gets which folder of templates within the campaign's: `{ a = "50%", b = "50%" }`.
    pub variants: Key<Entries<Scalar>>,
    pub offer: Key<OfferFile>,
    /// `false` mails those too who are held out.
    pub holdout: Key<bool>,
    /// `false` takes it out of `max_per_run` and `min_days_between`.
    pub counts_towards_limit: Key<bool>,
    /// When its mails leave: a day of the month and a time in the job's time zone, `10th 11:07`; with the others when left out.
    #[schemars(extend("pattern" = "^[0-9]{1,2}(st|nd|rd|th) [0-9]{2}:[0-9]{2}$"))]
    pub send: Key<String>,
    /// A sender of its own.
    pub from: Key<String>,
    /// A reply address of its own.
    pub reply_to: Key<String>,
    /// Findings of `check` that are meant here, by name.
    pub allow: Key<Many<String>>,
    /// How it reaches people: `mail` (the default), `post`, `line` or `call`; of a list, the first that reaches a customer.
    pub channel: Key<Many<String>>,
    /// What each mail, letter, message or call costs, in major units: one amount, or a table with one for each channel.
    pub cost_each: Key<Or<Entries<Scalar>>>,
    /// The most that all of its mails may cost on one occasion, offers and ways together, in major units; the best customers get it, the
    /// others no mail.
    #[schemars(with = "f64", extend("exclusiveMinimum" = 0))]
    pub budget: Key<Scalar>,
}

/// Conditions of time and history; all must hold.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct WhenFile {
    /// The birthday is in `this month`, `next month`, `this week`, `today`, or `in N days`.
    #[schemars(extend("pattern" = "^(this month|next month|this week|today|in [0-9]+ days?)$"))]
    pub birthday: Key<String>,
    /// The day of the first order comes round again: `this month`, `next month`, `this week`, `today`, or `in N days`.
    #[schemars(extend("pattern" = "^(this month|next month|this week|today|in [0-9]+ days?)$"))]
    pub anniversary: Key<String>,
    /// The month of the as-of date, 1 to 12, or a list.
    pub month: Key<Many<i64>>,
    /// First and last day, both included: `2026-12-01..2026-12-25`.
    pub dates: Key<Scalar>,
    /// Days since the last order: `90..180`, `30..`, `..7`.
    pub days_since_last_order: Key<Scalar>,
    /// Days since the first order.
    pub days_since_first_order: Key<Scalar>,
    /// Orders in the window.
    pub orders: Key<Scalar>,
    /// Spend in the window, in major units.
    pub spend: Key<Scalar>,
    /// Orders of all time.
    pub orders_ever: Key<Scalar>,
    /// Spend of all time, in major units.
    pub spend_ever: Key<Scalar>,
    /// What happened to the rank at this closing: `up`, `down`, `new`, or that it is `at risk`.
    #[schemars(extend("enum" = ["up", "down", "new", "at risk"]))]
    pub rank: Key<String>,
    /// Categories; one of them was bought.
    pub bought: Key<Many<Scalar>>,
    /// Categories; none of them was bought.
    pub not_bought: Key<Many<Scalar>>,
    /// So many times the customer's usual interval between two orders have passed: `1.5x`, or `1.5x..3x`.
    #[schemars(extend("pattern" = r"^[0-9.]+x(\.\.([0-9.]+x)?)?$"))]
    pub overdue: Key<String>,
    /// The balance of points.
    pub points: Key<Scalar>,
    /// Points expire within so many days, the as-of date and the last day included: `30 days`.
    #[schemars(extend("pattern" = "^[0-9]+ days?$"))]
    pub points_expire_within: Key<String>,
    /// What `[cashback]` pays back at this closing: points, or an amount in major units.
    pub cashback: Key<Scalar>,
}

/// A test of whether a customer column holds anything.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["missing"]))]
pub struct WhereFile {
    /// `true` when nothing must be there, `false` when something must be.
    pub missing: Key<bool>,
    /// The parser hands an unquoted date over as a table with this key; empty when it is not one.
    #[serde(rename = "$__toml_private_datetime")]
    #[schemars(skip)]
    pub date: String,
}

/// What the mail offers. Which keys it has depends on `kind`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["kind"]))]
pub struct OfferFile {
    #[schemars(extend("enum" = ["coupon", "gift", "bundle", "set", "free_shipping", "points", "draw", "invitation", "early_access", "recommend"]))]
    /// `coupon`, `gift`, `bundle`, `set`, `free_shipping`, `points`, `draw`, `invitation` `early_access` or `recommend`.
    pub kind: Key<String>,
    /// The only ranks of the campaign that get the offer.
    pub ranks: Key<Many<String>>,
    /// Until when it is valid: `this month`, `next month`, `N days`, or `until 2026-12-25`.
    #[schemars(extend("pattern" = "^(this month|next month|[0-9]+ days?|until [0-9]{4}-[0-9]{2}-[0-9]{2})$"))]
    pub valid: Key<String>,
    /// The most people who get it; the best customers do, the others get no mail.
    #[schemars(extend("minimum" = 1))]
    pub limit: Key<i64>,
    /// The most that all of them may cost when they are used, in major units; the best customers get it, the others no mail.
    #[schemars(with = "f64", extend("exclusiveMinimum" = 0))]
    pub budget: Key<Scalar>,
    /// Coupon and set: percent off, one number or one for each rank.
    pub percent: Key<Or<Entries<Scalar>>>,
    /// Coupon: an amount off in major units, one number or one for each rank; or `"cashback"`, what `[cashback]` pays back.
    pub amount: Key<Or<Entries<Scalar>>>,
    /// Coupon, free shipping and points: only for orders over this amount, one number or one for each rank.
    pub over: Key<Or<Entries<Scalar>>>,
    /// Coupon, bundle and points: the categories and products it is on. Recommend: the only ones that may be recommended. Invitation: the
    /// day.
    pub on: Key<Or<OnFile>>,
    /// Coupon: one code for everybody, or a file of codes that were made elsewhere; left out, rankmail makes one for each mail.
    pub code: Key<Or<PoolFile>>,
    /// Gift: the customer column that chooses.
    pub choose_by: Key<String>,
    /// Gift: tables with a value of that column, its `gift`, and `never_with`, the allergies with which it is not given.
    pub gifts: Key<Vec<Key<Entries<Many<Scalar>>>>>,
    /// Gift: the customer column that lists allergies; a gift whose `never_with` they name is not given.
    pub allergies: Key<String>,
    /// Gift: for everybody else.
    pub otherwise: Key<String>,
    /// Gift, free shipping, draw, invitation and early access: what each costs the shop, in major units, one number or one for each rank.
    pub cost: Key<Or<Entries<Scalar>>>,
    /// Bundle: percent off by number of pieces, such as `{ 2 = "10%" }`.
    pub buy: Key<Entries<Scalar>>,
    /// Set: the products, by id.
    pub products: Key<Many<Scalar>>,
    /// Set: what it costs in major units, one number or one for each rank.
    pub price: Key<Or<Entries<Scalar>>>,
    /// Points: how many times as many, more than 1, one number or one for each rank.
    pub times: Key<Or<Entries<Scalar>>>,
    /// Draw: what is won.
    pub prize: Key<String>,
    /// Draw: how many win. Invitation: how many are invited.
    #[schemars(extend("minimum" = 1))]
    pub seats: Key<i64>,
    /// Early access: the day, or the day and time, for each rank.
    pub opens: Key<Or<Entries<Scalar>>>,
    /// Early access: the page.
    #[schemars(extend("pattern" = "^https?://"))]
    pub url: Key<String>,
    /// Invitation and early access: to what.
    pub what: Key<String>,
    /// Invitation: where.
    pub place: Key<String>,
    /// Invitation: the page on which people answer.
    #[schemars(extend("pattern" = "^https?://"))]
    pub reply_url: Key<String>,
    /// Recommend: what customers alike went on to (`other wallets`), what goes with the last order (`bought together`), or what is due
    /// again (`buy again`).
    #[schemars(extend("enum" = ["other wallets", "bought together", "buy again"]))]
    pub from: Key<String>,
    /// Recommend: the most products in one mail; 3 when left out.
    #[schemars(extend("minimum" = 1, "maximum" = 20))]
    pub count: Key<i64>,
    /// Recommend: how many orders (`bought together`) or customers alike (`other wallets`) must speak for it, a number or a share; 5
    /// when left out.
    pub support: Key<Scalar>,
    /// Recommend, `buy again`: so many times the product's usual interval have passed; `1x..3x` when left out.
    #[schemars(extend("pattern" = r"^[0-9.]+x(\.\.([0-9.]+x)?)?$"))]
    pub overdue: Key<String>,
}

/// Codes that were made elsewhere.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["from"]))]
pub struct PoolFile {
    /// A CSV with one code in a row, relative to the job file; each code goes to one mail, ever.
    pub from: Key<String>,
}

/// What a discount is on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct OnFile {
    /// Categories.
    pub category: Key<Many<Scalar>>,
    /// Products, by id.
    pub product: Key<Many<Scalar>>,
    /// The parser hands an unquoted date over as a table with this key; empty when it is not one.
    #[serde(rename = "$__toml_private_datetime")]
    #[schemars(skip)]
    pub date: String,
}
