//! Codecs as protocols.

use astatine_reactor::handler::{Coded, HandlerConfig, Message, Peer, Raw, Reason};
use astatine_reactor::test_util::{Call, Calls, Faults, Faulty, noting};
use astatine_reactor::{Connection, Foreign, PeerInfo, Shutdown};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio_util::codec::{LengthDelimitedCodec, LinesCodec, LinesCodecError};

use crate::handler::{driven, remote};

fn lines() -> Coded<LinesCodec, fn(Message) -> String> {
    Coded::new(LinesCodec::new_with_max_length(8), Message::into_text)
}

/// Serves the other end of a pipe that goes through `faults`.
fn serve(faults: &Faults) -> (DuplexStream, Calls, JoinHandle<Reason>) {
    let (handler, calls) = noting(echo);
    let (far, near) = duplex(64);
    let io = Foreign(Faulty::new(near, faults));
    let server = driven(io, lines(), handler, HandlerConfig::default());
    (far, calls, server)
}

fn echo(peer: &Peer, call: &Call) {
    if let Call::Message(message) = call {
        peer.write(message.payload().to_ascii_uppercase())
            .expect("the outbox has room");
    }
}

#[tokio::test]
async fn items_are_messages_and_messages_items_however_they_are_cut() {
    for faults in [Faults::none(), Faults::one_byte(), Faults::random(1)] {
        let (mut far, calls, server) = serve(&faults);
        far.write_all(b"one\r\ntwo\n\nlast").await.unwrap();
        far.shutdown().await.unwrap();
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        // What the end of the stream completes is answered too.
        assert_eq!(text, "ONE\nTWO\n\nLAST\n");
        server.await.unwrap();
        let mut calls = calls.take();
        calls.retain(|call| *call != Call::Drained);
        let [first, messages @ .., last] = &calls[..] else {
            panic!("{calls:?}");
        };
        assert_eq!((first, last), (&Call::Open, &remote()));
        let expected = ["one", "two", "", "last"].map(|text| Call::Message(text.into()));
        assert_eq!(messages, expected);
    }
}

/// Returns the error of the codec that the connection was closed for.
fn codec_error(calls: &Calls) -> String {
    match calls.take().pop() {
        Some(Call::Close(Reason::Codec(error))) => error.get().to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_the_decoder_refuses_closes_behind_what_was_answered() {
    let (mut far, calls, server) = serve(&Faults::none());
    far.write_all(b"one\nmuch too long\ntwo\n").await.unwrap();
    let mut text = String::new();
    far.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "ONE\n");
    drop(far);
    server.await.unwrap();
    let error = LinesCodecError::MaxLineLengthExceeded.to_string();
    assert_eq!(codec_error(&calls), error);
}

/// As [`serve`], with frames of at most four bytes behind their length in one.
fn serve_frames(
    also: impl FnMut(&Peer, &Call) + Send + 'static,
) -> (DuplexStream, Calls, JoinHandle<Reason>) {
    let (handler, calls) = noting(also);
    let mut codec = LengthDelimitedCodec::builder();
    let codec = codec.length_field_length(1).max_frame_length(4).new_codec();
    let frames = Coded::new(codec, Message::into_payload);
    let (far, near) = duplex(64);
    let server = driven(Foreign(near), frames, handler, HandlerConfig::default());
    (far, calls, server)
}

#[tokio::test]
async fn what_the_encoder_refuses_closes_behind_what_was_written() {
    let (mut far, calls, server) = serve_frames(|peer, call| {
        if *call == Call::Open {
            for text in ["abc", "abcde", "d"] {
                peer.write(text).unwrap();
            }
        }
    });
    let mut bytes = Vec::new();
    far.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"\x03abc");
    drop(far);
    server.await.unwrap();
    assert_eq!(codec_error(&calls), "frame size too big");
}

#[tokio::test]
async fn a_stream_that_ends_within_an_item_is_a_failure() {
    let (mut far, calls, server) = serve_frames(|_, _| {});
    far.write_all(b"\x03ab").await.unwrap();
    drop(far);
    server.await.unwrap();
    assert_eq!(codec_error(&calls), "bytes remaining on stream");
}

/// Takes all input at once, and keeps what it has found in it.
struct Hoarder(std::collections::VecDeque<u8>);

impl tokio_util::codec::Decoder for Hoarder {
    type Item = String;
    type Error = std::io::Error;

    fn decode(&mut self, input: &mut bytes::BytesMut) -> std::io::Result<Option<String>> {
        self.0.extend(input.split());
        Ok(self.0.pop_front().map(|byte| char::from(byte).to_string()))
    }
}

impl tokio_util::codec::Encoder<String> for Hoarder {
    type Error = std::io::Error;

    fn encode(&mut self, item: String, output: &mut bytes::BytesMut) -> std::io::Result<()> {
        output.extend_from_slice(item.as_bytes());
        Ok(())
    }
}

#[tokio::test]
async fn a_decoder_may_keep_items_of_its_own() {
    let raw = Raw::new(|_: &PeerInfo| noting(echo).0).protocol(|| {
        Coded::new(
            Hoarder(std::collections::VecDeque::new()),
            Message::into_text,
        )
    });
    let (mut far, near) = duplex(64);
    let connection = Connection::new(Foreign(near), PeerInfo::default(), Shutdown::new());
    let server = tokio::spawn(raw.serve(connection));
    far.write_all(b"abc").await.unwrap();
    let mut answer = [0; 3];
    far.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"ABC");
    drop(far);
    server.await.unwrap();
}
