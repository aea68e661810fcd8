//! The codec in `Framed`, and the example that reads a stream by it.

use astatine_sse::{Codec, Config, Encoded, Error, Event, Line, Violation};
use bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

#[path = "../../examples/tail.rs"]
#[expect(dead_code, reason = "only its main function is left out")]
mod tail;

async fn tail(stream: &[u8]) -> (Vec<String>, Result<(), Error>) {
    let mut lines = Vec::new();
    let end = tail::print_events(stream, |line| lines.push(line)).await;
    (lines, end)
}

#[tokio::test]
async fn a_stream_is_printed_event_by_event() {
    let stream = b"id:1\nevent:a\ndata:b\ndata:c\r\n\r\ndata:d\r\rdata:lost\n";
    let (lines, end) = tail(stream).await;
    assert!(end.is_ok());
    assert_eq!(lines, ["1 a \"b\\nc\"", "1 message \"d\""]);
}

#[tokio::test]
async fn a_limit_is_an_error_behind_the_events_before_it() {
    let stream = [b"data:a\n\ndata:", &[b'b'; 2 << 20][..]].concat();
    let (lines, end) = tail(&stream).await;
    assert_eq!(lines, [" message \"a\""]);
    let is_too_long = matches!(end, Err(Error::Violation(Violation::LineTooLong)));
    assert!(is_too_long, "{end:?}");
}

#[test]
fn what_one_codec_writes_another_reads() {
    let (mut near, mut far) = (
        Codec::new(&Config::default()),
        Codec::new(&Config::default()),
    );
    let mut stream = BytesMut::new();
    let event = Event {
        id: Some(Line::from_static("1")),
        ..Event::data("a\r\nb")
    };
    near.encode(Encoded::keep_alive(), &mut stream).unwrap();
    near.encode(event, &mut stream).unwrap();
    let seen = far.decode(&mut stream).unwrap().unwrap();
    assert_eq!((&*seen.data, far.parser().last_event_id()), ("a\nb", "1"));
    assert_eq!(far.decode_eof(&mut stream).unwrap(), None);
}
