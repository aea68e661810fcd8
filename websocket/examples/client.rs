//! Sends six messages, one when the answer to the one before is there, and prints the answers:
//! `cargo run --release -p astatine-websocket --example client -- ws://127.0.0.1:9001`.
//! The example `echo` answers.
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::error::Error;

use astatine_websocket::client::Client;
use astatine_websocket::proto::CloseCode;
use http::Request;

const MESSAGES: [&str; 6] = ["one", "two", "three", "four", "five", "six"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1);
    let url = url.ok_or("usage: client URL, as ws://127.0.0.1:9001")?;
    talk(&url, |answer| println!("{answer}")).await
}

pub(crate) async fn talk(url: &str, mut print: impl FnMut(&str)) -> Result<(), Box<dyn Error>> {
    let request = Request::get(url).body(())?;
    let mut websocket = Client::default().connect(request).await?.into_websocket();
    for message in MESSAGES {
        websocket.send(message).await?;
        let answer = websocket.next().await.ok_or("the server has closed")??;
        print(answer.as_text().unwrap_or("(no text)"));
    }
    websocket
        .close_with(CloseCode::NORMAL, "that was all")
        .await?;
    Ok(())
}
