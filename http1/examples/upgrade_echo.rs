//! Switches from HTTP to a protocol of its own, which sends back what comes:
//! `cargo run --release -p astatine-http1 --example upgrade_echo -- 127.0.0.1:3000`.
//!
//! ```text
//! $ printf 'GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello\n' |
//!   nc -N 127.0.0.1 3000
//! HTTP/1.1 101 Switching Protocols
//! connection: upgrade
//! upgrade: echo
//! date: Sat, 21 Nov 2026 12:00:00 GMT
//!
//! hello
//! ```

use std::convert::Infallible;
use std::error::Error;

use astatine_http1::{Http1, Incoming};
use astatine_reactor::handler::{Handler, HandlerConfig, Message, Peer, RawProtocol, Turn, drive};
use astatine_reactor::{Bind, Config, Handover, Server};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use tower::service_fn;

type Body = Full<Bytes>;

struct Echo;

impl Handler for Echo {
    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        if peer.write(message).is_err() {
            // It sends more than it takes.
            peer.close();
        }
        Turn::Next
    }
}

/// Answers a request for the protocol `echo` with 101, and the protocol behind it.
pub(crate) async fn app(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let mut response = Response::new(Body::default());
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("echo"));
    if !names(request.headers(), header::UPGRADE, "echo")
        || !names(request.headers(), header::CONNECTION, "upgrade")
    {
        *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
        return Ok(response);
    }
    // Bytes that came right behind the request are the echo's.
    let handover = Handover::new(|connection, unread| {
        let config = HandlerConfig::default();
        drive(connection, unread, RawProtocol, Box::new(Echo), config)
    });
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.extensions_mut().insert(handover);
    Ok(response)
}

/// Tells whether a field that is a list has a member, whatever its case.
fn names(headers: &HeaderMap, field: HeaderName, member: &str) -> bool {
    let lists = headers.get_all(field).into_iter();
    lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|name| name.trim().eq_ignore_ascii_case(member))
}

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: upgrade_echo ADDRESS, as 127.0.0.1:3000";
    let bind: Bind = std::env::args().nth(1).ok_or(usage)?.parse()?;
    Server::new(Config::default())
        .listen(bind, || Http1::new(service_fn(app)))
        .on_ready(|addresses| {
            for address in addresses {
                eprintln!("listening on {address}");
            }
        })
        .run()?;
    Ok(())
}
