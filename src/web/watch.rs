//! Watches the template folder: whoever saves a file in an editor of their own sees the preview change. A folder that is put in the place of
//! the one that is watched, as `git checkout` and rsync do it, is watched from then on.

use super::state::State;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

/// An editor writes a file in several steps; it is told once they are done.
const QUIET: Duration = Duration::from_millis(15);
/// It is told at last after so many of them.
const MOST: usize = 8;
/// How often it is looked whether the folder is still the one that is watched: of a folder above it that is moved, nobody gives notice.
const GLANCE: Duration = Duration::from_millis(50);

/// Tells the pages that listen when a template of the job changes, until nobody has the state any more. A machine that gives no notice still
/// tells of whole folders.
pub fn watch(state: Weak<State>) {
    let (sender, receiver) = channel();
    let told = move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| is_of_templates(&event)) {
            // Nobody listens any more when the studio ends.
            let _ = sender.send(());
        }
    };
    let mut watched = Watched { watcher: notify::recommended_watcher(told).ok(), path: PathBuf::new(), folder: None, is_heard: false };
    if let Some(state) = state.upgrade() {
        watched.look(&state.studio().job.templates);
    }
    std::thread::spawn(move || tell(&receiver, &mut watched, &state));
}

/// Reading changes nothing, and what is hidden is no template: editors and we ourselves write beside a file first.
fn is_of_templates(event: &Event) -> bool {
    let is_seen = |name: &OsStr| !name.to_string_lossy().starts_with('.') && !name.to_string_lossy().ends_with('~');
    !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(|path| path.file_name().is_some_and(is_seen))
}

fn tell(receiver: &Receiver<()>, watched: &mut Watched, state: &Weak<State>) {
    loop {
        let heard = receiver.recv_timeout(GLANCE);
        if heard.is_ok() {
            let quiet =
                |_: &usize| !matches!(receiver.recv_timeout(QUIET), Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected));
            (0..MOST).take_while(quiet).for_each(drop);
        } else if heard == Err(RecvTimeoutError::Disconnected) {
            // There is no watcher; what is looked at is the folder alone.
            std::thread::sleep(GLANCE);
        }
        let Some(state) = state.upgrade() else { return };
        // A new folder is watched before it is told: what is saved from then on is told again.
        if watched.look(&folder_of(&state)) || heard.is_ok() {
            state.news.send_modify(|count| *count += 1);
        }
    }
}

/// The folder of the job that is shown now.
fn folder_of(state: &Arc<State>) -> PathBuf {
    state.studio().job.templates.clone()
}

/// The folder that is watched.
struct Watched {
    watcher: Option<RecommendedWatcher>,
    path: PathBuf,
    /// What tells it from another one of this path; `None` while there is none.
    folder: Option<Folder>,
    /// Notice is given of it.
    is_heard: bool,
}

impl Watched {
    /// Watches the folder that is there now. Whether that is another one than before.
    fn look(&mut self, path: &Path) -> bool {
        let folder = Folder::at(path);
        if path == self.path && folder == self.folder && (self.is_heard || folder.is_none()) {
            return false;
        }
        let is_other = path != self.path || folder != self.folder;
        if let Some(watcher) = &mut self.watcher {
            if self.is_heard {
                // The watch of a folder that was removed is gone with it.
                let _ = watcher.unwatch(&self.path);
            }
            self.is_heard = folder.is_some() && watcher.watch(path, RecursiveMode::Recursive).is_ok();
        }
        (self.path, self.folder) = (path.to_owned(), folder);
        is_other
    }
}

/// What tells a folder from one that takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Folder {
    /// A number may be given again once a folder is gone; not at the same moment.
    made: Option<SystemTime>,
    number: (u64, u64),
}

impl Folder {
    fn at(path: &Path) -> Option<Self> {
        let about = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_dir)?;
        Some(Self { made: about.created().ok(), number: number(&about) })
    }
}

#[cfg(unix)]
fn number(about: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (about.dev(), about.ino())
}

#[cfg(not(unix))]
fn number(_: &std::fs::Metadata) -> (u64, u64) {
    (0, 0)
}
