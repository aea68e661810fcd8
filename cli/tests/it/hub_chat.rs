//! The example: a chat by a channel, on threads of their own.

use std::future::IntoFuture;

use astatine_http1::Http1;
use astatine_pubsub::{Channel, PubSub};
use tokio::net::TcpListener;

use crate::chat::{Guest, WEBSOCKET};

#[path = "../../examples/hub_chat.rs"]
#[expect(dead_code, reason = "only its main function is left out")]
mod example;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_hears_what_the_others_say() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let pubsub = PubSub::default();
    let chat = Channel::new("chat").unwrap();
    let http1 = Http1::new(example::router(pubsub.clone(), chat.clone()));
    let served = astatine_reactor::serve(listener, http1);
    drop(tokio::spawn(served.into_future()));
    let mut one = Guest::ask(address, WEBSOCKET).await;
    one.hears(" comes").await;
    let mut two = Guest::ask(address, WEBSOCKET).await;
    two.hears(" comes").await;
    // A text under a mask of zeros.
    two.send(b"\x81\x85\0\0\0\0hello").await;
    one.hears(": hello").await;
    two.hears(": hello").await;
    assert_eq!(pubsub.presence(&chat).n_subscriptions, 2);
    drop(two);
    one.hears(" goes").await;
    assert_eq!(pubsub.presence(&chat).n_subscriptions, 1);
}
