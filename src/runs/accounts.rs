//! Points and cashback in `plan.json`.

use crate::domain::points::{CashbackTotals, PointsTotals};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct PointsFigures {
    earned: i64,
    used: i64,
    expired: i64,
    balance: i64,
    holders: u64,
    overdrawn: u64,
    missing: i64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct CashbackFigures {
    customers: u64,
    points: i64,
    amount: i64,
    /// Plans of earlier versions carried nothing.
    #[serde(default)]
    carried: i64,
}

impl PointsFigures {
    pub(super) fn of(totals: PointsTotals) -> Self {
        let PointsTotals { earned, used, expired, balance, holders, overdrawn, missing } = totals;
        Self { earned, used, expired, balance, holders, overdrawn, missing }
    }

    pub(super) fn totals(&self) -> PointsTotals {
        let &Self { earned, used, expired, balance, holders, overdrawn, missing } = self;
        PointsTotals { earned, used, expired, balance, holders, overdrawn, missing }
    }
}

impl CashbackFigures {
    pub(super) fn of(totals: CashbackTotals) -> Self {
        let CashbackTotals { customers, points, amount, carried } = totals;
        Self { customers, points, amount, carried }
    }

    pub(super) fn totals(&self) -> CashbackTotals {
        let &Self { customers, points, amount, carried } = self;
        CashbackTotals { customers, points, amount, carried }
    }
}
