//! What a request costs in user space: instructions, counted by callgrind.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::report::{Figure, Report, Sample, Target};
use super::{Options, peers};
use crate::failure::Failure;
use crate::server::Server;
use crate::step;

const N_WAVES: usize = 30;

/// What is counted.
pub(super) struct Counted<'a> {
    pub(super) name: String,
    /// Each server with its program in `xtask/peers`.
    pub(super) contestants: Vec<(&'static str, &'static str)>,
    /// Loads a server with so many waves.
    pub(super) load: &'a dyn Fn(SocketAddr, usize) -> io::Result<()>,
    /// Requests in one wave.
    pub(super) n_requests: usize,
    pub(super) targets: Vec<Target>,
}

/// Tells whether instructions can be counted here.
pub(super) fn is_possible() -> bool {
    let is_present = step::is_present(Command::new("valgrind").arg("--version"));
    if !is_present {
        println!("==> valgrind is not installed: no instructions are counted");
    }
    is_present
}

/// Picks those of our server and of some peers, or of all servers.
pub(super) fn contestants(
    options: &Options,
    servers: &[(&'static str, &'static str)],
    peers: &[&str],
) -> Vec<(&'static str, &'static str)> {
    let mut contestants = servers.to_vec();
    contestants
        .retain(|(name, _)| options.counts_all || *name == "astatine" || peers.contains(name));
    contestants
}

impl Counted<'_> {
    /// Counts the instructions of each contestant for one request.
    pub(super) fn measure(&self, report: &mut Report) {
        println!("==> instructions, {}", self.name);
        let mut samples = Vec::new();
        for &(server, program) in &self.contestants {
            match self.per_request(server, program) {
                Ok(value) => samples.push(Sample {
                    server,
                    values: vec![value],
                }),
                Err(failure) => report.miss(format!("instructions of {server}: {failure}")),
            }
        }
        report.add(Figure {
            name: self.name.clone(),
            unit: "instructions",
            samples,
            targets: self.targets.clone(),
        });
    }

    /// Returns the difference between a run and one of twice the length, for one request: start-up
    /// and end are in both.
    fn per_request(&self, name: &'static str, program: &str) -> Result<f64, Failure> {
        let once = self.total(name, program, N_WAVES)?;
        let twice = self.total(name, program, 2 * N_WAVES)?;
        Ok((twice - once) / (N_WAVES * self.n_requests) as f64)
    }

    fn total(&self, name: &'static str, program: &str, n_waves: usize) -> Result<f64, Failure> {
        let path = peers::folder()?.join(format!("callgrind-{name}.out"));
        let mut server = Server::start(name, |address| {
            let mut command = Command::new("valgrind");
            command.args(["--tool=callgrind", "--quiet"]);
            command.arg(format!("--callgrind-out-file={}", path.display()));
            let peer = peers::peer(program, address);
            command.arg(peer.get_program()).args(peer.get_args());
            Ok(command)
        })?;
        (self.load)(server.address, n_waves).map_err(Failure::io(name))?;
        server.stop();
        read_total(&path)
    }
}

/// Returns the total that a run of callgrind has written.
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
