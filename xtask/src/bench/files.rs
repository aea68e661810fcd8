//! The area `static`: files of three sizes by our binary, by nginx, and by the limit.

use std::fs;
use std::path::Path;

use super::contest::{self, Workload};
use super::report::{Figure, Report, Target};
use super::wave::Exchange;
use super::{Options, peers};
use crate::failure::Failure;
use crate::noise::Noise;
use crate::server::Server;

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
/// The peers do not build, or the files cannot be written. What cannot be measured is noted in
/// the report.
pub(super) fn measure(options: &Options, report: &mut Report) -> Result<(), Failure> {
    peers::build(["limit"])?;
    let public = peers::folder()?.join("public");
    fs::create_dir_all(&public).map_err(Failure::io(public.display().to_string()))?;
    let nginx = peers::find_nginx();
    if nginx.is_none() {
        println!("==> nginx is not installed: it is left out");
    }
    let running = start_all(&public, nginx.as_deref(), report);
    for &(name, n_bytes, n_waves, at_most) in FILES {
        println!("==> static {name}: {} rounds", options.n_rounds);
        let file = format!("{n_bytes}.bin");
        let path = public.join(&file);
        let content = Noise::new(0).bytes(n_bytes);
        fs::write(&path, &content).map_err(Failure::io(path.display().to_string()))?;
        let request = format!("GET /{file} HTTP/1.1\r\nHost: x\r\n\r\n");
        let workload = Workload {
            exchange: Exchange::new(request.as_bytes(), &content),
            n_waves,
        };
        let limit = Server::start("limit", |address| {
            let mut command = peers::peer("limit", address);
            command.arg(&path);
            Ok(command)
        })?;
        let contestants: Vec<&Server> = running.iter().chain([&limit]).collect();
        let samples = contest::hold(&contestants, &workload, options.n_rounds, report);
        report.add(Figure {
            name: format!("static {name}"),
            unit: "us CPU",
            samples,
            targets: vec![Target::beside("nginx", at_most)],
        });
    }
    Ok(())
}

/// Starts our binary and nginx.
fn start_all(public: &Path, nginx: Option<&Path>, report: &mut Report) -> Vec<Server> {
    let ours = peers::build_astatine()
        .and_then(|()| Server::start("astatine", |address| Ok(peers::astatine(address, public))));
    let nginx = nginx
        .map(|program| Server::start("nginx", |address| peers::nginx(program, address, public)));
    let mut running = Vec::new();
    for server in [Some(ours), nginx].into_iter().flatten() {
        match server {
            Ok(server) => running.push(server),
            Err(failure) => report.miss(failure.to_string()),
        }
    }
    running
}
