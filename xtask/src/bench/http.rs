//! The area `http`: a fixed answer, over http1 and reactor, beside other servers of HTTP.

use std::path::Path;

use super::contest::{self, N_CONNECTIONS, Workload};
use super::idle::Idle;
use super::instructions::{self, Counted};
use super::report::{Figure, Report, Target};
use super::wave::{Exchange, Wave};
use super::{Options, latency, peers};
use crate::failure::Failure;
use crate::server::Server;

/// Each server with its program in `xtask/peers`.
const SERVERS: &[(&str, &str)] = &[
    ("astatine", "astatine-hello"),
    ("limit", "limit"),
    ("hyper", "hyper-hello"),
    ("axum", "axum-hello"),
    ("actix", "actix-hello"),
];

/// Our server that takes heads as they come.
const LOWER_DOOR: &str = "astatine-heads";

const HELLO: &[u8] = b"Hello, World!";

const BROWSER: &[u8] = b"GET / HTTP/1.1\r\n\
Host: localhost:3000\r\n\
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
Accept-Language: en-US,en;q=0.5\r\n\
Accept-Encoding: gzip, deflate, br, zstd\r\n\
Connection: keep-alive\r\n\
Upgrade-Insecure-Requests: 1\r\n\
Sec-Fetch-Dest: document\r\n\
Sec-Fetch-Mode: navigate\r\n\
Cookie: id=0123456789abcdef0123456789abcdef; theme=dark\r\n\r\n";

/// Measures the area.
///
/// # Errors
///
/// The servers do not build. What cannot be measured is noted in the report.
pub(super) fn measure(options: &Options, report: &mut Report) -> Result<(), Failure> {
    let programs = SERVERS.iter().map(|(_, program)| *program);
    peers::build(programs.chain([LOWER_DOOR]))?;
    let nginx = peers::find_nginx();
    if nginx.is_none() {
        println!("==> nginx is not installed: it is left out");
    }
    let servers = start_all(nginx.as_deref(), report);
    let servers: Vec<&Server> = servers.iter().collect();
    measure_cpu(options, &servers, report);
    latency::measure(options, &servers, report);
    measure_idle(nginx.as_deref(), report);
    if instructions::is_possible() {
        count_instructions(options, report);
    }
    Ok(())
}

fn start(name: &str, nginx: Option<&Path>) -> Result<Server, Failure> {
    let known = SERVERS.iter().find(|(known, _)| *known == name);
    match (known, nginx) {
        (Some((name, program)), _) => {
            Server::start(name, |address| Ok(peers::peer(program, address)))
        }
        (None, Some(nginx)) => Server::start("nginx", |address| {
            peers::nginx(nginx, address, &peers::folder()?)
        }),
        (None, None) => Err(Failure::Output {
            program: "bench",
            what: format!("there is no server `{name}`"),
        }),
    }
}

/// Returns the name of each server that is there, ours first.
fn names(nginx: Option<&Path>) -> Vec<&'static str> {
    let ours = SERVERS.iter().map(|(name, _)| *name);
    ours.chain(nginx.map(|_| "nginx")).collect()
}

fn start_all(nginx: Option<&Path>, report: &mut Report) -> Vec<Server> {
    let mut servers = Vec::new();
    for name in names(nginx) {
        match start(name, nginx) {
            Ok(server) => servers.push(server),
            Err(failure) => report.miss(failure.to_string()),
        }
    }
    servers
}

fn measure_cpu(options: &Options, servers: &[&Server], report: &mut Report) {
    for (name, workload, targets) in workloads() {
        println!("==> {name}: {} rounds", options.n_rounds);
        // nginx has nothing that echoes a body by itself.
        let takes_part = |server: &&&Server| server.name != "nginx" || name != ECHO;
        let contestants: Vec<&Server> = servers.iter().filter(takes_part).copied().collect();
        let samples = contest::hold(&contestants, &workload, options.n_rounds, report);
        report.add(Figure {
            name: name.to_owned(),
            unit: "us CPU",
            samples,
            targets,
        });
    }
}

fn measure_idle(nginx: Option<&Path>, report: &mut Report) {
    let mut servers = vec!["astatine", "hyper"];
    servers.extend(nginx.map(|_| "nginx"));
    let idle = Idle {
        name: "idle connection",
        servers: &servers,
        at_most: 1536.0,
    };
    let open = |address, n| Wave::open(address, n, &plain());
    idle.measure(|name| start(name, nginx), open, report);
}

fn count_instructions(options: &Options, report: &mut Report) {
    let servers = instructions::contestants(options, SERVERS, &["hyper"]);
    let mut lower_door = servers.clone();
    lower_door[0].1 = LOWER_DOOR;
    let cases = [
        ("plain GET, user part", plain(), 0.68, &servers),
        ("browser GET, user part", browser(), 0.78, &servers),
        ("browser GET, lower door", browser(), 0.40, &lower_door),
    ];
    for (name, exchange, at_most, contestants) in cases {
        let counted = Counted {
            name: name.to_owned(),
            contestants: contestants.clone(),
            load: &|address, n_waves| Wave::open(address, N_CONNECTIONS, &exchange)?.run(n_waves),
            n_requests: N_CONNECTIONS,
            targets: vec![Target::beside("hyper", at_most)],
        };
        counted.measure(report);
    }
}

const ECHO: &str = "POST echo 1 KiB";

fn workloads() -> Vec<(&'static str, Workload, Vec<Target>)> {
    let one = |exchange| Workload {
        exchange,
        n_waves: 1000,
    };
    let pipelined = Workload {
        exchange: Exchange {
            n_pipelined: 16,
            ..plain()
        },
        n_waves: 500,
    };
    let beside_hyper = |at_most| vec![Target::beside("hyper", at_most)];
    let body = [b'x'; 1024];
    let mut echo = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1024\r\n\r\n".to_vec();
    echo.extend_from_slice(&body);
    vec![
        ("plain GET", one(plain()), beside_hyper(0.93)),
        ("pipelined 16", pipelined, beside_hyper(0.78)),
        ("browser GET", one(browser()), Vec::new()),
        (ECHO, one(Exchange::new(&echo, &body)), Vec::new()),
    ]
}

/// The shortest request.
fn plain() -> Exchange {
    Exchange::new(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", HELLO)
}

/// What a browser sends: ten headers.
fn browser() -> Exchange {
    Exchange::new(BROWSER, HELLO)
}
