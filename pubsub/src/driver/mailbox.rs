//! What waits for an engine, and the thread on which the engine lives.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, PoisonError};

use astatine_reactor::handler::Message;

use super::config::Move;
use super::engine::{Engine, EngineError, EngineId, Inlet, Reply};
use super::publication::n_bytes;
use super::scope::Scope;
use super::stats::Stats;
use super::sync::{Mutex, lock};
use crate::proto::cursor::Cursor;
use crate::proto::log::Replay;
use crate::proto::name::{Channel, Name};

/// The queue to one engine. Nobody waits for room.
pub(crate) struct Mailbox {
    pub(crate) id: EngineId,
    state: Mutex<State>,
    changed: Condvar,
    max_bytes: usize,
}

#[derive(Default)]
struct State {
    /// What has become of names since they were last told: as long as the list of names, however
    /// often they change.
    names: BTreeMap<Name, Move>,
    is_reset: bool,
    jobs: VecDeque<Job>,
    n_bytes: usize,
    is_closed: bool,
}

/// What an engine is asked to do.
pub(crate) enum Job {
    Publish(Channel, Message, Scope),
    Append(Channel, Message, Reply<Cursor>),
    Since(
        Channel,
        Option<Cursor>,
        usize,
        Reply<Replay<(Cursor, Message)>>,
    ),
    Request(Box<dyn Any + Send>, Reply<Box<dyn Any + Send>>),
}

impl Mailbox {
    /// Starts the thread of an engine.
    pub(crate) fn start(
        id: EngineId,
        mut engine: Box<dyn Engine>,
        inlet: Inlet,
        max_bytes: usize,
    ) -> Arc<Self> {
        let mailbox = Arc::new(Self {
            id,
            state: Mutex::default(),
            changed: Condvar::new(),
            max_bytes,
        });
        let own = Arc::clone(&mailbox);
        let body = move || {
            own.guarded(&inlet, || engine.attached(inlet.clone()));
            own.serve(&mut *engine, &inlet);
        };
        let thread = std::thread::Builder::new().name("astatine-engine".into());
        if thread.spawn(body).is_err() {
            mailbox.close();
        }
        mailbox
    }

    /// Notes that a name has its first subscription, or had its last.
    pub(crate) fn note(&self, name: &Name, what: Move) {
        let mut state = lock(&self.state);
        if !state.is_closed {
            state.names.insert(name.clone(), what);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Has the engine told all names anew.
    pub(crate) fn reset(&self, names: Vec<Name>) {
        let mut state = lock(&self.state);
        state.is_reset = true;
        state.names = names.into_iter().map(|name| (name, Move::Join)).collect();
        drop(state);
        self.changed.notify_one();
    }

    /// Adds a job; tells whether there was room.
    pub(crate) fn push(&self, job: Job) -> bool {
        let n_bytes = job.n_bytes();
        let mut state = lock(&self.state);
        if state.is_closed || (state.n_bytes > 0 && state.n_bytes + n_bytes > self.max_bytes) {
            let error = if state.is_closed {
                EngineError::Detached
            } else {
                EngineError::Busy
            };
            // Told outside the lock: it is foreign code.
            drop(state);
            job.fail(error);
            return false;
        }
        state.n_bytes += n_bytes;
        state.jobs.push_back(job);
        drop(state);
        self.changed.notify_one();
        true
    }

    /// Ends the thread when it comes back from the engine. What waits is not done.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.is_closed = true;
        let jobs = mem::take(&mut state.jobs);
        drop(state);
        self.changed.notify_one();
        jobs.into_iter()
            .for_each(|job| job.fail(EngineError::Detached));
    }

    fn serve(&self, engine: &mut dyn Engine, inlet: &Inlet) {
        let mut told = BTreeSet::new();
        loop {
            let mut state = lock(&self.state);
            while state.names.is_empty() && state.jobs.is_empty() && !state.is_reset {
                if state.is_closed {
                    return;
                }
                let woken = self.changed.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
            }
            if state.is_closed {
                return;
            }
            let names = mem::take(&mut state.names);
            let is_reset = mem::take(&mut state.is_reset);
            let job = state.jobs.pop_front();
            state.n_bytes -= job.as_ref().map_or(0, Job::n_bytes);
            drop(state);
            if is_reset {
                told.clear();
            }
            // Who publishes behind a subscription finds the engine subscribed.
            for (name, what) in names {
                match what {
                    Move::Join if told.insert(name.clone()) => {
                        self.guarded(inlet, || engine.subscribe(&name));
                    }
                    Move::Leave if told.remove(&name) => {
                        self.guarded(inlet, || engine.unsubscribe(&name));
                    }
                    Move::Join | Move::Leave => {}
                }
            }
            if let Some(job) = job {
                self.guarded(inlet, || job.run(engine));
            }
        }
    }

    /// Calls an engine, whose panic is counted.
    fn guarded(&self, inlet: &Inlet, call: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(call)).is_err() {
            if let Some(core) = inlet.0.upgrade() {
                core.counters.add(&Stats {
                    n_panics: 1,
                    ..Stats::default()
                });
            }
        }
    }
}

impl Job {
    fn n_bytes(&self) -> usize {
        let payload = match self {
            Self::Publish(_, message, _) | Self::Append(_, message, _) => n_bytes(message),
            Self::Since(..) | Self::Request(..) => 0,
        };
        payload + JOB_BYTES
    }

    fn run(self, engine: &mut dyn Engine) {
        match self {
            Self::Publish(channel, message, scope) => engine.publish(&channel, message, scope),
            Self::Append(channel, message, reply) => engine.append(&channel, message, reply),
            Self::Since(channel, after, max, reply) => engine.since(&channel, after, max, reply),
            Self::Request(command, reply) => engine.request(command, reply),
        }
    }

    fn fail(self, error: EngineError) {
        match self {
            Self::Publish(..) => {}
            Self::Append(_, _, reply) => reply.fail(error),
            Self::Since(_, _, _, reply) => reply.fail(error),
            Self::Request(_, reply) => reply.fail(error),
        }
    }
}

/// What a job costs beside its payload.
const JOB_BYTES: usize = 128;
