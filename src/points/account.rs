//! One account from beginning to end: lots in, the oldest out first, what is too old away.

use super::Event;
use crate::domain::points::{Account, Expire, Lasting, Lot, Overdrawn, PointsRule};
use crate::domain::zone::{first_of_month, yearly};
use chrono::{Datelike, Days, Months, NaiveDate};
use std::collections::VecDeque;

/// The account at 00:00 of `as_of`, after these events in the order of time. An order uses before it earns: its own points are for
/// the next one.
pub fn account<'a>(rule: &PointsRule, events: impl IntoIterator<Item = Event<'a>>, as_of: NaiveDate) -> Account {
    let mut book = Book { rule, lots: VecDeque::new(), spent: VecDeque::new(), last_order: None, account: Account::default() };
    for event in events {
        book.expire(event.on());
        match event {
            Event::Credit { on, points } => book.earn(on, points),
            Event::Order { id, on, stands, used, earned } => {
                if used < 0 {
                    book.give_back(used.unsigned_abs());
                } else {
                    book.take(id, on, used);
                }
                if stands {
                    book.last_order = Some(on);
                }
                book.earn(on, earned);
            }
        }
    }
    book.expire(as_of);
    let lots = book.lots.iter().map(|lot| Lot { last_day: book.last_day(lot.earned_on), ..*lot }).collect();
    Account { lots, ..book.account }
}

struct Book<'r> {
    rule: &'r PointsRule,
    /// The oldest first. Their last days are worked out when they are asked for, since an order may move them.
    lots: VecDeque<Lot>,
    /// What was used and could still be used if it came back, the oldest first. It was always the oldest that was used, so none of it
    /// is younger than any lot.
    spent: VecDeque<Lot>,
    last_order: Option<NaiveDate>,
    account: Account,
}

impl Book<'_> {
    /// Puts away what cannot be used on this day any more.
    fn expire(&mut self, on: NaiveDate) {
        // Older lots never outlive younger ones: each rule moves the last day forward with the day of earning.
        while let Some(lot) = self.lots.front().copied().filter(|lot| self.last_day(lot.earned_on).is_some_and(|last| last < on)) {
            self.lots.pop_front();
            self.account.balance -= lot.points;
            self.account.expired += lot.points;
        }
        // Points that were used and whose time is over do not come back.
        while self.spent.front().is_some_and(|lot| self.last_day(lot.earned_on).is_some_and(|last| last < on)) {
            self.spent.pop_front();
        }
    }

    fn earn(&mut self, on: NaiveDate, points: i64) {
        // No shop has issued so many points; what would not fit into a number is not credited.
        let points = points.min(i64::MAX - self.account.earned);
        if points <= 0 {
            return;
        }
        self.account.earned += points;
        self.account.balance += points;
        match self.lots.back_mut().filter(|lot| lot.earned_on == on) {
            Some(lot) => lot.points += points,
            None => self.lots.push_back(Lot { earned_on: on, points, last_day: None }),
        }
    }

    /// Uses the oldest points. What a refund within the same order gives back is in its sum already.
    fn take(&mut self, order: &str, on: NaiveDate, asked: i64) {
        if asked <= 0 {
            return;
        }
        let used = asked.min(self.account.balance);
        if used < asked {
            self.account.overdrawn.push(Overdrawn { order: order.to_owned(), on, asked, used });
        }
        self.account.balance -= used;
        self.account.used += used;
        let mut left = used;
        while let Some(lot) = self.lots.front_mut().filter(|_| left > 0) {
            let from = Lot { points: left.min(lot.points), ..*lot };
            lot.points -= from.points;
            left -= from.points;
            if lot.points == 0 {
                self.lots.pop_front();
            }
            match self.spent.back_mut().filter(|lot| lot.earned_on == from.earned_on) {
                Some(lot) => lot.points += from.points,
                None => self.spent.push_back(from),
            }
        }
    }

    /// Takes back what a refund with an id of its own gives back: points that were used last, as if they had not been, with the time
    /// that they have left. More than were used never come back.
    fn give_back(&mut self, asked: u64) {
        let mut left = i64::try_from(asked).unwrap_or(i64::MAX);
        while let Some(lot) = self.spent.back_mut().filter(|_| left > 0) {
            let back = Lot { points: left.min(lot.points), ..*lot };
            lot.points -= back.points;
            left -= back.points;
            self.account.used -= back.points;
            self.account.balance += back.points;
            if lot.points == 0 {
                self.spent.pop_back();
            }
            match self.lots.front_mut().filter(|lot| lot.earned_on == back.earned_on) {
                Some(lot) => lot.points += back.points,
                None => self.lots.push_front(back),
            }
        }
    }

    /// The last day on which points that were earned on a day can be used, as far as is known now.
    fn last_day(&self, earned_on: NaiveDate) -> Option<NaiveDate> {
        let day = match self.rule.expire {
            Expire::Never => None,
            Expire::AfterEarning(lasting) => after(earned_on, lasting),
            // What a review paid back after the last order has its time too.
            Expire::AfterLastOrder(lasting) => after(self.last_order.map_or(earned_on, |order| order.max(earned_on)), lasting),
            Expire::Yearly { month, day } => {
                let on = |year| yearly(year, month, day).filter(|day| *day >= earned_on);
                on(earned_on.year()).or_else(|| on(earned_on.year() + 1))
            }
        }?;
        if !self.rule.month_end {
            return Some(day);
        }
        first_of_month(day).checked_add_months(Months::new(1)).and_then(|next| next.pred_opt())
    }
}

/// A day and so long after it; `None` beyond the calendar.
fn after(day: NaiveDate, lasting: Lasting) -> Option<NaiveDate> {
    match lasting {
        Lasting::Months(months) => day.checked_add_months(Months::new(months)),
        Lasting::Days(days) => day.checked_add_days(Days::new(days.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn order(on: &str, used: i64, earned: i64) -> Event<'static> {
        Event::Order { id: "o", on: day(on), stands: earned > 0, used, earned }
    }

    fn rule(expire: Expire) -> PointsRule {
        PointsRule { rate: crate::domain::points::Rate::All(0), expire, month_end: false }
    }

    fn told(rule: &PointsRule, events: &[Event<'static>], as_of: &str) -> (i64, i64, Option<NaiveDate>) {
        let points = account(rule, events.iter().copied(), day(as_of)).points();
        (points.balance, points.expiring, points.expire_on)
    }

    const YEAR: Lasting = Lasting::Months(12);

    #[test]
    fn an_order_cannot_use_what_it_earns_and_the_oldest_go_first() {
        let events = [order("2026-01-10", 5, 100), order("2026-02-10", 120, 30), order("2026-03-10", 10, 0)];
        let found = account(&rule(Expire::AfterEarning(YEAR)), events, day("2026-03-11"));
        assert_eq!((found.earned, found.used, found.expired, found.balance), (130, 110, 0, 20));
        let missing: Vec<_> = found.overdrawn.iter().map(|each| (each.on, each.asked, each.used)).collect();
        assert_eq!(missing, [(day("2026-01-10"), 5, 0), (day("2026-02-10"), 120, 100)]);
        assert_eq!(found.missing(), 25);
        assert_eq!(found.lots, [Lot { earned_on: day("2026-02-10"), points: 20, last_day: Some(day("2027-02-10")) }]);
    }

    #[test]
    fn points_can_be_used_on_their_last_day_and_not_on_the_next() {
        let rule = rule(Expire::AfterEarning(YEAR));
        let earned = order("2026-01-10", 0, 100);
        assert_eq!(told(&rule, &[earned], "2027-01-10"), (100, 100, Some(day("2027-01-10"))));
        assert_eq!(told(&rule, &[earned], "2027-01-11"), (0, 0, None));
        assert_eq!(told(&rule, &[earned, order("2027-01-10", 60, 0)], "2027-01-11"), (0, 0, None));
        let late = account(&rule, [earned, order("2027-01-11", 60, 0)], day("2027-01-12"));
        assert_eq!((late.used, late.expired, late.missing()), (0, 100, 60));
    }

    #[test]
    fn each_order_moves_the_end_of_all_points_and_one_taken_back_does_not() {
        let rule = rule(Expire::AfterLastOrder(YEAR));
        let first = order("2026-01-10", 0, 100);
        assert_eq!(told(&rule, &[first, order("2026-06-30", 0, 1)], "2027-02-01"), (101, 101, Some(day("2027-06-30"))));
        assert_eq!(told(&rule, &[first, order("2026-06-30", 0, 0)], "2026-12-01"), (100, 100, Some(day("2027-01-10"))));
        let small = Event::Order { id: "o", on: day("2026-06-30"), stands: true, used: 0, earned: 0 };
        assert_eq!(told(&rule, &[first, small], "2026-12-01"), (100, 100, Some(day("2027-06-30"))), "too small to earn, and an order");
        let paid = Event::Credit { on: day("2027-01-01"), points: 7 };
        assert_eq!(told(&rule, &[first, paid], "2027-01-02"), (107, 100, Some(day("2027-01-10"))));
        assert_eq!(told(&rule, &[first, paid], "2027-02-02"), (7, 7, Some(day("2028-01-01"))));
    }

    #[test]
    fn a_yearly_day_ends_everything_that_was_earned_up_to_it() {
        let yearly = rule(Expire::Yearly { month: 2, day: 29 });
        let events = [order("2026-02-28", 0, 10), order("2026-03-01", 0, 20)];
        assert_eq!(told(&yearly, &events, "2026-03-02"), (20, 20, Some(day("2027-02-28"))));
        assert_eq!(told(&yearly, &[order("2027-03-01", 0, 5)], "2027-03-02"), (5, 5, Some(day("2028-02-29"))));
    }

    #[test]
    fn the_last_day_moves_to_the_end_of_its_month() {
        let rule = PointsRule { month_end: true, ..rule(Expire::AfterEarning(Lasting::Days(30))) };
        assert_eq!(told(&rule, &[order("2028-01-05", 0, 10)], "2028-01-06"), (10, 10, Some(day("2028-02-29"))));
        assert_eq!(told(&rule, &[order("2028-01-01", 0, 10), order("2028-01-02", 0, 5)], "2028-01-06"), (15, 10, Some(day("2028-01-31"))));
    }

    #[test]
    fn a_refund_gives_back_what_was_used_last_with_the_time_it_has_left() {
        let rule = rule(Expire::AfterEarning(YEAR));
        let bought = [order("2026-01-10", 0, 100), order("2026-02-10", 0, 50), order("2026-03-10", 120, 0)];
        let with = |refund: &str, used: i64, as_of: &str| {
            let found = account(&rule, bought.into_iter().chain([order(refund, used, 0)]), day(as_of));
            let lots: Vec<(String, i64)> = found.lots.iter().map(|lot| (lot.earned_on.to_string(), lot.points)).collect();
            assert_eq!(found.earned, found.used + found.expired + found.balance);
            (found.used, found.expired, lots)
        };
        let lots = |lots: &[(&str, i64)]| lots.iter().map(|(day, points)| ((*day).to_owned(), *points)).collect::<Vec<_>>();
        assert_eq!(with("2026-04-10", -30, "2026-04-11"), (90, 0, lots(&[("2026-01-10", 10), ("2026-02-10", 50)])));
        assert_eq!(
            with("2026-04-10", -500, "2026-04-11"),
            (0, 0, lots(&[("2026-01-10", 100), ("2026-02-10", 50)])),
            "no more than were used"
        );
        assert_eq!(with("2027-01-11", -500, "2027-01-12"), (100, 0, lots(&[("2026-02-10", 50)])), "January's are over and stay used");
        let early = [order("2026-01-05", -5, 0)].into_iter().chain(bought);
        assert_eq!(account(&rule, early, day("2026-04-11")).used, 120, "nothing was used yet");
    }

    #[test]
    fn points_without_an_end_stay() {
        let never = rule(Expire::Never);
        assert_eq!(told(&never, &[order("1990-01-05", 0, 10)], "2028-01-06"), (10, 0, None));
    }
}
