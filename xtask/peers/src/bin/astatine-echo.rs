//! Astatine's websocket behind its http1, on one thread: every message is sent back.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::num::NonZeroUsize;

use astatine_http1::{Http1, Incoming};
use astatine_reactor::handler::{Handler, Message, Peer, Turn};
use astatine_reactor::{Config, Server};
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
    let address = std::env::args().nth(1);
    let address = address.expect("usage: astatine-echo ADDRESS");
    let address = address
        .parse()
        .expect("ADDRESS is an IP address and a port");
    Server::new(Config::default())
        .threads(NonZeroUsize::MIN)
        .listen(address, || {
            let upgrade = Upgrade::default();
            Http1::new(tower::service_fn(move |request: Request<Incoming>| {
                let response = upgrade.answer(&request, Echo);
                let response = response.unwrap_or_else(|violation| violation.response());
                let response = response.map(|()| Empty::<Bytes>::new());
                async { Ok::<Response<_>, Infallible>(response) }
            }))
        })
        .on_ready(|addresses| println!("ready {}", addresses[0]))
        .run()
}
