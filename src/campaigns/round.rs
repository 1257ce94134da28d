//! What mails share the places and the budget of a campaign.
//!
//! A round is the occasion where that is the same for everybody (`dates`, a move of ranks, a review, the month). Where each customer has a
//! day of their own, it is the month of the as-of date, and where every run mails anew, the run.

use crate::domain::campaign::{Campaign, Once, When};
use crate::domain::zone::first_of_month;
use chrono::NaiveDate;

/// The round of a mail on this occasion at this as-of date.
#[must_use]
pub fn round(campaign: &Campaign, occasion: &str, as_of: NaiveDate) -> String {
    if campaign.once == Once::EveryRun {
        as_of.to_string()
    } else if is_personal(&campaign.when) {
        as_of.format("%Y-%m").to_string()
    } else {
        occasion.to_owned()
    }
}

/// No run before this date has a mail in a round of the as-of date's; `None` where every run has a round of its own.
#[must_use]
pub fn round_begins(campaign: &Campaign, as_of: NaiveDate) -> Option<NaiveDate> {
    let when = &campaign.when;
    let of_ranks = when.rank.is_some() || when.cashback.is_some();
    match when.dates {
        _ if campaign.once == Once::EveryRun => None,
        _ if is_personal(when) => Some(first_of_month(as_of)),
        _ if of_ranks => Some(NaiveDate::MIN),
        Some((first, _)) => Some(first),
        None => Some(first_of_month(as_of)),
    }
}

/// Whether the occasion is each customer's own.
fn is_personal(when: &When) -> bool {
    let expiry = when.rank.is_none() && when.points_expire_within.is_some();
    when.birthday.is_some() || when.anniversary.is_some() || when.days_since_last_order.is_some() || expiry
}

#[cfg(test)]
mod tests {
    use super::super::someone::{campaign, day};
    use super::*;
    use crate::domain::campaign::{DayRange, NumberRange, RankMove};

    #[test]
    fn a_round_is_what_everybody_has_in_common() {
        let dates = Some((day("2026-11-20"), day("2026-12-10")));
        let range = Some(NumberRange::default());
        let cases = [
            (When::default(), "2026-12", "2026-12", "2026-12-01"),
            (When { dates, ..When::default() }, "2026-11-20", "2026-11-20", "2026-11-20"),
            (When { birthday: Some(DayRange::Today), dates, ..When::default() }, "2026", "2026-12", "2026-12-01"),
            (When { anniversary: Some(DayRange::Today), ..When::default() }, "2026", "2026-12", "2026-12-01"),
            (When { days_since_last_order: range, ..When::default() }, "2026-08-11", "2026-12", "2026-12-01"),
            (When { points_expire_within: Some(30), ..When::default() }, "2026-12-31", "2026-12", "2026-12-01"),
        ];
        for (when, occasion, wanted, first) in cases {
            let campaign = campaign(when);
            let found = (round(&campaign, occasion, day("2026-12-09")), round_begins(&campaign, day("2026-12-09")));
            assert_eq!(found, (wanted.to_owned(), Some(day(first))), "{:?}", campaign.when);
            let every = Campaign { once: Once::EveryRun, ..campaign };
            let found = (round(&every, occasion, day("2026-12-09")), round_begins(&every, day("2026-12-09")));
            assert_eq!(found, ("2026-12-09".to_owned(), None));
        }
        let risk = campaign(When { rank: Some(RankMove::AtRisk), ..When::default() });
        assert_eq!(round(&risk, "2027-04-01", day("2026-12-09")), "2027-04-01");
        assert_eq!(round_begins(&risk, day("2026-12-09")), Some(NaiveDate::MIN), "a review is told of for months");
    }
}
