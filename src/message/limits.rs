//! What a mail may take that somebody works on: so much time, and so much memory. Whatever is rendered looks now and then whether that is over,
//! and fails with its place.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tera::{Error, TeraResult, Value};

/// What a mail says that takes too long.
const TOO_LONG: &str = "it takes too long to render";
/// What one says that takes too much memory.
const TOO_MUCH: &str = "it takes too much memory to render";
/// What one says that keeps too much.
const TOO_LARGE: &str = "it makes more than 1024 KiB of one value";
const TOO_DEEP: &str = "it puts lists into lists, more than 32 deep";
const TOO_MANY: &str = "its lists made with `for` have more than 16384 KiB in all";

/// No value that a template keeps may be larger, in bytes, as [`weigh`] tells it.
pub(super) const LARGEST: usize = 1 << 20;
/// Nor lie deeper.
const DEEPEST: usize = 32;
/// The members of all lists that a mail makes with `for` in brackets.
const MEMBERS: usize = 16 << 20;
/// Memory beyond what the program had when the mail was begun, in bytes.
const ROOM: u64 = 256 << 20;
/// What a value takes beside its text.
const NODE: usize = 32;

/// What the program has of memory and may have, as it was last told; 0 where nobody tells.
static RESIDENT: AtomicU64 = AtomicU64::new(0);
static MOST: AtomicU64 = AtomicU64::new(0);

/// Up to when, and up to how much memory of the program.
#[derive(Clone, Copy)]
struct Limit {
    until: Instant,
    resident: u64,
}

thread_local! {
    static LIMIT: Cell<Option<Limit>> = const { Cell::new(None) };
    static LISTED: Cell<usize> = const { Cell::new(0) };
}

/// Tells what the program has of memory and may have, in bytes; some fifty times a second is often enough.
pub fn note_memory(resident: u64, most: u64) {
    RESIDENT.store(resident, Ordering::Relaxed);
    MOST.store(most, Ordering::Relaxed);
}

/// Renders something that must end in time, and before it takes all memory.
pub fn within<T>(time: Duration, render: impl FnOnce() -> T) -> T {
    let (had, most) = (RESIDENT.load(Ordering::Relaxed), MOST.load(Ordering::Relaxed));
    let room = ROOM.min(most.saturating_sub(had) / 2);
    LIMIT.set(Some(Limit { until: Instant::now() + time, resident: had.saturating_add(room) }));
    LISTED.set(0);
    let rendered = render();
    LIMIT.set(None);
    rendered
}

/// What is over of that which this thread renders: its time, or its memory.
pub(super) fn over() -> Option<&'static str> {
    let limit = LIMIT.get()?;
    if RESIDENT.load(Ordering::Relaxed) > limit.resident {
        return Some(TOO_MUCH);
    }
    (Instant::now() > limit.until).then_some(TOO_LONG)
}

/// The reason that is in an error of Tera's, if it is one of these.
pub(super) fn reason(message: &str) -> Option<&'static str> {
    [TOO_LONG, TOO_MUCH, TOO_LARGE, TOO_DEEP, TOO_MANY].into_iter().find(|reason| message.contains(reason))
}

/// Looks whether something is over.
pub(super) fn look() -> TeraResult<()> {
    over().map_or(Ok(()), |over| Err(Error::message(over)))
}

/// Looks whether a value may be kept.
pub(super) fn keep(value: &Value) -> TeraResult<()> {
    look()?;
    weigh(value, LARGEST).map(drop).map_err(Error::message)
}

/// Looks whether a list that is made with `for` may have one more member.
pub(super) fn list(value: &Value) -> TeraResult<()> {
    keep(value)?;
    let listed = LISTED.get() + weigh(value, LARGEST).unwrap_or(LARGEST);
    LISTED.set(listed);
    if listed > MEMBERS { Err(Error::message(TOO_MANY)) } else { Ok(()) }
}

/// What a value would take if nothing in it were shared, in bytes; it looks no further than up to a limit, or what is shared a thousand times
/// would be counted as often.
///
/// # Errors
/// It is larger, or lies too deep.
pub(super) fn weigh(value: &Value, most: usize) -> Result<usize, &'static str> {
    let mut waiting = vec![(value, 1)];
    let mut bytes = 0_usize;
    while let Some((value, depth)) = waiting.pop() {
        bytes = bytes.saturating_add(NODE + value.as_str().map_or(0, str::len));
        if bytes > most {
            return Err(TOO_LARGE);
        }
        if depth > DEEPEST {
            return Err(TOO_DEEP);
        }
        if let Some(members) = value.as_array() {
            // Each will be looked at: there is no need to begin with more of them than there is room for.
            if members.len().saturating_mul(NODE) > most {
                return Err(TOO_LARGE);
            }
            waiting.extend(members.iter().map(|member| (member, depth + 1)));
        } else if let Some(map) = value.as_map() {
            bytes = bytes.saturating_add(map.keys().map(|key| NODE + key.as_str().map_or(0, str::len)).sum());
            waiting.extend(map.values().map(|member| (member, depth + 1)));
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubled(times: usize, grow: impl Fn(Value) -> Value) -> Value {
        (0..times).fold(Value::from("abc"), |value, _| grow(value))
    }

    #[test]
    fn what_is_shared_counts_as_often_as_it_is_there() {
        assert_eq!(weigh(&Value::from("abc"), LARGEST), Ok(NODE + 3));
        assert_eq!(weigh(&Value::from(vec![Value::from("abc"); 2]), LARGEST), Ok(3 * NODE + 6));
        let began = Instant::now();
        assert_eq!(weigh(&doubled(30, |value| Value::from(vec![value.clone(), value])), LARGEST), Err(TOO_LARGE));
        assert!(began.elapsed() < Duration::from_secs(2));
        assert_eq!(weigh(&doubled(40, |value| Value::from(vec![value])), LARGEST), Err(TOO_DEEP));
        assert!(weigh(&doubled(30, |value| Value::from(vec![value])), LARGEST).is_ok());
    }

    #[test]
    fn nothing_is_over_outside_and_time_and_lists_end_within() {
        assert!(over().is_none());
        within(Duration::ZERO, || assert_eq!(over(), Some(TOO_LONG)));
        within(Duration::from_mins(1), || {
            let text = Value::from("a".repeat(LARGEST / 2));
            assert_eq!((0..100).position(|_| list(&text).is_err()), Some(MEMBERS / (LARGEST / 2 + NODE)));
        });
        within(Duration::from_mins(1), || assert!(list(&Value::from(1)).is_ok()));
    }
}
