//! Event streams that handlers serve.

use std::time::Duration;

use astatine_reactor::handler::{Handler, Message, Peer};
use astatine_reactor::{Connection, Foreign, Handover, PeerInfo, Phase, Shutdown};
use astatine_sse::{Config, handled_event_stream};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// Writes two messages, and one more when the server ends.
struct Greeting;

impl Handler for Greeting {
    fn open(&mut self, peer: &Peer) {
        let named = Message::text("a\nb").with_id("7").unwrap();
        peer.write(named.with_event("greeting").unwrap()).unwrap();
        peer.write("c").unwrap();
    }

    fn shutdown(&mut self, peer: &Peer) {
        peer.write("bye").unwrap();
    }
}

fn stream(config: &Config) -> (DuplexStream, Shutdown) {
    let response = handled_event_stream(Greeting, config);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let takeover = response.extensions().get::<Handover>().unwrap().take();
    let (far, near) = duplex(1024);
    let shutdown = Shutdown::new();
    let connection = Connection::new(Foreign(near), PeerInfo::default(), shutdown.clone());
    tokio::spawn(takeover.unwrap()(connection, Bytes::new()));
    (far, shutdown)
}

async fn expect(far: &mut DuplexStream, text: &str) {
    let mut read = vec![0; text.len()];
    far.read_exact(&mut read).await.unwrap();
    assert_eq!(String::from_utf8(read).unwrap(), text);
}

#[tokio::test]
async fn messages_leave_as_events_with_their_id_and_name() {
    let (mut far, shutdown) = stream(&Config::default());
    // What a client says is not looked at.
    far.write_all(b"anything").await.unwrap();
    expect(
        &mut far,
        "id: 7\nevent: greeting\ndata: a\ndata: b\n\ndata: c\n\n",
    )
    .await;
    shutdown.advance(Phase::Draining);
    let mut rest = String::new();
    far.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "data: bye\n\n");
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_kept_alive_by_comments() {
    let mut config = Config::default();
    config.keep_alive = Some(Duration::from_secs(10));
    let (mut far, _shutdown) = stream(&config);
    expect(
        &mut far,
        "id: 7\nevent: greeting\ndata: a\ndata: b\n\ndata: c\n\n",
    )
    .await;
    let begun = tokio::time::Instant::now();
    let keep_alive = astatine_sse::Encoded::keep_alive();
    let text = String::from_utf8(keep_alive.as_bytes().repeat(3)).unwrap();
    expect(&mut far, &text).await;
    assert!(begun.elapsed() >= Duration::from_secs(30));
}
