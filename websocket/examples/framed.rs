//! Sends a message through tokio-util's `Framed` and prints the answer:
//! `cargo run --release -p astatine-websocket --example framed -- ws://127.0.0.1:9001 hello`.
//! The example `echo` answers.
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::error::Error;

use astatine_websocket::Config;
use astatine_websocket::client::Client;
use astatine_websocket::codec::{Codec, Command};
use astatine_websocket::proto::{CloseCode, Event, Extension, Kind};
use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use http::Request;
use tokio_util::codec::{Framed, FramedParts};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(text)) = (args.next(), args.next()) else {
        return Err("usage: framed URL TEXT, as ws://127.0.0.1:9001 hello".into());
    };
    println!("{}", ask(&url, text).await?);
    Ok(())
}

/// Returns the first answer to a text.
pub(crate) async fn ask(url: &str, text: String) -> Result<String, Box<dyn Error>> {
    // A codec compresses nothing by itself.
    let client = Client::default().without_deflate();
    let opened = client.connect(Request::get(url).body(())?).await?;
    let (connection, unread, role) = opened.into_parts();
    let codec = Codec::new(role, Extension::None, Config::default());
    let mut parts = FramedParts::new::<Command>(connection.io, codec);
    parts.read_buf = BytesMut::from(unread);
    let mut framed = Framed::from_parts(parts);

    let message = Command::Message {
        kind: Kind::Text,
        payload: Bytes::from(text),
    };
    framed.send(message).await?;
    let mut answer = None;
    while let Some(event) = framed.next().await {
        match event? {
            Event::Message { payload, .. } => {
                answer = Some(String::from_utf8(payload.to_vec())?);
                let close = Command::Close(CloseCode::NORMAL, String::new());
                framed.send(close).await?;
            }
            Event::Ping(_) => framed.send(Command::Answer).await?,
            Event::Close(_) => break,
            Event::Pong(_) | Event::Deflated { .. } => {}
        }
    }
    answer.ok_or_else(|| "the server has closed".into())
}
