//! The limit of all outboxes together.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};

use super::queue::Shared;

use crate::lock::lock;

/// What may wait in many outboxes together; clones are the same budget.
///
/// Only what waits is counted, not what leaves at once. Where it is too much, connections are closed
/// until an eighth of the budget is free, those first whose waiting costs most. They end as slow
/// consumers, in WebSocket with 1013; or at once, where more than an eighth of what waits has begun
/// to leave and would have to stay.
#[derive(Clone)]
pub struct Budget(Arc<Inner>);

struct Inner {
    max_bytes: AtomicUsize,
    n_bytes: AtomicUsize,
    n_closed: AtomicU64,
    is_relieved: AtomicBool,
    /// The connections on which something had to wait, by id.
    members: Mutex<BTreeMap<u64, Weak<Shared>>>,
}

impl Budget {
    /// Makes a budget of its own.
    pub fn new(max_bytes: usize) -> Self {
        Self(Arc::new(Inner {
            max_bytes: AtomicUsize::new(max_bytes),
            n_bytes: AtomicUsize::new(0),
            n_closed: AtomicU64::new(0),
            is_relieved: AtomicBool::new(false),
            members: Mutex::default(),
        }))
    }

    /// Returns the budget of this process: a quarter of its memory, which is the machine's, or what
    /// the control groups around it leave it; 256 MiB where the system does not say.
    pub fn of_process() -> Self {
        static PROCESS: OnceLock<Budget> = OnceLock::new();
        let make = || Self::new(memory_bytes().map_or(256 << 20, |bytes| bytes / 4));
        PROCESS.get_or_init(make).clone()
    }

    /// Sets how much may wait, from now on.
    pub fn set_max_bytes(&self, max_bytes: usize) {
        self.0.max_bytes.store(max_bytes, Ordering::Relaxed);
    }

    /// Returns how much may wait.
    pub fn max_bytes(&self) -> usize {
        self.0.max_bytes.load(Ordering::Relaxed)
    }

    /// Returns how much waits: bytes, and what keeping them costs.
    pub fn n_bytes(&self) -> usize {
        self.0.n_bytes.load(Ordering::Relaxed)
    }

    /// Returns how many connections were closed for it.
    pub fn n_closed(&self) -> u64 {
        self.0.n_closed.load(Ordering::Relaxed)
    }

    /// Counts what waits on a connection, which was `before` and is `now`.
    pub(super) fn count(&self, before: usize, now: usize) {
        if now >= before {
            self.0.n_bytes.fetch_add(now - before, Ordering::Relaxed);
        } else {
            self.0.n_bytes.fetch_sub(before - now, Ordering::Relaxed);
        }
    }

    pub(super) fn enter(&self, id: u64, member: &Arc<Shared>) {
        self.members().insert(id, Arc::downgrade(member));
    }

    pub(super) fn leave(&self, id: u64) {
        self.members().remove(&id);
    }

    /// Closes connections where too much waits. Call it without the lock of one.
    pub(super) fn relieve(&self) {
        if self.n_bytes() > self.max_bytes() && !self.0.is_relieved.swap(true, Ordering::Acquire) {
            self.close_largest();
            self.0.is_relieved.store(false, Ordering::Release);
        }
    }

    fn close_largest(&self) {
        let members: Vec<_> = self.members().values().filter_map(Weak::upgrade).collect();
        let counted = members
            .into_iter()
            .map(|member| (member.n_counted(), member));
        let mut members: Vec<_> = counted.filter(|(n_counted, _)| *n_counted > 0).collect();
        members.sort_by_key(|(n_counted, _)| Reverse(*n_counted));
        let max = self.max_bytes();
        for (_, member) in members {
            if self.n_bytes() <= max - max / 8 {
                return;
            }
            if member.close_for_budget() {
                self.0.n_closed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn members(&self) -> MutexGuard<'_, BTreeMap<u64, Weak<Shared>>> {
        lock(&self.0.members)
    }
}

/// Returns the least of what limits the memory of this process.
fn memory_bytes() -> Option<usize> {
    let machine = fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.as_deref().and_then(total_of);
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = limit_files(&groups).into_iter().filter_map(|path| {
        let limit = fs::read_to_string(path).ok()?;
        limit.trim().parse().ok()
    });
    machine.into_iter().chain(limits).min()
}

/// Lists the files in which the control groups of a process, and those around them, have their
/// limits, given what Linux tells of the former.
fn limit_files(groups: &str) -> Vec<PathBuf> {
    let place = |line: &str| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, group) = rest.split_once(':')?;
        let group = PathBuf::from(group.trim_start_matches('/'));
        match controllers {
            "" => Some((group, "/sys/fs/cgroup", "memory.max")),
            "memory" => Some((group, "/sys/fs/cgroup/memory", "memory.limit_in_bytes")),
            _ => None,
        }
    };
    let mut files = Vec::new();
    for (group, root, name) in groups.lines().filter_map(place) {
        let around = group.ancestors();
        files.extend(around.map(|group| Path::new(root).join(group).join(name)));
    }
    files
}

/// Finds the machine's memory in what Linux tells of it.
fn total_of(meminfo: &str) -> Option<usize> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("max_bytes", &self.0.max_bytes)
            .field("n_bytes", &self.0.n_bytes)
            .field("n_closed", &self.0.n_closed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_the_machine_is_read() {
        let meminfo = "MemTotal:       16303428 kB\nMemFree:         8 kB\n";
        assert_eq!(total_of(meminfo), Some(16_303_428 * 1024));
        assert_eq!(total_of("MemFree: 8 kB\n"), None);
        assert_eq!(total_of("MemTotal: much\n"), None);
    }

    #[test]
    fn each_control_group_around_a_process_counts() {
        #[track_caller]
        fn check(groups: &str, expected: &[&str]) {
            let expected: Vec<_> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(limit_files(groups), expected);
        }
        check("0::/\n", &["/sys/fs/cgroup/memory.max"]);
        let unit = [
            "/sys/fs/cgroup/system.slice/astatine.service/memory.max",
            "/sys/fs/cgroup/system.slice/memory.max",
            "/sys/fs/cgroup/memory.max",
        ];
        check("0::/system.slice/astatine.service\n", &unit);
        let first_version = [
            "/sys/fs/cgroup/memory/a/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        ];
        check("5:cpu,cpuacct:/b\n4:memory:/a\n", &first_version);
        check("nonsense\n", &[]);
    }

    #[test]
    fn a_process_has_one_budget() {
        let budget = Budget::of_process();
        assert!(budget.max_bytes() > 1 << 20);
        assert!(Arc::ptr_eq(&budget.0, &Budget::of_process().0));
    }
}
