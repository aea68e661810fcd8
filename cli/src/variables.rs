//! The environment variables that options have.

use std::env;
use std::ffi::{OsStr, OsString};
use std::iter;
use std::str::FromStr;

use astatine_reactor::Bind;
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

/// Reads a variable. An empty one is not set, which the parser would see otherwise; nor is what
/// Kubernetes sets.
pub(crate) fn read(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty() && !is_service_link(name, value))
}

/// Returns the variable of an option, which is given without its dashes.
pub(crate) fn name_of(option: &str) -> String {
    format!("{PREFIX}{}", option.to_uppercase().replace('-', "_"))
}

/// Returns the variable that has set an option: the option's own, else the platform's.
pub(crate) fn set_for(option: &str) -> String {
    let own = name_of(option.trim_start_matches('-'));
    match (read(&own), own.strip_prefix(PREFIX)) {
        (None, Some(platform_s)) => platform_s.to_owned(),
        _ => own,
    }
}

/// Warns of variables with our prefix that no option has.
pub(crate) fn warn_of_unknown() {
    let parser = CommandLine::parser().args(absent::args());
    let commands = iter::once(&parser).chain(parser.get_subcommands());
    let known: Vec<String> = commands
        .flat_map(Command::get_arguments)
        .filter_map(|arg| arg.get_long().map(name_of))
        .collect();
    for (name, value) in env::vars_os() {
        let name = name.to_string_lossy();
        let Some(option) = name.strip_prefix(PREFIX) else {
            continue;
        };
        if known.iter().any(|known| *known == name) || is_service_link(&name, &value) {
            continue;
        }
        let option = option.to_lowercase().replace('_', "-");
        let is_spelled = |known: &&String| known.eq_ignore_ascii_case(&name);
        let nearest = known.iter().find(is_spelled).cloned().or_else(|| {
            let nearest = CommandLine::nearest_option(&option);
            let nearest = nearest.filter(|near| has_variable(&parser, near));
            nearest.map(|option| name_of(&option))
        });
        let nearest = nearest.map(|variable| format!(": did you mean {variable}?"));
        let nearest = nearest.unwrap_or_default();
        tracing::warn!("the environment has {name}, which is no option's{nearest}");
    }
}

/// Warns of the variables by which platforms ask for what is not there.
pub(crate) fn warn_of_absent(has_hub: bool) {
    let workers = ["WEB_CONCURRENCY", "WORKERS"].map(|name| (name, "workers"));
    // Where both are set, the first counts.
    let workers = workers.into_iter().find(|(name, _)| read(name).is_some());
    let redis = has_hub.then_some(("REDIS_URL", "redis"));
    for (name, option) in workers.into_iter().chain(redis) {
        // The value itself is not told: a URL may have a password in it.
        let objection = |value: OsString| absent::objection(option, &value.to_string_lossy());
        if let Some(reason) = read(name).and_then(objection) {
            tracing::warn!("{name} does nothing: {reason}");
        }
    }
}

/// Warns where Kubernetes has set the variable of the port, and it may be thought to count.
pub(crate) fn warn_of_service_link(binds: &[Bind]) {
    let name = name_of("port");
    let Some(value) = env::var_os(&name).filter(|value| is_service_link(&name, value)) else {
        return;
    };
    let binds: Vec<String> = binds.iter().map(Bind::to_string).collect();
    tracing::warn!(
        "{name}={} is Kubernetes's, for a service named astatine, and no port to listen on: {} is \
         listened on; say where by -p or PORT, or set enableServiceLinks: false",
        value.to_string_lossy(),
        binds.join(" and ")
    );
}

/// Whether a variable is one of those that Kubernetes sets for a service, whose name may begin
/// with ours.
fn is_service_link(name: &str, value: &OsStr) -> bool {
    let is_address = || {
        let value = value.to_string_lossy();
        ["tcp://", "udp://", "sctp://"]
            .iter()
            .any(|scheme| value.starts_with(scheme))
    };
    // As SERVICE_PORT_HTTP and PORT_80_TCP_ADDR.
    let has_number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT") && is_address()
        || name
            .split_once("_PORT_")
            .is_some_and(|(_, rest)| has_number(rest))
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
        port: number("PORT", "from 0 to 65535", &variable)?,
        threads: number("THREADS", "from -32768 to 32767", &variable)?,
        ..Options::default()
    })
}

fn number<T: FromStr>(
    name: &str,
    numbers: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<T>, Failure> {
    let Some(text) = variable(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let failure = |_| {
        Failure::Usage(format!(
            "the environment has {name}={text}, which is no number {numbers}; set it right or unset it"
        ))
    };
    text.parse().map(Some).map_err(failure)
}

const PREFIX: &str = "ASTATINE_";
