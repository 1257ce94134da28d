//! Damages bytes as accidents and malice do. The same seed does the same on every machine.

/// SplitMix64.
pub struct Dice(u64);

/// Numbers at which code goes wrong.
const EDGES: [u64; 14] = [0, 1, 2, 3, 4, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_fffe, 0xffff_ffff, 1 << 40, u64::MAX];

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// From 0 to `end`, without `end`; 0 where there is nothing.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from((u128::from(self.roll()) * end as u128) >> 64).unwrap_or(0)
    }
}

/// The bytes with one damage or a few. `others` lend pieces; `marks` are words that mean something in files of this kind.
pub fn mutated(bytes: &[u8], others: &[Vec<u8>], marks: &[&str], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let is_parquet = bytes.ends_with(b"PAR1");
    for _ in 0..=[0, 0, 0, 1, 2, 5][dice.below(6)] {
        let place = if is_parquet { telling(&bytes, dice) } else { dice.below(bytes.len()) };
        let before = bytes.len();
        damage(&mut bytes, place, others, marks, dice);
        // A footer that became longer or shorter is still found, so that what it says is read.
        if is_parquet && dice.below(4) > 0 {
            mend(&mut bytes, place, before);
        }
    }
    bytes
}

/// A place in a Parquet file: most often in its footer or at the head of a page, where a few bytes say how large everything is.
fn telling(bytes: &[u8], dice: &mut Dice) -> usize {
    let footer = footer_length(bytes).unwrap_or(0).min(bytes.len());
    match dice.below(8) {
        0 => dice.below(bytes.len()),
        1..=3 => {
            // A head begins with its type: a field of 32 bits, then the two sizes.
            let heads: Vec<usize> =
                bytes.windows(3).enumerate().filter(|(_, three)| three[0] == 0x15 && three[2] == 0x15).map(|(at, _)| at).collect();
            if heads.is_empty() { dice.below(bytes.len()) } else { heads[dice.below(heads.len())] + dice.below(24) }
        }
        4 => bytes.len().saturating_sub(1 + dice.below(8)),
        _ => bytes.len().saturating_sub(8 + footer) + dice.below(footer),
    }
}

fn footer_length(bytes: &[u8]) -> Option<usize> {
    let tail = bytes.len().checked_sub(8)?;
    usize::try_from(u32::from_le_bytes(bytes.get(tail..tail + 4)?.try_into().ok()?)).ok()
}

fn mend(bytes: &mut [u8], place: usize, before: usize) {
    let Some(length) = footer_length(bytes).filter(|length| length + 8 <= before) else { return };
    if place < before - length - 8 || place >= before.saturating_sub(8) {
        return;
    }
    let now = (length + bytes.len()).saturating_sub(before);
    let tail = bytes.len() - 8;
    if let Ok(now) = u32::try_from(now) {
        bytes[tail..tail + 4].copy_from_slice(&now.to_le_bytes());
    }
}

fn damage(bytes: &mut Vec<u8>, place: usize, others: &[Vec<u8>], marks: &[&str], dice: &mut Dice) {
    let place = place.min(bytes.len().saturating_sub(1));
    if bytes.is_empty() {
        bytes.push(0);
    }
    let length = (1 + [dice.below(4), dice.below(40), dice.below(bytes.len())][dice.below(3)]).min(bytes.len() - place);
    let range = place..place + length;
    match dice.below(11) {
        0 => bytes[place] ^= 1 << dice.below(8),
        1 => bytes[place] = u8::try_from(dice.below(256)).unwrap_or(0),
        2 => bytes[place] = bytes[place].wrapping_add([1, 255, 2, 16, 240][dice.below(5)]),
        3 => drop(bytes.drain(range)),
        4 => {
            let piece = bytes[range].to_vec();
            bytes.splice(place..place, piece);
        }
        5 => bytes.truncate(place),
        6 => {
            let number = EDGES[dice.below(EDGES.len())].to_le_bytes();
            let width = [1, 2, 4, 8][dice.below(4)].min(bytes.len() - place);
            bytes[place..place + width].copy_from_slice(&number[..width]);
        }
        // A number as Thrift writes it, in place of one.
        7 | 8 => {
            let old = 1 + bytes[place..].iter().take(9).take_while(|byte| **byte >= 0x80).count();
            let end = (place + old).min(bytes.len());
            bytes.splice(place..end, varint(EDGES[dice.below(EDGES.len())]));
        }
        9 if !marks.is_empty() => {
            let mark = marks[dice.below(marks.len())].as_bytes().repeat(1 + [0, 0, 0, 2, 300][dice.below(5)]);
            bytes.splice(place..place, mark);
        }
        _ => {
            let other = &others[dice.below(others.len())];
            let start = dice.below(other.len());
            let end = (start + length).min(other.len());
            let at = place..(place + dice.below(length + 1)).min(bytes.len());
            bytes.splice(at, other[start..end].iter().copied());
        }
    }
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
    bytes
}
