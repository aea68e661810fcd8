//! The options: each is a flag, an environment variable and a key of the configuration file.
//!
//! What is not given is `None`, so that the layers can be laid over each other; defaults live in
//! the configuration of the part that an option is for. The short help leaves out what few need.

use std::num::{NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::Args;

use crate::cache_rule::CacheRule;
use crate::choice::{ForwardedField, Fragments, LogFormat, Slow};
use crate::hub::{AllowedOrigin, Paths};
use crate::list;
use crate::listen::{Listen, UnixMode};
use crate::network::ListedNetwork;
use crate::secret::Secret;
use crate::verbosity::Verbosity;

const LIVE: &str = "Real time";
const FILES: &str = "Static files";
const REQUESTS: &str = "Requests";
const CONNECTIONS: &str = "Connections";

/// The options of the server.
#[derive(Args, Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Options {
    /// The folder to serve, as PUBLIC_DIR
    #[arg(long, value_name = "DIR")]
    pub(crate) www: Option<PathBuf>,

    /// Answer GET /NAME with NAME.mustache of this folder, with NAME.json beside it as data
    #[arg(long, value_name = "DIR")]
    pub(crate) templates: Option<PathBuf>,

    /// Have browsers load a page again when its template, its data or a file changes, and show what
    /// is wrong with a template; for development
    #[arg(long)]
    pub(crate) watch: Option<bool>,

    /// A header field that templates may show, as request.headers.NAME; may be repeated
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        hide_short_help = true
    )]
    #[serde(deserialize_with = "list::deserialize")]
    pub(crate) template_header: Vec<String>,

    /// Port to listen on; 0 lets the system choose [default: 3000]
    #[arg(short, long, value_name = "PORT")]
    pub(crate) port: Option<u16>,

    /// Where to listen: HOST, HOST:PORT, unix:PATH, fd:NUMBER or fd:NAME; may be
    /// repeated [default: every interface]
    #[arg(short, long, value_name = "ADDRESS", value_delimiter = ',')]
    #[serde(deserialize_with = "list::deserialize")]
    pub(crate) bind: Vec<Listen>,

    /// Permissions of a Unix socket's file, in octal [default: 660]
    #[arg(long, value_name = "MODE", hide_short_help = true)]
    pub(crate) unix_mode: Option<UnixMode>,

    /// Threads that serve; -N means the number of cores divided by N [default: one a core]
    #[arg(short, long, value_name = "N")]
    pub(crate) threads: Option<i16>,

    /// Log each request on standard output
    #[arg(short = 'v', long)]
    pub(crate) access_log: Option<bool>,

    /// How a request is logged [default: common]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,

    /// Give each request a name: X-Request-Id, in the log as JSON too
    #[arg(long, hide_short_help = true)]
    pub(crate) request_id: Option<bool>,

    /// Believe what proxies in this network, as 10.0.0.0/8 or unix, say of the client; may be
    /// repeated
    #[arg(long, value_name = "NETWORK", value_delimiter = ',')]
    #[serde(deserialize_with = "list::deserialize")]
    pub(crate) trusted_proxy: Vec<ListedNetwork>,

    /// The field in which they say it, X-Forwarded-For or
    /// Forwarded [default: x-forwarded]
    #[arg(long, value_enum, value_name = "FIELD", hide_short_help = true)]
    pub(crate) forwarded_field: Option<ForwardedField>,

    /// Expect the PROXY protocol on connections from this network; may be repeated
    #[arg(
        long,
        value_name = "NETWORK",
        value_delimiter = ',',
        hide_short_help = true
    )]
    #[serde(deserialize_with = "list::deserialize")]
    pub(crate) proxy_protocol: Vec<ListedNetwork>,

    /// What is told on standard error: 0 nothing, 1 and 2 errors, 3 warnings, 4 events,
    /// 5 details [default: 4]
    #[arg(short = 'V', long, value_name = "LEVEL")]
    pub(crate) verbosity: Option<Verbosity>,

    /// Seconds in which the server goes on accepting after INT, TERM or HUP, so that a balancer can
    /// notice [default: 0]
    #[arg(long, value_name = "SECONDS", hide_short_help = true)]
    pub(crate) lame_duck: Option<u32>,

    /// Seconds that open requests get to finish after INT, TERM or HUP [default: 8]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) shutdown_timeout: Option<u32>,

    /// Write the process number to this file, and remove it at the end; a folder gets astatine.pid
    #[arg(long, value_name = "FILE")]
    pub(crate) pid: Option<PathBuf>,

    /// Serve a page with a live chat and charts, over an open hub, to this machine alone
    #[arg(long, help_heading = LIVE)]
    pub(crate) demo: Option<bool>,

    /// Serve a hub: PATH/CHANNEL, as /live/chat, is subscribed to by WebSocket and EventSource, and
    /// published to by POST; /.well-known/mercure speaks Mercure
    #[arg(long, value_name = "PATH", help_heading = LIVE)]
    pub(crate) live: Option<Paths>,

    /// Keep the last N messages of each channel for clients that come back; 0 keeps
    /// none [default: 0]
    #[arg(long, value_name = "N", help_heading = LIVE)]
    pub(crate) live_history: Option<usize>,

    /// Let anybody subscribe and publish, without a token: for development. Pages of other origins
    /// still need --live-origin, else any page in a browser could talk to a hub on localhost
    #[arg(long, help_heading = LIVE)]
    pub(crate) live_open: Option<bool>,

    /// The key that tokens (JWT) are verified with: a public key as PEM (RSA, P-256, Ed25519), or a
    /// secret of 32 bytes or more for HS256; without a key nobody is let in
    #[arg(long, value_name = "FILE", help_heading = LIVE)]
    pub(crate) live_key: Option<PathBuf>,

    /// The same key as text; better given as ASTATINE_LIVE_SECRET, since others see command lines
    #[arg(long, value_name = "TEXT", help_heading = LIVE, hide_short_help = true)]
    pub(crate) live_secret: Option<Secret>,

    /// The cookie that may have the token [default: astatine_token]
    #[arg(long, value_name = "NAME", help_heading = LIVE, hide_short_help = true)]
    pub(crate) live_cookie: Option<String>,

    /// Let pages of this origin, SCHEME://HOST, use the hub, or of all with *; may be repeated; those
    /// of the same host always may
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',', help_heading = LIVE)]
    #[serde(deserialize_with = "list::deserialize")]
    pub(crate) live_origin: Vec<AllowedOrigin>,

    /// What becomes of a subscriber that is too slow [default: close]
    #[arg(long, value_enum, value_name = "WHAT", help_heading = LIVE, hide_short_help = true)]
    pub(crate) live_slow: Option<Slow>,

    /// Most messages a second that one client may publish, by its user or else its address; beyond
    /// it 429 [default: no limit]
    #[arg(long, value_name = "N", help_heading = LIVE, hide_short_help = true)]
    pub(crate) live_publish_rate: Option<NonZeroU32>,

    /// Longest name of a channel; beyond it 400, and never more than 255 [default: 255]
    #[arg(long, value_name = "BYTES", help_heading = LIVE, hide_short_help = true)]
    pub(crate) live_max_name: Option<NonZeroU8>,

    /// Most topics of one subscriber, and messages of one batch; beyond it 400 [default: 64]
    #[arg(long, value_name = "N", help_heading = LIVE, hide_short_help = true)]
    pub(crate) live_max_channels: Option<NonZeroUsize>,

    /// Most bytes of one channel's history [default: 1024]
    #[arg(long, value_name = "KB", help_heading = LIVE, hide_short_help = true)]
    pub(crate) live_history_size: Option<u32>,

    /// Seconds after which a message is not kept any more [default: 300]
    #[arg(long, value_name = "SECONDS", help_heading = LIVE, hide_short_help = true)]
    pub(crate) live_history_age: Option<u32>,

    /// Most bytes of all histories; beyond it whole ones are forgotten, those that were not used
    /// for longest [default: 256]
    #[arg(long, value_name = "MB", help_heading = LIVE, hide_short_help = true)]
    pub(crate) live_history_total: Option<u32>,

    /// Most channels that have a history; beyond it as above [default: 10000]
    #[arg(long, value_name = "N", help_heading = LIVE, hide_short_help = true)]
    pub(crate) live_history_channels: Option<usize>,

    /// Most bytes that wait for one of the threads; beyond it messages are dropped and
    /// counted [default: 16]
    #[arg(long, value_name = "MB", help_heading = LIVE, hide_short_help = true)]
    pub(crate) live_handoff: Option<u32>,

    /// Longest message that is published; beyond it 413, or WebSocket's 1009 [default: 256]
    #[arg(long, value_name = "KB", help_heading = LIVE)]
    pub(crate) max_message: Option<NonZeroU16>,

    /// Most frames of one WebSocket message; beyond it 1008 [default: 1024]
    #[arg(long, value_name = "N", help_heading = LIVE, hide_short_help = true)]
    pub(crate) max_frames: Option<NonZeroU32>,

    /// Seconds of silence before a subscriber is sent a ping; after as many more it is gone; 0 sends
    /// none [default: 40]
    #[arg(long, value_name = "SECONDS", help_heading = LIVE)]
    pub(crate) ping: Option<u32>,

    /// Most bytes that wait for one subscriber; beyond it --live-slow [default: 1024]
    #[arg(long, value_name = "KB", help_heading = LIVE, hide_short_help = true)]
    pub(crate) max_outbox: Option<NonZeroU16>,

    /// Most megabytes that wait for all subscribers together; beyond it the largest are closed,
    /// with 1013 [default: a quarter of memory]
    #[arg(long, value_name = "MB", help_heading = LIVE, hide_short_help = true)]
    pub(crate) max_outboxes: Option<u32>,

    /// List folders that have no index
    #[arg(long, help_heading = FILES)]
    pub(crate) listing: Option<bool>,

    /// Answer with this file, a path inside the folder, where none is found
    #[arg(long, value_name = "FILE", help_heading = FILES)]
    pub(crate) spa: Option<String>,

    /// Name of the file that stands for its folder; may be repeated, the first that is there
    /// counts [default: index.html]
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = FILES, hide_short_help = true)]
    #[serde(deserialize_with = "list::deserialize")]
    pub(crate) index: Vec<String>,

    /// Serve names with a leading dot as any other
    #[arg(long, help_heading = FILES, hide_short_help = true)]
    pub(crate) dotfiles: Option<bool>,

    /// Seconds that a client may keep a file without asking again [default: 3600]
    #[arg(long, value_name = "SECONDS", help_heading = FILES)]
    pub(crate) max_age: Option<u32>,

    /// Cache-Control of the files that GLOB matches, as '*.css=max-age=60'; may be repeated, the
    /// first match counts
    #[arg(long, value_name = "GLOB=VALUE", value_delimiter = ';', help_heading = FILES)]
    #[serde(deserialize_with = "list::deserialize")]
    pub(crate) cache_control: Vec<CacheRule>,

    /// Let clients keep files with a hash in their name for a year [default: yes]
    #[arg(long, help_heading = FILES, hide_short_help = true)]
    pub(crate) immutable: Option<bool>,

    /// Compress files on demand and keep the result [default: yes]
    #[arg(long, help_heading = FILES, hide_short_help = true)]
    pub(crate) gzip: Option<bool>,

    /// Smallest file that is compressed on demand [default: 1]
    #[arg(long, value_name = "KB", help_heading = FILES, hide_short_help = true)]
    pub(crate) gzip_min: Option<u32>,

    /// Largest file that is compressed on demand [default: 1024]
    #[arg(long, value_name = "KB", help_heading = FILES, hide_short_help = true)]
    pub(crate) gzip_max: Option<u32>,

    /// Most ranges in one request; beyond it the whole file is sent [default: 16]
    #[arg(long, value_name = "N", help_heading = FILES, hide_short_help = true)]
    pub(crate) max_ranges: Option<usize>,

    /// Memory for files; 0 keeps none [default: 64]
    #[arg(long, value_name = "MB", help_heading = FILES, hide_short_help = true)]
    pub(crate) cache: Option<u32>,

    /// Most files that are kept open, but an eighth of the descriptor limit at most [default: 512]
    #[arg(long, value_name = "N", help_heading = FILES, hide_short_help = true)]
    pub(crate) max_open_files: Option<NonZeroUsize>,

    /// Seconds that a file is served from memory without a look at the disk [default: 1]
    #[arg(long, value_name = "SECONDS", help_heading = FILES, hide_short_help = true)]
    pub(crate) max_stale: Option<u32>,

    /// Most threads that wait for the disk at a time [default: 8]
    #[arg(long, value_name = "N", help_heading = FILES, hide_short_help = true)]
    pub(crate) max_blocking: Option<NonZeroUsize>,

    /// Seconds for the first byte of a connection, and for a request's head; beyond it
    /// 408 [default: 10]
    #[arg(long, value_name = "SECONDS", help_heading = REQUESTS)]
    pub(crate) timeout: Option<NonZeroU32>,

    /// Largest request body; beyond it 413 [default: 50]
    #[arg(long, value_name = "MB", help_heading = REQUESTS)]
    pub(crate) max_body: Option<u32>,

    /// Bytes a second that a request body must reach; below it 408 [default: 256]
    #[arg(long, value_name = "BYTES", help_heading = REQUESTS, hide_short_help = true)]
    pub(crate) body_min_rate: Option<u32>,

    /// Seconds over which the rate of a body is measured [default: 10]
    #[arg(long, value_name = "SECONDS", help_heading = REQUESTS, hide_short_help = true)]
    pub(crate) body_grace: Option<NonZeroU32>,

    /// Largest request head; beyond it 431 [default: 32]
    #[arg(long, value_name = "KB", help_heading = REQUESTS)]
    pub(crate) max_header: Option<NonZeroU16>,

    /// Longest line in a request head; beyond it 431 [default: 8]
    #[arg(long, value_name = "KB", help_heading = REQUESTS, hide_short_help = true)]
    pub(crate) max_header_line: Option<NonZeroU16>,

    /// Longest request line; beyond it 414 [default: 8]
    #[arg(long, value_name = "KB", help_heading = REQUESTS, hide_short_help = true)]
    pub(crate) max_request_line: Option<NonZeroU16>,

    /// Most fields in a request head; beyond it 431 [default: 128]
    #[arg(long, value_name = "N", help_heading = REQUESTS, hide_short_help = true)]
    pub(crate) max_headers: Option<NonZeroU16>,

    /// What becomes of a target with a fragment, as /a#b: answered with 400, or served
    /// without it [default: refused]
    #[arg(long, value_enum, value_name = "WHAT", help_heading = REQUESTS, hide_short_help = true)]
    pub(crate) fragments: Option<Fragments>,

    /// Seconds until a response begins; beyond it 503 [default: no limit]
    #[arg(long, value_name = "SECONDS", help_heading = REQUESTS)]
    pub(crate) request_timeout: Option<NonZeroU32>,

    /// Most requests that are worked on at a time; beyond it 503 [default: no limit]
    #[arg(long, value_name = "N", help_heading = REQUESTS)]
    pub(crate) max_concurrent: Option<NonZeroUsize>,

    /// Most requests that wait where --max-concurrent is reached, instead of the 503 [default: 0]
    #[arg(long, value_name = "N", help_heading = REQUESTS, hide_short_help = true)]
    pub(crate) max_queued: Option<usize>,

    /// Seconds for a header of the PROXY protocol; beyond it the connection is
    /// closed [default: 5]
    #[arg(long, value_name = "SECONDS", help_heading = CONNECTIONS, hide_short_help = true)]
    pub(crate) proxy_protocol_timeout: Option<NonZeroU32>,

    /// Seconds that a connection may idle between two requests [default: 40]
    #[arg(short, long, value_name = "SECONDS", help_heading = CONNECTIONS)]
    pub(crate) keep_alive: Option<u32>,

    /// Most requests on one connection [default: no limit]
    #[arg(long, value_name = "N", help_heading = CONNECTIONS, hide_short_help = true)]
    pub(crate) max_requests: Option<NonZeroU64>,

    /// Most connections at a time; beyond it 503 [default: the descriptor limit less the reserve
    /// and the open files]
    #[arg(long, value_name = "N", help_heading = CONNECTIONS)]
    pub(crate) max_connections: Option<NonZeroUsize>,

    /// Most connections of one address at a time; beyond it 429 [default: no limit]
    #[arg(long, value_name = "N", help_heading = CONNECTIONS, hide_short_help = true)]
    pub(crate) max_connections_per_address: Option<NonZeroUsize>,

    /// Descriptors that connections leave to the rest of the server [default: 64]
    #[arg(long, value_name = "N", help_heading = CONNECTIONS, hide_short_help = true)]
    pub(crate) descriptor_reserve: Option<usize>,

    /// Connections that the kernel queues for a socket [default: 4096]
    #[arg(long, value_name = "N", help_heading = CONNECTIONS, hide_short_help = true)]
    pub(crate) backlog: Option<u16>,

    /// Seconds that a client may take nothing of what it is sent; then it is cut off [default: 30]
    #[arg(long, value_name = "SECONDS", help_heading = CONNECTIONS, hide_short_help = true)]
    pub(crate) write_stall_timeout: Option<NonZeroU32>,

    /// Bytes a second that a client must take of what it is sent; below, it is cut off [default: 256]
    #[arg(long, value_name = "BYTES", help_heading = CONNECTIONS, hide_short_help = true)]
    pub(crate) drain_min_rate: Option<u32>,

    /// Seconds over which that rate is measured [default: 30]
    #[arg(long, value_name = "SECONDS", help_heading = CONNECTIONS, hide_short_help = true)]
    pub(crate) drain_grace: Option<NonZeroU32>,
}

impl Options {
    /// Takes what is missing from `lower`.
    pub(crate) fn or(self, mut lower: Self) -> Self {
        // One key, in two spellings.
        if self.live_key.is_some() || self.live_secret.is_some() {
            (lower.live_key, lower.live_secret) = (None, None);
        }
        macro_rules! layered {
            ($($field:ident)*) => {
                Self { $($field: self.$field.or_layer(lower.$field)),* }
            };
        }
        // Were an option left out, this would not compile.
        layered! {
            www templates watch template_header port bind unix_mode threads access_log log_format request_id
            trusted_proxy forwarded_field proxy_protocol verbosity lame_duck shutdown_timeout pid
            demo live live_history live_open live_key live_secret live_cookie live_origin live_slow
            live_publish_rate live_max_name live_max_channels live_history_size live_history_age
            live_history_total live_history_channels live_handoff max_message max_frames ping max_outbox
            max_outboxes
            listing spa index dotfiles max_age cache_control immutable gzip gzip_min gzip_max
            max_ranges cache max_open_files max_stale max_blocking
            timeout max_body body_min_rate body_grace
            request_timeout max_concurrent max_queued proxy_protocol_timeout
            max_header max_header_line max_request_line max_headers fragments
            keep_alive max_requests max_connections max_connections_per_address
            descriptor_reserve backlog write_stall_timeout drain_min_rate drain_grace
        }
    }
}

/// A value that a layer may leave to the one below it.
trait Layered {
    fn or_layer(self, lower: Self) -> Self;
}

impl<T> Layered for Option<T> {
    fn or_layer(self, lower: Self) -> Self {
        self.or(lower)
    }
}

impl<T> Layered for Vec<T> {
    fn or_layer(self, lower: Self) -> Self {
        if self.is_empty() { lower } else { self }
    }
}
