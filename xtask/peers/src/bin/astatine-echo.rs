//! Astatine's websocket behind its http1, on a runtime of one thread: every message is sent back.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::net::SocketAddr;

use astatine_http1::{Http1, Incoming};
use astatine_reactor::handler::{Handler, Message, Peer, Turn};
use astatine_reactor::serve;
use astatine_websocket::Upgrade;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use tokio::net::TcpSocket;

struct Echo;

impl Handler for Echo {
    fn message(&mut self, peer: &Peer, message: Message) -> Turn<'_> {
        peer.write(message)
            .expect("the bench takes all that it asks for");
        Turn::Next
    }
}

async fn run(address: SocketAddr) -> std::io::Result<()> {
    let upgrade = Upgrade::default();
    let service = Http1::new(tower::service_fn(move |request: Request<Incoming>| {
        let response = upgrade.answer(&request, Echo);
        let response = response.unwrap_or_else(|violation| violation.response());
        let response = response.map(|()| Empty::<Bytes>::new());
        async { Ok::<Response<_>, Infallible>(response) }
    }));
    // Its queue is as long as that of a `Server`: the bench connects by the thousand.
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(4096)?;
    println!("ready {address}");
    serve(listener, service).await
}

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.expect("usage: astatine-echo ADDRESS");
    let address = address
        .parse()
        .expect("ADDRESS is an IP address and a port");
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run(address))
}
