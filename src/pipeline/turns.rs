//! Much that is done at the same time, and handed on one after the other.

use rayon::ScopeFifo;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Does something for each number below `many`, on all threads, and hands what comes of it to `take` in the order of the numbers. No
/// number is begun that is `ahead` or more behind the one whose turn it is, so that no more than that waits in memory. Nobody waits for
/// his turn: whoever brings what was missing hands on all that there is. After a failure no number is begun any more.
pub fn in_turn<T: Send, E: Send>(
    many: usize,
    ahead: usize,
    work: impl Fn(usize) -> Result<T, E> + Sync,
    take: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let state = State { begun: 0, taken: 0, waiting: BTreeMap::new(), take: Some(take), failed: None };
    let turns = Turns { many, ahead: ahead.max(1), work, state: Mutex::new(state) };
    rayon::scope_fifo(|scope| turns.begin(scope, &mut turns.state()));
    let state = turns.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    state.failed.map_or(Ok(()), Err)
}

struct Turns<W, K, T, E> {
    many: usize,
    ahead: usize,
    work: W,
    state: Mutex<State<K, T, E>>,
}

struct State<K, T, E> {
    /// The first number that is not begun, and the one whose turn it is.
    begun: usize,
    taken: usize,
    waiting: BTreeMap<usize, T>,
    /// It is away while somebody hands on.
    take: Option<K>,
    failed: Option<E>,
}

impl<T, E, W, K> Turns<W, K, T, E>
where
    T: Send,
    E: Send,
    W: Fn(usize) -> Result<T, E> + Sync,
    K: FnMut(T) -> Result<(), E> + Send,
{
    fn state(&self) -> MutexGuard<'_, State<K, T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins all numbers that may be begun.
    fn begin<'s>(&'s self, scope: &ScopeFifo<'s>, state: &mut State<K, T, E>) {
        while state.failed.is_none() && state.begun < self.many.min(state.taken + self.ahead) {
            let number = state.begun;
            state.begun += 1;
            scope.spawn_fifo(move |scope| {
                let done = (self.work)(number);
                self.done(scope, number, done);
            });
        }
    }

    fn done<'s>(&'s self, scope: &ScopeFifo<'s>, number: usize, done: Result<T, E>) {
        let mut state = self.state();
        match done {
            Ok(done) => drop(state.waiting.insert(number, done)),
            Err(error) => drop(state.failed.get_or_insert(error)),
        }
        // Whoever has it away looks again before bringing it back.
        let Some(mut take) = state.take.take() else { return };
        while state.failed.is_none() {
            let turn = state.taken;
            let Some(next) = state.waiting.remove(&turn) else { break };
            drop(state);
            let taken = take(next);
            state = self.state();
            state.taken += 1;
            state.failed = state.failed.take().or(taken.err());
            self.begin(scope, &mut state);
        }
        state.take = Some(take);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn all_is_handed_on_in_order_and_little_waits() {
        let taken = AtomicUsize::new(0);
        let mut seen = Vec::new();
        let work = |number: usize| {
            assert!(number < taken.load(Ordering::SeqCst) + 5, "{number} is begun too early");
            std::thread::sleep(std::time::Duration::from_micros(97 * (number as u64 % 7)));
            Ok::<_, ()>(number)
        };
        let done = in_turn(300, 5, work, |number| {
            seen.push(number);
            taken.fetch_add(1, Ordering::SeqCst);
            Ok(())
        });
        assert_eq!(done, Ok(()));
        assert!(seen.iter().copied().eq(0..300), "{seen:?}");
        assert_eq!(in_turn(0, 5, |_| Err::<(), _>("none"), |()| Ok(())), Ok(()));
    }

    #[test]
    fn a_failure_ends_it() {
        let begun = AtomicUsize::new(0);
        let work = |number: usize| {
            begun.fetch_add(1, Ordering::SeqCst);
            if number == 20 { Err("work") } else { Ok(number) }
        };
        let mut last = None;
        let take = |number| {
            last = Some(number);
            Ok(())
        };
        assert_eq!(in_turn(10_000, 4, work, take), Err("work"));
        assert!(begun.load(Ordering::SeqCst) < 30 && last.is_none_or(|last| last < 20));
        assert_eq!(in_turn(10_000, 4, Ok, |number| if number == 7 { Err("take") } else { Ok(()) }), Err("take"));
    }
}
