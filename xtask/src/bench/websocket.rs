//! The area `websocket`: messages sent back, over websocket, http1 and reactor, beside other
//! servers of WebSockets.

use super::contest::{self, N_CONNECTIONS};
use super::echo::{Echo, Extension, Messages};
use super::idle::Idle;
use super::instructions::{self, Counted};
use super::report::{Figure, Report, Target};
use super::{Options, peers};
use crate::failure::Failure;
use crate::server::Server;

/// Each server with its program in `xtask/peers`.
const SERVERS: &[(&str, &str)] = &[
    ("astatine", "astatine-echo"),
    ("limit", "limit-echo"),
    ("fastwebsockets", "fastwebsockets-echo"),
    ("tungstenite", "tungstenite-echo"),
    ("actix", "actix-echo"),
];

/// Measures the area.
///
/// # Errors
///
/// The servers do not build. What cannot be measured is noted in the report.
pub(super) fn measure(options: &Options, report: &mut Report) -> Result<(), Failure> {
    peers::build(SERVERS.iter().map(|(_, program)| *program))?;
    measure_cpu(options, report);
    measure_idle(report);
    if instructions::is_possible() {
        count_instructions(options, report);
    }
    Ok(())
}

fn start(name: &'static str) -> Result<Server, Failure> {
    let known = SERVERS.iter().find(|(known, _)| *known == name);
    let (_, program) = known.ok_or_else(|| Failure::Output {
        program: "bench",
        what: format!("there is no server `{name}`"),
    })?;
    Server::start(name, |address| Ok(peers::peer(program, address)))
}

fn measure_cpu(options: &Options, report: &mut Report) {
    let mut servers = Vec::new();
    for (name, _) in SERVERS {
        match start(name) {
            Ok(server) => servers.push(server),
            Err(failure) => report.miss(failure.to_string()),
        }
    }
    let servers: Vec<&Server> = servers.iter().collect();
    for workload in WORKLOADS {
        println!("==> {}: {} rounds", workload.name, options.n_rounds);
        let samples = contest::take_turns(&servers, options.n_rounds, report, |server| {
            workload.micros_per_message(server)
        });
        report.add(Figure {
            name: workload.name.to_owned(),
            unit: "us CPU",
            samples,
            targets: workload.targets.to_vec(),
        });
    }
}

/// Messages that are sent back.
struct Workload {
    name: &'static str,
    messages: Messages,
    /// Waves in one measurement.
    n_waves: usize,
    targets: &'static [Target],
}

impl Workload {
    const fn new(
        name: &'static str,
        n_bytes: usize,
        n_in_flight: usize,
        n_waves: usize,
        targets: &'static [Target],
    ) -> Self {
        Self {
            name,
            messages: Messages {
                n_bytes,
                n_in_flight,
            },
            n_waves,
            targets,
        }
    }

    fn micros_per_message(&self, server: &Server) -> Result<f64, Failure> {
        let mut echo = Echo::open(
            server.address,
            N_CONNECTIONS,
            self.messages,
            Extension::None,
        )
        .map_err(Failure::io(server.name))?;
        let micros = contest::micros_per_wave(server, self.n_waves, |n_waves| echo.run(n_waves))?;
        Ok(micros / self.n_messages() as f64)
    }

    /// Messages in one wave.
    fn n_messages(&self) -> usize {
        N_CONNECTIONS * self.messages.n_in_flight
    }
}

const WORKLOADS: &[Workload] = &[
    Workload::new("echo 16 B", 16, 1, 1000, ONE_IN_FLIGHT),
    Workload::new("echo 125 B", 125, 1, 1000, ONE_IN_FLIGHT),
    Workload::new("echo 1 KiB", 1024, 1, 1000, ONE_IN_FLIGHT),
    Workload::new("echo 64 KiB", 64 << 10, 1, 100, LARGE),
    Workload::new("echo 16 B, 16 in flight", 16, 16, 500, BATCH),
    Workload::new("echo 125 B, 16 in flight", 125, 16, 500, BATCH),
    Workload::new("echo 1 KiB, 16 in flight", 1024, 16, 200, BATCH),
    Workload::new("echo 64 KiB, 16 in flight", 64 << 10, 16, 10, LARGE),
];

const ONE_IN_FLIGHT: &[Target] = &[
    Target::beside("fastwebsockets", 1.04),
    Target::beside("limit", 1.10),
];
/// Of its messages a second, 0.95.
const BATCH: &[Target] = &[Target::beside("limit", 1.05)];
/// 1.2 times as many bytes a second.
const LARGE: &[Target] = &[Target::beside("fastwebsockets", 0.83)];

fn measure_idle(report: &mut Report) {
    let idle = Idle {
        name: "idle WebSocket",
        servers: &["astatine", "fastwebsockets", "tungstenite"],
        at_most: MAX_IDLE_BYTES,
    };
    idle.measure(
        start,
        |address, n| open_idle(address, n, Extension::None),
        report,
    );
    let deflated = Idle {
        name: "idle, deflate agreed on",
        servers: &["astatine"],
        at_most: MAX_IDLE_BYTES,
    };
    deflated.measure(
        start,
        |address, n| open_idle(address, n, Extension::Deflate),
        report,
    );
}

const MAX_IDLE_BYTES: f64 = 2048.0;

fn open_idle(
    address: std::net::SocketAddr,
    n_connections: usize,
    extension: Extension,
) -> std::io::Result<Echo> {
    let messages = Messages {
        n_bytes: 125,
        n_in_flight: 1,
    };
    let mut echo = Echo::open(address, n_connections, messages, extension)?;
    echo.run(1)?;
    Ok(echo)
}

/// Whose instructions are counted: one of each kind, for callgrind takes its time.
const COUNTED: &[&str] = &["echo 125 B", "echo 64 KiB", "echo 125 B, 16 in flight"];

fn count_instructions(options: &Options, report: &mut Report) {
    let contestants = instructions::contestants(options, SERVERS, &["limit", "fastwebsockets"]);
    let is_counted = |workload: &&Workload| COUNTED.contains(&workload.name);
    for workload in WORKLOADS.iter().filter(is_counted) {
        let counted = Counted {
            name: format!("{}, user part", workload.name),
            contestants: contestants.clone(),
            load: &|address, n_waves| {
                Echo::open(address, N_CONNECTIONS, workload.messages, Extension::None)?.run(n_waves)
            },
            n_requests: workload.n_messages(),
            targets: Vec::new(),
        };
        counted.measure(report);
    }
}
