//! To which partition a customer belongs.

use super::{PARTITIONS, hash_of};
use std::sync::Arc;

/// The partitions of a shop: [`PARTITIONS`] of them, by a hash of the id, or by stretches of the order of ids. With stretches the
/// partitions, one behind the other, are in the order of ids, but only somebody who knows the ids beforehand makes stretches of
/// about the same number of customers.
#[derive(Debug, Clone, Default)]
pub struct Partitions(Option<Arc<Stretches>>);

/// Stretches of ids, told by the borders at which all but the first begin. Borders are told apart by eight bytes behind what all of them
/// have in common, and those that are alike in these by what follows.
#[derive(Debug)]
struct Stretches {
    borders: usize,
    common: Vec<u8>,
    /// The eight bytes as a number, which has their order; zeros stand behind a shorter border. Ascending, each once.
    keys: Vec<u64>,
    /// The borders of each key.
    alike: Vec<Alike>,
    /// For each two bytes that a key may begin with, how many keys begin with less. Nothing where keys are few.
    starts: Vec<u8>,
}

/// Borders of one key.
#[derive(Debug)]
struct Alike {
    /// How many borders are before them.
    before: usize,
    /// How many of them end with the key, and are not behind any id that has it.
    ended: usize,
    longer: Option<Stretches>,
}

/// Of so many keys and more the first two bytes are looked up.
const MANY: usize = 16;

impl Partitions {
    /// Stretches of which each has about as many of the ids of each sample as the others. Without samples, it is by hash.
    #[must_use]
    pub fn by_order(samples: Vec<Vec<String>>) -> Self {
        let borders = borders(samples);
        let borders: Vec<&[u8]> = borders.iter().map(Vec::as_slice).collect();
        Self(Stretches::of(&borders).map(Arc::new))
    }

    /// The partition, below [`PARTITIONS`], that a customer belongs to.
    #[must_use]
    pub fn of(&self, id: &str) -> usize {
        self.of_bytes(id.as_bytes())
    }

    pub(super) fn of_bytes(&self, id: &[u8]) -> usize {
        match &self.0 {
            Some(stretches) => stretches.before(id),
            // Hash tables use the lowest and the highest bits, so this takes some of the middle.
            None => usize::from(hash_of(id).to_be_bytes()[2]),
        }
    }
}

/// The ids at which all stretches but the first begin: each sample is cut into equal parts.
fn borders(mut samples: Vec<Vec<String>>) -> Vec<Vec<u8>> {
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
    borders
}

impl Stretches {
    /// Those of ascending borders; `None` where there are none.
    fn of(borders: &[&[u8]]) -> Option<Self> {
        let (first, last) = borders.first().zip(borders.last())?;
        let common: Vec<u8> = first.iter().zip(*last).take_while(|(one, other)| one == other).map(|(byte, _)| *byte).collect();
        let rests: Vec<&[u8]> = borders.iter().filter_map(|border| border.get(common.len()..)).collect();
        let (mut keys, mut alike, mut before) = (Vec::new(), Vec::new(), 0);
        for rests in rests.chunk_by(|one, other| key(one) == key(other)) {
            keys.extend(rests.first().map(|rest| key(rest)));
            let longer: Vec<&[u8]> = rests.iter().map(|rest| behind(rest)).filter(|rest| !rest.is_empty()).collect();
            alike.push(Alike { before, ended: rests.len() - longer.len(), longer: Self::of(&longer) });
            before += rests.len();
        }
        let starts = if keys.len() < MANY { Vec::new() } else { starts(&keys) };
        Some(Self { borders: borders.len(), common, keys, alike, starts })
    }

    /// How many borders are not behind an id.
    fn before(&self, id: &[u8]) -> usize {
        let Some(rest) = id.strip_prefix(self.common.as_slice()) else {
            return if id < self.common.as_slice() { 0 } else { self.borders };
        };
        let key = key(rest);
        let place = first_two(key);
        let (from, upto) = match (self.starts.get(place), self.starts.get(place + 1)) {
            (Some(from), Some(upto)) => (usize::from(*from), usize::from(*upto)),
            (Some(from), None) => (usize::from(*from), self.keys.len()),
            _ => (0, self.keys.len()),
        };
        let at = from + self.keys.get(from..upto).unwrap_or_default().partition_point(|border| *border < key);
        let Some(alike) = self.alike.get(at) else { return self.borders };
        if self.keys.get(at) == Some(&key) {
            alike.before + alike.ended + alike.longer.as_ref().map_or(0, |longer| longer.before(behind(rest)))
        } else {
            alike.before
        }
    }
}

/// What follows the first eight bytes.
fn behind(text: &[u8]) -> &[u8] {
    text.get(8..).unwrap_or_default()
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
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn partitions_follow_the_order_of_ids(
            samples in prop::collection::vec(prop::collection::vec("C?[0-9a-f\0]{0,12}|customer-number-[0-9]{0,4}", 0..600), 0..3),
            mut ids in prop::collection::vec("C?[0-9a-f\0]{0,12}|customer-[0-9]{0,4}|customer-number-[0-9]{0,4}", 0..100),
        ) {
            let partitions = Partitions::by_order(samples.clone());
            ids.extend(samples.iter().flatten().cloned());
            ids.sort_unstable();
            let dealt: Vec<usize> = ids.iter().map(|id| partitions.of(id)).collect();
            prop_assert!(dealt.iter().all(|at| *at < PARTITIONS));
            prop_assert!(partitions.0.is_none() || dealt.is_sorted(), "{ids:?} {dealt:?}");
            // But for zeros, which nobody tells from an end, each is in the stretch that the last border before it begins.
            let borders = borders(samples);
            for (id, at) in ids.iter().zip(&dealt).filter(|(id, _)| partitions.0.is_some() && !id.contains('\0')) {
                let plain = |border: &&Vec<u8>| !border.contains(&0);
                prop_assert_eq!(borders.iter().filter(plain).filter(|border| border.as_slice() <= id.as_bytes()).count(),
                    borders.iter().take(*at).filter(plain).count());
            }
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
