//! The area `http`: a fixed answer, over http1 and reactor, beside other servers of HTTP.

use std::path::Path;

use super::contest::{self, Workload};
use super::report::{Figure, Report, Target};
use super::wave::Exchange;
use super::{Options, idle, instructions, latency, peers};
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
    peers::build()?;
    let nginx = peers::find_nginx();
    if nginx.is_none() {
        println!("==> nginx is not installed: it is left out");
    }
    let servers = start_all(nginx.as_deref(), report);
    let servers: Vec<&Server> = servers.iter().collect();
    measure_cpu(options, &servers, report);
    latency::measure(options, &servers, report);
    idle::measure(&["astatine", "hyper", "nginx"], nginx.as_deref(), report);
    instructions::measure(options, report);
    Ok(())
}

/// Starts a server by its name.
///
/// # Errors
///
/// It does not start.
pub(super) fn start(name: &str, nginx: Option<&Path>) -> Result<Server, Failure> {
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
pub(super) fn names(nginx: Option<&Path>) -> Vec<&'static str> {
    let ours = SERVERS.iter().map(|(name, _)| *name);
    ours.chain(nginx.map(|_| "nginx")).collect()
}

/// Returns the program of a server in `xtask/peers`.
pub(super) fn program(name: &str) -> Option<&'static str> {
    let known = SERVERS.iter().find(|(known, _)| *known == name);
    known.map(|(_, program)| *program)
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
    let body = [b'x'; 1024];
    let mut echo = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1024\r\n\r\n".to_vec();
    echo.extend_from_slice(&body);
    vec![
        (
            "plain GET",
            one(plain()),
            vec![Target::beside("hyper", 0.93)],
        ),
        (
            "pipelined 16",
            pipelined,
            vec![Target::beside("hyper", 0.78)],
        ),
        ("browser GET", one(browser()), Vec::new()),
        (ECHO, one(Exchange::new(&echo, &body)), Vec::new()),
    ]
}

/// The shortest request.
pub(super) fn plain() -> Exchange {
    Exchange::new(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", HELLO)
}

/// What a browser sends: ten headers.
pub(super) fn browser() -> Exchange {
    Exchange::new(BROWSER, HELLO)
}
