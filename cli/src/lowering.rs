//! Lowers the options into the configuration of each part. What an option leaves open is the
//! part's own default.

use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use astatine_http1::layer::access_log::AccessLog;
use astatine_http1::layer::concurrency::ConcurrencyLimitLayer;
use astatine_http1::layer::timeout::TimeoutLayer;
use astatine_pubsub::{MAX_NAME_BYTES, Pattern, Retention};
use astatine_reactor::handler::{Budget, Policy};
use astatine_reactor::proxy_protocol::ProxyProtocolLayer;
use astatine_reactor::{Bind, Inherited, Network};
use astatine_static_files::{Dotfiles, Listing};
use {
    astatine_http1 as http1, astatine_pubsub as pubsub, astatine_reactor as reactor,
    astatine_sse as sse, astatine_static_files as static_files, astatine_websocket as websocket,
};

use crate::hub::{self, Hub, Key};
use crate::layers::Layers;
use crate::network::ListedNetwork;
use crate::options::Options;
use crate::pages::{PagesLayer, ReloadLayer};

/// Returns the limits of connections.
pub(crate) fn reactor_config(options: &Options) -> reactor::Config {
    let mut config = reactor::Config::default();
    config.max_connections = options.max_connections.or(config.max_connections);
    config.max_connections_per_address = options
        .max_connections_per_address
        .or(config.max_connections_per_address);
    set(&mut config.descriptor_reserve, options.descriptor_reserve);
    set(&mut config.backlog, options.backlog);
    set(&mut config.lame_duck, options.lame_duck.map(seconds));
    let grace = options.shutdown_timeout.map(seconds);
    set(&mut config.shutdown_grace, grace);
    config
}

/// Returns the limits of requests, and of what a client may keep waiting.
pub(crate) fn http1_config(options: &Options) -> http1::Config {
    let mut config = http1::Config::default();
    let o = options;
    set(&mut config.head_timeout, o.timeout.map(seconds));
    set(&mut config.max_body_bytes, o.max_body.map(mebibytes));
    set(&mut config.body_min_rate, o.body_min_rate);
    set(&mut config.body_grace, o.body_grace.map(seconds));
    set(&mut config.max_head_bytes, o.max_header.map(kibibytes));
    let line = o.max_header_line.map(kibibytes);
    set(&mut config.max_header_line_bytes, line);
    let line = o.max_request_line.map(kibibytes);
    set(&mut config.max_request_line_bytes, line);
    let max_headers = o.max_headers.map(|n| usize::from(n.get()));
    set(&mut config.max_headers, max_headers);
    set(&mut config.keep_alive_timeout, o.keep_alive.map(seconds));
    config.max_requests = o.max_requests.or(config.max_requests);
    let stall = o.write_stall_timeout.map(seconds);
    set(&mut config.write_stall_timeout, stall);
    set(&mut config.drain_min_rate, o.drain_min_rate);
    set(&mut config.drain_grace, o.drain_grace.map(seconds));
    set(&mut config.fragments, o.fragments.map(Into::into));
    config
}

/// Returns what the hub is made of, if there is to be one.
pub(crate) fn hub_config(options: &Options, key: Option<Key>) -> Option<hub::Config> {
    let o = options;
    Some(hub::Config {
        paths: o.live.clone()?,
        key,
        is_open: o.live_open.unwrap_or_default(),
        is_local: o.demo.unwrap_or_default(),
        cookie: o.live_cookie.as_deref().unwrap_or(DEFAULT_COOKIE).into(),
        origins: o.live_origin.clone(),
        policy: o.live_slow.map(Policy::from).unwrap_or_default(),
        publish_rate: o.live_publish_rate,
        max_name_bytes: o
            .live_max_name
            .map_or(MAX_NAME_BYTES, |n| usize::from(n.get())),
        pubsub: pubsub_config(o),
        websocket: websocket_config(o),
        sse: sse_config(o),
    })
}

/// Sets what may wait for all connections of this process together.
pub(crate) fn set_budget(options: &Options) {
    if let Some(n) = options.max_outboxes {
        let max_bytes = mebibytes(n).try_into().unwrap_or(usize::MAX);
        Budget::of_process().set_max_bytes(max_bytes);
    }
}

fn pubsub_config(options: &Options) -> pubsub::Config {
    let mut config = pubsub::Config::default();
    let o = options;
    let max_channels = o.live_max_channels.map(NonZeroUsize::get);
    set(&mut config.max_subscriptions, max_channels);
    let bytes = |n| mebibytes(n).try_into().unwrap_or(usize::MAX);
    set(&mut config.max_handoff_bytes, o.live_handoff.map(bytes));
    let total = o.live_history_total.map(bytes);
    set(&mut config.max_history_bytes, total);
    set(&mut config.max_histories, o.live_history_channels);
    let mut retention = Retention::default();
    retention.max_messages = o.live_history.unwrap_or_default();
    let size = o.live_history_size.map(|n| n as usize * 1024);
    set(&mut retention.max_bytes, size);
    set(&mut retention.max_age, o.live_history_age.map(seconds));
    if retention.max_messages > 0 {
        let all = Pattern::new("*").expect("it is a pattern");
        config.history = vec![(all, retention)];
    }
    config
}

fn websocket_config(options: &Options) -> websocket::Config {
    let mut config = websocket::Config::default();
    let o = options;
    let max = o.max_message.map(kibibytes);
    set(&mut config.max_message_bytes, max);
    set(&mut config.max_frames, o.max_frames.map(NonZeroU32::get));
    let ping = |n| if n == 0 { Duration::MAX } else { seconds(n) };
    set(&mut config.ping_interval, o.ping.map(ping));
    set(&mut config.outbox_bytes, o.max_outbox.map(kibibytes));
    let stall = o.write_stall_timeout.map(seconds);
    set(&mut config.write_stall_timeout, stall);
    set(&mut config.drain_min_rate, o.drain_min_rate);
    set(&mut config.drain_grace, o.drain_grace.map(seconds));
    config
}

fn sse_config(options: &Options) -> sse::Config {
    let mut config = sse::Config::default();
    let o = options;
    let outbox = o.max_outbox.map(|n| u32::from(n.get()) << 10);
    set(&mut config.max_queue_bytes, outbox);
    if let Some(n) = o.ping {
        config.keep_alive = (n > 0).then(|| seconds(n));
    }
    config
}

/// Returns what stands around the files, the log among it where one is kept.
pub(crate) fn layers(
    options: &Options,
    hub: Option<Hub>,
    pages: Option<PagesLayer>,
    reload: Option<ReloadLayer>,
    log: Option<AccessLog>,
) -> Layers {
    let timeout = options.request_timeout.map(seconds);
    let max_queued = options.max_queued.unwrap_or_default();
    Layers {
        hub: hub.map(Arc::new),
        pages,
        reload,
        log,
        proxies: networks(&options.trusted_proxy),
        field: options.forwarded_field.map(Into::into).unwrap_or_default(),
        has_request_ids: options.request_id.unwrap_or_default(),
        timeout: timeout.map(TimeoutLayer::new),
        concurrency: options
            .max_concurrent
            .map(|max| ConcurrencyLimitLayer::with_queue(max, max_queued)),
    }
}

/// Returns the layer that reads the headers of proxies before the protocol begins.
pub(crate) fn proxy_protocol(options: &Options) -> Option<ProxyProtocolLayer> {
    let networks = networks(&options.proxy_protocol);
    let timeout = options.proxy_protocol_timeout.map(seconds);
    let timeout = timeout.unwrap_or(ProxyProtocolLayer::DEFAULT_TIMEOUT);
    (!networks.is_empty()).then(|| ProxyProtocolLayer::new(networks).timeout(timeout))
}

fn networks(listed: &[ListedNetwork]) -> Arc<[Network]> {
    listed.iter().map(|listed| listed.0).collect()
}

/// Returns how the folder is served.
pub(crate) fn static_files_config(options: &Options) -> static_files::Config {
    let mut config = static_files::Config::default();
    let o = options;
    let listing = |is_on| if is_on { Listing::On } else { Listing::Off };
    set(&mut config.listing, o.listing.map(listing));
    let dotfiles = |is_on| {
        if is_on {
            Dotfiles::Served
        } else {
            Dotfiles::Hidden
        }
    };
    set(&mut config.dotfiles, o.dotfiles.map(dotfiles));
    let index = Some(&o.index).filter(|names| !names.is_empty());
    set(&mut config.index, index.cloned());
    config.spa_fallback = o.spa.clone().or(config.spa_fallback);
    set(&mut config.max_age, o.max_age.map(seconds));
    let rules = o.cache_control.iter();
    config.cache_control = rules
        .map(|rule| (rule.glob.clone(), rule.value.clone()))
        .collect();
    set(&mut config.is_hashed_immutable, o.immutable);
    set(&mut config.is_gzip_on_demand, o.gzip);
    let kibibytes = |n| u64::from(n) << 10;
    set(&mut config.gzip_min_bytes, o.gzip_min.map(kibibytes));
    set(&mut config.gzip_max_bytes, o.gzip_max.map(kibibytes));
    set(&mut config.max_ranges, o.max_ranges);
    set(&mut config.cache_bytes, o.cache.map(mebibytes));
    set(&mut config.max_open_files, o.max_open_files);
    // A browser is told of a change at once, and must not be given what was before it.
    if o.watch == Some(true) {
        config.max_stale = Duration::ZERO;
    }
    set(&mut config.max_stale, o.max_stale.map(seconds));
    set(&mut config.max_blocking, o.max_blocking);
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
fn seconds(n: impl Into<u32>) -> Duration {
    Duration::from_secs(u64::from(n.into()))
}

fn kibibytes(n: NonZeroU16) -> usize {
    usize::from(n.get()) << 10
}

fn mebibytes(n: u32) -> u64 {
    u64::from(n) << 20
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// Iodine's port.
const DEFAULT_PORT: u16 = 3000;
const DEFAULT_COOKIE: &str = "astatine_token";

#[cfg(test)]
mod tests {
    use super::*;

    use std::fmt::{Debug, Display};

    use crate::command_line::CommandLine;
    use crate::file::tests::EVERY_KEY;

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
            max_header: NonZeroU16::new(3),
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

    /// Returns the names of the fields that have their default.
    fn at_default<T: Debug + Default>(config: &T) -> Vec<String> {
        let fields = |config: &T| -> Vec<String> {
            let text = format!("{config:#?}");
            let fields = text.split("\n    ").map(str::to_owned);
            // What is indented deeper goes on with the field before it.
            fields.fold(Vec::new(), |mut fields: Vec<String>, part| {
                match fields.last_mut() {
                    Some(field) if part.starts_with([' ', ']', '}', ')']) => field.push_str(&part),
                    _ => fields.push(part),
                }
                fields
            })
        };
        let defaults = fields(&T::default());
        let left = fields(config)
            .into_iter()
            .skip(1)
            .filter(|field| defaults.contains(field) && !field.starts_with(".."));
        left.map(|field| field.split(':').next().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn every_limit_of_a_part_has_its_option() {
        let options: Options = toml::from_str(EVERY_KEY).unwrap();
        assert_eq!(at_default(&reactor_config(&options)), [""; 0]);
        assert_eq!(at_default(&http1_config(&options)), [""; 0]);
        let without_option = ["media_types", "precompressed"];
        assert_eq!(at_default(&static_files_config(&options)), without_option);
        let without_option = [
            "close_timeout",
            "handshake_timeout",
            "deflate_context",
            "deflate_window_bits",
            "deflate_min_bytes",
        ];
        assert_eq!(at_default(&websocket_config(&options)), without_option);
        assert_eq!(at_default(&pubsub_config(&options)), ["max_stream_bytes"]);
        set_budget(&options);
        assert_eq!(Budget::of_process().max_bytes(), 15 << 20);
    }

    #[test]
    fn the_help_tells_the_defaults_of_the_parts() {
        let help = CommandLine::parser().render_long_help().to_string();
        let tells = |option: &str, default: &dyn Display| {
            let (_, text) = help.split_once(option).unwrap();
            let (_, text) = text.split_once("[default: ").unwrap();
            let told = text.split(']').next().unwrap();
            assert_eq!(told, default.to_string(), "{option}");
        };
        tells("--port <", &DEFAULT_PORT);
        tells("--unix-mode <", &format!("{:o}", Bind::DEFAULT_MODE));
        let http1 = http1::Config::default();
        tells("--timeout <", &http1.head_timeout.as_secs());
        tells("--max-body <", &(http1.max_body_bytes >> 20));
        tells("--body-min-rate <", &http1.body_min_rate);
        tells("--body-grace <", &http1.body_grace.as_secs());
        tells("--max-header <", &(http1.max_head_bytes >> 10));
        let line_bytes = http1.max_header_line_bytes;
        tells("--max-header-line <", &(line_bytes >> 10));
        let line_bytes = http1.max_request_line_bytes;
        tells("--max-request-line <", &(line_bytes >> 10));
        tells("--max-headers <", &http1.max_headers);
        tells("--keep-alive <", &http1.keep_alive_timeout.as_secs());
        let stall = http1.write_stall_timeout;
        tells("--write-stall-timeout <", &stall.as_secs());
        tells("--drain-min-rate <", &http1.drain_min_rate);
        tells("--drain-grace <", &http1.drain_grace.as_secs());
        let timeout = ProxyProtocolLayer::DEFAULT_TIMEOUT;
        tells("--proxy-protocol-timeout <", &timeout.as_secs());
        let reactor = reactor::Config::default();
        tells("--descriptor-reserve <", &reactor.descriptor_reserve);
        tells("--backlog <", &reactor.backlog);
        tells("--lame-duck <", &reactor.lame_duck.as_secs());
        let grace = reactor.shutdown_grace;
        tells("--shutdown-timeout <", &grace.as_secs());
        tells("--live-cookie <", &DEFAULT_COOKIE);
        tells("--live-max-name <", &MAX_NAME_BYTES);
        let pubsub = pubsub::Config::default();
        tells("--live-max-channels <", &pubsub.max_subscriptions);
        tells("--live-handoff <", &(pubsub.max_handoff_bytes >> 20));
        let total_bytes = pubsub.max_history_bytes;
        tells("--live-history-total <", &(total_bytes >> 20));
        tells("--live-history-channels <", &pubsub.max_histories);
        let retention = Retention::default();
        tells("--live-history-size <", &(retention.max_bytes >> 10));
        let age = retention.max_age;
        tells("--live-history-age <", &age.as_secs());
        let websocket = websocket::Config::default();
        let message_bytes = websocket.max_message_bytes;
        tells("--max-message <", &(message_bytes >> 10));
        tells("--max-frames <", &websocket.max_frames);
        tells("--ping <", &websocket.ping_interval.as_secs());
        tells("--max-outbox <", &(websocket.outbox_bytes >> 10));
        assert_eq!(websocket.write_stall_timeout, http1.write_stall_timeout);
        assert_eq!(websocket.drain_min_rate, http1.drain_min_rate);
        assert_eq!(websocket.drain_grace, http1.drain_grace);
        let sse = sse::Config::default();
        assert_eq!(sse.keep_alive, Some(websocket.ping_interval));
        assert_eq!(sse.max_queue_bytes as usize, websocket.outbox_bytes);
        let files = static_files::Config::default();
        let yes = |is_on| if is_on { "yes" } else { "no" };
        tells("--index <", &files.index.join(","));
        tells("--max-age <", &files.max_age.as_secs());
        tells("--immutable[", &yes(files.is_hashed_immutable));
        tells("--gzip[", &yes(files.is_gzip_on_demand));
        tells("--gzip-min <", &(files.gzip_min_bytes >> 10));
        tells("--gzip-max <", &(files.gzip_max_bytes >> 10));
        tells("--max-ranges <", &files.max_ranges);
        tells("--cache <", &(files.cache_bytes >> 20));
        tells("--max-open-files <", &files.max_open_files);
        tells("--max-stale <", &files.max_stale.as_secs());
        tells("--max-blocking <", &files.max_blocking);
    }
}
