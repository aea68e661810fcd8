//! `cargo xtask faults`: whether clients get the right bytes from servers whose network is bad.
//!
//! The servers are the release binary over a folder, and the mirror of http1. Below them a library
//! shortens what they send and receive, finds sockets full or empty, and interrupts calls. What
//! clients get is compared with the files, and with what a server without faults answers.
//!
//! | file | what |
//! |---|---|
//! | `short.c`, `library` | the faults, and how many there were |
//! | `cases` | the requests with their right answers |
//! | `load` | the clients |
//! | `disconnect` | clients that go away at every byte |

mod cases;
mod disconnect;
mod library;
mod load;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::Failure;
use crate::server::Server;
use crate::{USAGE, step};
use cases::Case;
use disconnect::Left;
use library::{COUNTERS, Library};
use load::Got;

/// How often each client asks for everything.
const N_ROUNDS: usize = 4;
/// So many wrong answers of a server are shown.
const N_SHOWN: usize = 10;

/// Runs the servers and the clients, and prints what was done and what was wrong.
///
/// # Errors
///
/// A server does not start, an answer was wrong, something was kept of clients that went away, or
/// a kind of fault never happened.
pub(crate) fn run(args: &[&str]) -> Result<(), Failure> {
    let seed = match args {
        [] => 1,
        ["--seed", seed] => seed.parse().map_err(|_| Failure::Usage(USAGE))?,
        _ => return Err(Failure::Usage(USAGE)),
    };
    let (binary, mirror) = (build_binary()?, build_mirror()?);
    let library = Library::build(seed)?;
    let public = cases::write_site()?;
    let serve = |command: &mut Command, address: SocketAddr| {
        command.arg(&public).args(["-b", &address.to_string()]);
    };
    let files = {
        let quiet = Server::start("astatine-quiet", |address| {
            let mut command = Command::new(&binary);
            serve(&mut command, address);
            Ok(command)
        })?;
        cases::of_files(quiet.address, &public)?
    };
    let uploads = cases::of_uploads();
    let mut table = Table::default();
    for threads in ["1", "2"] {
        let faulty = |address: SocketAddr| {
            let mut command = Command::new(&binary);
            serve(&mut command, address);
            command.args(["-t", threads]);
            Ok(command)
        };
        let name = if threads == "1" {
            "files"
        } else {
            "files on 2 threads"
        };
        table.run(&library, name, &files, seed, faulty)?;
    }
    table.run(&library, "uploads", &uploads, seed, |address| {
        let mut command = Command::new(&mirror);
        command.arg(address.to_string());
        Ok(command)
    })?;
    table.print();
    table.judge()
}

fn build_binary() -> Result<PathBuf, Failure> {
    step::run(&mut step::cargo("build --release --package astatine-cli"))?;
    Ok(step::root().join("target/release/astatine"))
}

fn build_mirror() -> Result<PathBuf, Failure> {
    step::run(&mut step::cargo(
        "build --release --package astatine-http1 --example mirror",
    ))?;
    Ok(step::root().join("target/release/examples/mirror"))
}

/// What was asked of each server, and with what outcome.
#[derive(Debug, Default)]
struct Table(Vec<Column>);

#[derive(Debug)]
struct Column {
    name: &'static str,
    got: Got,
    left: Left,
    counts: [u64; COUNTERS.len()],
}

impl Table {
    fn run(
        &mut self,
        library: &Library,
        name: &'static str,
        cases: &[Case],
        seed: u64,
        make: impl FnOnce(SocketAddr) -> Result<Command, Failure>,
    ) -> Result<(), Failure> {
        println!(
            "==> {name}: {} requests by each client, {N_ROUNDS} times",
            cases.len()
        );
        let server = Server::start(name, |address| {
            let mut command = make(address)?;
            library.preload(&mut command, name)?;
            Ok(command)
        })?;
        let got = load::run(server.address, cases, N_ROUNDS, seed);
        for wrong in got.wrong.iter().take(N_SHOWN) {
            println!("wrong: {wrong}");
        }
        println!("==> {name}: clients that go away");
        let left = disconnect::run(&server, cases)?;
        self.0.push(Column {
            name,
            got,
            left,
            counts: library.counts(name)?,
        });
        Ok(())
    }

    fn print(&self) {
        print!("\n{:<24}", "");
        for column in &self.0 {
            print!("{:>20}", column.name);
        }
        println!();
        self.print_row("answers", |column| column.got.n_answers as u64);
        self.print_row("wrong answers", |column| column.got.wrong.len() as u64);
        self.print_row("MiB of bodies", |column| (column.got.n_bytes >> 20) as u64);
        self.print_row("clients that went away", |column| {
            column.left.n_clients as u64
        });
        self.print_row("descriptors left", |column| {
            column.left.n_descriptors as u64
        });
        self.print_row("KiB of memory left", |column| column.left.n_bytes >> 10);
        for (at, counter) in COUNTERS.iter().enumerate() {
            self.print_row(counter, |column| column.counts[at]);
        }
    }

    fn print_row(&self, name: &str, pick: impl Fn(&Column) -> u64) {
        print!("{name:<24}");
        for column in &self.0 {
            print!("{:>20}", pick(column));
        }
        println!();
    }

    fn judge(&self) -> Result<(), Failure> {
        let failure = |what: String| Failure::Output {
            program: "faults",
            what,
        };
        let n_wrong: usize = self.0.iter().map(|column| column.got.wrong.len()).sum();
        if n_wrong > 0 {
            return Err(failure(format!("{n_wrong} wrong answers")));
        }
        if let Some(column) = self.0.iter().find(|column| !column.left.is_nothing()) {
            let what = format!("{} keeps something of clients that are gone", column.name);
            return Err(failure(what));
        }
        for (at, counter) in COUNTERS.iter().enumerate() {
            if self.0.iter().all(|column| column.counts[at] == 0) {
                return Err(failure(format!("`{counter}` never happened")));
            }
        }
        Ok(())
    }
}
