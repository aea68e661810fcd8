//! Astatine's websocket behind its http1, on one thread: every message is sent back.
#![forbid(unsafe_code)]

use std::convert::Infallible;

use astatine_http1::{Http1, Incoming};
use astatine_peers::serve_astatine;
use astatine_reactor::handler::{Handler, Message, Peer, Turn};
use astatine_websocket::Upgrade;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;

struct Echo;

impl Handler for Echo {
    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        peer.write(message)
            .expect("the bench takes all that it asks for");
        Turn::Next
    }
}

fn main() -> std::io::Result<()> {
    serve_astatine(|| {
        let upgrade = Upgrade::default();
        Http1::new(tower::service_fn(move |request: Request<Incoming>| {
            let response = upgrade.answer(&request, Echo);
            let response = response.unwrap_or_else(|violation| violation.response());
            let response = response.map(|()| Empty::<Bytes>::new());
            async { Ok::<Response<_>, Infallible>(response) }
        }))
    })
}
