//! One sheet of paper for one person, whoever they are: how much of each list is on it, and how many more there are. A browser does not say how
//! much of a page fits on paper, so lines are counted here, rather too many than too few.

use super::person_past::further;
use crate::domain::job::Language;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

/// Lines of an A4 sheet below the name, in the letters of `studio.css` for print.
const TALL: usize = 64;
/// What stands around a list: its frame and its heading.
const FRAME: usize = 3;
/// Letters in a line, a Japanese one counting for two: of the whole sheet, of one of two columns, of the words of a campaign, and of what is said
/// of an order.
pub const WIDE: usize = 120;
pub const HALF: usize = 56;
pub const REASON: usize = 84;
pub const ORDER: usize = 90;
/// No more mails than these; orders fill what is left.
const MAILS: usize = 8;

/// How much of a list is on paper.
#[derive(Serialize, Debug, PartialEq, Eq)]
pub struct Part {
    pub shown: usize,
    /// How many more there are, in words.
    pub more: Option<String>,
}

/// The lines of everything that may be on the sheet.
#[derive(Default)]
pub struct Lines {
    /// What is always on it: whom it is about, what must be known first, and the rank.
    pub notes: usize,
    pub standing: usize,
    pub checks: Vec<usize>,
    pub facts: Vec<usize>,
    pub campaigns: Vec<usize>,
    /// In two columns.
    pub mails: Vec<usize>,
    pub orders: Vec<usize>,
}

#[derive(Serialize, Debug)]
pub struct Sheet {
    pub checks: Part,
    pub facts: Part,
    pub campaigns: Part,
    pub mails: Part,
    pub orders: Part,
}

/// The lines of a text where so many letters fit into one.
pub fn lines(text: &str, letters: usize) -> usize {
    text.width().div_ceil(letters).max(1)
}

impl Sheet {
    pub fn of(all: &Lines, language: Language) -> Self {
        let part = |lines: &[usize], room: usize, most: usize| Part::of(lines, room, most, language);
        // Rank and conditions stand side by side, and what the list says of the customer is below the rank.
        let upper = TALL.saturating_sub(all.notes) * 2 / 5;
        let checks = part(&all.checks, upper.saturating_sub(FRAME), usize::MAX);
        let beside = FRAME + checks.lines(&all.checks);
        let facts = part(&all.facts, upper.max(beside).saturating_sub(2 * FRAME + all.standing), usize::MAX);
        let below = 2 * FRAME + all.standing + facts.lines(&all.facts);
        let left = TALL.saturating_sub(all.notes + beside.max(below) + 3 * FRAME);
        let campaigns = part(&all.campaigns, left / 2, usize::MAX);
        let left = left.saturating_sub(campaigns.lines(&all.campaigns));
        let mails = part(&all.mails, left, MAILS);
        let left = left.saturating_sub(mails.lines(&all.mails).div_ceil(2));
        let orders = part(&all.orders, left, usize::MAX);
        Self { checks, facts, campaigns, mails, orders }
    }
}

impl Part {
    /// As many from the first on as have room; where not all do, a line says so.
    fn of(lines: &[usize], room: usize, most: usize, language: Language) -> Self {
        let fit = |room: usize| {
            let ends = lines.iter().scan(0, |end, lines| {
                *end += lines;
                Some(*end)
            });
            ends.take_while(|end| *end <= room).count().min(most)
        };
        let all = fit(room);
        let shown = if all == lines.len() { all } else { fit(room.saturating_sub(1)) };
        Self { shown, more: further(language, lines.len(), shown) }
    }

    /// What it takes.
    fn lines(&self, lines: &[usize]) -> usize {
        lines.iter().take(self.shown).sum::<usize>() + usize::from(self.more.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(all: &Lines) -> Sheet {
        Sheet::of(all, Language::En)
    }

    #[test]
    fn what_has_room_is_shown_and_the_rest_is_counted() {
        let sheet = of(&Lines { standing: 12, campaigns: vec![1; 9], mails: vec![1; 30], orders: vec![1; 60], ..Lines::default() });
        assert_eq!((sheet.campaigns.shown, sheet.campaigns.more.as_deref()), (9, None));
        assert_eq!((sheet.mails.shown, sheet.mails.more.as_deref()), (8, Some("and 22 more")));
        // The orders fill what is left of the sheet.
        let upper = FRAME + FRAME + 12;
        assert_eq!(sheet.orders.shown, TALL - upper - 3 * FRAME - 9 - 5 - 1);
    }

    #[test]
    fn no_one_is_longer_than_a_sheet() {
        for (many, long) in [(0, 1), (1, 1), (5, 3), (40, 1), (40, 4), (300, 20)] {
            for notes in [0, 3, 12] {
                let list = || vec![long; many];
                let all = Lines { notes, standing: 17, checks: list(), facts: list(), campaigns: list(), mails: list(), orders: list() };
                let sheet = of(&all);
                let upper = (FRAME + sheet.checks.lines(&all.checks)).max(2 * FRAME + all.standing + sheet.facts.lines(&all.facts));
                let below =
                    sheet.campaigns.lines(&all.campaigns) + sheet.mails.lines(&all.mails).div_ceil(2) + sheet.orders.lines(&all.orders);
                assert!(notes + upper + 3 * FRAME + below <= TALL, "{many} of {long}: {sheet:?}");
                for part in [&sheet.checks, &sheet.facts, &sheet.campaigns, &sheet.mails, &sheet.orders] {
                    assert_eq!(part.more.is_some(), part.shown < many);
                }
            }
        }
    }

    #[test]
    fn lines_are_counted_by_the_width_of_letters() {
        assert_eq!((lines("", 10), lines("abcdefghij", 10), lines("abcdefghijk", 10), lines("あいうえおか", 10)), (1, 1, 2, 2));
    }
}
