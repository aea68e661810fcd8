//! How many connections are open, and whether one more is served, refused or closed at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::Notify;

use crate::lock::lock;
use crate::net::Config;
use crate::{Address, Refused};

/// The counts of one server, for all its threads and listeners.
#[derive(Debug)]
pub(super) struct Limits {
    max_served: usize,
    max_refused: usize,
    max_per_address: Option<usize>,
    n_served: AtomicUsize,
    n_refused: AtomicUsize,
    /// Touched only when there is a limit for each address.
    by_address: Mutex<HashMap<IpAddr, usize>>,
    emptied: Notify,
}

/// What the runtime of a thread and its listening socket take.
const DESCRIPTORS_OF_A_THREAD: usize = 5;

/// The place of one open connection in the counts, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    limits: Arc<Limits>,
    counted_as: Counted,
}

#[derive(Debug)]
enum Counted {
    Served,
    /// Served, and counted for its address as well.
    ServedFrom(IpAddr),
    Refused(Refused),
}

impl Limits {
    pub(super) fn new(config: &Config, n_threads: usize) -> Arc<Self> {
        // Many threads would use the reserve up by themselves.
        let least_reserve = 2 * n_threads * DESCRIPTORS_OF_A_THREAD;
        let max_served = config.max_connections.map_or_else(
            || {
                descriptor_limit()
                    .saturating_sub(config.descriptor_reserve.max(least_reserve))
                    .max(1)
            },
            usize::from,
        );
        Arc::new(Self {
            max_served,
            max_refused: config.descriptor_reserve / 2,
            max_per_address: config.max_connections_per_address.map(usize::from),
            n_served: AtomicUsize::new(0),
            n_refused: AtomicUsize::new(0),
            by_address: Mutex::default(),
            emptied: Notify::new(),
        })
    }

    /// Counts a new connection; `None` when it is to be closed at once.
    pub(super) fn enter(self: &Arc<Self>, remote: &Address) -> Option<Place> {
        let counted_as = match self.admit(remote) {
            Ok(served) => served,
            Err(refused) if enter_below(&self.n_refused, self.max_refused) => {
                Counted::Refused(refused)
            }
            Err(_) => return None,
        };
        Some(Place {
            limits: Arc::clone(self),
            counted_as,
        })
    }

    /// Counts a connection that this side makes, and that is never refused.
    pub(super) fn hold(self: &Arc<Self>) -> Place {
        self.n_served.fetch_add(1, Ordering::AcqRel);
        Place {
            limits: Arc::clone(self),
            counted_as: Counted::Served,
        }
    }

    fn admit(&self, remote: &Address) -> Result<Counted, Refused> {
        let counted_as = match (self.max_per_address, remote) {
            (Some(max), Address::Tcp(address)) => {
                let network = network_of(address.ip());
                if !self.enter_address(network, max) {
                    return Err(Refused::PerAddress);
                }
                Counted::ServedFrom(network)
            }
            _ => Counted::Served,
        };
        if enter_below(&self.n_served, self.max_served) {
            return Ok(counted_as);
        }
        if let Counted::ServedFrom(network) = counted_as {
            self.leave_address(network);
        }
        Err(Refused::Full)
    }

    fn enter_address(&self, network: IpAddr, max: usize) -> bool {
        let mut by_address = lock(&self.by_address);
        let count = by_address.entry(network).or_insert(0);
        if *count >= max {
            return false;
        }
        *count += 1;
        true
    }

    fn leave_address(&self, network: IpAddr) {
        let mut by_address = lock(&self.by_address);
        if let Entry::Occupied(mut count) = by_address.entry(network) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    /// Completes when no connection is open.
    ///
    /// # Cancel safety
    ///
    /// It holds no state but its place among the waiters.
    pub(super) async fn empty(&self) {
        loop {
            let mut emptied = pin!(self.emptied.notified());
            emptied.as_mut().enable();
            if self.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    fn is_empty(&self) -> bool {
        self.n_served.load(Ordering::Acquire) == 0 && self.n_refused.load(Ordering::Acquire) == 0
    }
}

impl Place {
    /// Returns the limit that refused the connection.
    pub(super) fn refused(&self) -> Option<Refused> {
        match self.counted_as {
            Counted::Refused(refused) => Some(refused),
            Counted::Served | Counted::ServedFrom(_) => None,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let limits = &*self.limits;
        let count = match self.counted_as {
            Counted::Refused(_) => &limits.n_refused,
            Counted::Served => &limits.n_served,
            Counted::ServedFrom(network) => {
                limits.leave_address(network);
                &limits.n_served
            }
        };
        if count.fetch_sub(1, Ordering::AcqRel) == 1 {
            limits.emptied.notify_waiters();
        }
    }
}

fn enter_below(count: &AtomicUsize, max: usize) -> bool {
    count
        .fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| {
            (n < max).then_some(n + 1)
        })
        .is_ok()
}

/// Returns what an address is counted by: an IPv6 subscriber is given a whole /64.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() >> 64 << 64).into(),
        four => four,
    }
}

/// Raises the process's soft limit of open descriptors as far as it may and makes sense: what
/// the table of descriptors costs grows with it.
pub(super) fn raise_descriptor_limit() {
    const ENOUGH: u64 = 1 << 20;
    let limit = getrlimit(Resource::Nofile);
    let target = limit.maximum.map_or(ENOUGH, |hard| hard.min(ENOUGH));
    if limit.current.is_none_or(|soft| soft >= target) {
        return;
    }
    let raised = Rlimit {
        current: Some(target),
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "cannot raise the limit of open descriptors");
    }
}

fn descriptor_limit() -> usize {
    getrlimit(Resource::Nofile)
        .current
        .map_or(usize::MAX, |soft| {
            usize::try_from(soft).unwrap_or(usize::MAX)
        })
}
