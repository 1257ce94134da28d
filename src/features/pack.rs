//! Several whole numbers in as few bytes as they need: first their lengths, four bits each, then their bytes.
//!
//! All lengths are known before the first number is looked at, and eight bytes are read or written whatever the length. That takes a small
//! part of the time that one byte after the other takes, for about the same number of bytes.

/// The most numbers that are packed together.
const MOST: usize = 16;

/// How many bytes the numbers take at most.
pub(super) const fn most_bytes(numbers: usize) -> usize {
    lengths(numbers) + 8 * numbers
}

/// Two lengths in a byte.
const fn lengths(numbers: usize) -> usize {
    numbers.div_ceil(2)
}

/// Small numbers of either sign become small numbers without one.
pub(super) fn unsigned(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

pub(super) fn signed(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

/// Writes at most 16 numbers.
pub(super) fn put<const N: usize>(out: &mut Vec<u8>, numbers: &[u64; N]) {
    // Less is cleared where little is written.
    if N <= 4 { put_by(out, numbers, [0; most_bytes(4)]) } else { put_by(out, numbers, [0; most_bytes(MOST)]) }
}

#[inline]
fn put_by<const N: usize, const M: usize>(out: &mut Vec<u8>, numbers: &[u64; N], mut packed: [u8; M]) {
    let mut end = lengths(N);
    let mut head = 0_u64;
    for (place, number) in numbers.iter().enumerate() {
        let length = 8 - number.leading_zeros() / 8;
        packed[end..end + 8].copy_from_slice(&number.to_le_bytes());
        head |= u64::from(length) << (4 * place);
        end += length as usize;
    }
    packed[..lengths(N)].copy_from_slice(&head.to_le_bytes()[..lengths(N)]);
    out.extend_from_slice(&packed[..end]);
}

/// Reads `N` numbers that were put at the front of `bytes`, and says what follows; `None` when they are not all there.
pub(super) fn get<const N: usize>(bytes: &[u8]) -> Option<([u64; N], &[u8])> {
    if bytes.len() >= most_bytes(N) + 8 {
        return numbers(bytes, bytes);
    }
    // Near the end there may be fewer bytes than are read at once.
    let mut padded = [0; most_bytes(MOST) + 8];
    let there = bytes.len().min(padded.len());
    padded[..there].copy_from_slice(&bytes[..there]);
    numbers(&padded, bytes)
}

/// Reads from `padded`, which begins as `bytes` does.
fn numbers<'a, const N: usize>(padded: &[u8], bytes: &'a [u8]) -> Option<([u64; N], &'a [u8])> {
    let mut at = lengths(N);
    let mut head = word(padded, 0)?;
    let mut read = [0; N];
    for number in &mut read {
        let length = (head & 15).min(8);
        head >>= 4;
        *number = word(padded, at)? & MASKS[(length & 15) as usize];
        at += length as usize;
    }
    Some((read, bytes.get(at..)?))
}

/// What is kept of eight bytes, by length.
const MASKS: [u64; 16] = {
    let mut masks = [u64::MAX; 16];
    let mut length = 0;
    while length < 8 {
        masks[length] = (1 << (8 * length)) - 1;
        length += 1;
    }
    masks
};

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0_u32..=64).prop_map(|(number, bits)| number.checked_shr(bits).unwrap_or(0))
    }

    proptest! {
        #[test]
        fn numbers_come_back_as_they_went_in(all in prop::collection::vec(prop::array::uniform4(number()), 0..20), others in prop::array::uniform16(number())) {
            let mut bytes = Vec::new();
            for numbers in &all {
                put(&mut bytes, numbers);
            }
            put(&mut bytes, &others);
            let mut rest = bytes.as_slice();
            for numbers in &all {
                let (read, behind) = get::<4>(rest).unwrap();
                prop_assert_eq!(&read, numbers);
                rest = behind;
            }
            let (read, behind) = get::<16>(rest).unwrap();
            prop_assert_eq!((read, behind.len()), (others, 0));
        }

        #[test]
        fn signs_come_back(number: i64) {
            prop_assert_eq!(signed(unsigned(number)), number);
        }
    }
}
