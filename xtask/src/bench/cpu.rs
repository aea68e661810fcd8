//! On which core and by which policy the bench runs.

use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::failure::Failure;
use crate::step;

/// The core that the servers run on, and the wave generator with them: no wake-up crosses cores.
pub(super) const SERVERS: usize = 0;
/// The core of a load generator that runs beside the server.
pub(super) const LOAD: usize = 1;

/// Set for this program when it runs under the batch policy.
const MARK: &str = "ASTATINE_BENCH_IS_BATCH";

/// Begins this program anew under SCHED_BATCH, which its children inherit: a server that becomes
/// ready then waits for its turn instead of interrupting the generator. Returns if it is so
/// already, or cannot be.
pub(super) fn become_batch() -> Result<(), Failure> {
    let is_batch = std::env::var_os(MARK).is_some();
    if is_batch || !step::is_present(Command::new("chrt").args(["--batch", "0", "true"])) {
        return Ok(());
    }
    let program = std::env::current_exe().map_err(Failure::io("this program"))?;
    let mut command = Command::new("chrt");
    command.args(["--batch", "0"]).arg(program);
    command.args(std::env::args_os().skip(1)).env(MARK, "1");
    Err(Failure::io("chrt")(command.exec()))
}

/// Pins this thread, and the children that it starts from now on, to one core; to the first where
/// there is no such core.
pub(super) fn pin(core: usize) -> Result<(), Failure> {
    let n_cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut cores = CpuSet::new();
    cores.set(if core < n_cores { core } else { 0 });
    sched_setaffinity(None, &cores).map_err(|error| Failure::Io {
        what: format!("pin to core {core}"),
        source: error.into(),
    })
}

/// Lets this process and its children open as many descriptors as they may.
pub(crate) fn raise_descriptor_limit() -> Result<(), Failure> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(|error| Failure::Io {
        what: "raise the limit of descriptors".to_owned(),
        source: error.into(),
    })
}
