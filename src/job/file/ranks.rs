//! `[ranks]` and `[[rank]]`, as they are written.

use crate::job::written::{Key, Many, Scalar};
use schemars::JsonSchema;
use serde::Deserialize;

/// How ranks are decided.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct RanksFile {
    /// The job beside this one whose ranks are taken; every other key and `[[rank]]` are left out then.
    #[schemars(extend("pattern" = "^[a-z0-9_-]{1,64}$"))]
    pub of: Key<String>,
    /// Ranks are decided on the 1st of the month (`month`, the default) or on the as-of date (`day`).
    #[schemars(extend("enum" = ["month", "day"]))]
    pub closing: Key<String>,
    /// How far back orders count: `12 months` (the default), `365 days`, `calendar year`, `year from 04-01`, `half year from 03-01`
    /// or `all time`.
    #[schemars(extend("pattern" = "^([0-9]+ (month|day)s?|calendar year|(half )?year from [0-9]{2}-[0-9]{2}|all time)$"))]
    pub window: Key<String>,
    /// How long an order may come back, such as `7 days`: it counts for ranks when that is over; at once when left out.
    #[schemars(extend("pattern" = "^[0-9]+ days?$"))]
    pub settle_after: Key<String>,
    /// When ranks may fall: `monthly` (the default), or days of the year such as `04-01`.
    pub review: Key<Many<String>>,
    /// When ranks may rise: `at once`, which is at every closing (the default), or `at review`.
    #[schemars(extend("enum" = ["at once", "at review"]))]
    pub up: Key<String>,
    /// Where a rank falls to: `to qualifying` (the default), `one step`, or `never`.
    #[schemars(extend("enum" = ["to qualifying", "one step", "never"]))]
    pub down: Key<String>,
    /// How many missed reviews in a row are forgiven; 0 when left out.
    #[schemars(extend("minimum" = 0))]
    pub grace: Key<i64>,
    /// How long a rank risen to is safe, such as `6 months`; not at all when left out.
    #[schemars(extend("pattern" = "^[0-9]+ months?$"))]
    pub keep_for: Key<String>,
}

/// A rank. It has one of `at_least`, `any_of` and `top`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["name"]))]
pub struct RankFile {
    /// The rank's name.
    pub name: Key<String>,
    /// Names that the rank had before.
    pub was: Key<Many<String>>,
    /// All of this must be reached.
    pub at_least: Key<ConditionFile>,
    /// One of these must be reached.
    pub any_of: Key<Vec<Key<ConditionFile>>>,
    /// This share of the customers with the highest spend in the window, such as `5%`.
    #[schemars(extend("pattern" = r"^\s*[0-9.]+\s*%\s*$"))]
    pub top: Key<String>,
    /// What keeps the rank at a review; what admits to it when left out.
    pub keep_at_least: Key<ConditionFile>,
}

/// Figures that must be reached, all of them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
pub struct ConditionFile {
    /// Orders in the window.
    #[schemars(extend("minimum" = 0))]
    pub orders: Key<i64>,
    /// Spend in the window, in major units.
    #[schemars(with = "f64", extend("minimum" = 0))]
    pub spend: Key<Scalar>,
    /// Orders of all time.
    #[schemars(extend("minimum" = 0))]
    pub orders_ever: Key<i64>,
    /// Spend of all time, in major units.
    #[schemars(with = "f64", extend("minimum" = 0))]
    pub spend_ever: Key<Scalar>,
    /// Months since the first order.
    #[schemars(extend("minimum" = 0))]
    pub tenure_months: Key<i64>,
}
