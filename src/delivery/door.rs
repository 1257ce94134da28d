//! The door of one mail server, before which all connections to it stand in one line.

use super::pause;
use crate::domain::delivery::RunTrouble;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// An attempt that has not been answered for so long does not keep the others from theirs.
const TURN: Duration = Duration::from_secs(1);
/// Nobody stands there longer without a look at whether the run is being stopped.
const GLANCE: Duration = Duration::from_millis(10);

/// Lets one connection at a time try the server. As long as it opens they follow each other at once, and those that come for the first
/// time together, as many as have gone in before; while it is away there is at most one attempt a second over all of them, and fewer the
/// longer it lasts.
#[derive(Debug, Clone, Default)]
pub struct Door(Arc<Place>);

#[derive(Debug, Default)]
struct Place {
    known: Mutex<Known>,
    /// Somebody who stood at the door has gone in.
    opened: Condvar,
}

#[derive(Debug, Default)]
struct Known {
    /// How many have gone in since the server was away.
    inside: usize,
    /// How many stand at the door, and have not been answered.
    trying: usize,
    /// No attempt before this, unless the door is open.
    not_before: Option<Instant>,
    failures: u32,
    /// How many failures were counted at all: of those who stand there together only the first counts.
    burst: u64,
    /// Since when nothing was heard of the server.
    away_since: Option<Instant>,
    last_words: String,
}

impl Door {
    /// For how long the server has been away; `None` when it was heard last.
    #[must_use]
    pub fn away(&self) -> Option<Duration> {
        self.known().away_since.map(|since| since.elapsed())
    }

    /// Takes the next attempt, waits a moment for it, or tells that it is not yet time for one. What came of an attempt must be told to the
    /// door: that it `opened`, that it `failed`, with the number that is given here, or that somebody `left`.
    /// Whoever comes for the `first` time may stand beside others. Those who were inside before come back one by one, for they may all
    /// have lost a server that is going away.
    pub(super) fn knock(&self, first: bool) -> Result<u64, RunTrouble> {
        let is_shut = |known: &mut Known| {
            let together = if first { known.inside } else { known.inside.min(1) };
            known.trying >= together && known.not_before.is_some_and(|at| Instant::now() < at)
        };
        let waited = self.0.opened.wait_timeout_while(self.known(), GLANCE, is_shut);
        let (mut known, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(RunTrouble::Waiting { reply: known.last_words.clone() });
        }
        known.trying += 1;
        known.not_before = Some(Instant::now() + TURN);
        Ok(known.burst)
    }

    /// The server answered at the door, be it with a refusal.
    pub(super) fn opened(&self) {
        let mut known = self.known();
        let (inside, trying) = (known.inside + 1, known.trying.saturating_sub(1));
        *known = Known { inside, trying, not_before: known.not_before, burst: known.burst, ..Known::default() };
        self.0.opened.notify_all();
    }

    /// Somebody goes away without an answer, for the run is being stopped.
    pub(super) fn left(&self) {
        let mut known = self.known();
        known.trying = known.trying.saturating_sub(1);
    }

    /// The server answered somebody who is inside already. It may still let nobody else in.
    pub(super) fn heard(&self) {
        self.known().away_since = None;
    }

    /// The server was not there, or let nobody in. Attempts that had begun before another one failed say nothing new.
    pub(super) fn failed(&self, burst: u64, words: &str) {
        let mut known = self.known();
        let now = Instant::now();
        known.trying = known.trying.saturating_sub(1);
        if burst != known.burst {
            return;
        }
        known.burst += 1;
        known.inside = 0;
        // The process number keeps several machines that lost one server from coming back in step.
        known.not_before = Some(now + pause(known.failures, u64::from(std::process::id())));
        known.failures = known.failures.saturating_add(1);
        known.away_since.get_or_insert(now);
        words.clone_into(&mut known.last_words);
    }

    /// Nothing here panics while it holds the lock, so a poisoned one is as good as any.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_none_right_after_a_failure() {
        let door = Door::default();
        door.knock(false).unwrap();
        assert!(matches!(door.knock(false), Err(RunTrouble::Waiting { .. })), "somebody is at the door");
        door.opened();
        door.knock(false).unwrap();
        door.opened();
        let burst = door.knock(false).unwrap();
        assert_eq!(door.away(), None);
        door.failed(burst, "gone");
        assert_eq!(door.knock(false), Err(RunTrouble::Waiting { reply: "gone".into() }));
        assert!(door.away().is_some());
        door.heard();
        assert_eq!(door.away(), None);
        assert!(door.knock(false).is_err(), "whoever is inside does not open the door for others");
    }

    #[test]
    fn an_attempt_without_an_answer_does_not_block_the_others_for_ever() {
        let door = Door::default();
        door.knock(false).unwrap();
        std::thread::sleep(TURN);
        door.knock(false).unwrap();
    }

    #[test]
    fn newcomers_go_in_together_and_those_who_were_inside_one_by_one() {
        let door = Door::default();
        let let_in = |first| std::iter::from_fn(|| door.knock(first).ok()).count();
        for together in [1, 1, 2, 4] {
            assert_eq!(let_in(true), together);
            (0..together).for_each(|_| door.opened());
        }
        assert_eq!(let_in(false), 1);
        assert_eq!(let_in(true), 7, "one of eight stands there already");
        door.failed(0, "gone");
        assert_eq!((let_in(true), let_in(false)), (0, 0), "after a failure nobody");
    }

    #[test]
    fn failures_of_one_burst_are_one() {
        let door = Door::default();
        let bursts: Vec<u64> = (0..8).filter_map(|_| door.knock(true).inspect(|_| door.opened()).ok()).collect();
        let together: Vec<u64> = std::iter::from_fn(|| door.knock(true).ok()).collect();
        assert_eq!((bursts.len(), together.len()), (8, 8));
        for burst in together {
            door.failed(burst, "too many");
        }
        let Known { failures, trying, .. } = *door.known();
        assert_eq!((failures, trying), (1, 0));
        // The pause is that of one failure, and then one attempt is let in.
        let most = Instant::now() + pause(0, u64::from(std::process::id()));
        assert!(door.known().not_before.is_some_and(|at| at <= most));
        door.known().not_before = Some(Instant::now());
        let again: Vec<u64> = std::iter::from_fn(|| door.knock(true).ok()).collect();
        assert_eq!(again, [1]);
        door.left();
        assert_eq!(door.known().trying, 0);
    }
}
