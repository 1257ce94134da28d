//! Dice that fall the same way on every machine: integers only, and a stream of its own for each customer.

/// SplitMix64.
pub struct Dice(u64);

impl Dice {
    /// The stream of one thing: another seed or another number is another stream.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut dice = Self(seed ^ number.wrapping_mul(0xD134_2543_DE82_EF95));
        dice.roll();
        dice
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// From 0 to `end`, without `end`.
    pub fn below(&mut self, end: i64) -> i64 {
        let wide = (i128::from(self.roll()) * i128::from(end)) >> 64;
        i64::try_from(wide).unwrap_or(0)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(high - low + 1)
    }

    /// True in so many of 1,000 rolls.
    pub fn per_mille(&mut self, share: i64) -> bool {
        self.below(1_000) < share
    }

    pub fn pick<'a, T>(&mut self, choice: &'a [T]) -> &'a T {
        let count = i64::try_from(choice.len()).unwrap_or(0);
        &choice[usize::try_from(self.below(count)).unwrap_or(0)]
    }
}
