//! The codec of tokio-util, by both ends of a stream in memory.

use std::future::poll_fn;
use std::pin::Pin;

use astatine_websocket::codec::{Codec, Command};
use astatine_websocket::proto::{Close, CloseCode, Event, Extension, Kind, MaskKeys, Role};
use astatine_websocket::{Config, Error, Misuse, Violation};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_util::codec::{Decoder, Encoder, Framed};

fn server() -> Codec {
    Codec::new(Role::Server, Extension::None, Config::default())
}

fn client() -> Codec {
    let keys = MaskKeys::new([7; 16]);
    Codec::new(Role::Client(keys), Extension::None, Config::default())
}

async fn next(framed: &mut Framed<DuplexStream, Codec>) -> Option<Result<Event, Error>> {
    poll_fn(|cx| Pin::new(&mut *framed).poll_next(cx)).await
}

/// Writes a command to the stream below.
async fn send(framed: &mut Framed<DuplexStream, Codec>, command: Command) {
    let mut output = BytesMut::new();
    framed.codec_mut().encode(command, &mut output).unwrap();
    framed.get_mut().write_all(&output).await.unwrap();
}

fn text(payload: &'static str) -> Command {
    Command::Message {
        kind: Kind::Text,
        payload: Bytes::from(payload),
    }
}

#[tokio::test]
async fn messages_cross_a_stream_that_takes_little_at_a_time() {
    let (near, far) = duplex(16);
    let mut client = Framed::new(near, client());
    let mut server = Framed::new(far, server());
    let long = "x".repeat(100_000);
    let message = Command::Message {
        kind: Kind::Binary,
        payload: Bytes::from(long.clone()),
    };
    let (_, event) = tokio::join!(send(&mut client, message), next(&mut server));
    let Some(Ok(Event::Message { kind, payload })) = event else {
        panic!("a message, not {event:?}");
    };
    assert!(kind == Kind::Binary && payload == long);
}

#[tokio::test]
async fn what_is_owed_leaves_before_the_next_command() {
    let (near, far) = duplex(1024);
    let mut client = Framed::new(near, client());
    let mut server = Framed::new(far, server());
    send(&mut client, Command::Ping(Bytes::from("a"))).await;
    assert!(matches!(next(&mut server).await, Some(Ok(Event::Ping(_)))));
    send(&mut server, text("b")).await;
    let event = next(&mut client).await;
    assert!(matches!(event, Some(Ok(Event::Pong(payload))) if payload == "a"));
    let event = next(&mut client).await;
    assert!(matches!(event, Some(Ok(Event::Message { .. }))));

    send(
        &mut client,
        Command::Close(CloseCode::NORMAL, String::from("bye")),
    )
    .await;
    let close = Close {
        code: CloseCode::NORMAL,
        reason: String::from("bye"),
    };
    let event = next(&mut server).await;
    assert!(matches!(event, Some(Ok(Event::Close(Some(told)))) if told == close));
    send(&mut server, Command::Answer).await;
    assert!(matches!(next(&mut client).await, Some(Ok(Event::Close(_)))));
    assert!(client.codec().connection().is_closed());
    drop(server);
    assert!(next(&mut client).await.is_none(), "a clean end");
}

#[tokio::test]
async fn a_violation_is_an_error_and_can_be_answered() {
    let (mut near, far) = duplex(1024);
    let mut server = Framed::new(far, server());
    near.write_all(&[0x81, 0]).await.unwrap();
    let event = next(&mut server).await;
    let violation = Violation::UnmaskedFrame;
    assert!(matches!(event, Some(Err(Error::Violation(told))) if told == violation));
    send(&mut server, Command::Answer).await;
    drop(server);
    let mut answer = Vec::new();
    near.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, [0x88, 2, 0x03, 0xea]);
}

#[tokio::test]
async fn a_stream_that_ends_without_a_close_is_an_error() {
    let (mut near, far) = duplex(1024);
    let mut server = Framed::new(far, server());
    near.write_all(&[0x81]).await.unwrap();
    drop(near);
    let event = next(&mut server).await;
    assert!(matches!(
        event,
        Some(Err(Error::Violation(Violation::UnexpectedEof)))
    ));
}

#[test]
fn a_command_that_cannot_be_sent_is_a_misuse() {
    let (mut codec, mut output) = (server(), BytesMut::new());
    let close = Command::Close(CloseCode::GOING_AWAY, String::new());
    codec.encode(close, &mut output).unwrap();
    let sent = codec.encode(text("late"), &mut output);
    assert!(matches!(sent, Err(Error::Misuse(Misuse::Closing))));
    assert_eq!(output, &[0x88, 2, 0x03, 0xe9][..]);
    let mut ended = BytesMut::new();
    assert!(codec.decode_eof(&mut ended).is_err());
}
