//! The options: each is a flag, an environment variable and a key of the configuration file.
//!
//! What is not given is `None`, so that the layers can be laid over each other; defaults live in
//! the configuration of the part that an option is for.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use crate::access_log::Format;
use crate::cache_rule::CacheRule;
use crate::listen::{Listen, UnixMode};
use crate::verbosity::Verbosity;

/// The options of the server.
#[derive(Args, Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Options {
    /// The folder to serve, as PUBLIC_DIR
    #[arg(long, value_name = "DIR", env = "ASTATINE_WWW", hide_env = true)]
    pub(crate) www: Option<PathBuf>,

    /// Port to listen on; 0 lets the system choose [default: 3000]
    #[arg(
        short,
        long,
        value_name = "PORT",
        env = "ASTATINE_PORT",
        hide_env = true
    )]
    pub(crate) port: Option<u16>,

    /// Where to listen: HOST, HOST:PORT, unix:PATH, fd:NUMBER or fd:NAME; may be
    /// repeated [default: every interface]
    #[arg(
        short,
        long,
        value_name = "ADDRESS",
        value_delimiter = ',',
        env = "ASTATINE_BIND",
        hide_env = true
    )]
    pub(crate) bind: Vec<Listen>,

    /// Permissions of a Unix socket's file, in octal [default: 660]
    #[arg(long, value_name = "MODE", env = "ASTATINE_UNIX_MODE", hide_env = true)]
    pub(crate) unix_mode: Option<UnixMode>,

    /// Threads that serve; -N means the number of cores divided by N [default: one a core]
    #[arg(
        short,
        long,
        value_name = "N",
        allow_negative_numbers = true,
        env = "ASTATINE_THREADS",
        hide_env = true
    )]
    pub(crate) threads: Option<i16>,

    /// Log each request on standard output
    #[arg(
        short = 'v',
        long,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_name = "BOOL",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true,
        env = "ASTATINE_ACCESS_LOG",
        hide_env = true
    )]
    pub(crate) access_log: Option<bool>,

    /// How a request is logged [default: common]
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        env = "ASTATINE_LOG_FORMAT",
        hide_env = true
    )]
    pub(crate) log_format: Option<Format>,

    /// What is told on standard error: 0 nothing, 1 and 2 errors, 3 warnings, 4 events,
    /// 5 details [default: 4]
    #[arg(
        short = 'V',
        long,
        value_name = "LEVEL",
        env = "ASTATINE_VERBOSITY",
        hide_env = true
    )]
    pub(crate) verbosity: Option<Verbosity>,

    /// Seconds that a connection may idle between two requests [default: 40]
    #[arg(
        short,
        long,
        value_name = "SECONDS",
        env = "ASTATINE_KEEP_ALIVE",
        hide_env = true
    )]
    pub(crate) keep_alive: Option<u32>,

    /// Seconds that a request's head may take to arrive [default: 10]
    #[arg(
        long,
        value_name = "SECONDS",
        env = "ASTATINE_TIMEOUT",
        hide_env = true
    )]
    pub(crate) timeout: Option<u32>,

    /// Largest request body [default: 50]
    #[arg(long, value_name = "MB", env = "ASTATINE_MAX_BODY", hide_env = true)]
    pub(crate) max_body: Option<u32>,

    /// Largest request head [default: 32]
    #[arg(long, value_name = "KB", env = "ASTATINE_MAX_HEADER", hide_env = true)]
    pub(crate) max_header: Option<u16>,

    /// Most connections at a time [default: the descriptor limit less 64]
    #[arg(
        long,
        value_name = "N",
        env = "ASTATINE_MAX_CONNECTIONS",
        hide_env = true
    )]
    pub(crate) max_connections: Option<NonZeroUsize>,

    /// Most connections of one address at a time [default: no limit]
    #[arg(
        long,
        value_name = "N",
        env = "ASTATINE_MAX_CONNECTIONS_PER_ADDRESS",
        hide_env = true
    )]
    pub(crate) max_connections_per_address: Option<NonZeroUsize>,

    /// Seconds that open requests get to finish after INT or TERM [default: 8]
    #[arg(
        long,
        value_name = "SECONDS",
        env = "ASTATINE_SHUTDOWN_TIMEOUT",
        hide_env = true
    )]
    pub(crate) shutdown_timeout: Option<u32>,

    /// List folders that have no index.html
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_name = "BOOL",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true,
        env = "ASTATINE_LISTING",
        hide_env = true
    )]
    pub(crate) listing: Option<bool>,

    /// Answer with this file, a path inside the folder, where none is found
    #[arg(long, value_name = "FILE", env = "ASTATINE_SPA", hide_env = true)]
    pub(crate) spa: Option<String>,

    /// Seconds that a client may keep a file without asking again [default: 3600]
    #[arg(
        long,
        value_name = "SECONDS",
        env = "ASTATINE_MAX_AGE",
        hide_env = true
    )]
    pub(crate) max_age: Option<u32>,

    /// Cache-Control of the files that GLOB matches, as '*.css=max-age=60'; may be repeated, the
    /// first match counts
    #[arg(
        long,
        value_name = "GLOB=VALUE",
        value_delimiter = ';',
        env = "ASTATINE_CACHE_CONTROL",
        hide_env = true
    )]
    pub(crate) cache_control: Vec<CacheRule>,

    /// Write the process number to this file, and remove it at the end; a folder gets astatine.pid
    #[arg(long, value_name = "FILE", env = "ASTATINE_PID", hide_env = true)]
    pub(crate) pid: Option<PathBuf>,
}

impl Options {
    /// Takes what is missing from `lower`.
    pub(crate) fn or(self, lower: Self) -> Self {
        Self {
            www: self.www.or(lower.www),
            port: self.port.or(lower.port),
            bind: or_list(self.bind, lower.bind),
            unix_mode: self.unix_mode.or(lower.unix_mode),
            threads: self.threads.or(lower.threads),
            access_log: self.access_log.or(lower.access_log),
            log_format: self.log_format.or(lower.log_format),
            verbosity: self.verbosity.or(lower.verbosity),
            keep_alive: self.keep_alive.or(lower.keep_alive),
            timeout: self.timeout.or(lower.timeout),
            max_body: self.max_body.or(lower.max_body),
            max_header: self.max_header.or(lower.max_header),
            max_connections: self.max_connections.or(lower.max_connections),
            max_connections_per_address: self
                .max_connections_per_address
                .or(lower.max_connections_per_address),
            shutdown_timeout: self.shutdown_timeout.or(lower.shutdown_timeout),
            listing: self.listing.or(lower.listing),
            spa: self.spa.or(lower.spa),
            max_age: self.max_age.or(lower.max_age),
            cache_control: or_list(self.cache_control, lower.cache_control),
            pid: self.pid.or(lower.pid),
        }
    }
}

fn or_list<T>(list: Vec<T>, lower: Vec<T>) -> Vec<T> {
    if list.is_empty() { lower } else { list }
}
