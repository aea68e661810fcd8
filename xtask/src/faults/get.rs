//! Our own client on a bad network: what it gets is compared with the files.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::cases::Case;
use super::library::Library;
use super::load::Got;
use crate::failure::Failure;

const N_ROUNDS: usize = 5;

/// Gets each whole file from a server without faults, by http1's example of a client.
pub(super) fn run(
    library: &Library,
    name: &str,
    program: &Path,
    server: SocketAddr,
    cases: &[Case],
) -> Result<Got, Failure> {
    library.begin_counting(name)?;
    let mut got = Got::default();
    let whole = |case: &&Case| case.method == "GET" && case.expected.status == 200;
    let paths = cases.iter().filter(whole).filter_map(|case| {
        let path = case.name.strip_prefix("GET ")?;
        (!path.contains(' ')).then_some((case, path))
    });
    for (case, path) in paths {
        for _ in 0..N_ROUNDS {
            let mut command = Command::new(program);
            command.arg(format!("http://{server}{path}"));
            library.preload(&mut command, name);
            // Each run is a process, and would have the faults of the one before.
            let seed = library.seed() + got.n_answers as u64;
            command.env("SHORT_SEED", seed.to_string());
            let output = command.output().map_err(Failure::io(name))?;
            let end = output.stdout.windows(2).position(|two| two == b"\n\n");
            let body = end.map_or(&[][..], |end| &output.stdout[end + 2..]);
            got.n_answers += 1;
            got.n_bytes += body.len();
            if end.is_none() || body != case.expected.body {
                let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
                let n_bytes = body.len();
                got.wrong
                    .push(format!("{path}: {n_bytes} bytes; {complaint}"));
            }
        }
    }
    Ok(got)
}
