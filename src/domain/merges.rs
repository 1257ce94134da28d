//! Which customer ids are one customer now: the shop merged the old id into the new one.

use std::collections::{HashMap, HashSet};

/// Old ids with the id that stands for them now; chains are resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merges {
    now: HashMap<String, String>,
    /// For each id that stands for others: those, sorted.
    before: HashMap<String, Vec<String>>,
}

/// Why ids cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeError {
    /// These ids are merged in a circle, each into the next.
    Circle(Vec<String>),
    /// One id is merged into two others.
    Two { old: String, first: String, second: String },
}

impl Merges {
    /// Follows every chain of (old id, new id). An id merged into itself is nothing.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, MergeError> {
        let mut next: HashMap<String, String> = HashMap::new();
        for (old, new) in pairs.into_iter().filter(|(old, new)| old != new) {
            match next.get(&old) {
                Some(first) if *first != new => return Err(MergeError::Two { first: first.clone(), old, second: new }),
                _ => {
                    next.insert(old, new);
                }
            }
        }
        let mut now: HashMap<String, String> = HashMap::with_capacity(next.len());
        let mut olds: Vec<&String> = next.keys().collect();
        olds.sort();
        for old in olds {
            let (mut path, mut seen) = (vec![old], HashSet::from([old]));
            let end = loop {
                let last = path[path.len() - 1];
                // A chain that runs into one that is resolved already need not be followed again.
                if let Some(end) = now.get(last) {
                    break end.clone();
                }
                match next.get(last) {
                    None => break last.clone(),
                    Some(further) if seen.insert(further) => path.push(further),
                    Some(further) => {
                        let circle = path.iter().skip_while(|id| **id != further);
                        return Err(MergeError::Circle(circle.map(|id| (*id).clone()).collect()));
                    }
                }
            };
            for id in path.into_iter().filter(|id| **id != end) {
                now.insert(id.clone(), end.clone());
            }
        }
        let mut before: HashMap<String, Vec<String>> = HashMap::new();
        for (old, new) in &now {
            before.entry(new.clone()).or_default().push(old.clone());
        }
        for olds in before.values_mut() {
            olds.sort();
        }
        Ok(Self { now, before })
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.now.is_empty()
    }

    /// The id that stands for this one now: itself, unless it was merged.
    #[must_use]
    pub fn present<'a>(&'a self, id: &'a str) -> &'a str {
        self.now.get(id).map_or(id, String::as_str)
    }

    /// The ids that this one stands for, besides itself.
    #[must_use]
    pub fn former(&self, id: &str) -> &[String] {
        self.before.get(id).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<Merges, MergeError> {
        Merges::new(pairs.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())))
    }

    #[test]
    fn chains_are_followed_whatever_the_order_of_rows() {
        for pairs in [[("a", "b"), ("b", "c"), ("x", "c"), ("q", "q")], [("x", "c"), ("b", "c"), ("q", "q"), ("a", "b")]] {
            let merges = of(&pairs).unwrap();
            assert_eq!(["a", "b", "c", "x", "q", "z"].map(|id| merges.present(id)), ["c", "c", "c", "c", "q", "z"]);
            assert_eq!((merges.former("c"), merges.former("b").len()), (&["a".to_owned(), "b".to_owned(), "x".to_owned()][..], 0));
        }
        assert!(of(&[("a", "b"), ("a", "b")]).is_ok() && of(&[]).unwrap().is_empty());
    }

    #[test]
    fn circles_and_two_ends_are_refused_by_name() {
        let circle = of(&[("s", "a"), ("a", "b"), ("b", "c"), ("c", "a")]).unwrap_err();
        assert!(matches!(&circle, MergeError::Circle(ids) if ids.len() == 3 && !ids.contains(&"s".to_owned())), "{circle:?}");
        let two = of(&[("a", "b"), ("a", "c")]).unwrap_err();
        assert_eq!(two, MergeError::Two { old: "a".into(), first: "b".into(), second: "c".into() });
    }
}
