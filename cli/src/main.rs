//! The `astatine` command: serves a folder, and a hub for real time, over HTTP/1.1.
//!
//! It reads the layers of its configuration, lowers them into the parts, and runs those. Start
//! from `serve`.

#![forbid(unsafe_code)]

mod absent;
mod arguments;
mod argv;
mod cache_rule;
mod choice;
mod command_line;
mod demo;
mod descriptors;
mod failure;
mod file;
mod form;
mod from_heads;
mod from_text;
mod gen_token;
mod hub;
mod idle;
mod layers;
mod list;
mod listen;
mod lowering;
mod network;
mod notify_socket;
mod options;
mod or_bytes;
mod pages;
mod pid_file;
mod publish;
mod ready;
mod secret;
mod serve;
mod settings;
mod site;
mod variables;
mod verbosity;

use std::env;
use std::io::{self, Write};
use std::iter;
use std::path::Path;
use std::process::ExitCode;

use clap_complete::Shell;
use clap_mangen::Man;

use crate::command_line::{Command, CommandLine};
use crate::failure::Failure;
use crate::options::Options;
use crate::settings::Settings;

fn main() -> ExitCode {
    let command_line = match CommandLine::read(env::args_os()) {
        Ok(command_line) => command_line,
        // It may be the help text, which is no failure; the parser knows where it goes.
        Err(error) => error.exit(),
    };
    match run(command_line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where standard error is gone, the exit code is left.
            drop(writeln!(io::stderr(), "error: {failure}"));
            failure.exit_code()
        }
    }
}

fn run(mut command_line: CommandLine) -> Result<(), Failure> {
    match command_line.command.take() {
        None => serve::serve(command_line.settle(variable)?),
        Some(Command::CheckConfig { file }) => check_config(&file),
        Some(Command::Completions { shell }) => print(&completions(shell)),
        Some(Command::GenToken(token)) => print(token.run()?.as_bytes()),
        Some(Command::Publish(publish)) => print(publish.run()?.as_bytes()),
        Some(Command::Man) => print(&manual()?),
    }
}

/// Reads a variable; what is no text in it is replaced, so that it cannot pass for a number.
fn variable(name: &str) -> Option<String> {
    Some(env::var_os(name)?.to_string_lossy().into_owned())
}

/// Does with the file alone all that the server does before it listens.
fn check_config(file: &Path) -> Result<(), Failure> {
    Settings::over_file(Options::default(), Vec::new(), Some(file.to_owned()))
        .and_then(serve::check)
        .map_err(|failure| failure.of_file(file))?;
    print(format!("{} can be used\n", file.display()).as_bytes())
}

fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::parser(), "astatine", &mut script);
    script
}

fn manual() -> Result<Vec<u8>, Failure> {
    // The page has room for what the short help leaves out.
    let mut parser = CommandLine::parser()
        .disable_help_subcommand(true)
        .override_usage("astatine [OPTIONS] [PUBLIC_DIR]\nastatine COMMAND")
        .mut_args(|arg| arg.hide_short_help(false));
    // The pages of the commands, which it names, follow.
    parser.build();
    let mut pages = Vec::new();
    for command in iter::once(&parser).chain(parser.get_subcommands()) {
        Man::new(command.clone())
            .source(concat!("astatine ", env!("CARGO_PKG_VERSION")))
            .render(&mut pages)
            .map_err(|error| Failure::system("cannot write the manual page", error))?;
    }
    Ok(pages)
}

fn print(bytes: &[u8]) -> Result<(), Failure> {
    match io::stdout().write_all(bytes) {
        // Its reader has seen enough, as head does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Failure::system("cannot write to standard output", error)),
    }
}
