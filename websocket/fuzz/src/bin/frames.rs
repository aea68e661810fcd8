//! A stream of frames, against another reader.
//!
//! The same messages come in however the stream is cut, and they are those that the referee reads;
//! what is refused has the code that the referee gives. The first byte picks the end, the
//! extension and the limits.
#![no_main]

use astatine_websocket::Config;
use astatine_websocket::proto::Extension;
use astatine_websocket_fuzz::{judge, receive};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((choice, stream)) = data.split_first() else {
        return;
    };
    let is_client = choice & 1 != 0;
    let extension = match choice & 2 {
        0 => Extension::None,
        _ => Extension::Deflate,
    };
    let mut config = Config::default();
    if choice & 4 != 0 {
        (config.max_message_bytes, config.max_frames) = (100, 3);
    }
    let run = |pieces: Vec<&[u8]>| receive(pieces, is_client, extension, &config);
    let whole = run(vec![stream]);
    let piece_len = usize::from(choice >> 3) + 1;
    assert_eq!(whole, run(stream.chunks(piece_len).collect()));
    if stream.len() < 512 {
        assert_eq!(whole, run(stream.chunks(1).collect()), "byte by byte");
    }
    let judged = judge(stream, is_client, extension == Extension::Deflate, &config);
    assert_eq!(whole.events, judged.events);
    let code = whole.violation.and_then(|violation| violation.close_code());
    assert_eq!(
        code.map(|code| code.value()),
        judged.code,
        "{:?}",
        whole.violation
    );
    let is_ended = judged.code.is_some() || whole.events.iter().any(is_close);
    assert_eq!(whole.is_closed, is_ended);
    // What it answers must be what the other end takes.
    let answer = receive(
        [&whole.output[..]],
        !is_client,
        extension,
        &Config::default(),
    );
    assert_eq!(answer.violation, None);
    assert_eq!(answer.is_closed, is_ended);
});

fn is_close(event: &astatine_websocket::proto::Event) -> bool {
    matches!(event, astatine_websocket::proto::Event::Close(_))
}
