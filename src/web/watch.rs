//! Watches the template folder: whoever saves a file in an editor of their own sees the preview change.

use super::state::State;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Weak;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// An editor writes a file in several steps; it is told once they are done.
const QUIET: Duration = Duration::from_millis(15);
/// It is told at last after so many of them.
const MOST: usize = 8;

/// Tells the pages that listen when a template changes; `None` where this machine gives no notice. It ends when what it gives is dropped.
pub fn watch(folder: &Path, state: Weak<State>) -> Option<RecommendedWatcher> {
    let (sender, receiver) = channel();
    let told = move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| is_of_templates(&event)) {
            // Nobody listens any more when the studio ends.
            let _ = sender.send(());
        }
    };
    let mut watcher = notify::recommended_watcher(told).ok()?;
    watcher.watch(folder, RecursiveMode::Recursive).ok()?;
    std::thread::spawn(move || tell(&receiver, &state));
    Some(watcher)
}

/// Reading changes nothing, and what is hidden is no template: editors and we ourselves write beside a file first.
fn is_of_templates(event: &Event) -> bool {
    let is_seen = |name: &OsStr| !name.to_string_lossy().starts_with('.') && !name.to_string_lossy().ends_with('~');
    !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(|path| path.file_name().is_some_and(is_seen))
}

fn tell(receiver: &Receiver<()>, state: &Weak<State>) {
    while receiver.recv().is_ok() {
        let quiet = |_: &usize| !matches!(receiver.recv_timeout(QUIET), Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected));
        (0..MOST).take_while(quiet).for_each(drop);
        let Some(state) = state.upgrade() else { return };
        state.news.send_modify(|count| *count += 1);
    }
}
