//! How the process's descriptors are shared between connections and files that are kept open.

use std::num::NonZeroUsize;

use rustix::process::{Resource, getrlimit};
use {astatine_reactor as reactor, astatine_static_files as static_files};

/// Returns how many descriptors the process may have once the server has raised its own limit.
pub(crate) fn limit() -> usize {
    // The server raises it no further than this.
    const ENOUGH: u64 = 1 << 20;
    let limit = getrlimit(Resource::Nofile);
    let raised = limit.maximum.map_or(ENOUGH, |hard| hard.min(ENOUGH));
    let limit = limit.current.map_or(raised, |soft| soft.max(raised));
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Sets what the options left open so that connections and files never take each other's
/// descriptors. A file stays open after its answer, so without this a folder with many large
/// files would in time leave none for a connection.
pub(crate) fn share(
    limit: usize,
    n_threads: NonZeroUsize,
    reactor: &mut reactor::Config,
    files: &mut static_files::Config,
) {
    let most = NonZeroUsize::new(limit / FILES_SHARE).unwrap_or(NonZeroUsize::MIN);
    files.max_open_files = files.max_open_files.min(most);
    if reactor.max_connections.is_none() {
        let of_threads = n_threads.get().saturating_mul(OF_A_THREAD);
        let reserve = reactor.descriptor_reserve.max(of_threads);
        let left = limit.saturating_sub(reserve.saturating_add(files.max_open_files.get()));
        reactor.max_connections = NonZeroUsize::new(left).or(Some(NonZeroUsize::MIN));
    }
}

/// Files may stay open in one of so many descriptors.
const FILES_SHARE: usize = 8;
/// What the server reserves for each thread.
const OF_A_THREAD: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(limit: usize, n_threads: usize, max_connections: Option<usize>, expected: [usize; 2]) {
        let mut reactor = reactor::Config::default();
        reactor.max_connections = max_connections.and_then(NonZeroUsize::new);
        let mut files = static_files::Config::default();
        let n_threads = NonZeroUsize::new(n_threads).unwrap();
        share(limit, n_threads, &mut reactor, &mut files);
        let max_connections = reactor.max_connections.unwrap();
        assert_eq!(
            [max_connections.get(), files.max_open_files.get()],
            expected
        );
    }

    #[test]
    fn connections_have_what_files_and_the_reserve_leave() {
        check(1 << 20, 4, None, [(1 << 20) - 64 - 512, 512]);
        check(1_024, 4, None, [1_024 - 64 - 128, 128]);
        check(1_024, 20, None, [1_024 - 200 - 128, 128]);
        check(1_024, 4, Some(1_000), [1_000, 128]);
        check(40, 1, None, [1, 5]);
        check(0, 1, None, [1, 1]);
    }
}
