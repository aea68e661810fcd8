//! The page of `--demo`: a chat and charts, which live on the hub.

use std::sync::Once;
use std::time::Duration;

use astatine_pubsub::{Channel, PubSub, Scope};
use astatine_reactor::Bind;
use astatine_reactor::handler::Message;
use astatine_reactor::timer::{Repetitions, run_every};
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Response};
use serde_json::json;

use crate::options::Options;
use crate::site::refuse_method;

/// The page, and what publishes the figures that it shows.
#[derive(Debug)]
pub(crate) struct Demo {
    /// Path, type and content of each part.
    files: [(&'static str, &'static str, Bytes); 4],
    is_fed: Once,
}

impl Demo {
    /// Makes the page for a hub below a path.
    pub(crate) fn new(live: &str) -> Self {
        let page = include_str!("page.html").replace("{{hub}}", live);
        let text = |text: &'static str| Bytes::from_static(text.as_bytes());
        Self {
            files: [
                ("/", "text/html; charset=utf-8", page.into()),
                ("/demo.css", "text/css", text(include_str!("demo.css"))),
                ("/demo.js", "text/javascript", text(include_str!("demo.js"))),
                ("/demo.svg", "image/svg+xml", text(include_str!("demo.svg"))),
            ],
            is_fed: Once::new(),
        }
    }

    /// Answers for a part of the page; `None` where there is no such part.
    pub(crate) fn answer(&self, method: &Method, path: &str) -> Option<Response<Bytes>> {
        let (_, kind, content) = self.files.iter().find(|(own, ..)| *own == path)?;
        let is_head = method == Method::HEAD;
        if !is_head && method != Method::GET {
            return Some(refuse_method(method));
        }
        let fields = [
            (CONTENT_TYPE, HeaderValue::from_static(kind)),
            (CONTENT_LENGTH, HeaderValue::from(content.len())),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        let content = if is_head {
            Bytes::new()
        } else {
            content.clone()
        };
        let mut response = Response::new(content);
        response.headers_mut().extend(fields);
        Some(response)
    }

    /// Publishes the hub's figures once a second, on the first thread that calls.
    pub(crate) fn feed(&self, channels: &PubSub) {
        self.is_fed.call_once(|| publish_figures(channels.clone()));
    }
}

/// Fills in what the demo needs and nobody has chosen.
pub(crate) fn open(options: &mut Options) {
    let paths = || "/live".parse().expect("a path");
    options.live.get_or_insert_with(paths);
    options.live_open = Some(true);
    if options.bind.is_empty() {
        options.bind.push("127.0.0.1".parse().expect("an address"));
    }
}

/// Tells whether only this machine can reach an address.
pub(crate) fn is_local(bind: &Bind) -> bool {
    match bind {
        Bind::Tcp(address) => address.ip().is_loopback(),
        Bind::Host { name, .. } => name == "localhost",
        Bind::Unix { .. } => true,
        _ => false,
    }
}

fn publish_figures(channels: PubSub) {
    let pulse = Channel::new(PULSE).expect("the name of a channel");
    let mut last = channels.stats();
    run_every(SECOND, Repetitions::Forever, move || {
        let now = channels.stats();
        let figures = json!({
            "kind": "figures",
            "connections": channels.n_subscribers(),
            "published": now.n_published - last.n_published,
            "delivered": now.n_delivered - last.n_delivered,
        });
        last = now;
        let message = Message::text(figures.to_string());
        channels.publish(&pulse, message, Scope::Process);
    });
}

/// The channel of figures; the page listens to it by this name.
const PULSE: &str = "demo-pulse";
const SECOND: Duration = Duration::from_secs(1);
/// The page asks nobody but this server.
const POLICY: &str = "default-src 'none'; connect-src 'self'; img-src 'self'; \
                      script-src 'self'; style-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";
