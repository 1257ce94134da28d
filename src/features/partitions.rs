//! To which partition a customer belongs.

use super::{PARTITIONS, hash_of};
use std::sync::Arc;

/// The partitions of a shop: [`PARTITIONS`] of them, by a hash of the id, or by stretches of the order of ids. With stretches the
/// partitions, one behind the other, are in the order of ids, but only somebody who knows the ids beforehand makes stretches of
/// about the same number of customers.
#[derive(Debug, Clone, Default)]
pub struct Partitions(Option<Arc<Stretches>>);

/// Stretches of ids, told by the ids at which all but the first begin.
#[derive(Debug)]
struct Stretches {
    /// What all borders begin with.
    common: Vec<u8>,
    /// The borders' next eight bytes as a number, which has their order. Zeros stand behind a shorter one.
    keys: Vec<u64>,
    /// For each two bytes that an id may go on with, how many borders go on with less.
    starts: Vec<u8>,
    /// The borders without what is common, ascending, each once.
    borders: Vec<Vec<u8>>,
}

impl Partitions {
    /// Stretches of which each has about as many of the ids of each sample as the others. Without samples, it is by hash.
    #[must_use]
    pub fn by_order(mut samples: Vec<Vec<String>>) -> Self {
        samples.retain(|sample| !sample.is_empty());
        let share = (PARTITIONS - 1).checked_div(samples.len()).unwrap_or(0);
        let mut borders: Vec<Vec<u8>> = Vec::with_capacity(PARTITIONS);
        for mut sample in samples {
            sample.sort_unstable();
            let at = |nth: usize| nth * sample.len() / (share + 1);
            borders.extend((1..=share).filter_map(|nth| Some(sample.get(at(nth))?.clone().into_bytes())));
        }
        borders.sort_unstable();
        borders.dedup();
        let (Some(first), Some(last)) = (borders.first(), borders.last()) else { return Self::default() };
        let common: Vec<u8> = first.iter().zip(last).take_while(|(one, other)| one == other).map(|(byte, _)| *byte).collect();
        for border in &mut borders {
            border.drain(..common.len());
        }
        let keys: Vec<u64> = borders.iter().map(|border| key(border)).collect();
        let starts = starts(&keys);
        Self(Some(Arc::new(Stretches { common, keys, starts, borders })))
    }

    /// The partition, below [`PARTITIONS`], that a customer belongs to.
    #[must_use]
    pub fn of(&self, id: &str) -> usize {
        self.of_bytes(id.as_bytes())
    }

    pub(super) fn of_bytes(&self, id: &[u8]) -> usize {
        match &self.0 {
            Some(stretches) => stretches.of(id),
            // Hash tables use the lowest and the highest bits, so this takes some of the middle.
            None => usize::from(hash_of(id).to_be_bytes()[2]),
        }
    }
}

impl Stretches {
    fn of(&self, id: &[u8]) -> usize {
        let Some(rest) = id.strip_prefix(self.common.as_slice()) else {
            return if id < self.common.as_slice() { 0 } else { self.borders.len() };
        };
        let key = key(rest);
        // Of 255 borders few go on with the same two bytes, so that few are compared.
        let place = first_two(key);
        let within = |place: usize| self.starts.get(place).map_or(self.keys.len(), |start| usize::from(*start));
        let (from, upto) = (within(place), within(place + 1));
        let at = from + self.keys.get(from..upto).unwrap_or_default().partition_point(|border| *border < key);
        // Ids of several forms have little in common, and those of one form may go on alike for longer than a key is.
        let alike = self.keys.get(at..upto).unwrap_or_default().partition_point(|border| *border == key);
        at + self.borders.get(at..at + alike).unwrap_or_default().partition_point(|border| border.as_slice() <= rest)
    }
}

fn first_two(key: u64) -> usize {
    usize::from(u16::from_be_bytes([key.to_be_bytes()[0], key.to_be_bytes()[1]]))
}

/// For each number of two bytes, how many keys begin with less.
fn starts(keys: &[u64]) -> Vec<u8> {
    let mut at = 0;
    let below = |place: usize| {
        while keys.get(usize::from(at)).is_some_and(|key| first_two(*key) < place) {
            at += 1;
        }
        at
    };
    (0..=usize::from(u16::MAX)).map(below).collect()
}

/// The first eight bytes of a text as a number.
fn key(text: &[u8]) -> u64 {
    if let Some(first) = text.first_chunk() {
        return u64::from_be_bytes(*first);
    }
    let mut first = [0; 8];
    first.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn partitions_follow_the_order_of_ids(
            samples in prop::collection::vec(prop::collection::vec("C?[0-9a-f\0]{0,12}|customer-number-[0-9]{0,4}", 0..600), 0..3),
            mut ids in prop::collection::vec("C?[0-9a-f\0]{0,12}|customer-[0-9]{0,4}|customer-number-[0-9]{0,4}", 0..100),
        ) {
            let partitions = Partitions::by_order(samples.clone());
            ids.extend(samples.into_iter().flatten());
            ids.sort_unstable();
            let dealt: Vec<usize> = ids.iter().map(|id| partitions.of(id)).collect();
            prop_assert!(dealt.iter().all(|at| *at < PARTITIONS));
            prop_assert!(partitions.0.is_none() || dealt.is_sorted(), "{ids:?} {dealt:?}");
        }
    }

    #[test]
    fn partitions_are_alike_for_each_sample() {
        let listed: Vec<String> = (0..10_000).map(|at| format!("C{at:07}")).collect();
        let bought: Vec<String> = (0..4_000).map(|at| format!("guest-{at:05}")).collect();
        let partitions = Partitions::by_order(vec![listed.clone(), bought.clone()]);
        let most = |ids: &[String]| {
            let mut counts = [0_usize; PARTITIONS];
            for id in ids {
                counts[partitions.of(id)] += 1;
            }
            counts.into_iter().max().unwrap()
        };
        assert!(most(&listed) <= 10_000 / 127 + 1, "{}", most(&listed));
        assert!(most(&bought) <= 4_000 / 127 + 1, "{}", most(&bought));
    }
}
