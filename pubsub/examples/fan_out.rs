//! Publishes to many connections of this process, for whoever counts what a delivery costs:
//! `cargo build --release -p astatine-pubsub --example fan_out`, then
//! `valgrind --tool=callgrind target/release/examples/fan_out 1000 100`,
//! less the same with 0 messages.
//!
//! Each subscriber is one end of a pair of sockets with room for everything, so every delivery is
//! one write, as to clients that keep up.

use std::error::Error;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{SyncSender, sync_channel};

use astatine_pubsub::{Channel, Options, PubSub, Scope};
use astatine_reactor::handler::{Handler, Message, Peer, Raw};
use astatine_reactor::{Connection, PeerInfo, Shutdown, Socket};

/// Subscribes and then listens.
struct Listener {
    pubsub: PubSub,
    channel: Channel,
    is_open: SyncSender<()>,
}

impl Handler for Listener {
    fn open(&mut self, peer: &Peer) {
        let options = Options::default();
        let subscribed = self.pubsub.subscribe(peer, &self.channel, &options);
        subscribed.expect("it is the connection's first");
        self.is_open.send(()).expect("main waits for all");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut numbers = std::env::args().skip(1).map(|n| n.parse::<usize>());
    let mut number = || numbers.next().ok_or("usage: fan_out SUBSCRIBERS MESSAGES");
    let (n_subscribers, n_messages) = (number()??, number()??);
    let pubsub = PubSub::default();
    let channel = Channel::new("chat")?;
    let (is_open, opened) = sync_channel(n_subscribers);
    let mut far_ends = Vec::new();
    for _ in 0..n_subscribers {
        let (near, far) = UnixStream::pair()?;
        far_ends.push(far);
        let (pubsub, channel, is_open) = (pubsub.clone(), channel.clone(), is_open.clone());
        let raw = Raw::new(move |_| Listener {
            pubsub: pubsub.clone(),
            channel: channel.clone(),
            is_open: is_open.clone(),
        });
        let socket = Socket::try_from(near)?;
        let connection = Connection::new(socket, PeerInfo::default(), Shutdown::new());
        drop(tokio::spawn(raw.serve(connection)));
    }
    for _ in 0..n_subscribers {
        while opened.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
    }
    // The connections wait for what comes, before it does.
    pubsub.publish_counted(&channel, "x", Scope::Process).await;
    let mut n_delivered = 0;
    for _ in 0..n_messages {
        let message = Message::text("x".repeat(64));
        let receipt = pubsub.publish_counted(&channel, message, Scope::Process);
        n_delivered += receipt.await.n_delivered;
    }
    eprintln!("{n_delivered} deliveries, {:?}", pubsub.stats());
    Ok(())
}
