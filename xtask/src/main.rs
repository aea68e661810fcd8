//! The project's own commands, run as `cargo xtask COMMAND`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

mod bench;
mod ci;
mod client;
mod conformance;
mod failure;
mod faults;
mod fuzz;
mod noise;
mod server;
mod soak;
mod step;
mod test;
mod tidy;

use std::process::ExitCode;

use failure::Failure;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  test                  run every test: unit, integration and documentation
  ci [--full] [--no-test]
                        run the gates: format, lints, tidy, docs, features, tests;
                        --full adds each pair of features, and wasm where it is installed
  tidy                  check the rules of STYLE.md that a machine can check
  bench [http] [static] [templates] [websocket] [--rounds N] [--json PATH] [--all-instructions]
                        measure beside the peers in xtask/peers; without an area, all
  conformance SUBJECT [DIR]
                        run the suites of a subject, and those that lie in DIR:
                        autobahn, client, http, mustache, sse
  fuzz [TARGET [--seconds N | --merge]]
                        list the fuzz targets, or run one (60 s); --merge takes what runs have
                        found new into the corpus in the repository
  faults [--seed N]     run the binary on a network that cuts, delays and interrupts, and compare
                        what clients get with the files
  soak [slow] [stream]  hold slow clients and carry large bodies, and see what that costs; without an
                        area, both
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            failure.exit_code()
        }
    }
}

fn run(args: &[&str]) -> Result<(), Failure> {
    match args.split_first() {
        Some((&"test", [])) => test::run(),
        Some((&"ci", options)) => ci::run(options),
        Some((&"tidy", [])) => tidy::run(),
        Some((&"bench", options)) => bench::run(options),
        Some((&"conformance", args)) => conformance::run(args),
        Some((&"fuzz", args)) => fuzz::run(args),
        Some((&"faults", options)) => faults::run(options),
        Some((&"soak", areas)) => soak::run(areas),
        Some((&("help" | "-h" | "--help"), _)) => {
            print!("{USAGE}");
            Ok(())
        }
        _ => Err(Failure::Usage(USAGE)),
    }
}
