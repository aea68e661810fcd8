//! Prints the events of a stream on standard input:
//! `curl -N URL | cargo run --release -p astatine-sse --example tail`.
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::pin::pin;

use astatine_sse::{Codec, Config, Error};
use futures_core::Stream;
use tokio::io::{AsyncRead, stdin};
use tokio_util::codec::FramedRead;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    print_events(stdin(), |line| println!("{line}")).await
}

/// Hands out a line for each event: its id, its type and its data as a literal.
pub(crate) async fn print_events(
    input: impl AsyncRead,
    mut print: impl FnMut(String),
) -> Result<(), Error> {
    let mut events = pin!(FramedRead::new(input, Codec::new(&Config::default())));
    while let Some(event) = std::future::poll_fn(|cx| events.as_mut().poll_next(cx)).await {
        let event = event?;
        let (id, event_type) = (event.last_event_id, event.event_type);
        print(format!("{id} {event_type} {:?}", event.data));
    }
    Ok(())
}
