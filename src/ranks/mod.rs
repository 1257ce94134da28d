//! Ranks: from a customer's figures and the rank held before to the rank held now, and what is missing to rise or to stay.
//!
//! The room decides the days of a run (`dates`), the cut-offs of `top` ranks, which only the whole shop knows (`tops`), and then one
//! customer at a time (`assign`). `explain` shows the figures behind a rank. It reads and writes nothing, and it knows no clock: the
//! same row gives the same standing, wherever and whenever it is asked.

mod conditions;
mod dates;
mod distances;
mod explain;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod properties;
mod tops;

pub use dates::dates;
pub use explain::{Purpose, RankCheck, explain};
pub use tops::{Cutoff, Tops, tops};

use crate::domain::ladder::{Down, Up};
use crate::domain::standing::{Given, Held};
use crate::domain::{Dates, FeatureRow, Ladder, RankChange, RankIndex, Standing};
use chrono::{Months, NaiveDate};

/// What `assign` needs to know of one customer. Days are local to the job's zone.
#[derive(Debug, Clone, Copy)]
pub struct RowIn<'a> {
    pub id: &'a str,
    pub features: &'a FeatureRow,
    /// The date of `first_order_closing`, or `since` where that is older: what a tenure counts from at the closing.
    pub tenure_from_closing: Option<NaiveDate>,
    /// The same with `first_order_at`, for the distances, which know everything before the as-of date: as far as it is settled by the
    /// next closing, and by the review ahead.
    pub tenure_from_next: Option<NaiveDate>,
    pub tenure_from_keep: Option<NaiveDate>,
    /// H: the state that the last adopted run left, or the list's rank at the first run.
    pub held: Option<Held>,
    /// A rank given by hand, whether or not it still lasts.
    pub given: Option<Given>,
}

/// A customer's standing after the closing, with distances.
#[must_use]
pub fn assign(ladder: &Ladder, dates: &Dates, tops: &Tops, row: &RowIn<'_>) -> Standing {
    let qualifies = conditions::qualifies(ladder, dates, tops, row);
    let mut standing = match row.held {
        Some(held) => moved(ladder, dates, row, held, qualifies),
        None => entered(dates, row, qualifies),
    };
    distances::measure(ladder, dates, tops, row, &mut standing);
    standing
}

/// The standing of a customer whose rank another job decides (`[ranks] of`): that job's state, moving nobody, without distances.
#[must_use]
pub fn taken(held: Option<Held>) -> Standing {
    held.map_or_else(Standing::default, |held| unmoved(held, None))
}

/// The state of somebody who held no rank.
fn entered(dates: &Dates, row: &RowIn<'_>, qualifies: Option<RankIndex>) -> Standing {
    match qualifies.max(given_on(row, dates.closing)) {
        None => Standing::default(),
        rank => Standing { qualifies, rank, change: RankChange::New, since: Some(dates.closing), ..Standing::default() },
    }
}

/// The rank below which the shop's hand holds this customer up on a day.
fn given_on(row: &RowIn<'_>, day: NaiveDate) -> Option<RankIndex> {
    row.given.filter(|given| given.lasts(day)).map(|given| given.rank)
}

/// The table of rank moves, case by case from the top: the first that applies decides.
fn moved(ladder: &Ladder, dates: &Dates, row: &RowIn<'_>, held: Held, qualifies: Option<RankIndex>) -> Standing {
    let stays = unmoved(held, qualifies);
    let risen = qualifies.filter(|_| ladder.up == Up::AtOnce || dates.review.is_some());
    let given = given_on(row, dates.closing);
    if risen.max(given) > Some(held.rank) {
        // Who was lifted by hand is safe for as long as the hand says, and no longer.
        let safe_until = if risen >= given { safe_until(dates.closing, ladder.keep_for_months) } else { None };
        return Standing { rank: risen.max(given), change: RankChange::Up, since: Some(dates.closing), missed: 0, safe_until, ..stays };
    }
    if qualifies >= Some(held.rank) {
        return Standing { missed: 0, ..stays };
    }
    let Some(review) = dates.review else { return stays };
    if conditions::keeps(ladder, dates, held.rank, row) {
        return Standing { missed: 0, ..stays };
    }
    // As `safe_until`, a rank given by hand is read on the day of the review and not on that of a run which may come late: nobody
    // was told to expect anything from a review within its time.
    let given = given_on(row, review);
    if ladder.down == Down::Never || held.safe_until.is_some_and(|safe_until| review < safe_until) || given >= Some(held.rank) {
        return stays;
    }
    let missed = held.missed.saturating_add(1);
    if missed <= ladder.grace {
        return Standing { change: RankChange::Missed, missed, ..stays };
    }
    let lower = if ladder.down == Down::OneStep { held.rank.checked_sub(1) } else { qualifies };
    let rank = lower.max(given);
    Standing { rank, change: RankChange::Down, since: rank.map(|_| dates.closing), missed: 0, safe_until: None, ..stays }
}

/// The state held before, as it was.
fn unmoved(held: Held, qualifies: Option<RankIndex>) -> Standing {
    Standing {
        qualifies,
        rank: Some(held.rank),
        previous: Some(held.rank),
        change: RankChange::Kept,
        since: held.since,
        missed: held.missed,
        safe_until: held.safe_until,
        ..Standing::default()
    }
}

/// The day from which a rank risen to at the closing may be lost. Without `keep_for` there is none.
fn safe_until(closing: NaiveDate, months: u32) -> Option<NaiveDate> {
    if months == 0 { None } else { closing.checked_add_months(Months::new(months)) }
}

#[cfg(test)]
mod tests {
    use super::naive::{day, ladder};
    use super::*;
    use crate::domain::ladder::{Admission, Condition, PreviousRun};

    #[test]
    fn a_rank_that_another_job_decides_is_taken_as_it_is() {
        let held = Held { rank: 2, since: Some(day("2026-03-01")), missed: 1, safe_until: Some(day("2026-09-01")) };
        let standing = taken(Some(held));
        assert_eq!((standing.rank, standing.previous, standing.change), (Some(2), Some(2), RankChange::Kept));
        assert_eq!((standing.since, standing.missed, standing.safe_until), (held.since, 1, held.safe_until));
        assert_eq!((standing.qualifies, standing.next_rank, standing.keep_by), (None, None, None));
        assert_eq!(taken(None), Standing::default());
    }

    #[test]
    fn a_top_rank_is_kept_by_its_own_condition_or_by_being_admitted() {
        let mut ladder = ladder();
        ladder.ranks[4].admits = Admission::Top(0.5);
        let before = PreviousRun { as_of: day("2026-11-01"), closing: day("2026-11-01"), keep_by: Some(day("2026-12-01")) };
        let dates = dates(day("2026-12-01"), &ladder, Some(&before), None);
        let features = FeatureRow { orders: 3, due_orders: 3, spend: 60_000, due_spend: 60_000, orders_ever: 3, ..FeatureRow::default() };
        let best = FeatureRow { spend: 70_000, ..features };
        let held = Some(Held { rank: 4, since: None, missed: 0, safe_until: None });
        let row = |features| RowIn {
            id: "c",
            features,
            tenure_from_closing: None,
            tenure_from_next: None,
            tenure_from_keep: None,
            held,
            given: None,
        };
        let cut = tops(&ladder, [("c", &features), ("d", &best)].into_iter());
        let fallen = assign(&ladder, &dates, &cut, &row(&features));
        assert_eq!((fallen.rank, fallen.change, fallen.since), (Some(2), RankChange::Down, Some(day("2026-12-01"))));
        assert_eq!(assign(&ladder, &dates, &cut, &row(&best)).change, RankChange::Kept);
        ladder.ranks[4].keep = Some(Condition { spend: Some(60_000), ..Condition::default() });
        assert_eq!(assign(&ladder, &dates, &cut, &row(&features)).rank, Some(4));
    }
}
