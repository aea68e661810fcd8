//! The browsers that load their page again when something has changed.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use astatine_reactor::Shutdown;
use astatine_sse::{Config, Event, EventBody, Events};

/// The browsers that listen, each by an event stream on which it hears the version.
#[derive(Clone, Debug)]
pub(crate) struct Browsers {
    listening: Arc<Mutex<Listening>>,
    shutdown: Shutdown,
}

#[derive(Debug)]
struct Listening {
    version: u64,
    streams: Vec<Events>,
}

impl Browsers {
    pub(crate) fn new(shutdown: Shutdown) -> Self {
        let listening = Listening {
            // A browser that comes back to a server that was started anew must see that it was.
            version: RandomState::new().hash_one(()),
            streams: Vec::new(),
        };
        Self {
            listening: Arc::new(Mutex::new(listening)),
            shutdown,
        }
    }

    /// Makes a new version, of which every browser is told.
    pub(crate) fn reload(&self) {
        let mut listening = self.listening();
        listening.version = listening.version.wrapping_add(1);
        let version = shown(listening.version);
        let is_told = |stream: &Events| stream.try_send(Event::data(&version)).is_ok();
        listening.streams.retain(is_told);
    }

    /// Returns the version. Who asks before it looks at what is shown is told of all that it misses.
    pub(super) fn version(&self) -> String {
        shown(self.listening().version)
    }

    /// Makes the stream of a browser, which hears the version at once and whenever it changes.
    pub(super) fn stream(&self) -> EventBody {
        let (events, body) = EventBody::new(&Config::default());
        let mut listening = self.listening();
        listening.streams.retain(|stream| !stream.is_closed());
        let version = shown(listening.version);
        if events.try_send(Event::data(&version)).is_ok() {
            listening.streams.push(events);
        }
        body.with_shutdown(&self.shutdown)
    }

    fn listening(&self) -> MutexGuard<'_, Listening> {
        // Nothing can panic while it is changed.
        self.listening
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn shown(version: u64) -> String {
    format!("{version:x}")
}
