//! Space that a thread writes one mail after the other into: what is as large as a mail, and asked for anew for each, costs more than the
//! writing.

use std::cell::Cell;

/// No more is kept than this, in bytes: a thread that waits for a mail server should not hold what its largest mail took.
const KEPT: usize = 64 << 10;

thread_local! {
    static SPACE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Gives empty space for a while.
pub(super) fn with<T>(write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let mut space = SPACE.take();
    space.clear();
    let written = write(&mut space);
    if space.capacity() <= KEPT {
        SPACE.set(space);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_is_empty_and_no_more_than_some_is_kept() {
        with(|outer| {
            outer.extend_from_slice(&[1; 100]);
            with(|inner| assert!(inner.is_empty()));
            assert_eq!(outer.len(), 100);
        });
        assert!(with(|space| space.is_empty() && space.capacity() >= 100));
        with(|space| space.resize(KEPT + 1, 0));
        assert_eq!(with(|space| space.capacity()), 0);
    }
}
