//! Tells when a folder has changed, and loads its templates again.
//!
//! A file that is being written must not be read: half a template may be well-formed. So a change
//! counts when its file is closed or renamed, and while any other file is being written it waits.
//! Where the system does not tell of closed files, it waits until nothing more changes.
//!
//! An editor saves one file in several steps, with other files beside it: the steps are one change,
//! and files that are the editor's own are none.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::{Error, ErrorKind, Templates};

/// How long nothing must change until what has changed is told.
const SETTLED: Duration = Duration::from_millis(50);

/// How long nothing must change until a file counts as written of whose end nobody tells.
const QUIET: Duration = Duration::from_millis(500);

/// Watches a folder until it is dropped.
#[derive(Debug)]
pub struct Watch {
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Watches a folder and all that is in it; `on_change` is called by a thread of the watch's,
    /// once for changes that follow each other closely. Names that begin with a dot or `#`, or end
    /// with `~`, do not count: editors keep such files beside those that they edit.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub fn folder(folder: &Path, on_change: impl FnMut() + Send + 'static) -> Result<Self, Error> {
        let shown = folder.display().to_string();
        let refuse = |error| Error::of(ErrorKind::Read(Arc::new(error)), &shown);
        let refuse_watch = |error: notify::Error| refuse(std::io::Error::other(error));
        // Events have absolute paths.
        let folder = std::path::absolute(folder).map_err(refuse)?;
        // A full queue holds the system's events up, and loses none.
        let (sender, events) = sync_channel(64);
        let mut watcher = notify::recommended_watcher(move |event| {
            // An error to send means that the other thread has ended, and with it the program.
            drop(sender.send(event));
        })
        .map_err(refuse_watch)?;
        watcher
            .watch(&folder, RecursiveMode::Recursive)
            .map_err(refuse_watch)?;
        std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || follow(folder, &events, on_change))
            .map_err(refuse)?;
        Ok(Self { _watcher: watcher })
    }
}

impl Templates {
    /// Watches the folder and loads it again when a file in it has changed; `on_load` is told of
    /// each load, by a thread of the watch's.
    ///
    /// # Errors
    ///
    /// The system refuses, as it does for templates without a folder.
    pub fn watch(
        self: &Arc<Self>,
        mut on_load: impl FnMut(Result<(), Error>) + Send + 'static,
    ) -> Result<Watch, Error> {
        let folder = self.folder().unwrap_or_else(|| Path::new(""));
        let templates = Arc::downgrade(self);
        Watch::folder(folder, move || {
            if let Some(templates) = Weak::upgrade(&templates) {
                on_load(templates.reload());
            }
        })
    }
}

/// Calls `on_change` after each change, until the watch is gone.
fn follow(folder: PathBuf, events: &Receiver<notify::Result<Event>>, mut on_change: impl FnMut()) {
    let mut changes = Changes::new(folder);
    loop {
        let event = match changes.wait() {
            Some(wait) => events.recv_timeout(wait),
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match event {
            Ok(event) => changes.take(event),
            Err(RecvTimeoutError::Timeout) => {
                changes.is_any = false;
                changes.being_written.clear();
                on_change();
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// What has changed and is not told.
struct Changes {
    folder: PathBuf,
    is_any: bool,
    being_written: HashSet<PathBuf>,
}

impl Changes {
    fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            is_any: false,
            being_written: HashSet::new(),
        }
    }

    /// Says how long nothing more must change until it is told, if there is something to tell.
    fn wait(&self) -> Option<Duration> {
        let wait = if self.being_written.is_empty() {
            SETTLED
        } else {
            QUIET
        };
        self.is_any.then_some(wait)
    }

    fn take(&mut self, event: notify::Result<Event>) {
        let Ok(event) = event else {
            // Something was missed.
            self.is_any = true;
            return;
        };
        if event.need_rescan() {
            self.is_any = true;
        }
        for path in event.paths {
            if !self.is_of_an_editor(&path) {
                self.take_path(event.kind, path);
            }
        }
    }

    fn take_path(&mut self, kind: EventKind, path: PathBuf) {
        match kind {
            EventKind::Create(CreateKind::File) | EventKind::Modify(ModifyKind::Data(_)) => {
                self.is_any = true;
                self.being_written.insert(path);
            }
            EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Remove(_)
            | EventKind::Create(_)
            | EventKind::Modify(ModifyKind::Name(_)) => {
                self.is_any = true;
                self.being_written.remove(&path);
            }
            EventKind::Any | EventKind::Other | EventKind::Access(_) | EventKind::Modify(_) => {}
        }
    }

    fn is_of_an_editor(&self, path: &Path) -> bool {
        let inside = path.strip_prefix(&self.folder).unwrap_or(path);
        inside.iter().any(|name| {
            let name = name.as_encoded_bytes();
            name.starts_with(b".") || name.starts_with(b"#") || name.ends_with(b"~")
        })
    }
}

#[cfg(test)]
mod tests;
