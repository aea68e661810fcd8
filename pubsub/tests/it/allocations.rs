//! What a message costs in allocations, however many it is for.

use allocation_counter::measure;
use astatine_pubsub::{Options, PubSub, Scope};
use astatine_reactor::Socket;
use astatine_reactor::handler::{HandlerConfig, Message};
use tokio::net::UnixStream;
use tokio::runtime::Builder;

use crate::line::serve;
use crate::subscribe::channel;

/// Counts the allocations of one message to so many connections.
fn n_allocations(n_subscribers: usize) -> u64 {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (pubsub, chat) = (PubSub::default(), channel("chat"));
    let mut far_ends = Vec::new();
    runtime.block_on(async {
        for _ in 0..n_subscribers {
            let (near, far) = UnixStream::pair().unwrap();
            let socket = Socket::try_from(near).unwrap();
            let (peer, _) = serve(socket, HandlerConfig::default()).await;
            pubsub.subscribe(&peer, &chat, &Options::default()).unwrap();
            far_ends.push(far);
        }
    });
    let publish = || {
        let message = Message::text("x".repeat(64));
        let published = pubsub.publish_counted(&chat, message, Scope::Process);
        let receipt = runtime.block_on(published);
        assert_eq!(receipt.n_delivered, n_subscribers as u64);
    };
    // Queues and buffers grow once.
    (0..3).for_each(|_| publish());
    measure(publish).count_total
}

#[test]
fn a_message_allocates_as_much_for_one_as_for_many() {
    let one = n_allocations(1);
    let many = n_allocations(200);
    // To yield, as it is done after 256 writes, may cost one.
    assert!(many <= one + 1 && one < 25, "{one}, {many}");
}
