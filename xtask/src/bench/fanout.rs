//! The area `fanout`: one publisher and many subscribers of a channel, over the hub of our binary,
//! beside Nchan, axum with a broadcast channel, and a bare epoll loop.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::crowd::{Crowd, Transport};
use super::peers::Directives;
use super::report::{Figure, Report, Sample, Target};
use super::{Options, contest, cpu, peers};
use crate::failure::Failure;
use crate::server::Server;
use crate::step;

/// One measurement makes at least so many deliveries.
const N_DELIVERIES: usize = 75_000;
/// Nearly all that a process with 20,000 descriptors can have.
const N_MOST: usize = 19_000;
/// axum with one task a connection, which reads and writes: only where 1,000 hear one message.
const AXUM_SELECT: &str = "axum-select";

/// Who subscribes, and what is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Workload {
    transport: Transport,
    n_subscribers: usize,
    n_payload_bytes: usize,
    /// Messages that are published before the first is read.
    n_in_flight: usize,
}

impl Workload {
    fn name(&self) -> String {
        let transport = match self.transport {
            Transport::WebSocket => "WebSocket",
            Transport::EventStream => "SSE",
        };
        format!(
            "{transport} {} x {} B, {} in flight",
            self.n_subscribers, self.n_payload_bytes, self.n_in_flight
        )
    }

    /// What is to be reached: in flight, a write for all messages is what the peers do not have.
    fn targets(&self) -> Vec<Target> {
        let beside = |peers: &[(&'static str, f64)]| {
            let targets = peers.iter();
            targets.map(|(peer, n)| Target::beside(peer, *n)).collect()
        };
        let key = (self.transport, self.n_in_flight, self.n_payload_bytes);
        match key {
            _ if *self == a_thousand(1) => {
                beside(&[("nchan", 0.85), (AXUM_SELECT, 0.45), ("limit", 1.08)])
            }
            (Transport::WebSocket, 16, 64) => {
                beside(&[("nchan", 0.12), ("axum", 0.12), ("limit", 1.0)])
            }
            (Transport::EventStream, 1, 64) => beside(&[("nchan", 0.75)]),
            (Transport::EventStream, 16, 64) => beside(&[("nchan", 0.15)]),
            _ => Vec::new(),
        }
    }

    /// Picks who takes part.
    fn contestants<'a>(&self, servers: &[&'a Server]) -> Vec<&'a Server> {
        let all = servers.iter().copied();
        all.filter(|server| server.name != AXUM_SELECT || *self == a_thousand(1))
            .collect()
    }

    /// Waves of one measurement.
    fn n_waves(&self) -> usize {
        N_DELIVERIES.div_ceil(self.n_deliveries(1))
    }

    /// The publisher hears its own messages too.
    fn n_deliveries(&self, n_waves: usize) -> usize {
        n_waves * (self.n_subscribers + 1) * self.n_in_flight
    }

    fn open(&self, server: &Server) -> Result<Crowd, Failure> {
        Crowd::open(
            server.address,
            self.transport,
            self.n_subscribers,
            self.n_payload_bytes,
        )
        .map_err(Failure::io(server.name))
    }
}

fn workloads() -> impl Iterator<Item = Workload> {
    let crowds = [
        (Transport::WebSocket, 1000, 64),
        (Transport::WebSocket, 5000, 64),
        (Transport::WebSocket, 1000, 1024),
        (Transport::EventStream, 1000, 64),
        (Transport::EventStream, 1000, 1024),
    ];
    crowds
        .into_iter()
        .flat_map(|(transport, n_subscribers, n_payload_bytes)| {
            [1, 16].map(|n_in_flight| Workload {
                transport,
                n_subscribers,
                n_payload_bytes,
                n_in_flight,
            })
        })
}

/// Measures the area.
///
/// # Errors
///
/// The servers do not build. What cannot be measured is noted in the report.
pub(super) fn measure(options: &Options, report: &mut Report) -> Result<(), Failure> {
    peers::build(["fanout-limit", "axum-fanout"])?;
    peers::build_astatine()?;
    let mut servers = Vec::new();
    for server in [astatine(), limit(), axum(), axum_select(), nchan()] {
        match server {
            Ok(server) => servers.push(server),
            Err(failure) => report.miss(failure.to_string()),
        }
    }
    let servers: Vec<&Server> = servers.iter().collect();
    for workload in workloads() {
        println!("==> {}: {} rounds", workload.name(), options.n_rounds);
        let contestants = workload.contestants(&servers);
        let samples = contest::take_turns(&contestants, options.n_rounds, report, |server| {
            micros_per_delivery(server, &workload)
        });
        report.add(Figure {
            name: workload.name(),
            unit: "us CPU",
            samples,
            targets: workload.targets(),
        });
    }
    measure_from_outside(options, &servers, report);
    measure_memory(report);
    Ok(())
}

fn micros_per_delivery(server: &Server, workload: &Workload) -> Result<f64, Failure> {
    let mut crowd = workload.open(server)?;
    let n_waves = workload.n_waves();
    let mut run = |n_waves| {
        let done = crowd.run(n_waves, workload.n_in_flight);
        done.map_err(Failure::io(server.name))
    };
    run(n_waves / 10 + 1)?;
    let before = server.cpu_nanos()?;
    run(n_waves)?;
    let nanos = server.cpu_nanos()? - before;
    Ok(nanos as f64 / workload.n_deliveries(n_waves) as f64 / 1000.0)
}

/// Measures what the subscribers see, who are on the other core.
fn measure_from_outside(options: &Options, servers: &[&Server], report: &mut Report) {
    for n_in_flight in [1, 16] {
        let workload = a_thousand(n_in_flight);
        println!("==> rate, {}: {} rounds", workload.name(), options.n_rounds);
        let contestants = workload.contestants(servers);
        let samples = contest::take_turns(&contestants, options.n_rounds, report, |server| {
            on_the_other_core(|| deliveries_per_second(server, &workload))
        });
        report.add(Figure {
            name: format!("deliveries, {}", workload.name()),
            unit: "a second",
            samples,
            targets: Vec::new(),
        });
    }
    measure_delay(options, servers, report);
}

fn a_thousand(n_in_flight: usize) -> Workload {
    Workload {
        transport: Transport::WebSocket,
        n_subscribers: 1000,
        n_payload_bytes: 64,
        n_in_flight,
    }
}

fn on_the_other_core<T>(measure: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    cpu::pin(cpu::LOAD)?;
    let measured = measure();
    cpu::pin(cpu::SERVERS)?;
    measured
}

fn deliveries_per_second(server: &Server, workload: &Workload) -> Result<f64, Failure> {
    let mut crowd = workload.open(server)?;
    let n_waves = workload.n_waves();
    let elapsed = crowd.time(n_waves, workload.n_in_flight);
    let elapsed = elapsed.map_err(Failure::io(server.name))?;
    Ok(workload.n_deliveries(n_waves) as f64 / elapsed.as_secs_f64())
}

/// Measures how long a message takes to its subscribers.
fn measure_delay(options: &Options, servers: &[&Server], report: &mut Report) {
    let workload = a_thousand(1);
    println!("==> delivery latency: {} rounds", options.n_rounds);
    let mut slowest = Vec::new();
    let medians = contest::take_turns(servers, options.n_rounds, report, |server| {
        let delays = on_the_other_core(|| delays(server, &workload))?;
        let at = |part: usize| delays[(delays.len() - 1) * part / 100].as_secs_f64() * 1000.0;
        slowest.push((server.name, at(99)));
        Ok(at(50))
    });
    let p99 = medians.iter().map(|sample| Sample {
        server: sample.server,
        values: slowest
            .iter()
            .filter(|(server, _)| *server == sample.server)
            .map(|(_, value)| *value)
            .collect(),
    });
    let p99 = p99.collect();
    for (name, samples) in [("p50", medians), ("p99", p99)] {
        report.add(Figure {
            name: format!("delivery latency {name}, WebSocket 1000 x 64 B, 50 a second"),
            unit: "ms",
            samples,
            targets: Vec::new(),
        });
    }
}

fn delays(server: &Server, workload: &Workload) -> Result<Vec<Duration>, Failure> {
    let mut crowd = workload.open(server)?;
    let delays = crowd.delays(50, Duration::from_millis(20));
    let mut delays = delays.map_err(Failure::io(server.name))?;
    delays.sort();
    Ok(delays)
}

/// Measures the memory of a subscriber where there are as many as there can be, all of which a
/// message must reach.
fn measure_memory(report: &mut Report) {
    for transport in [Transport::WebSocket, Transport::EventStream] {
        let workload = Workload {
            transport,
            n_subscribers: N_MOST,
            n_payload_bytes: 64,
            n_in_flight: 1,
        };
        println!("==> {}", workload.name());
        match bytes_per_subscriber(&workload) {
            Ok(value) => report.add(Figure {
                name: format!("{}, memory", workload.name()),
                unit: "bytes",
                samples: vec![Sample {
                    server: "astatine",
                    values: vec![value],
                }],
                targets: Vec::new(),
            }),
            Err(failure) => report.miss(format!("{}: {failure}", workload.name())),
        }
    }
}

fn bytes_per_subscriber(workload: &Workload) -> Result<f64, Failure> {
    let server = astatine()?;
    let few = Workload {
        n_subscribers: 1,
        ..*workload
    };
    drop(few.open(&server)?);
    let before = server.resident_bytes()?;
    let mut crowd = workload.open(&server)?;
    crowd.run(3, 1).map_err(Failure::io(server.name))?;
    let after = server.resident_bytes()?;
    Ok((after as f64 - before as f64) / workload.n_subscribers as f64)
}

fn astatine() -> Result<Server, Failure> {
    Server::start("astatine", |address| {
        let mut command = Command::new(step::built("astatine"));
        command.args(["--live", "/live", "--live-open", "-t", "1", "-b"]);
        command.arg(address.to_string());
        Ok(command)
    })
}

fn limit() -> Result<Server, Failure> {
    Server::start("limit", |address| Ok(peers::peer("fanout-limit", address)))
}

fn axum() -> Result<Server, Failure> {
    Server::start("axum", |address| Ok(peers::peer("axum-fanout", address)))
}

fn axum_select() -> Result<Server, Failure> {
    Server::start(AXUM_SELECT, |address| {
        let mut command = peers::peer("axum-fanout", address);
        command.arg("select");
        Ok(command)
    })
}

fn nchan() -> Result<Server, Failure> {
    let module = nchan_module()?;
    Server::start("nchan", |address| {
        let nginx = Path::new("/usr/sbin/nginx");
        let directives = Directives {
            main: format!("load_module {};", module.display()),
            http: String::new(),
            server: "location = /live/bench {
            nchan_pubsub websocket eventsource;
            nchan_channel_id bench;
            nchan_message_buffer_length 64;
            nchan_subscriber_first_message newest;
        }"
            .to_owned(),
        };
        peers::nginx_with(nginx, address, &directives)
    })
}

/// Finds Nchan, or installs Debian's.
fn nchan_module() -> Result<PathBuf, Failure> {
    let module = PathBuf::from("/usr/lib/nginx/modules/ngx_nchan_module.so");
    if !module.is_file() {
        let mut install = Command::new("apt-get");
        install.args(["install", "--yes", "--no-install-recommends"]);
        step::run(install.args(["nginx", "libnginx-mod-nchan"]))?;
    }
    Ok(module)
}
