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
//! | `get` | our own client |
//! | `disconnect` | clients that go away at every byte |

mod cases;
mod disconnect;
mod get;
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
    let programs = Programs::build()?;
    let library = Library::build(seed)?;
    let public = cases::write_site()?;
    let serve = |address: SocketAddr, options: &[&str]| {
        let mut command = Command::new(&programs.binary);
        command.arg(&public).args(["-b", &address.to_string()]);
        command.args(options);
        Ok(command)
    };
    let quiet = Server::start("astatine-quiet", |address| serve(address, &["-t", "1"]))?;
    let files = cases::of_files(quiet.address, &public)?;
    let uploads = cases::of_uploads();
    let mut table = Table::default();
    table.run(&library, "files", &files, |address| {
        serve(address, &["-t", "1"])
    })?;
    table.run(&library, "files, few kept", &files, |address| {
        serve(address, &["-t", "2", "--cache", "1"])
    })?;
    table.run(&library, "uploads", &uploads, |address| {
        let mut command = Command::new(&programs.mirror);
        command.arg(address.to_string());
        Ok(command)
    })?;
    println!("==> client");
    let got = get::run(&library, "client", &programs.get, quiet.address, &files)?;
    table.add(&library, "client", got, None)?;
    table.print();
    table.judge()
}

/// The programs, built.
#[derive(Debug)]
struct Programs {
    binary: PathBuf,
    /// http1's examples of a server that takes bodies, and of a client.
    mirror: PathBuf,
    get: PathBuf,
}

impl Programs {
    fn build() -> Result<Self, Failure> {
        step::run(&mut step::cargo("build --release --package astatine-cli"))?;
        step::run(&mut step::cargo(
            "build --release --package astatine-http1 --example mirror --example get",
        ))?;
        Ok(Self {
            binary: step::built("astatine"),
            mirror: step::built("examples/mirror"),
            get: step::built("examples/get"),
        })
    }
}

/// What was asked of each server, and with what outcome.
#[derive(Debug, Default)]
struct Table(Vec<Column>);

#[derive(Debug)]
struct Column {
    name: &'static str,
    got: Got,
    /// Nothing was looked for where the clients are ours.
    left: Option<Left>,
    counts: [u64; COUNTERS.len()],
}

impl Column {
    fn left(&self, pick: impl Fn(&Left) -> u64) -> u64 {
        self.left.as_ref().map_or(0, pick)
    }

    fn is_clean(&self) -> bool {
        self.left.as_ref().is_none_or(Left::is_nothing)
    }
}

impl Table {
    fn run(
        &mut self,
        library: &Library,
        name: &'static str,
        cases: &[Case],
        make: impl Fn(SocketAddr) -> Result<Command, Failure>,
    ) -> Result<(), Failure> {
        println!(
            "==> {name}: {} requests by each client, {N_ROUNDS} times",
            cases.len()
        );
        library.begin_counting(name)?;
        let server = Server::start(name, |address| {
            let mut command = make(address)?;
            library.preload(&mut command, name);
            Ok(command)
        })?;
        let got = load::run(server.address, cases, N_ROUNDS, library.seed());
        println!("==> {name}: clients that go away");
        let left = disconnect::run(&server, cases)?;
        self.add(library, name, got, Some(left))
    }

    fn add(
        &mut self,
        library: &Library,
        name: &'static str,
        got: Got,
        left: Option<Left>,
    ) -> Result<(), Failure> {
        for wrong in got.wrong.iter().take(N_SHOWN) {
            println!("wrong: {wrong}");
        }
        let counts = library.counts(name)?;
        self.0.push(Column {
            name,
            got,
            left,
            counts,
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
            column.left(|left| left.n_clients as u64)
        });
        self.print_row("descriptors left", |column| {
            column.left(|left| left.n_descriptors as u64)
        });
        self.print_row("KiB of memory left", |column| {
            column.left(|left| left.n_bytes >> 10)
        });
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
        if let Some(column) = self.0.iter().find(|column| !column.is_clean()) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn table(got: Got, left: Option<Left>, counts: [u64; COUNTERS.len()]) -> Table {
        Table(vec![Column {
            name: "files",
            got,
            left,
            counts,
        }])
    }

    #[test]
    fn a_run_without_a_kind_of_fault_proves_nothing() {
        let each = [1; COUNTERS.len()];
        assert!(table(Got::default(), None, each).judge().is_ok());
        for at in 0..COUNTERS.len() {
            let mut counts = each;
            counts[at] = 0;
            let failure = table(Got::default(), None, counts).judge().unwrap_err();
            assert!(failure.to_string().contains(COUNTERS[at]), "{failure}");
        }
    }

    #[test]
    fn wrong_answers_and_what_is_left_are_failures() {
        let each = [1; COUNTERS.len()];
        let got = Got {
            wrong: vec!["a byte".to_owned()],
            ..Got::default()
        };
        assert!(table(got, None, each).judge().is_err());
        let left = Left {
            n_clients: 1,
            n_descriptors: 1,
            n_bytes: 0,
        };
        assert!(table(Got::default(), Some(left), each).judge().is_err());
    }
}
