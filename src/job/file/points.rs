//! `[points]` and `[cashback]`, as they are written.

use crate::job::written::{Entries, Key, Or, Scalar};
use schemars::JsonSchema;
use serde::Deserialize;

/// Points that orders earn. One point is one major unit of the currency.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["rate"]))]
pub struct PointsFile {
    /// The share of an order's net that it earns, `1%`, or one for each rank and for `none`; rounded down to whole points.
    pub rate: Key<Or<Entries<Scalar>>>,
    /// When points are gone: `12 months after the last order`, `12 months after earning`, or `every 03-31`; never when left out.
    #[schemars(extend("pattern" = "^([0-9]+ (month|day)s? after (the last order|earning)|every [0-9]{2}-[0-9]{2})$"))]
    pub expire: Key<String>,
    /// The last day moves to the end of its month; `false` when left out.
    pub month_end: Key<bool>,
}

/// A share of the window's spend that is paid back, once at each review.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["share", "as"]))]
pub struct CashbackFile {
    /// The share of the spend that is paid back, `1%`, or one for each rank.
    pub share: Key<Or<Entries<Scalar>>>,
    /// `points` go into the account of `[points]`; a `coupon` is given by a campaign whose offer has `amount = "cashback"`.
    #[serde(rename = "as")]
    #[schemars(extend("enum" = ["points", "coupon"]))]
    pub paid_as: Key<String>,
    /// Less than this is not paid: points, or an amount in major units.
    #[schemars(with = "f64", extend("minimum" = 0))]
    pub at_least: Key<Scalar>,
}
