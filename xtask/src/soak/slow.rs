//! Slow clients by the hundred: a client that behaves does not notice them, they cost little memory,
//! and are sent away in the right way.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::attack::{Attack, Ending, Form};
use super::report::{Report, mebibytes};
use super::{Programs, healthy};
use crate::failure::Failure;
use crate::server::Server;
use crate::step;

/// Every time limit of the server.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// Limits act up to a second late; the rest is for a machine that does other things as well.
const LATE: Duration = Duration::from_secs(3);
/// A file that no socket buffer holds.
const FILE_BYTES: usize = 64 << 20;
/// What a client that behaves may wait in any case.
const BEARABLE: Duration = Duration::from_millis(10);
/// What the attack may cost in all, and for each connection.
const COST_BYTES: u64 = 8 << 20;
const COST_BYTES_EACH: u64 = 16 << 10;

const SLOW_HEAD: Form = Form {
    name: "slow head",
    n_clients: 1000,
    opening: "GET /small.txt HTTP/1.1\r\nHost: x\r\nX: ",
    drip: "x",
    ending: Ending::Answer("HTTP/1.1 408 "),
    n_limits: 1,
};
const SLOW_BODY: Form = Form {
    name: "slow body",
    n_clients: 1000,
    opening: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n",
    drip: "x",
    ending: Ending::Answer("HTTP/1.1 408 "),
    n_limits: 1,
};
const SLOW_READ: Form = Form {
    name: "slow read",
    n_clients: 200,
    opening: "GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n",
    drip: "",
    ending: Ending::Reset,
    // What the kernel takes at first keeps the rate of one window.
    n_limits: 2,
};
const IDLE_FLOOD: Form = Form {
    name: "idle flood",
    n_clients: 2000,
    opening: "",
    drip: "",
    ending: Ending::Silence,
    n_limits: 1,
};

/// Runs the four forms, each against a server of its own.
pub(super) fn run(programs: &Programs, report: &mut Report) -> Result<(), Failure> {
    let public = write_site()?;
    for form in [SLOW_HEAD, SLOW_BODY, SLOW_READ, IDLE_FLOOD] {
        // A folder takes no bodies.
        let takes_bodies = form.name == SLOW_BODY.name;
        let server = Server::start("soak", |address| {
            let address = address.to_string();
            let seconds = TIME_LIMIT.as_secs().to_string();
            let mut command;
            if takes_bodies {
                command = Command::new(&programs.stream);
                command.args([&address, &seconds]);
            } else {
                command = Command::new(&programs.binary);
                command.arg(&public).args(["-t", "1", "-b", &address]);
                command.args(["--timeout", &seconds, "--write-stall-timeout", &seconds]);
                command.args(["--drain-grace", &seconds, "--keep-alive", &seconds]);
            }
            Ok(command)
        })?;
        let path = if takes_bodies { "/100" } else { "/small.txt" };
        withstand(&server, form, path, report)?;
    }
    Ok(())
}

fn withstand(server: &Server, form: Form, path: &str, report: &mut Report) -> Result<(), Failure> {
    println!("==> {}: {} clients", form.name, form.n_clients);
    let io = || Failure::io(form.name);
    let time_limit = form.n_limits * TIME_LIMIT + LATE;
    let quiet = healthy::p99(server.address, path).map_err(io())?;
    let memory_before = server.resident_bytes()?;
    let attack = Attack::begin(server.address, form, time_limit).map_err(io())?;
    let attacked = healthy::p99(server.address, path).map_err(io())?;
    let tally = attack.end();
    let memory = server.peak_bytes()?.saturating_sub(memory_before);

    let most = BEARABLE.max(3 * quiet);
    report.add(
        format!("{}: p99 of a client that behaves", form.name),
        format!("{attacked:.1?} ({quiet:.1?} in quiet)"),
        format!("{most:.1?}"),
        attacked <= most,
    );
    let most = COST_BYTES + COST_BYTES_EACH * form.n_clients as u64;
    report.add(
        format!("{}: memory for {} clients", form.name, form.n_clients),
        mebibytes(memory),
        mebibytes(most),
        memory <= most,
    );
    let n_right = tally.n_right;
    let n_ended = n_right + tally.wrong.len();
    report.add(
        format!("{}: sent away in the right way", form.name),
        format!(
            "{n_right} of {n_ended}, after {:.1?} at most",
            tally.longest
        ),
        format!("all, after {time_limit:.1?}"),
        tally.wrong.is_empty() && n_right >= form.n_clients && tally.longest <= time_limit,
    );
    for wrong in tally.wrong.iter().take(3) {
        println!("{}: {wrong}", form.name);
    }
    Ok(())
}

fn write_site() -> Result<std::path::PathBuf, Failure> {
    let public = step::folder("soak/slow")?;
    let io = |path: &Path| Failure::io(path.display().to_string());
    let small = public.join("small.txt");
    fs::write(&small, "small").map_err(io(&small))?;
    let large = public.join("large.bin");
    let file = File::create(&large).map_err(io(&large))?;
    file.set_len(FILE_BYTES as u64).map_err(io(&large))?;
    Ok(public)
}
