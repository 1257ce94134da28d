//! What of a mail's values its templates use. Tera is given nothing else: most of what could be said of a customer is not said.

use std::collections::BTreeSet;

/// What is used of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Needed {
    /// All of it.
    Whole,
    /// These of its fields; of a list, these of each of its records.
    Fields(Vec<(String, Needed)>),
}

impl Default for Needed {
    fn default() -> Self {
        Self::Fields(Vec::new())
    }
}

impl Needed {
    /// What dotted paths lead to, each with all that is below it: whoever asks `{% if offer %}` wants to know whether anything is in it.
    pub fn of(paths: &BTreeSet<String>) -> Self {
        let mut needed = Self::default();
        for path in paths {
            needed.add(path);
        }
        needed
    }

    fn add(&mut self, path: &str) {
        let (name, below) = path.split_once('.').map_or((path, None), |(name, below)| (name, Some(below)));
        let Self::Fields(fields) = self else { return };
        let at = fields.iter().position(|(field, _)| field == name).unwrap_or_else(|| {
            fields.push((name.to_owned(), Self::default()));
            fields.len() - 1
        });
        match (fields.get_mut(at), below) {
            (Some((_, field)), Some(below)) => field.add(below),
            (Some((_, field)), None) => *field = Self::Whole,
            (None, _) => {}
        }
    }

    /// How many fields are used, where that is known.
    pub fn fields(&self) -> Option<usize> {
        match self {
            Self::Whole => None,
            Self::Fields(fields) => Some(fields.len()),
        }
    }

    /// What is used of a field; `None` for nothing. One with a dot in its name cannot be told from a path, so it is never left out.
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Whole => Some(self),
            Self::Fields(_) if name.contains('.') => Some(&Self::Whole),
            Self::Fields(fields) => fields.iter().find(|(field, _)| field == name).map(|(_, needed)| needed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_needs_all_below_it_and_nothing_beside_it() {
        let paths = ["customer.name", "offer", "offer.percent", "rank.next.name", "rank.next.on", "items.name"];
        let needed = Needed::of(&paths.map(str::to_owned).into());
        assert_eq!(needed.field("offer"), Some(&Needed::Whole));
        assert_eq!(needed.field("offer").and_then(|offer| offer.field("code")), Some(&Needed::Whole));
        assert_eq!(needed.field("customer").and_then(|customer| customer.field("name")), Some(&Needed::Whole));
        assert_eq!(needed.field("customer").and_then(|customer| customer.field("id")), None);
        assert_eq!(needed.field("metrics"), None);
        let next = needed.field("rank").and_then(|rank| rank.field("next"));
        assert_eq!(next, Some(&Needed::Fields(vec![("name".into(), Needed::Whole), ("on".into(), Needed::Whole)])));
    }
}
