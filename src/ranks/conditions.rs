//! Whether figures fulfil the conditions of a rank.

use super::{RowIn, Tops};
use crate::domain::ladder::{Admission, Condition};
use crate::domain::{Dates, Ladder, Rank, RankIndex};
use chrono::{Months, NaiveDate};

/// A counted metric. Tenure is none: it is a day that comes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    Orders,
    Spend,
    OrdersEver,
    SpendEver,
}

impl Metric {
    pub const ALL: [Self; 4] = [Self::Orders, Self::Spend, Self::OrdersEver, Self::SpendEver];

    /// The key in the job file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Spend => "spend",
            Self::OrdersEver => "orders_ever",
            Self::SpendEver => "spend_ever",
        }
    }

    /// What a condition asks of this metric, if anything.
    pub fn wanted(self, condition: &Condition) -> Option<i64> {
        match self {
            Self::Orders => condition.orders,
            Self::Spend => condition.spend,
            Self::OrdersEver => condition.orders_ever,
            Self::SpendEver => condition.spend_ever,
        }
    }
}

/// The figures that one question looks at.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    orders: i64,
    spend: i64,
    orders_ever: i64,
    spend_ever: i64,
    pub tenure_from: Option<NaiveDate>,
}

impl Figures {
    /// The window that ends at the closing.
    pub fn at_closing(row: &RowIn<'_>) -> Self {
        let RowIn { features, tenure_from_closing, .. } = *row;
        Self {
            orders: features.orders,
            spend: features.spend,
            orders_ever: features.orders_ever,
            spend_ever: features.spend_ever,
            tenure_from: tenure_from_closing,
        }
    }

    /// From the start of the due review's window to the closing.
    pub fn at_review(row: &RowIn<'_>) -> Self {
        Self { orders: row.features.due_orders, spend: row.features.due_spend, ..Self::at_closing(row) }
    }

    /// What is known today of the window that ends at the next closing.
    pub fn for_next(row: &RowIn<'_>) -> Self {
        let RowIn { features, tenure_from_next, .. } = *row;
        Self {
            orders: features.next_orders_known,
            spend: features.next_spend_known,
            orders_ever: features.next_orders_ever_known,
            spend_ever: features.next_spend_ever_known,
            tenure_from: tenure_from_next,
        }
    }

    /// What is known today of the window of the review ahead.
    pub fn for_keep(row: &RowIn<'_>) -> Self {
        let RowIn { features, tenure_from_keep, .. } = *row;
        Self {
            orders: features.keep_orders_known,
            spend: features.keep_spend_known,
            orders_ever: features.keep_orders_ever_known,
            spend_ever: features.keep_spend_ever_known,
            tenure_from: tenure_from_keep,
        }
    }

    pub fn of(&self, metric: Metric) -> i64 {
        match metric {
            Metric::Orders => self.orders,
            Metric::Spend => self.spend,
            Metric::OrdersEver => self.orders_ever,
            Metric::SpendEver => self.spend_ever,
        }
    }

    /// The day on which a tenure is reached; `None` when nothing has begun that it could count from.
    pub fn tenure_on(&self, months: u32) -> Option<NaiveDate> {
        self.tenure_from.and_then(|from| from.checked_add_months(Months::new(months)))
    }

    /// Whether all that a condition asks for is there on a day.
    pub fn fulfil(&self, condition: &Condition, on: NaiveDate) -> bool {
        let counted = Metric::ALL.into_iter().all(|metric| metric.wanted(condition).is_none_or(|wanted| self.of(metric) >= wanted));
        counted && self.tenure_by(condition, on)
    }

    /// Whether the tenure that a condition asks for, if any, is reached on a day.
    pub fn tenure_by(&self, condition: &Condition, on: NaiveDate) -> bool {
        condition.tenure_months.is_none_or(|months| self.tenure_on(months).is_some_and(|reached| reached <= on))
    }
}

/// Q: the highest rank whose conditions hold at the closing.
pub fn qualifies(ladder: &Ladder, dates: &Dates, tops: &Tops, row: &RowIn<'_>) -> Option<RankIndex> {
    let figures = Figures::at_closing(row);
    let admitted = ladder.ranks.iter().enumerate().rev().find(|(at, rank)| match &rank.admits {
        Admission::AnyOf(ways) => ways.iter().any(|way| figures.fulfil(way, dates.closing)),
        Admission::Top(_) => tops.admit(*at, row.id, row.features),
    });
    admitted.and_then(|(at, _)| RankIndex::try_from(at).ok())
}

/// Whether the due review leaves a rank that the customer does not qualify for any more. A `top` rank without conditions of its own
/// for keeping is kept by being admitted, which is not the case here.
pub fn keeps(ladder: &Ladder, dates: &Dates, held: RankIndex, row: &RowIn<'_>) -> bool {
    let figures = Figures::at_review(row);
    ladder.ranks.get(usize::from(held)).is_some_and(|rank| ways_to_keep(rank).iter().any(|way| figures.fulfil(way, dates.closing)))
}

/// The conditions any of which keeps a rank: its own for keeping, else those that admit to it.
pub fn ways_to_keep(rank: &Rank) -> &[Condition] {
    match (&rank.keep, &rank.admits) {
        (Some(keep), _) => std::slice::from_ref(keep),
        (None, Admission::AnyOf(ways)) => ways,
        (None, Admission::Top(_)) => &[],
    }
}
