//! One table of a plan while its parts come in: each part is a layer of rows sorted by customer, held in memory as long as there is
//! room and laid on disk then; in the end all layers become one sequence in the order of customers.

use super::Error;
use super::merge::contradiction;
use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::buffer::Buffer;
use arrow::compute::interleave_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamWriter;
use std::cmp::Ordering;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The disk behind the layers of a plan, and how much may stay in memory. The file has no name, so nothing is left of it after a crash.
#[derive(Debug)]
pub(super) struct Ground {
    folder: PathBuf,
    /// Bytes that may be held in memory, and that are.
    most: usize,
    held: AtomicUsize,
    file: OnceLock<File>,
    end: AtomicU64,
}

impl Ground {
    pub fn new(folder: &Path, most: usize) -> Self {
        Self { folder: folder.to_owned(), most, held: AtomicUsize::new(0), file: OnceLock::new(), end: AtomicU64::new(0) }
    }

    /// Whether there is room in memory for so many bytes; they are taken.
    fn holds(&self, bytes: usize) -> bool {
        let fits = self.held.fetch_add(bytes, Relaxed) + bytes <= self.most;
        if !fits {
            self.held.fetch_sub(bytes, Relaxed);
        }
        fits
    }

    /// Lays bytes on the disk, and tells where.
    fn lay(&self, bytes: &[u8]) -> Result<u64, Error> {
        if self.file.get().is_none() {
            let made = tempfile::tempfile_in(&self.folder).map_err(Error::io("make a file for the time of planning in", &self.folder))?;
            // Another thread may have been faster; then its file is the one.
            let _ = self.file.set(made);
        }
        let at = self.end.fetch_add(bytes.len() as u64, Relaxed);
        self.file()?.write_all_at(bytes, at).map_err(Error::io("write what is planned so far into", &self.folder))?;
        Ok(at)
    }

    fn read(&self, at: u64, length: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; length];
        let read = self.file()?.read_exact_at(&mut bytes, at);
        read.map_err(|source| Error::Damaged { folder: self.folder.clone(), source })?;
        Ok(bytes)
    }

    /// The error of bytes that are not those that were laid there.
    fn damaged(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Damaged { folder: self.folder.clone(), source: io::Error::new(io::ErrorKind::InvalidData, error) }
    }

    fn file(&self) -> Result<&File, Error> {
        self.file.get().ok_or_else(|| contradiction("the file for the time of planning is gone".into()))
    }
}

/// How many bytes a pack has, and how many it has when it is unpacked: a damaged file must not say it.
#[derive(Debug, Clone, Copy)]
struct Pack {
    packed: usize,
    whole: usize,
}

/// The rows of one part.
#[derive(Debug)]
enum Layer {
    Held(Vec<RecordBatch>),
    /// Packs one behind the other, and where the first begins. A pack is a batch as Arrow's stream has it (before the
    /// first one the schema), compressed in one piece: a batch has many buffers, and each of them by itself is short.
    Laid {
        at: u64,
        packs: Vec<Pack>,
    },
}

/// The layers of one table. Rows are sorted by `customer_id`.
#[derive(Debug)]
pub(super) struct Layers {
    schema: SchemaRef,
    layers: Mutex<Vec<Layer>>,
}

impl Layers {
    pub fn new(schema: SchemaRef) -> Self {
        Self { schema, layers: Mutex::new(Vec::new()) }
    }

    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Adds the rows of a part, sorted by customer. May be called from many threads.
    pub fn add(&self, ground: &Ground, batches: Vec<RecordBatch>) -> Result<(), Error> {
        if batches.is_empty() {
            return Ok(());
        }
        let bytes = batches.iter().map(RecordBatch::get_array_memory_size).sum();
        let layer = if ground.holds(bytes) {
            Layer::Held(batches)
        } else {
            let (bytes, packs) = self.packed(&batches).map_err(|error| contradiction(error.to_string()))?;
            Layer::Laid { at: ground.lay(&bytes)?, packs }
        };
        self.layers.lock().unwrap_or_else(PoisonError::into_inner).push(layer);
        Ok(())
    }

    /// The packs of batches.
    fn packed(&self, batches: &[RecordBatch]) -> Result<(Vec<u8>, Vec<Pack>), ArrowError> {
        let (mut bytes, mut packs) = (Vec::new(), Vec::with_capacity(batches.len()));
        let mut out = StreamWriter::try_new(Vec::new(), &self.schema)?;
        for batch in batches {
            out.write(batch)?;
            let pack = lz4_flex::block::compress(out.get_ref());
            packs.push(Pack { packed: pack.len(), whole: out.get_ref().len() });
            out.get_mut().clear();
            bytes.extend(pack);
        }
        Ok((bytes, packs))
    }

    /// All rows in the order of customers.
    pub fn merged(self, ground: &Ground) -> Result<Merged<'_>, Error> {
        let layers = self.layers.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut readings = Vec::with_capacity(layers.len());
        for layer in layers {
            let mut reading = Reading::open(layer, ground);
            if reading.load()? {
                readings.push(reading);
            }
        }
        let mut merged = Merged { order: (0..readings.len()).collect(), readings, batches: Vec::new(), picked: Vec::new() };
        for at in (0..merged.order.len() / 2).rev() {
            merged.sink(at);
        }
        Ok(merged)
    }
}

/// A layer that is being read, from its first customer to its last.
struct Reading<'g> {
    rest: Rest<'g>,
    batch: Option<(RecordBatch, StringArray)>,
    row: usize,
    /// The place of the batch among those that are being picked from.
    place: Option<usize>,
}

enum Rest<'g> {
    Held(std::vec::IntoIter<RecordBatch>),
    Laid(Box<Packs<'g>>),
}

/// Packs that are on the disk.
struct Packs<'g> {
    ground: &'g Ground,
    at: u64,
    rest: std::vec::IntoIter<Pack>,
    decoder: StreamDecoder,
}

impl Packs<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        let Some(pack) = self.rest.next() else { return Ok(None) };
        let bytes = self.ground.read(self.at, pack.packed)?;
        self.at += pack.packed as u64;
        let bytes = lz4_flex::block::decompress(&bytes, pack.whole).map_err(|error| self.ground.damaged(error))?;
        let batch = self.decoder.decode(&mut Buffer::from_vec(bytes)).map_err(|error| self.ground.damaged(error))?;
        batch.map(Some).ok_or_else(|| self.ground.damaged("a pack has no rows"))
    }
}

impl<'g> Reading<'g> {
    fn open(layer: Layer, ground: &'g Ground) -> Self {
        let rest = match layer {
            Layer::Held(batches) => Rest::Held(batches.into_iter()),
            Layer::Laid { at, packs } => Rest::Laid(Box::new(Packs { ground, at, rest: packs.into_iter(), decoder: StreamDecoder::new() })),
        };
        Self { rest, batch: None, row: 0, place: None }
    }

    /// Goes to the next batch; false when there is none.
    fn load(&mut self) -> Result<bool, Error> {
        let next = match &mut self.rest {
            Rest::Held(batches) => batches.next(),
            Rest::Laid(packs) => packs.next()?,
        };
        (self.row, self.place) = (0, None);
        self.batch = match next {
            Some(batch) => {
                let ids = batch.column_by_name("customer_id").and_then(|ids| ids.as_string_opt::<i32>());
                let ids = ids.ok_or_else(|| contradiction("a table has no customer ids".into()))?.clone();
                Some((batch, ids))
            }
            None => None,
        };
        Ok(self.batch.is_some())
    }

    fn id(&self) -> &str {
        self.batch.as_ref().map_or("", |(_, ids)| ids.value(self.row))
    }
}

/// The rows of all layers, batch by batch.
pub(super) struct Merged<'g> {
    readings: Vec<Reading<'g>>,
    /// The layers that have rows left, as a heap: the one with the smallest customer first.
    order: Vec<usize>,
    batches: Vec<RecordBatch>,
    picked: Vec<(usize, usize)>,
}

impl Merged<'_> {
    /// The next rows, so many that `is_full` says so of their number and of the bytes of their column `weighed`; `None` after the last.
    pub fn next(&mut self, weighed: Option<&str>, is_full: impl Fn(usize, usize) -> bool) -> Result<Option<RecordBatch>, Error> {
        let mut bytes = 0;
        while let Some(&first) = self.order.first() {
            bytes += self.pick(first, weighed)?;
            if self.order.first() == Some(&first) {
                self.sink(0);
            }
            if is_full(self.picked.len(), bytes) {
                break;
            }
        }
        if self.picked.is_empty() {
            return Ok(None);
        }
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let rows = interleave_record_batch(&batches, &self.picked).map_err(|error| contradiction(error.to_string()))?;
        self.batches.clear();
        self.picked.clear();
        self.readings.iter_mut().for_each(|reading| reading.place = None);
        Ok(Some(rows))
    }

    /// Takes the next row of a layer, which leaves the order when it has no more. The bytes of the row's weighed column come back.
    fn pick(&mut self, first: usize, weighed: Option<&str>) -> Result<usize, Error> {
        let gone = || contradiction("a layer is gone".into());
        let reading = self.readings.get_mut(first).ok_or_else(gone)?;
        let (batch, ids) = reading.batch.as_ref().ok_or_else(gone)?;
        let column = weighed.and_then(|name| batch.column_by_name(name)?.as_string_opt::<i32>());
        let bytes = column.map_or(0, |column| usize::try_from(column.value_length(reading.row)).unwrap_or(0));
        let place = *reading.place.get_or_insert_with(|| {
            self.batches.push(batch.clone());
            self.batches.len() - 1
        });
        self.picked.push((place, reading.row));
        reading.row += 1;
        if reading.row == ids.len() && !reading.load()? {
            // The last of the heap takes its place, and sinks to where it belongs.
            self.order.swap_remove(0);
            self.sink(0);
        }
        Ok(bytes)
    }

    /// Brings the layer at a place of the heap down to where it belongs.
    fn sink(&mut self, mut at: usize) {
        loop {
            let mut least = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if child < self.order.len() && self.compare(child, least) == Ordering::Less {
                    least = child;
                }
            }
            if least == at {
                return;
            }
            self.order.swap(at, least);
            at = least;
        }
    }

    fn compare(&self, one: usize, other: usize) -> Ordering {
        let id = |place: usize| self.order.get(place).and_then(|at| self.readings.get(*at)).map(Reading::id);
        id(one).cmp(&id(other))
    }
}
