//! The seam between the Parquet reader and the program: a panic beyond it is an error on this side.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside `watched`: a panic now becomes an error, and whoever prints panics has nothing to print.
#[must_use]
pub fn is_watched() -> bool {
    WATCHED.get()
}

/// Runs a step of the reader; its panic is the error. The step must stay on this thread: what it would hand to others is not
/// watched, and what it would do for others meanwhile is.
pub fn watched<T>(step: impl FnOnce() -> T) -> Result<T, String> {
    let before = WATCHED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(step));
    WATCHED.set(before);
    done.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        format!("the Parquet reader gave up on it: {}", text.unwrap_or("no reason told"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_the_watch_ends() {
        assert!(!is_watched());
        let seen = watched(|| {
            assert!(is_watched());
            let inner = watched(|| -> usize { std::panic::resume_unwind(Box::new("inside")) });
            assert!(is_watched(), "the outer watch goes on");
            inner
        });
        assert!(seen.unwrap().unwrap_err().contains("gave up on it: inside"));
        assert!(!is_watched());
        assert_eq!(watched(|| 7), Ok(7));
    }
}
