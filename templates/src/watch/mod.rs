//! Loads the templates of a folder again when a file changes.
//!
//! A file that is being written must not be read: half a template may be well-formed. So a change
//! counts when its file is closed or renamed, and while any other file is being written the load
//! waits. Where the system does not tell of closed files, it waits until nothing more changes.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::{Error, ErrorKind, Templates};

/// How long nothing must change until a file counts as written of whose end nobody tells.
const QUIET: Duration = Duration::from_millis(500);

/// Ends the watch when it is dropped.
#[derive(Debug)]
pub struct Watch {
    _watcher: RecommendedWatcher,
}

impl Templates {
    /// Watches the folder and loads it again when a file in it has changed; `on_load` is told of
    /// each load, by a thread of the watch's. Templates without a folder never change.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub fn watch(
        self: &Arc<Self>,
        on_load: impl FnMut(Result<(), Error>) + Send + 'static,
    ) -> Result<Watch, Error> {
        let refuse = |error: notify::Error| {
            let error = std::io::Error::other(error);
            Error::of(ErrorKind::Read(Arc::new(error)), "")
        };
        // A full queue holds the system's events up, and loses none.
        let (sender, events) = sync_channel(64);
        let mut watcher = notify::recommended_watcher(move |event| {
            // An error to send means that the other thread has ended, and with it the templates.
            drop(sender.send(event));
        })
        .map_err(refuse)?;
        if let Some(folder) = self.folder() {
            watcher
                .watch(folder, RecursiveMode::Recursive)
                .map_err(refuse)?;
        }
        let templates = Arc::downgrade(self);
        std::thread::Builder::new()
            .name("templates".to_owned())
            .spawn(move || follow(&templates, &events, on_load))
            .map_err(|error| Error::of(ErrorKind::Read(Arc::new(error)), ""))?;
        Ok(Watch { _watcher: watcher })
    }
}

/// Loads again after each change, until the watch or the templates are gone.
fn follow(
    templates: &Weak<Templates>,
    events: &Receiver<notify::Result<Event>>,
    mut on_load: impl FnMut(Result<(), Error>),
) {
    let mut changes = Changes::default();
    loop {
        let event = if changes.is_any {
            events.recv_timeout(QUIET)
        } else {
            events.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match event {
            Ok(event) => changes.take(event),
            Err(RecvTimeoutError::Timeout) => changes.being_written.clear(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if changes.is_any && changes.being_written.is_empty() {
            changes.is_any = false;
            match templates.upgrade() {
                Some(templates) => on_load(templates.reload()),
                None => return,
            }
        }
    }
}

/// What has changed since the last load.
#[derive(Default)]
struct Changes {
    is_any: bool,
    being_written: HashSet<PathBuf>,
}

impl Changes {
    fn take(&mut self, event: notify::Result<Event>) {
        let Ok(event) = event else {
            // Something was missed.
            self.is_any = true;
            return;
        };
        match event.kind {
            EventKind::Create(CreateKind::File) | EventKind::Modify(ModifyKind::Data(_)) => {
                self.is_any = true;
                self.being_written.extend(event.paths);
            }
            EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Remove(_)
            | EventKind::Create(_)
            | EventKind::Modify(ModifyKind::Name(_)) => {
                self.is_any = true;
                for path in &event.paths {
                    self.being_written.remove(path);
                }
            }
            EventKind::Any | EventKind::Other | EventKind::Access(_) | EventKind::Modify(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
