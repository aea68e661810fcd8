//! The environment variables that options have.

use std::env;
use std::ffi::OsString;
use std::iter;
use std::str::FromStr;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command};

use crate::absent;
use crate::command_line::CommandLine;
use crate::failure::Failure;
use crate::options::Options;

/// Has an argument take its value from its variable, where that is set.
pub(crate) fn with_variable(arg: Arg) -> Arg {
    let Some(name) = arg.get_long().filter(|_| arg.get_action().takes_values()) else {
        return arg;
    };
    let variable = name_of(name);
    match read(&variable) {
        Some(_) => arg.env(variable).hide_env(true),
        None => arg,
    }
}

/// Reads a variable. An empty one is not set, which the parser would see otherwise.
pub(crate) fn read(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns the variable of an option, which is given without its dashes.
pub(crate) fn name_of(option: &str) -> String {
    format!("ASTATINE_{}", option.to_uppercase().replace('-', "_"))
}

/// Warns of variables with our prefix that no option has.
pub(crate) fn warn_of_unknown() {
    let parser = CommandLine::parser().args(absent::args());
    let commands = iter::once(&parser).chain(parser.get_subcommands());
    let known: Vec<String> = commands
        .flat_map(Command::get_arguments)
        .filter_map(|arg| arg.get_long().map(name_of))
        .collect();
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        let Some(option) = name.strip_prefix("ASTATINE_") else {
            continue;
        };
        if known.iter().any(|known| *known == name) {
            continue;
        }
        let option = option.to_lowercase().replace('_', "-");
        let nearest = CommandLine::nearest_option(&option)
            .filter(|near| !is_service_link(&option) && has_variable(&parser, near))
            .map(|option| format!(": did you mean {}?", name_of(&option)));
        let nearest = nearest.unwrap_or_default();
        tracing::warn!("the environment has {name}, which is no option's{nearest}");
    }
}

/// Whether a variable is set by Kubernetes, for a service that has our name before its own.
fn is_service_link(option: &str) -> bool {
    let parts = ["service-host", "service-port", "port-"];
    parts.iter().any(|part| option.contains(part))
}

/// Whether an option is one of the server's that take a value, unlike --version.
fn has_variable(parser: &Command, option: &str) -> bool {
    let arg = parser
        .get_arguments()
        .find(|arg| arg.get_long() == Some(option));
    arg.is_some_and(|arg| arg.get_action().takes_values())
}

/// Adds to an error about an option's value that it is the variable's, where it is: the parser
/// speaks of the option alone, which nobody may have given.
pub(crate) fn with_source(mut error: clap::Error) -> clap::Error {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let is_part = |c: char| c.is_ascii_lowercase() || c == '-';
    let (arg, value) = (
        text(ContextKind::InvalidArg),
        text(ContextKind::InvalidValue),
    );
    let option = arg.trim_start_matches('-').split(|c| !is_part(c)).next();
    let variable = name_of(option.unwrap_or_default());
    let set = read(&variable).unwrap_or_default();
    let set = set.to_string_lossy();
    // It may be one of a list.
    let mut parts = set.split(',').chain(set.split(';'));
    if !set.is_empty() && (set == value || parts.any(|part| part == value)) {
        let tip = format!("the environment has {variable}; set it right or unset it");
        let tip = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tip);
    }
    error
}

/// Reads the variables that carry no prefix, as platforms set them. An empty one is not set.
///
/// # Errors
///
/// One of them is no number that fits.
pub(crate) fn of_platform(variable: impl Fn(&str) -> Option<String>) -> Result<Options, Failure> {
    Ok(Options {
        port: number("PORT", &variable)?,
        threads: number("THREADS", &variable)?,
        ..Options::default()
    })
}

fn number<T: FromStr>(
    name: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<T>, Failure> {
    let Some(text) = variable(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let failure = |_| {
        Failure::Usage(format!(
            "the environment has {name}={text}, which is no number that fits; set it right or unset it"
        ))
    };
    text.parse().map(Some).map_err(failure)
}
