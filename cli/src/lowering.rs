//! Lowers the options into the configuration of each part. What an option leaves open is the
//! part's own default.

use std::num::NonZeroUsize;
use std::time::Duration;

use astatine_reactor::{Bind, Inherited};
use astatine_static_files::Listing;
use {astatine_http1 as http1, astatine_reactor as reactor, astatine_static_files as static_files};

use crate::options::Options;

/// Returns the limits of connections.
pub(crate) fn reactor_config(options: &Options) -> reactor::Config {
    let mut config = reactor::Config::default();
    config.max_connections = options.max_connections.or(config.max_connections);
    config.max_connections_per_address = options
        .max_connections_per_address
        .or(config.max_connections_per_address);
    set(
        &mut config.shutdown_grace,
        options.shutdown_timeout.map(seconds),
    );
    config
}

/// Returns the limits of requests.
pub(crate) fn http1_config(options: &Options) -> http1::Config {
    let mut config = http1::Config::default();
    set(
        &mut config.keep_alive_timeout,
        options.keep_alive.map(seconds),
    );
    set(&mut config.head_timeout, options.timeout.map(seconds));
    set(
        &mut config.max_body_bytes,
        options.max_body.map(|mb| u64::from(mb) << 20),
    );
    set(
        &mut config.max_head_bytes,
        options.max_header.map(|kb| usize::from(kb) << 10),
    );
    config
}

/// Returns how the folder is served.
pub(crate) fn static_files_config(options: &Options) -> static_files::Config {
    let mut config = static_files::Config::default();
    let listing = options
        .listing
        .map(|is_on| if is_on { Listing::On } else { Listing::Off });
    set(&mut config.listing, listing);
    config.spa_fallback = options.spa.clone().or(config.spa_fallback);
    set(&mut config.max_age, options.max_age.map(seconds));
    let rules = options.cache_control.iter();
    config.cache_control = rules
        .map(|rule| (rule.glob.clone(), rule.value.clone()))
        .collect();
    config
}

/// Returns where to listen: where the options say, else on the sockets that the process was
/// started with, else on the port of every interface.
pub(crate) fn binds(options: &Options, inherited: &Inherited) -> Vec<Bind> {
    let port = options.port.unwrap_or(DEFAULT_PORT);
    let mode = options.unix_mode.map_or(Bind::DEFAULT_MODE, |mode| mode.0);
    let mut binds: Vec<Bind> = options
        .bind
        .iter()
        .map(|listen| listen.bind(port, mode))
        .collect();
    if binds.is_empty() && options.port.is_none() {
        binds.extend(
            inherited
                .sockets()
                .map(|(_, number)| Bind::InheritedNumber(number)),
        );
    }
    if binds.is_empty() {
        binds.push(Bind::Port(port));
    }
    binds
}

/// Returns the number of threads for what was asked on a machine with `cores`: none or 0 means
/// one a core, a negative number divides the cores.
pub(crate) fn n_threads(asked: Option<i16>, cores: NonZeroUsize) -> NonZeroUsize {
    let asked = asked.unwrap_or_default();
    let size = usize::from(asked.unsigned_abs());
    NonZeroUsize::new(size).map_or(cores, |size| {
        if asked > 0 {
            size
        } else {
            NonZeroUsize::new(cores.get() / size).unwrap_or(NonZeroUsize::MIN)
        }
    })
}

/// 32 bits of seconds are more than a century, and far from any overflow.
fn seconds(n: u32) -> Duration {
    Duration::from_secs(u64::from(n))
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// Iodine's port.
const DEFAULT_PORT: u16 = 3000;

#[cfg(test)]
mod tests {
    use super::*;

    use clap::CommandFactory;

    use crate::command_line::CommandLine;

    fn inherited(n: &str) -> Inherited {
        Inherited::parse(1, Some("1"), Some(n), None).unwrap()
    }

    #[track_caller]
    fn check_binds(options: &Options, n_inherited: &str, expected: &[&str]) {
        let binds = binds(options, &inherited(n_inherited));
        let texts: Vec<String> = binds.iter().map(Bind::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn without_options_every_interface_is_listened_on() {
        check_binds(&Options::default(), "0", &[":3000"]);
    }

    #[test]
    fn inherited_sockets_are_used_unless_an_option_says_where() {
        check_binds(&Options::default(), "2", &["fd:3", "fd:4"]);
        let options = Options {
            port: Some(80),
            ..Options::default()
        };
        check_binds(&options, "2", &[":80"]);
        let bind = vec!["::1".parse().unwrap(), "unix:a".parse().unwrap()];
        let options = Options { bind, ..options };
        check_binds(&options, "2", &["[::1]:80", "unix:a"]);
    }

    #[test]
    fn negative_threads_divide_the_cores() {
        let threads = |asked| n_threads(asked, NonZeroUsize::new(8).unwrap()).get();
        let cases = [
            (None, 8),
            (Some(0), 8),
            (Some(3), 3),
            (Some(-1), 8),
            (Some(-4), 2),
            (Some(-9), 1),
        ];
        for (asked, expected) in cases {
            assert_eq!(threads(asked), expected, "{asked:?}");
        }
        assert_eq!(threads(Some(i16::MIN)), 1);
    }

    #[test]
    fn options_come_in_their_units() {
        let options = Options {
            max_body: Some(2),
            max_header: Some(3),
            keep_alive: Some(4),
            ..Options::default()
        };
        let config = http1_config(&options);
        assert_eq!(config.max_body_bytes, 2 * 1024 * 1024);
        assert_eq!(config.max_head_bytes, 3 * 1024);
        assert_eq!(config.keep_alive_timeout, Duration::from_secs(4));
    }

    #[test]
    fn what_is_left_open_is_the_default_of_the_part() {
        let options = Options::default();
        assert_eq!(http1_config(&options), http1::Config::default());
        let (ours, theirs) = (reactor_config(&options), reactor::Config::default());
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
        let (ours, theirs) = (
            static_files_config(&options),
            static_files::Config::default(),
        );
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }

    #[test]
    fn the_help_tells_the_defaults_of_the_parts() {
        let help = CommandLine::command().render_long_help().to_string();
        let tells = |option: &str, default: String| {
            let (_, text) = help.split_once(option).unwrap();
            let (_, text) = text.split_once("[default: ").unwrap();
            assert!(text.starts_with(&default), "{option}: {default}");
        };
        let http1 = http1::Config::default();
        tells("--port ", format!("{DEFAULT_PORT}]"));
        tells("--unix-mode ", format!("{:o}]", Bind::DEFAULT_MODE));
        tells(
            "--keep-alive ",
            format!("{}]", http1.keep_alive_timeout.as_secs()),
        );
        tells("--timeout ", format!("{}]", http1.head_timeout.as_secs()));
        tells("--max-body ", format!("{}]", http1.max_body_bytes >> 20));
        tells("--max-header ", format!("{}]", http1.max_head_bytes >> 10));
        let reactor = reactor::Config::default();
        let reserve = reactor.descriptor_reserve;
        tells(
            "--max-connections ",
            format!("the descriptor limit less {reserve}]"),
        );
        tells(
            "--shutdown-timeout ",
            format!("{}]", reactor.shutdown_grace.as_secs()),
        );
        let max_age = static_files::Config::default().max_age;
        tells("--max-age ", format!("{}]", max_age.as_secs()));
    }
}
