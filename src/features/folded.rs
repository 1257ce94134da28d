//! All lines, dealt to partitions: the features of each are made when somebody asks for them.

use super::room::Store;
use super::stream::Stream;
use super::{Error, PARTITIONS, gather};
use crate::domain::{Bounds, Features};
use rayon::prelude::*;
use std::sync::{PoisonError, RwLock};

/// What a fold ends as. A partition may be asked for from any thread and as often as wanted: its lines stay as they are, many times
/// smaller than its features, in memory or on the disk, until they are released.
#[derive(Debug)]
pub struct Folded {
    bounds: Bounds,
    want_last_order: bool,
    pub(super) store: Store,
    partitions: Vec<RwLock<Vec<Stream>>>,
}

impl Folded {
    /// `sets` are those of the threads, each with a stream for every partition.
    pub(super) fn new(sets: Vec<Vec<Stream>>, store: Store, bounds: Bounds, want_last_order: bool) -> Self {
        let mut partitions: Vec<Vec<Stream>> = (0..PARTITIONS).map(|_| Vec::with_capacity(sets.len())).collect();
        for set in sets {
            for (partition, stream) in partitions.iter_mut().zip(set) {
                partition.push(stream);
            }
        }
        Self { bounds, want_last_order, store, partitions: partitions.into_iter().map(RwLock::new).collect() }
    }

    /// The features of one partition, sorted by customer id. There are `PARTITIONS` of them; one beyond, or one that was released,
    /// holds nobody.
    pub fn partition(&self, number: usize) -> Result<Features, Error> {
        let Some(streams) = self.partitions.get(number) else { return Ok(Features::default()) };
        let streams = streams.read().unwrap_or_else(PoisonError::into_inner);
        let wanted = gather::Wanted { bounds: &self.bounds, last_order: self.want_last_order };
        gather::partition(&streams, &self.store, wanted)
    }

    /// Gives the memory of a partition's lines back: nobody will ask for it again.
    pub fn release(&self, number: usize) {
        if let Some(streams) = self.partitions.get(number) {
            let streams = std::mem::take(&mut *streams.write().unwrap_or_else(PoisonError::into_inner));
            self.store.let_go(streams.iter().map(Stream::held).sum());
        }
    }

    /// All partitions at once, for those who have the memory: some 200 bytes for each customer.
    pub fn all(self) -> Result<Vec<Features>, Error> {
        let made = (0..PARTITIONS).into_par_iter().with_max_len(1).map(|number| {
            let features = self.partition(number);
            self.release(number);
            features
        });
        made.collect()
    }
}
