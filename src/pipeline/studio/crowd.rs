//! One person explained at once: what depends on everybody is read beforehand, and then a person costs one partition of the shop.
//!
//! Where ranks or gifts depend on everybody, a shop that is not large is kept whole, as `explain` makes it; of a larger one the plan's
//! own tables must do.

use super::super::assess::{self, Assessed};
use super::super::choose;
use super::super::error::Error;
use super::super::explain::{self, Explanation};
use super::super::inputs::{self, Inputs};
use super::super::passes::{self, Met, Passes};
use super::super::progress::Watch;
use crate::domain::job::RuleKind;
use crate::domain::orders::LineFate;
use crate::domain::{Dates, HistoryLine, Job, Value};
use crate::features;
use crate::piles::{Dealt, Piles};
use chrono::NaiveDate;
use std::sync::{Mutex, PoisonError};

/// A shop that has to be kept whole may have so many customers; each takes about a kilobyte.
const MOST: usize = 50_000;
/// Threads that read a shop while pages are shown.
const THREADS: usize = 2;
/// Bytes of the purchases' lines that are held in memory.
const HELD: usize = 2 << 20;

/// What a look at single customers needs of everybody.
pub struct Crowd {
    job: Job,
    inputs: Inputs,
    kept: Kept,
    /// The lines of the purchases, dealt to the partitions.
    lines: Dealt,
}

enum Kept {
    Parts(Box<Parts>),
    Whole(Box<Assessed>),
}

/// A shop of which a partition is enough at a time.
struct Parts {
    dates: Dates,
    features: features::Folded,
    met: Met,
}

impl Crowd {
    /// Reads everybody as `explain` does; `None` where a shop that has to be kept whole is too large for that.
    pub fn read(job: &Job, as_of: NaiveDate, watch: &(dyn Fn(u64, u64) + Sync)) -> Result<Option<Self>, Error> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build();
        let pool = pool.map_err(|error| Error::Folder(format!("no thread can be started to read the shop: {error}")))?;
        // What does not fit goes to the disk: the pages need the memory.
        let job = Job { memory: features::Room::least(THREADS), ..job.clone() };
        pool.install(|| Self::with(job, as_of, MOST, &|_, done, total| watch(done, 2 * total)))
    }

    fn with(job: Job, as_of: NaiveDate, most: usize, watch: &Watch) -> Result<Option<Self>, Error> {
        let inputs = inputs::open(&job, as_of)?;
        let kept = if passes::is_of_parts(&job, &inputs) {
            let dates = assess::dates(&job, &inputs, as_of);
            let assess::Folded { features, .. } = assess::fold(&job, &inputs, dates.bounds(job.zone), watch)?;
            let met = Passes { job: &job, inputs: &inputs, dates: &dates, features: &features }.first()?;
            Kept::Parts(Box::new(Parts { dates, features, met }))
        } else if inputs.shop.customers.facts().customers <= most {
            Self::whole(&job, &inputs, as_of, watch)?
        } else {
            return Ok(None);
        };
        let lines = lines(&job, &inputs, as_of)?;
        Ok(Some(Self { job, inputs, kept, lines }))
    }

    fn whole(job: &Job, inputs: &Inputs, as_of: NaiveDate, watch: &Watch) -> Result<Kept, Error> {
        let mut assessed = assess::run(job, inputs, as_of, watch)?;
        choose::give_last_orders(job, inputs, &mut assessed)?;
        Ok(Kept::Whole(Box::new(assessed)))
    }

    /// Explains one customer, as `explain` would.
    pub fn explain(&self, asked: &str) -> Result<Explanation, Error> {
        let (job, inputs) = (&self.job, &self.inputs);
        let customer = inputs.merges.present(asked);
        let at = inputs.shop.customers.partitions().of(customer);
        let told = (asked, self.lines_of(at, customer)?);
        let compose = |assessed: &Assessed, part: usize| {
            let place = explain::place(assessed, part, customer);
            let found = place.map(|(at, row)| ((at, row), choose::look_at(job, inputs, assessed, at, row)));
            explain::compose(job, inputs, assessed, told, found)
        };
        match &self.kept {
            Kept::Whole(assessed) => compose(assessed, at),
            Kept::Parts(parts) => {
                let Parts { dates, features, met } = &**parts;
                let passes = Passes { job, inputs, dates, features };
                compose(&passes.assessed(passes.people_of(at, met)?, met), 0)
            }
        }
    }

    /// The names that a customer has in the ledger.
    pub fn names(&self, asked: &str) -> Vec<String> {
        self.inputs.before.past.names(self.inputs.merges.present(asked))
    }

    /// A customer's lines in the order of files and rows.
    fn lines_of(&self, at: usize, customer: &str) -> Result<Vec<HistoryLine>, Error> {
        let mut found = Vec::new();
        let take = |row: Vec<Value>| {
            if matches!(row.first(), Some(Value::Text(id)) if id == customer) {
                found.extend(unpacked(row));
            }
        };
        self.lines.each(at, take).map_err(Error::Piles)?;
        found.sort_by_key(|(place, _)| *place);
        let told = |((file, row), line): ((usize, u64), HistoryLine)| HistoryLine { place: self.inputs.purchases.place(file, row), ..line };
        Ok(found.into_iter().map(told).collect())
    }
}

/// Deals the lines of all purchases to the partitions.
fn lines(job: &Job, inputs: &Inputs, as_of: NaiveDate) -> Result<Dealt, Error> {
    let piles = Mutex::new((Piles::within(features::PARTITIONS, &job.runs, HELD), None));
    let take = |customer: &str, place: (usize, u64), line: HistoryLine| {
        let row = packed(customer, place, line);
        let (piles, failed) = &mut *piles.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.is_none() {
            *failed = piles.push(inputs.shop.customers.partitions().of(customer), &row).err();
        }
    };
    inputs.purchases.histories(job.zone.midnight(as_of), &take)?;
    let (piles, failed) = piles.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.map_or_else(|| Ok(piles.done()), |failed| Err(Error::Piles(failed)))
}

/// A line as it lies on a pile. Where it stands is told by numbers, for the words would be long.
fn packed(customer: &str, (file, row): (usize, u64), line: HistoryLine) -> [Value; 10] {
    let number = |number: u64| Value::Int(number.cast_signed());
    let fate = match line.fate {
        LineFate::Counted => Value::Null,
        LineFate::Later => Value::Bool(true),
        LineFate::Bad(what) => Value::Text(what),
        LineFate::LeftOut { rule, column, value } => {
            Value::List(vec![Value::Bool(rule == RuleKind::Exclude), Value::Text(column), Value::maybe(value)])
        }
    };
    [
        customer.into(),
        number(file as u64),
        number(row),
        Value::maybe(line.order_id),
        Value::maybe(line.at),
        Value::maybe(line.amount),
        Value::maybe(line.product),
        Value::maybe(line.category),
        Value::maybe(line.quantity),
        fate,
    ]
}

fn unpacked(row: Vec<Value>) -> Option<((usize, u64), HistoryLine)> {
    let [_, Value::Int(file), Value::Int(nth), order_id, at, amount, product, category, quantity, fate] =
        <[Value; 10]>::try_from(row).ok()?
    else {
        return None;
    };
    let text = |value| if let Value::Text(text) = value { Some(text) } else { None };
    let number = |value| if let Value::Int(number) = value { Some(number) } else { None };
    let fate = match fate {
        Value::Bool(_) => LineFate::Later,
        Value::Text(what) => LineFate::Bad(what),
        Value::List(rule) => {
            let [Value::Bool(excludes), Value::Text(column), value] = <[Value; 3]>::try_from(rule).ok()? else { return None };
            LineFate::LeftOut { rule: if excludes { RuleKind::Exclude } else { RuleKind::Include }, column, value: text(value) }
        }
        _ => LineFate::Counted,
    };
    let line = HistoryLine {
        place: String::new(),
        order_id: text(order_id),
        at: number(at),
        amount: number(amount),
        product: text(product),
        category: text(category),
        quantity: number(quantity),
        fate,
    };
    Some(((usize::try_from(file).ok()?, nth.cast_unsigned()), line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{self, progress};
    use std::path::Path;

    #[test]
    fn everybody_is_explained_as_by_explain() {
        let runs = tempfile::tempdir().unwrap();
        let job = pipeline::load_job(Path::new("jobs/monthly.toml"), Some(runs.path())).unwrap();
        let job = Job { memory: 1 << 30, ..job };
        let as_of = NaiveDate::from_ymd_opt(2026, 12, 1).unwrap();
        let crowd = Crowd::read(&job, as_of, &|_, _| ()).unwrap().unwrap();
        assert!(matches!(crowd.kept, Kept::Parts(_)));
        // The same shop kept whole is what `explain` makes of it.
        let inputs = inputs::open(&job, as_of).unwrap();
        let kept = Crowd::whole(&job, &inputs, as_of, &progress::unwatched).unwrap();
        let whole = Crowd { lines: lines(&job, &inputs, as_of).unwrap(), job: job.clone(), inputs, kept };
        let Kept::Whole(assessed) = &whole.kept else { panic!() };
        let excluded = whole.inputs.shop.customers.facts().excluded.iter().map(|(id, _)| id.as_str());
        let ids: Vec<&str> = assessed.people.iter().flat_map(|part| part.id.iter()).chain(excluded).collect();
        assert!(ids.len() > 1_500, "{}", ids.len());
        let mut lines = 0;
        for (nth, id) in ids.iter().enumerate() {
            let explained = crowd.explain(id).unwrap();
            lines += explained.lines.len();
            if nth % 20 == 0 {
                assert_eq!(explained, whole.explain(id).unwrap(), "{id}");
            }
            if nth % 400 == 0 {
                assert_eq!(explained, pipeline::explain(&job, as_of, id, &progress::unwatched).unwrap(), "{id}");
            }
        }
        assert!(lines > 10_000, "{lines}");
        assert!(matches!(crowd.explain("nobody"), Err(Error::Data(_))));
    }
}
