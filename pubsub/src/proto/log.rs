//! The history of one channel: its last messages, bounded by count, bytes and age.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::cursor::Cursor;

/// How much of a channel is kept. What goes beyond any of the three is forgotten, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// Most messages of one channel. Default 100.
    pub max_messages: usize,
    /// Most bytes of one channel, payloads with a small charge for each message. Default 1 MiB.
    pub max_bytes: usize,
    /// The age at which a message is forgotten. Default 5 min.
    pub max_age: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_messages: 100,
            max_bytes: 1 << 20,
            max_age: Duration::from_secs(300),
        }
    }
}

/// The last entries of one channel, each with its offset.
#[derive(Debug)]
pub struct Log<T> {
    epoch: u64,
    /// The offset of the last entry that there ever was.
    last: u64,
    entries: VecDeque<Entry<T>>,
    n_bytes: usize,
    retention: Retention,
}

#[derive(Debug)]
struct Entry<T> {
    value: T,
    n_bytes: usize,
    at: Instant,
}

/// What lies behind a place in a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay<T> {
    /// What is still known, oldest first.
    pub entries: Vec<T>,
    /// Whether there was more, which is forgotten, or the place is of an other history.
    pub has_gap: bool,
    /// The place behind the last entry, where what comes next begins.
    pub cursor: Cursor,
}

impl<T> Replay<T> {
    /// Returns the place before the first entry.
    pub fn begin(&self) -> Cursor {
        Cursor {
            epoch: self.cursor.epoch,
            // Saturating: a replay may be another's, and wrong.
            offset: self.cursor.offset.saturating_sub(self.entries.len() as u64),
        }
    }
}

/// What an entry costs beside its bytes.
const ENTRY_BYTES: usize = 128;

impl<T: Clone> Log<T> {
    /// Makes a history without entries. Its epoch is to be one that no history of the same name had.
    pub fn new(epoch: u64, retention: Retention) -> Self {
        Self {
            epoch,
            last: 0,
            entries: VecDeque::new(),
            n_bytes: 0,
            retention,
        }
    }

    /// Returns the place behind the last entry.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            epoch: self.epoch,
            offset: self.last,
        }
    }

    /// Returns what the entries cost.
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Adds an entry of so many bytes, which is made with its place.
    pub fn append(&mut self, n_bytes: usize, now: Instant, make: impl FnOnce(Cursor) -> T) -> T {
        self.last += 1;
        let value = make(self.cursor());
        let n_bytes = n_bytes + ENTRY_BYTES;
        self.n_bytes += n_bytes;
        self.entries.push_back(Entry {
            value: value.clone(),
            n_bytes,
            at: now,
        });
        self.trim(now);
        value
    }

    /// Forgets what is beyond the limits.
    pub fn trim(&mut self, now: Instant) {
        let limits = self.retention;
        while let Some(oldest) = self.entries.front() {
            let is_beyond = self.entries.len() > limits.max_messages
                || self.n_bytes > limits.max_bytes
                || now.saturating_duration_since(oldest.at) >= limits.max_age;
            if !is_beyond {
                break;
            }
            self.n_bytes -= oldest.n_bytes;
            self.entries.pop_front();
        }
    }

    /// Returns at most `max` entries behind a place, or from the oldest on; after [`Log::trim`],
    /// without those that are too old.
    pub fn since(&self, after: Option<Cursor>, max: usize) -> Replay<T> {
        let n_forgotten = self.last - self.entries.len() as u64;
        let (from, has_gap) = match after {
            None => (n_forgotten, false),
            Some(cursor) if cursor.epoch != self.epoch || cursor.offset > self.last => {
                (n_forgotten, true)
            }
            Some(cursor) => (cursor.offset.max(n_forgotten), cursor.offset < n_forgotten),
        };
        let n_skipped = usize::try_from(from - n_forgotten).unwrap_or(usize::MAX);
        let entries = self.entries.iter().skip(n_skipped).take(max);
        let entries: Vec<T> = entries.map(|entry| entry.value.clone()).collect();
        let cursor = Cursor {
            epoch: self.epoch,
            offset: from + entries.len() as u64,
        };
        Replay {
            entries,
            has_gap,
            cursor,
        }
    }
}
