//! What type a whole column has.

use super::cells::{self, MOST_DIGITS, Mark, Number};
use crate::domain::text::unmarked;
use crate::domain::{DateOrder, Moment};

/// The type that a column is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing in it.
    Empty,
    Whole,
    Decimal {
        precision: u8,
        scale: i8,
    },
    Date,
    /// Times on the shop's own clocks.
    Local,
    /// Times that tell their offset.
    Instant,
    Text,
}

impl Kind {
    /// For people.
    pub fn word(self) -> String {
        match self {
            Self::Empty => "empty".to_owned(),
            Self::Whole => "whole numbers".to_owned(),
            Self::Decimal { scale, .. } => format!("decimals, {scale} digits"),
            Self::Date => "dates".to_owned(),
            Self::Local => "local times".to_owned(),
            Self::Instant => "instants".to_owned(),
            Self::Text => "text".to_owned(),
        }
    }

    /// What a value that does not fit is not.
    pub fn one(self) -> &'static str {
        match self {
            Self::Empty | Self::Text => "text",
            Self::Whole | Self::Decimal { .. } => "number",
            Self::Date => "date",
            Self::Local => "date or time without an offset",
            Self::Instant => "time with an offset",
        }
    }
}

/// What a column is said to hold, whatever it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    Number,
    Date,
    /// Dates with the year last, and the day first.
    DayFirst,
    MonthFirst,
    Text,
}

/// How the cells of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    pub kind: Kind,
    pub mark: Mark,
    pub order: DateOrder,
}

/// A column that is text although most of its values look like numbers or dates: one of them, or the first that is none, and what helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odd {
    pub line: u64,
    pub value: String,
    pub remedy: Remedy,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Say that the column is numbers; such values spoil their rows.
    Number,
    /// Say that they are numbers: a plus could be a telephone number's.
    Plus,
    /// Say that it is dates in this order; such values spoil their rows.
    Dates(DateOrder),
    /// Say whether the day or the month comes first.
    Order,
    /// Write the values in another way.
    Rewrite,
}

/// A line and what is on it.
type Note = Option<(u64, String)>;

/// Numbers with one mark before their fractions.
#[derive(Debug, Clone, Default)]
struct Numbers {
    count: u64,
    /// Those that are nothing but digits, and whole ones that 64 bits do not hold.
    bare: u64,
    wide: u64,
    whole_digits: u32,
    scale: u32,
    /// The first value that is none.
    other: Note,
}

/// Times in one order.
#[derive(Debug, Clone, Default)]
struct Times {
    count: u64,
    /// Those that are nothing but digits, those with a time of day, and those with an offset.
    compact: u64,
    clocks: u64,
    offsets: u64,
    /// The first value that is none.
    other: Note,
}

/// What was seen of a column.
#[derive(Debug, Clone, Default)]
pub struct Guess {
    values: u64,
    points: Numbers,
    commas: Numbers,
    /// Values that are numbers with either mark, and with a comma only; and those such as `1,234`, which are not the same with both.
    numbers: u64,
    only_commas: u64,
    thousands: u64,
    /// Values that look like ids, and the first short one with a plus, which may be a number too.
    labels: u64,
    signed: Note,
    /// By year, day and month first.
    times: [Times; 3],
    /// Values that are dates in any order, those with the year last that are dates in both, and the first of these that means two days.
    dates: u64,
    both: u64,
    ambiguous: Note,
    /// Values that are none of this, but mostly digits.
    strange: u64,
    first_strange: Note,
    /// Cells that a spreadsheet marked as text.
    pub marked: u64,
}

/// Digits of a number with a plus that is too short for a telephone's.
const SHORT: u32 = 6;

impl Guess {
    pub fn see(&mut self, line: u64, cell: &str) {
        let text = unmarked(cell);
        self.marked += u64::from(text.len() != cell.len());
        if text.trim().is_empty() {
            return;
        }
        self.values += 1;
        let number = self.see_number(line, text);
        let date = self.see_date(line, text);
        if !number && !date && cells::is_strange_number(text) {
            self.strange += 1;
            note(&mut self.first_strange, line, text);
        }
    }

    /// Whether it is one.
    fn see_number(&mut self, line: u64, text: &str) -> bool {
        let point = cells::number(text, Mark::Point);
        // Without a mark a cell is the same either way.
        let comma = if text.contains([',', '.', '，', '．']) { cells::number(text, Mark::Comma) } else { point };
        self.points.see(line, text, point);
        self.commas.see(line, text, comma);
        self.only_commas += u64::from(point.is_none() && comma.is_some());
        self.thousands += u64::from(matches!((point, comma), (Some(point), Some(comma)) if point.whole > comma.whole));
        let is_number = point.or(comma).is_some();
        // Digits with a plus are both: only the others in the column can tell.
        let plus = text.trim_start().starts_with(['+', '＋']);
        self.labels += u64::from((!is_number || plus) && cells::is_label(text));
        if point.is_some_and(|number| plus && number.whole <= SHORT) {
            note(&mut self.signed, line, text);
        }
        self.numbers += u64::from(is_number);
        is_number
    }

    fn see_date(&mut self, line: u64, text: &str) -> bool {
        let mut found = [Moment::parse(text), None, None];
        // What begins with its year does not end with it.
        if found[0].is_none() && text.contains(char::is_numeric) {
            found[1] = Moment::parse_in(text, DateOrder::DayFirst);
            found[2] = Moment::parse_in(text, DateOrder::MonthFirst);
        }
        for (times, moment) in self.times.iter_mut().zip(found) {
            times.see(line, text, moment);
        }
        let [_, day_first, month_first] = found;
        self.both += u64::from(day_first.is_some() && month_first.is_some());
        if day_first.is_some() && month_first.is_some() && day_first != month_first {
            note(&mut self.ambiguous, line, text);
        }
        let is_date = found.iter().any(Option::is_some);
        self.dates += u64::from(is_date);
        is_date
    }

    /// Whether no cell held anything.
    pub fn is_empty(&self) -> bool {
        self.values == 0
    }

    /// How the column is written: as what it is said to hold, else as what nine of ten values are. Values that do not fit spoil their rows.
    pub fn reading(&self, said: Option<ColumnType>) -> Reading {
        let order = match said {
            Some(ColumnType::DayFirst) => DateOrder::DayFirst,
            Some(ColumnType::MonthFirst) => DateOrder::MonthFirst,
            _ => self.order().unwrap_or_default(),
        };
        let numbers = if self.mark() == Mark::Comma { &self.commas } else { &self.points };
        let times = self.times_in(order);
        let kind = match said {
            _ if self.values == 0 => Kind::Empty,
            Some(ColumnType::Number) => numbers.kind(),
            Some(ColumnType::Date | ColumnType::DayFirst | ColumnType::MonthFirst) => times.kind(),
            None if self.look_like_numbers(numbers) => numbers.kind(),
            None if self.look_like_times() => times.kind(),
            Some(ColumnType::Text) | None => Kind::Text,
        };
        Reading { kind, mark: self.mark(), order }
    }

    fn most(&self, count: u64) -> bool {
        count.saturating_mul(10) >= self.values.saturating_mul(9)
    }

    fn more(&self, count: u64) -> bool {
        count.saturating_mul(2) > self.values
    }

    /// A comma stands before fractions where more values are numbers with it than with a point. What looks like thousands parted by
    /// commas is taken as that, unless more values can be nothing but fractions.
    fn mark(&self) -> Mark {
        let commas = self.commas.count > self.points.count && self.only_commas > self.thousands;
        if commas { Mark::Comma } else { Mark::Point }
    }

    /// Numbers beyond 64 bits are ids; so are digits beside a value with a leading zero or with letters, unless others have a sign, a
    /// currency or a fraction.
    fn look_like_numbers(&self, numbers: &Numbers) -> bool {
        let ids = (numbers.scale == 0 && numbers.wide > 0) || (self.labels > 0 && numbers.bare == numbers.count);
        self.most(numbers.count) && !ids && numbers.whole_digits + numbers.scale <= MOST_DIGITS
    }

    /// The order of dates that the column tells: with the year last, one day beyond the twelfth does where none speaks against it.
    fn order(&self) -> Option<DateOrder> {
        let [year, day, month] = &self.times;
        if year.count >= day.count.max(month.count) {
            Some(DateOrder::YearFirst)
        } else if month.count == self.both && day.count > self.both {
            Some(DateOrder::DayFirst)
        } else if day.count == self.both && month.count > self.both {
            Some(DateOrder::MonthFirst)
        } else {
            None
        }
    }

    /// A date, where days and months cannot be told apart.
    pub fn undecided(&self) -> Note {
        if self.order().is_some() {
            return None;
        }
        let [_, day, month] = &self.times;
        let against = if day.count > month.count { &day.other } else { &month.other };
        self.ambiguous.clone().or_else(|| against.clone())
    }

    fn times_in(&self, order: DateOrder) -> &Times {
        let [year, day, month] = &self.times;
        match order {
            DateOrder::YearFirst => year,
            DateOrder::DayFirst => day,
            DateOrder::MonthFirst => month,
        }
    }

    /// Eight digits could be anything, and do not speak for dates.
    fn look_like_times(&self) -> bool {
        self.order().is_some_and(|order| {
            let times = self.times_in(order);
            self.most(times.offsets.max(times.count - times.offsets - times.compact))
        })
    }

    /// Why a column is text although most of its values look like numbers or dates.
    pub fn odd(&self) -> Option<Odd> {
        let odd = |note: &Note, remedy| note.clone().map(|(line, value)| Odd { line, value, remedy });
        let numbers = if self.mark() == Mark::Comma { &self.commas } else { &self.points };
        let compact = self.times.iter().map(|times| times.compact).sum::<u64>();
        if self.more(self.numbers) {
            odd(&numbers.other, Remedy::Number).or_else(|| odd(&self.signed, Remedy::Plus))
        } else if self.more(self.dates - compact.min(self.dates)) {
            match self.order() {
                Some(order) => odd(&self.times_in(order).other, Remedy::Dates(order)),
                None => odd(&self.undecided(), Remedy::Order),
            }
        } else if self.more(self.strange) {
            odd(&self.first_strange, Remedy::Rewrite)
        } else {
            None
        }
    }
}

impl Numbers {
    fn see(&mut self, line: u64, text: &str, number: Option<Number>) {
        let Some(number) = number else { return note(&mut self.other, line, text) };
        self.count += 1;
        self.bare += u64::from(number.bare);
        self.wide += u64::from(number.scale == 0 && i64::try_from(number.digits).is_err());
        self.whole_digits = self.whole_digits.max(number.whole);
        self.scale = self.scale.max(number.scale);
    }

    fn kind(&self) -> Kind {
        if self.scale == 0 && self.wide == 0 {
            return Kind::Whole;
        }
        let precision = (self.whole_digits + self.scale).min(MOST_DIGITS);
        Kind::Decimal { precision: u8::try_from(precision).unwrap_or(u8::MAX), scale: i8::try_from(self.scale).unwrap_or(i8::MAX) }
    }
}

impl Times {
    fn see(&mut self, line: u64, text: &str, moment: Option<Moment>) {
        let Some(moment) = moment else { return note(&mut self.other, line, text) };
        self.count += 1;
        self.compact += u64::from(text.trim().chars().all(char::is_numeric));
        self.clocks += u64::from(moment.time.is_some());
        self.offsets += u64::from(moment.offset.is_some());
    }

    fn kind(&self) -> Kind {
        if self.offsets > self.count - self.offsets {
            Kind::Instant
        } else if self.clocks > self.offsets {
            Kind::Local
        } else {
            Kind::Date
        }
    }
}

fn note(first: &mut Note, line: u64, text: &str) {
    first.get_or_insert_with(|| (line, cells::shown(text)));
}
