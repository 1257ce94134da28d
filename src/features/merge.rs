//! Brings the rows of all partitions into the order of customer ids: each partition is sorted, so the front of each is all that is looked at.

use super::gather::{is_whole, key};
use super::room::{Extent, Store};
use super::{Error, pack};
use crate::domain::{FeatureRow, Features};

/// Rows lie in pieces of about this size, so that of what went to the disk only one of each partition is in memory.
const PIECE: usize = 1 << 15;
/// The length of an id, which instants there are, and the columns of the file.
type Packed = [u64; 15];

/// The rows of a partition, sorted, in few bytes.
#[derive(Debug, Default)]
pub(super) struct Run {
    held: Vec<Vec<u8>>,
    /// Where the pieces are that are not held: all or none of them.
    spilled: Vec<Extent>,
    rows: u64,
}

impl Run {
    /// Packs what the features file holds. Where memory is short, it goes to the store's file.
    pub fn of(features: &Features, store: &Store) -> Result<Self, Error> {
        let mut run = Self { rows: features.rows.len() as u64, ..Self::default() };
        let mut piece = Vec::new();
        for (id, row) in features.customer_id.iter().zip(&features.rows) {
            if piece.len() + pack::most_bytes(15) + id.len() > piece.capacity() {
                run.held.extend(Some(piece).filter(|piece| !piece.is_empty()));
                piece = Vec::with_capacity(PIECE.max(pack::most_bytes(15) + id.len()));
            }
            pack::put(&mut piece, &packed(id, row));
            piece.extend_from_slice(id.as_bytes());
        }
        piece.shrink_to_fit();
        run.held.extend(Some(piece).filter(|piece| !piece.is_empty()));
        let bytes = run.held.iter().map(Vec::capacity).sum();
        if store.is_short_of(bytes) {
            for piece in std::mem::take(&mut run.held) {
                run.spilled.push(store.write_whole(&piece)?);
            }
        } else {
            store.hold(bytes);
        }
        Ok(run)
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }
}

/// The row as differences where numbers are alike: most often, due figures are those of the window.
fn packed(id: &str, row: &FeatureRow) -> Packed {
    let instants = [row.first_order_at, row.last_order_at, row.first_order_closing];
    let there = (0..).zip(instants).fold(0_u64, |there, (bit, instant)| there | u64::from(instant.is_some()) << bit);
    let [first, last, closing] = instants.map(Option::unwrap_or_default);
    let less = |one: i64, other: i64| pack::unsigned(one.wrapping_sub(other));
    [
        id.len() as u64,
        there,
        pack::unsigned(first),
        less(last, first),
        less(closing, first),
        less(row.orders_ever, 0),
        less(row.spend_ever, 0),
        less(row.orders, 0),
        less(row.spend, 0),
        less(row.due_orders, row.orders),
        less(row.due_spend, row.spend),
        less(row.next_orders_known, row.orders),
        less(row.next_spend_known, row.spend),
        less(row.keep_orders_known, row.next_orders_known),
        less(row.keep_spend_known, row.next_spend_known),
    ]
}

fn unpacked(packed: &Packed) -> FeatureRow {
    let [_, there, first, last, closing, rest @ ..] = packed;
    let first = pack::signed(*first);
    let instant = |bit: u32, instant: i64| Some(instant).filter(|_| there & (1 << bit) != 0);
    let [orders_ever, spend_ever, orders, spend, due_orders, due_spend, next_orders, next_spend, keep_orders, keep_spend] =
        rest.map(pack::signed);
    let (next_orders, next_spend) = (next_orders.wrapping_add(orders), next_spend.wrapping_add(spend));
    FeatureRow {
        first_order_at: instant(0, first),
        last_order_at: instant(1, pack::signed(*last).wrapping_add(first)),
        first_order_closing: instant(2, pack::signed(*closing).wrapping_add(first)),
        orders_ever,
        spend_ever,
        orders,
        spend,
        due_orders: due_orders.wrapping_add(orders),
        due_spend: due_spend.wrapping_add(spend),
        next_orders_known: next_orders,
        next_spend_known: next_spend,
        keep_orders_known: keep_orders.wrapping_add(next_orders),
        keep_spend_known: keep_spend.wrapping_add(next_spend),
        ..FeatureRow::default()
    }
}

/// The front row of a run.
#[derive(Debug, Default)]
struct Front {
    held: std::vec::IntoIter<Vec<u8>>,
    spilled: std::vec::IntoIter<Extent>,
    piece: Vec<u8>,
    /// The piece counts among what is held in memory; one that was read back does not.
    is_held: bool,
    at: usize,
    packed: Packed,
    id: std::ops::Range<usize>,
}

impl Front {
    fn of(run: Run) -> Self {
        Self { held: run.held.into_iter(), spilled: run.spilled.into_iter(), ..Self::default() }
    }

    fn id(&self) -> &[u8] {
        self.piece.get(self.id.clone()).unwrap_or_default()
    }

    /// Goes on to the next row; the result is its key, `END` behind the last one.
    fn advance(&mut self, store: &Store) -> Result<u128, Error> {
        if self.at == self.piece.len() {
            if std::mem::take(&mut self.is_held) {
                store.let_go(self.piece.capacity());
            }
            self.at = 0;
            if let Some(piece) = self.held.next() {
                (self.piece, self.is_held) = (piece, true);
            } else if let Some(extent) = self.spilled.next() {
                store.read(extent, &mut self.piece)?;
            } else {
                (self.piece, self.id) = (Vec::new(), 0..0);
                return Ok(END);
            }
        }
        let Some((packed, rest)) = pack::get(&self.piece[self.at..]) else { return Ok(END) };
        let start = self.piece.len() - rest.len();
        self.packed = packed;
        self.at = usize::try_from(packed[0]).map_or(self.piece.len(), |length| (start + length).min(self.piece.len()));
        self.id = start..self.at;
        Ok(key(self.id()))
    }
}

/// Greater than the key of any text.
const END: u128 = u128::MAX;

/// All runs as one. A tree of matches, of which each node keeps the loser, needs one match a level for each row.
#[derive(Debug)]
pub(super) struct Merge<'a> {
    store: &'a Store,
    fronts: Vec<Front>,
    keys: Vec<u128>,
    losers: Vec<usize>,
    winner: usize,
}

impl<'a> Merge<'a> {
    pub fn of(runs: Vec<Run>, store: &'a Store) -> Result<Self, Error> {
        let mut fronts: Vec<Front> = runs.into_iter().map(Front::of).collect();
        fronts.resize_with(fronts.len().next_power_of_two(), Front::default);
        let keys = fronts.iter_mut().map(|front| front.advance(store)).collect::<Result<Vec<u128>, Error>>()?;
        let mut merge = Self { store, losers: vec![0; fronts.len()], winner: 0, fronts, keys };
        merge.winner = merge.play(1);
        Ok(merge)
    }

    /// Plays all matches below a node; the winner goes up.
    fn play(&mut self, node: usize) -> usize {
        if node >= self.losers.len() {
            return node - self.losers.len();
        }
        let (one, other) = (self.play(2 * node), self.play(2 * node + 1));
        let (winner, loser) = if self.is_before(other, one) { (other, one) } else { (one, other) };
        self.losers[node] = loser;
        winner
    }

    fn is_before(&self, one: usize, other: usize) -> bool {
        let (first, second) = (self.keys[one], self.keys[other]);
        if first == second && !is_whole(first) { self.fronts[one].id() < self.fronts[other].id() } else { first < second }
    }

    /// Hands the next row to `take`; false when there is none.
    pub fn next(&mut self, take: impl FnOnce(&str, &FeatureRow)) -> Result<bool, Error> {
        let front = &mut self.fronts[self.winner];
        if self.keys[self.winner] == END {
            return Ok(false);
        }
        take(std::str::from_utf8(front.id()).unwrap_or_default(), &unpacked(&front.packed));
        self.keys[self.winner] = front.advance(self.store)?;
        let mut node = usize::midpoint(self.winner, self.losers.len());
        while node > 0 {
            if self.is_before(self.losers[node], self.winner) {
                std::mem::swap(&mut self.losers[node], &mut self.winner);
            }
            node /= 2;
        }
        Ok(true)
    }
}
