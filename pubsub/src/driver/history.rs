//! The histories that this process owns: it gives each message its place, keeps it, and only then
//! has it sent out.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use foldhash::quality::RandomState;

use super::config::Config;
use super::publication::Publication;
use super::sync::{Mutex, lock};
use crate::proto::cursor::Cursor;
use crate::proto::log::{Log, Replay, Retention};
use crate::proto::name::Channel;
use crate::proto::pattern::Pattern;

/// The histories of this process.
pub(crate) struct History {
    rules: Vec<(Pattern, Retention)>,
    max_bytes: usize,
    max_logs: usize,
    logs: Mutex<Logs>,
    n_bytes: AtomicUsize,
    /// Counts uses; an epoch is one of them.
    ticks: AtomicU64,
}

type Logs = HashMap<Channel, Arc<Kept>, RandomState>;

/// A channel's log, until it is forgotten.
struct Kept {
    log: Mutex<Option<Log<Publication>>>,
    /// The tick of the last use.
    used: AtomicU64,
}

impl History {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            rules: config.history.clone(),
            max_bytes: config.max_history_bytes,
            max_logs: config.max_histories.max(1),
            logs: Mutex::default(),
            n_bytes: AtomicUsize::new(0),
            ticks: AtomicU64::new(first_epoch()),
        }
    }

    /// Gives a message its place, keeps it, and has it sent out; `None` where the channel has no
    /// history. The channel's publications are sent in their order: no other is under way.
    pub(crate) fn append(
        &self,
        channel: &Channel,
        n_bytes: usize,
        make: impl FnOnce(Cursor) -> Publication,
        send: impl FnOnce(&Publication),
    ) -> Option<Cursor> {
        let now = now();
        let cursor = self.with_log(channel, |log| {
            let before = log.n_bytes();
            let publication = log.append(n_bytes, now, make);
            self.count(before, log.n_bytes());
            send(&publication);
            log.cursor()
        })?;
        if self.n_bytes.load(Ordering::Relaxed) > self.max_bytes {
            let forgotten = self.forget(&mut lock(&self.logs));
            // Dropped outside the lock: it is foreign code.
            drop(forgotten);
        }
        Some(cursor)
    }

    /// Returns what lies behind a place; `None` where the channel has no history.
    pub(crate) fn since(
        &self,
        channel: &Channel,
        after: Option<Cursor>,
        max: usize,
    ) -> Option<Replay<Publication>> {
        let now = now();
        self.with_log(channel, |log| {
            let before = log.n_bytes();
            log.trim(now);
            self.count(before, log.n_bytes());
            log.since(after, max)
        })
    }

    /// Returns the end of a channel's history, which begins with that if there was none; `None`
    /// where the channel is to have none.
    pub(crate) fn begin(&self, channel: &Channel) -> Option<Cursor> {
        self.with_log(channel, |log| log.cursor())
    }

    /// Returns the end of a channel's history, if it has begun.
    pub(crate) fn cursor(&self, channel: &Channel) -> Option<Cursor> {
        let kept = lock(&self.logs).get(channel).map(Arc::clone)?;
        let log = lock(&kept.log);
        log.as_ref().map(Log::cursor)
    }

    /// Tells whether a channel is to have a history.
    pub(crate) fn is_kept(&self, channel: &Channel) -> bool {
        self.retention(channel).is_some()
    }

    fn retention(&self, channel: &Channel) -> Option<Retention> {
        let mut rules = self.rules.iter();
        let rule = rules.find(|(pattern, _)| pattern.matches(channel.as_str()));
        rule.map(|(_, retention)| *retention)
    }

    fn with_log<R>(
        &self,
        channel: &Channel,
        f: impl FnOnce(&mut Log<Publication>) -> R,
    ) -> Option<R> {
        let retention = self.retention(channel)?;
        loop {
            let kept = self.kept(channel, retention);
            // One that was forgotten between the look and the lock is nobody's history any more.
            if let Some(log) = &mut *lock(&kept.log) {
                kept.used.store(self.tick(), Ordering::Relaxed);
                return Some(f(log));
            }
        }
    }

    fn kept(&self, channel: &Channel, retention: Retention) -> Arc<Kept> {
        let mut logs = lock(&self.logs);
        if let Some(kept) = logs.get(channel) {
            return Arc::clone(kept);
        }
        let forgotten = if logs.len() >= self.max_logs {
            self.forget(&mut logs)
        } else {
            Vec::new()
        };
        let epoch = self.tick();
        let kept = Arc::new(Kept {
            log: Mutex::new(Some(Log::new(epoch, retention))),
            used: AtomicU64::new(epoch),
        });
        logs.insert(channel.clone(), Arc::clone(&kept));
        drop(logs);
        drop(forgotten);
        kept
    }

    /// Forgets histories until both limits are kept with an eighth to spare: first those that are
    /// empty, then those that were longest not used.
    fn forget(&self, logs: &mut Logs) -> Vec<Log<Publication>> {
        let mut order: Vec<(bool, u64, Channel)> = Vec::with_capacity(logs.len());
        logs.retain(|channel, kept| {
            let is_empty = lock(&kept.log)
                .as_ref()
                .is_none_or(|log| log.n_bytes() == 0);
            order.push((
                !is_empty,
                kept.used.load(Ordering::Relaxed),
                channel.clone(),
            ));
            true
        });
        order.sort_unstable();
        let mut forgotten = Vec::new();
        for (_, _, channel) in order {
            let is_within = logs.len() <= self.max_logs - self.max_logs.div_ceil(8)
                && self.n_bytes.load(Ordering::Relaxed) <= self.max_bytes - self.max_bytes / 8;
            if is_within {
                break;
            }
            let log = logs
                .remove(&channel)
                .and_then(|kept| lock(&kept.log).take());
            self.count(log.as_ref().map_or(0, Log::n_bytes), 0);
            forgotten.extend(log);
        }
        forgotten
    }

    /// Notes that a log has grown, or shrunk.
    fn count(&self, before: usize, after: usize) {
        self.n_bytes
            .fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
    }

    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::Relaxed)
    }
}

/// Reads the runtime's clock, so that tests may pause it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Returns where epochs begin: behind all that an earlier process has given away.
#[expect(
    clippy::disallowed_methods,
    reason = "epochs differ between processes by the time"
)]
fn first_epoch() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX / 2)
    })
}
