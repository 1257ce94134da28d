//! What was left out of a customer list or could not be used. It stops nothing.

use super::customers::Rows;

/// How many examples a message or note shows.
pub(super) const EXAMPLES: usize = 5;

/// How many values of a column are kept, to be shown.
pub(super) const HELD: usize = 6;

/// What is told of a list, or of some of its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// Rows of the file.
    pub rows: u64,
    /// Rows without an id, which are left out.
    pub without_id: u64,
    /// Rows of ids that were merged into others which have a row of their own.
    pub merged: u64,
    /// Addresses that could be used only after they were cleaned of what writing and copying had added.
    pub cleaned_addresses: u64,
    /// Texts that are no date, of customers who stay without a birthday.
    pub unusable_birthdays: u64,
    /// The same for the begin of the relationship.
    pub unusable_since: u64,
    /// Numbers and dates of points that are none.
    pub unusable_points: u64,
    /// Customers of whom the list tells that points expire next which they do not have, or on a day that is past.
    pub senseless_points: u64,
    /// What `exclude` names and no row has, column by column: the words, and some of the values that are there.
    pub absent: Vec<Absent>,
    /// The first few, sorted: what each is about, the customer's id, and the words for people.
    examples: Vec<(About, String, String)>,
}

/// Words of `exclude` that no row of the list has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Absent {
    pub column: String,
    pub words: Vec<String>,
    /// The first few values that the column has, each with the id of the first customer who has it.
    pub(super) held: Vec<(String, String)>,
}

/// What an example is about, in the order in which examples are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    Id,
    Birthday,
    Since,
    Balance,
    Expiring,
    ExpireOn,
    Points,
}

impl About {
    /// What a role's column is about.
    pub fn role(role: &str) -> Self {
        match role {
            "birthday" => Self::Birthday,
            "since" => Self::Since,
            "points_balance" => Self::Balance,
            "points_expiring" => Self::Expiring,
            "points_expire_on" => Self::ExpireOn,
            _ => Self::Points,
        }
    }
}

impl Notes {
    /// Something that cannot be used, written for people: `line 12: birthday "昭和60年1月1日" is no date`. Those about one thing come by id.
    pub(super) fn example(&mut self, about: About, rows: &Rows<'_>, row: usize, what: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push((about, rows.id(row).to_owned(), format!("{}: {}", rows.table().place(row), what())));
        }
    }

    /// A row at this place has no id.
    pub(super) fn no_id(&mut self, place: impl FnOnce() -> String) {
        self.without_id += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push((About::Id, String::new(), format!("{}: no customer id", place())));
        }
    }

    /// The first few, written for people.
    pub fn examples(&self) -> impl Iterator<Item = &str> {
        self.examples.iter().map(|(.., text)| text.as_str())
    }

    /// The same with those of other rows.
    pub(super) fn join(&mut self, other: Self) {
        self.rows += other.rows;
        self.without_id += other.without_id;
        self.merged += other.merged;
        self.cleaned_addresses += other.cleaned_addresses;
        self.unusable_birthdays += other.unusable_birthdays;
        self.unusable_since += other.unusable_since;
        self.unusable_points += other.unusable_points;
        self.senseless_points += other.senseless_points;
        self.examples.extend(other.examples);
        self.examples.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        self.examples.truncate(EXAMPLES);
        if self.absent.is_empty() {
            self.absent = other.absent;
        } else {
            self.absent.iter_mut().zip(other.absent).for_each(|(own, other)| own.join(other));
        }
    }
}

impl Absent {
    /// The first few values that the column has.
    pub fn held(&self) -> impl Iterator<Item = &str> {
        self.held.iter().map(|(_, value)| value.as_str())
    }

    fn join(&mut self, other: Self) {
        self.words.retain(|word| other.words.contains(word));
        self.held.extend(other.held);
        self.held.sort_by(|one, other| one.0.cmp(&other.0));
        let mut seen = std::collections::HashSet::new();
        self.held.retain(|(_, value)| seen.insert(value.clone()));
        self.held.truncate(HELD);
    }
}
