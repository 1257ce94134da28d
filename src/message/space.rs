//! Space that a thread writes one mail after the other into: what is as large as a mail, and asked for anew for each, costs more than the
//! writing.

use std::cell::{Cell, RefCell};

/// No more is kept than this, in bytes: a thread that waits for a mail server should not hold what its largest mail took.
const KEPT: usize = 64 << 10;

/// No more texts that are done with: those of one mail.
const TEXTS: usize = 3;

thread_local! {
    static SPACE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static DONE_WITH: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// An empty text, with the space of one that is done with where there is one.
pub(super) fn text() -> String {
    DONE_WITH.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// Keeps the space of a text that is done with.
pub(super) fn keep(mut text: String) {
    text.clear();
    DONE_WITH.with_borrow_mut(|texts| {
        if text.capacity() <= KEPT && texts.len() < TEXTS {
            texts.push(text);
        }
    });
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
    fn texts_are_written_where_others_were() {
        let mut text = text();
        text.push_str("of one mail");
        let (place, capacity) = (text.as_ptr(), text.capacity());
        keep(text);
        let next = self::text();
        assert_eq!((next.as_str(), next.as_ptr(), next.capacity()), ("", place, capacity));
        keep(String::with_capacity(KEPT + 1));
        assert_eq!(self::text().capacity(), 0, "what is too large is not kept");
        (0..=TEXTS).for_each(|_| keep(String::with_capacity(8)));
        assert_eq!((0..=TEXTS).filter(|_| self::text().capacity() > 0).count(), TEXTS);
    }

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
