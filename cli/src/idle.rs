//! Options that are set and do nothing, for want of an other.

use crate::listen::Listen;
use crate::options::Options;

/// An option that does nothing by itself.
pub(crate) struct Dependent {
    field: &'static str,
    differs: fn(&Options, &Options) -> bool,
    pub(crate) need: Need,
}

/// What an option has to have beside it.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    pub(crate) text: &'static str,
    is_met: fn(&Options) -> bool,
    /// Whether an option without it is refused wherever it stands: somebody who secures a hub
    /// means to have one.
    pub(crate) is_vital: bool,
}

/// Returns the options that are set and do nothing.
pub(crate) fn options(set: &Options) -> impl Iterator<Item = &'static Dependent> {
    let is_idle = |option: &&Dependent| option.is_set(set) && !(option.need.is_met)(set);
    ALL.iter().filter(is_idle)
}

impl Dependent {
    /// Returns its name on the command line.
    pub(crate) fn name(&self) -> String {
        format!("--{}", self.field.replace('_', "-"))
    }

    /// Whether it is set, and to something that may be missed; port 0 is iodine's for a Unix socket.
    pub(crate) fn is_set(&self, options: &Options) -> bool {
        let turned_off = Options {
            port: Some(0),
            watch: Some(false),
            live_open: Some(false),
            live_history: Some(0),
            listing: Some(false),
            dotfiles: Some(false),
            immutable: Some(false),
            gzip: Some(false),
            max_queued: Some(0),
            ..Options::default()
        };
        [Options::default(), turned_off]
            .iter()
            .all(|off| (self.differs)(options, off))
    }
}

macro_rules! dependents {
    ($($need:expr => $($field:ident)*;)*) => {
        &[$($(Dependent {
            field: stringify!($field),
            differs: |a, b| a.$field != b.$field,
            need: $need,
        }),*),*]
    };
}

const ALL: &[Dependent] = dependents! {
    HUB => live_history live_open live_key live_secret live_cookie live_origin live_slow
        live_publish_rate live_max_name live_max_channels live_history_size live_history_age
        live_history_total live_history_channels live_handoff;
    // Iodine's -ping and -maxms may stand for nothing.
    need("--live", HUB.is_met) => max_frames max_outbox max_outboxes;
    need("--live-key", |o| o.live_key.is_some() || o.live_secret.is_some()) => live_cookie;
    need("--live-history", |o| o.live_history > Some(0)) => live_history_size live_history_age
        live_history_total live_history_channels;
    need("PUBLIC_DIR", |o| o.www.is_some()) => listing spa index dotfiles max_age cache_control
        immutable gzip gzip_min gzip_max max_ranges cache max_open_files max_stale max_blocking;
    need("--gzip", |o| o.gzip != Some(false)) => gzip_min gzip_max;
    need("PUBLIC_DIR or --templates", |o| o.www.is_some() || o.templates.is_some()) => watch;
    need("--templates", |o| o.templates.is_some()) => template_header;
    need(PORT, takes_port) => port;
    need(MODE, takes_mode) => unix_mode;
    // Who turns the log off in so many words may leave its format.
    need("--access-log", |o| o.access_log.is_some()) => log_format;
    need("--trusted-proxy", |o| !o.trusted_proxy.is_empty()) => forwarded_field;
    need("--proxy-protocol", |o| !o.proxy_protocol.is_empty()) => proxy_protocol_timeout;
    need("--max-concurrent", |o| o.max_concurrent.is_some()) => max_queued;
    need("a --body-min-rate above 0", |o| o.body_min_rate != Some(0)) => body_grace;
    need("a --drain-min-rate above 0", |o| o.drain_min_rate != Some(0)) => drain_grace;
};

/// What is refused without one is about who may do what, or is of no other use.
const HUB: Need = Need {
    text: "a hub: give --live PATH, as --live /live",
    is_met: |o| o.live.is_some() || o.demo == Some(true),
    is_vital: true,
};

const PORT: &str = "a --bind without a port of its own";
const MODE: &str = "a --bind unix:PATH without a mode of its own";

const fn need(text: &'static str, is_met: fn(&Options) -> bool) -> Need {
    Need {
        text,
        is_met,
        is_vital: false,
    }
}

pub(crate) fn takes_port(options: &Options) -> bool {
    let takes_port = |listen: &Listen| matches!(listen, Listen::Host(_));
    options.bind.is_empty() || options.bind.iter().any(takes_port)
}

fn takes_mode(options: &Options) -> bool {
    let takes_mode = |listen: &Listen| matches!(listen, Listen::Unix { mode: None, .. });
    options.bind.iter().any(takes_mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::BTreeSet;

    use crate::command_line::CommandLine;
    use crate::file::tests::EVERY_KEY;

    #[track_caller]
    fn check(file: &str, expected: &[(&str, &str)]) {
        let set: Options = toml::from_str(file).unwrap();
        let idle: Vec<_> = options(&set).map(|o| (o.name(), o.need.text)).collect();
        let idle: Vec<_> = idle.iter().map(|(name, need)| (&**name, *need)).collect();
        assert_eq!(idle, expected, "{file}");
    }

    #[test]
    fn an_option_does_nothing_without_the_one_that_it_needs() {
        for (file, option, need) in [
            ("spa = 'a'\nlive = '/live'", "--spa", "PUBLIC_DIR"),
            ("max-age = 0\ntemplates = 't'", "--max-age", "PUBLIC_DIR"),
            ("index = 'a'\ndemo = true", "--index", "PUBLIC_DIR"),
            (
                "gzip-min = 1\nwww = 'a'\ngzip = false",
                "--gzip-min",
                "--gzip",
            ),
            (
                "watch = true\nlive = '/live'",
                "--watch",
                "PUBLIC_DIR or --templates",
            ),
            ("template-header = 'a'", "--template-header", "--templates"),
            ("log-format = 'json'", "--log-format", "--access-log"),
            ("max-frames = 1", "--max-frames", "--live"),
            ("max-outbox = 1", "--max-outbox", "--live"),
            ("max-outboxes = 1", "--max-outboxes", "--live"),
            (
                "forwarded-field = 'forwarded'",
                "--forwarded-field",
                "--trusted-proxy",
            ),
            (
                "proxy-protocol-timeout = 1",
                "--proxy-protocol-timeout",
                "--proxy-protocol",
            ),
            ("max-queued = 1", "--max-queued", "--max-concurrent"),
            (
                "body-min-rate = 0\nbody-grace = 1",
                "--body-grace",
                "a --body-min-rate above 0",
            ),
            (
                "drain-min-rate = 0\ndrain-grace = 1",
                "--drain-grace",
                "a --drain-min-rate above 0",
            ),
        ] {
            check(file, &[(option, need)]);
        }
        for option in ["size", "age", "total", "channels"] {
            let option = format!("live-history-{option}");
            let file = format!("{option} = 1\nlive = '/live'");
            check(&file, &[(&format!("--{option}"), "--live-history")]);
        }
    }

    #[test]
    fn every_option_of_files_needs_a_folder() {
        let mut set: Options = toml::from_str(EVERY_KEY).unwrap();
        (set.www, set.gzip, set.immutable) = (None, Some(true), Some(true));
        set.unix_mode = None;
        let idle: BTreeSet<_> = options(&set).map(Dependent::name).collect();
        let parser = CommandLine::parser();
        let of_files = parser
            .get_arguments()
            .filter(|arg| arg.get_help_heading() == Some("Static files"));
        let of_files = of_files.map(|arg| format!("--{}", arg.get_long().unwrap()));
        assert_eq!(idle, of_files.collect());
    }

    #[test]
    fn a_port_needs_an_address_without_one_and_a_mode_a_path_without_one() {
        let port = [("--port", PORT)];
        check("port = 1", &[]);
        check("port = 0\nbind = 'unix:a'", &[]);
        check("port = 1\nbind = ['unix:a', '::1']", &[]);
        check("port = 1\nbind = ['unix:a', 'localhost:80', 'fd:3']", &port);
        let mode = [("--unix-mode", MODE)];
        check("unix-mode = '600'\nbind = ['/a?mode=660', '/b']", &[]);
        check("unix-mode = '600'\nbind = ['/a?mode=660', '::1']", &mode);
        check("unix-mode = '600'", &mode);
    }

    #[test]
    fn an_option_of_the_hub_is_vital() {
        let set: Options = toml::from_str("live-key = 'a'\nmax-outbox = 1").unwrap();
        let idle: Vec<_> = options(&set).map(|o| o.need.is_vital).collect();
        assert_eq!(idle, [true, false]);
    }

    #[test]
    fn what_has_what_it_needs_or_is_turned_off_is_not_idle() {
        let every = [
            ("--gzip-min", "--gzip"),
            ("--gzip-max", "--gzip"),
            ("--unix-mode", MODE),
        ];
        check(EVERY_KEY, &every);
        check(
            "listing = false\ngzip = false\nimmutable = false\nmax-queued = 0",
            &[],
        );
        check("log-format = 'json'\naccess-log = false", &[]);
        check("demo = true\nmax-outbox = 1\nlive-history = 1", &[]);
        check("ping = 1\nmax-message = 1\nlive-open = false", &[]);
    }
}
