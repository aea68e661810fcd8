//! What a request costs in user space: instructions, counted by callgrind.

use std::path::Path;
use std::process::Command;

use super::contest::N_CONNECTIONS;
use super::report::{Figure, Report, Sample, Target};
use super::wave::{Exchange, Wave};
use super::{Options, http, peers};
use crate::failure::Failure;
use crate::server::Server;
use crate::step;

const N_WAVES: usize = 30;

/// Counts the instructions of our server and of hyper, or of all servers.
pub(super) fn measure(options: &Options, report: &mut Report) {
    if !step::is_present(Command::new("valgrind").arg("--version")) {
        println!("==> valgrind is not installed: no instructions are counted");
        return;
    }
    let mut servers = vec!["astatine", "hyper"];
    if options.counts_all {
        servers = http::names(None);
    }
    let plain = Counted {
        name: "plain GET, user part",
        exchange: http::plain(),
        target: Target::beside("hyper", 0.68),
        takes_heads: false,
    };
    let browser = Counted {
        name: "browser GET, user part",
        exchange: http::browser(),
        target: Target::beside("hyper", 0.78),
        takes_heads: false,
    };
    let heads = Counted {
        name: "browser GET, lower door",
        exchange: http::browser(),
        target: Target::beside("hyper", 0.40),
        takes_heads: true,
    };
    for counted in [plain, browser, heads] {
        println!("==> instructions, {}", counted.name);
        let figure = counted.figure(&servers, report);
        report.add(figure);
    }
}

/// What is counted.
struct Counted {
    name: &'static str,
    exchange: Exchange,
    target: Target,
    /// Whether our server takes heads as they come.
    takes_heads: bool,
}

impl Counted {
    fn figure(&self, servers: &[&'static str], report: &mut Report) -> Figure {
        let mut samples = Vec::new();
        for &server in servers {
            let program = match server {
                "astatine" if self.takes_heads => Some("astatine-heads"),
                _ => http::program(server),
            };
            let counted = program.ok_or_else(|| not_counted("there is no such server"));
            match counted.and_then(|program| per_request(server, program, &self.exchange)) {
                Ok(value) => samples.push(Sample {
                    server,
                    values: vec![value],
                }),
                Err(failure) => report.miss(format!("instructions of {server}: {failure}")),
            }
        }
        Figure {
            name: self.name.to_owned(),
            unit: "instructions",
            samples,
            targets: vec![self.target],
        }
    }
}

/// Returns the difference between a run and one of twice the length, for one request: start-up
/// and end are in both.
fn per_request(name: &'static str, program: &str, exchange: &Exchange) -> Result<f64, Failure> {
    let once = total(name, program, exchange, N_WAVES)?;
    let twice = total(name, program, exchange, 2 * N_WAVES)?;
    Ok((twice - once) / (N_WAVES * N_CONNECTIONS) as f64)
}

fn total(
    name: &'static str,
    program: &str,
    exchange: &Exchange,
    n_waves: usize,
) -> Result<f64, Failure> {
    let path = peers::folder()?.join(format!("callgrind-{name}.out"));
    let mut server = Server::start(name, |address| {
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--quiet"]);
        command.arg(format!("--callgrind-out-file={}", path.display()));
        let peer = peers::peer(program, address);
        command.arg(peer.get_program()).args(peer.get_args());
        Ok(command)
    })?;
    Wave::open(server.address, N_CONNECTIONS, exchange)
        .and_then(|mut wave| wave.run(n_waves))
        .map_err(Failure::io(name))?;
    server.stop();
    read_total(&path)
}

/// Returns the total that a run of callgrind has written.
///
/// # Errors
///
/// There is none.
pub(super) fn read_total(path: &Path) -> Result<f64, Failure> {
    let text = std::fs::read_to_string(path).map_err(Failure::io(path.display().to_string()))?;
    sum(&text).ok_or_else(|| not_counted("its output has no total"))
}

/// Returns the total of a callgrind output.
pub(super) fn sum(text: &str) -> Option<f64> {
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    line("totals:")
        .or_else(|| line("summary:"))?
        .trim()
        .parse()
        .ok()
}

fn not_counted(what: &str) -> Failure {
    Failure::Output {
        program: "callgrind",
        what: what.to_owned(),
    }
}
