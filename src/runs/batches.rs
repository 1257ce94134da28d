//! Batches of a plan's tables: files that may have been changed by other hands, so each passes the gate.

use super::Error;
use crate::gate::{Flaw, Footer, watched};
use arrow::array::{RecordBatch, RecordBatchReader as _};
use arrow::datatypes::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::RowGroupMetaData;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const BATCH_ROWS: usize = 4_096;

/// Which rows of a table to read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pick<'a> {
    All,
    /// The row groups in which this customer may be.
    Customer(&'a str),
    /// The row groups of these numbers.
    Groups(&'a [usize]),
    /// All rows from this one on.
    From(usize),
}

/// The batches of one table.
pub(super) struct Batches {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
}

impl Batches {
    /// Opens a table for some of its columns (none named: all), and tells which row groups it reads.
    pub fn open(folder: &Path, table: &str, columns: &[&str], pick: Pick<'_>) -> Result<(Self, Vec<usize>), Error> {
        let (batches, groups, _) = Self::open_at(folder, table, columns, pick)?;
        Ok((batches, groups))
    }

    /// The same, and how many rows stand before those groups.
    pub fn open_at(folder: &Path, table: &str, columns: &[&str], pick: Pick<'_>) -> Result<(Self, Vec<usize>, usize), Error> {
        let (path, file, footer) = open_table(folder, table)?;
        let (reader, groups, before) = guarded(&path, || {
            // The types are ours, whatever else a file says of them.
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
            let metadata = ArrowReaderMetadata::try_new(Arc::clone(&footer.metadata), options);
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.map_err(|error| error.to_string())?);
            let groups = groups_of(&builder, pick);
            let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
            let builder = if columns.is_empty() { builder } else { builder.with_projection(mask) };
            let before = builder.metadata().row_groups().iter().take(groups.first().copied().unwrap_or(0)).map(rows_of).sum();
            let builder = builder.with_batch_size(BATCH_ROWS).with_row_groups(groups.clone());
            let builder = if let Pick::From(row) = pick { builder.with_offset(row.saturating_sub(before)) } else { builder };
            Ok((builder.build().map_err(|error| error.to_string())?, groups, before))
        })?;
        Ok((Self { path, reader }, groups, before))
    }

    /// All rows and columns of a table.
    pub fn whole(folder: &Path, table: &str) -> Result<Self, Error> {
        Ok(Self::open(folder, table, &[], Pick::All)?.0)
    }

    pub fn schema(&self) -> SchemaRef {
        self.reader.schema()
    }

    pub fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        let reader = &mut self.reader;
        guarded(&self.path, || reader.next().transpose().map_err(|error| error.to_string()))
    }

    pub fn malformed(&self, problem: String) -> Error {
        Error::Malformed { path: self.path.clone(), problem }
    }
}

/// Opens a table whose footer and pages are within bounds. Its digest has been compared, so that this is a matter of who may write
/// there; and what the digest was made of may have been wrong from the start.
fn open_table(folder: &Path, table: &str) -> Result<(PathBuf, File, Footer), Error> {
    let path = folder.join(table);
    let file = File::open(&path).map_err(Error::io("open", &path))?;
    let footer = Footer::read(&file).and_then(|(size, bytes)| {
        let footer = Footer::of(&bytes, size)?;
        let groups = footer.metadata.row_groups();
        for (group, about) in groups.iter().enumerate() {
            footer.check_pages(&file, group, &(0..about.num_columns()).collect::<Vec<_>>())?;
        }
        Ok(footer)
    });
    match footer {
        Ok(footer) => Ok((path, file, footer)),
        Err(Flaw::Io(source)) => Err(Error::Io { doing: "read", path, source }),
        Err(flaw) => Err(Error::Malformed { path, problem: flaw.to_string() }),
    }
}

/// Runs a step of the Parquet reader: whatever ends it becomes an error that names the file.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, String>) -> Result<T, Error> {
    watched(read).and_then(|done| done).map_err(|problem| Error::Malformed { path: path.to_owned(), problem })
}

fn rows_of(group: &RowGroupMetaData) -> usize {
    usize::try_from(group.num_rows()).unwrap_or(0)
}

fn groups_of(builder: &ParquetRecordBatchReaderBuilder<File>, pick: Pick<'_>) -> Vec<usize> {
    let groups = builder.metadata().row_groups();
    match pick {
        Pick::All => (0..groups.len()).collect(),
        Pick::From(row) => {
            let mut end = 0;
            let ends = groups.iter().map(|group| {
                end += rows_of(group);
                end
            });
            ends.enumerate().filter(|(_, end)| *end > row).map(|(at, _)| at).collect()
        }
        Pick::Groups(wanted) => wanted.iter().copied().filter(|group| *group < groups.len()).collect(),
        Pick::Customer(id) => {
            let may_hold = |group: &RowGroupMetaData| {
                let column = group.columns().iter().find(|column| column.column_path().string() == "customer_id");
                let bounds = column.and_then(|column| column.statistics()).map(|seen| (seen.min_bytes_opt(), seen.max_bytes_opt()));
                // Long bounds are cut, downwards and upwards; they still enclose every id.
                let (low, high) = bounds.unwrap_or_default();
                low.is_none_or(|low| low <= id.as_bytes()) && high.is_none_or(|high| id.as_bytes() <= high)
            };
            groups.iter().enumerate().filter(|(_, group)| may_hold(group)).map(|(at, _)| at).collect()
        }
    }
}
