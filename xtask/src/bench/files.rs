//! The area `static`: files of three sizes by our binary, by nginx, and by the limit.

use std::fs;
use std::path::Path;

use super::contest::{self, Workload};
use super::report::{Figure, Report, Target};
use super::server::Server;
use super::{Options, peers};
use crate::failure::Failure;

/// Name, size, waves in one measurement, and the ratio to nginx to reach.
const FILES: &[(&str, usize, usize, f64)] = &[
    ("1 KiB", 1024, 1000, 0.60),
    ("100 KiB", 100 * 1024, 200, 0.82),
    ("10 MiB", 10 * 1024 * 1024, 3, 0.90),
];

/// Measures the area.
///
/// # Errors
///
/// The servers do not build, or the files cannot be written. What cannot be measured is noted in
/// the report.
pub(super) fn measure(options: &Options, report: &mut Report) -> Result<(), Failure> {
    peers::build()?;
    peers::build_astatine()?;
    let public = peers::folder()?.join("public");
    fs::create_dir_all(&public).map_err(Failure::io(public.display().to_string()))?;
    let nginx = peers::find_nginx();
    if nginx.is_none() {
        println!("==> nginx is not installed: it is left out");
    }
    let mut servers = Vec::new();
    let ours = Server::start("astatine", |address| Ok(peers::astatine(address, &public)));
    servers.push(ours);
    if let Some(program) = nginx {
        servers.push(Server::start("nginx", |address| {
            peers::nginx(&program, address, &public)
        }));
    }
    let mut running = Vec::new();
    for server in servers {
        match server {
            Ok(server) => running.push(server),
            Err(failure) => report.miss(failure.to_string()),
        }
    }
    for &(name, n_bytes, n_waves, at_most) in FILES {
        println!("==> static {name}: {} rounds", options.n_rounds);
        let file = format!("{n_bytes}.bin");
        let path = public.join(&file);
        fs::write(&path, noise(n_bytes)).map_err(Failure::io(path.display().to_string()))?;
        let request = format!("GET /{file} HTTP/1.1\r\nHost: x\r\n\r\n");
        let workload = Workload {
            request: request.into_bytes(),
            n_pipelined: 1,
            n_connections: 64,
            n_waves,
        };
        report.add(hold(&running, &path, &workload, options).map(|mut figure| {
            figure.name = format!("static {name}");
            figure.target = Target::beside("nginx", at_most);
            figure
        }));
    }
    Ok(())
}

/// Lets the servers and the limit for this file compete.
fn hold(
    servers: &[Server],
    path: &Path,
    workload: &Workload,
    options: &Options,
) -> Result<Figure, Failure> {
    let limit = Server::start("limit", |address| {
        let mut command = peers::peer("limit", address);
        command.arg(path);
        Ok(command)
    })?;
    let contestants: Vec<&Server> = servers.iter().chain([&limit]).collect();
    Ok(Figure {
        name: String::new(),
        unit: "us CPU",
        samples: contest::hold(&contestants, workload, options.n_rounds)?,
        target: None,
    })
}

/// Returns bytes that no compression makes smaller: the output of a xorshift generator.
fn noise(n_bytes: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = Vec::with_capacity(n_bytes + 8);
    while bytes.len() < n_bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(n_bytes);
    bytes
}
