//! Has Autobahn's test suite try the client, where `wstest --mode fuzzingserver` listens:
//! `cargo run --release -p astatine-websocket --example autobahn_client -- ws://127.0.0.1:9001 NAME`.
//! The suite then has its report under that name.

use std::error::Error;

use astatine_websocket::client::Client;
use astatine_websocket::{Config, WebSocket};
use http::Request;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(suite), Some(name)) = (args.next(), args.next()) else {
        return Err("usage: autobahn_client URL NAME, as ws://127.0.0.1:9001 me".into());
    };
    let mut config = Config::default();
    config.max_message_bytes = 16 << 20;
    config.max_frames = 131_072;
    let client = Client::new(config);
    let open = async |path: String| -> Result<WebSocket, Box<dyn Error>> {
        let request = Request::get(format!("{suite}{path}")).body(())?;
        Ok(client.connect(request).await?.into_websocket())
    };

    let mut counting = open(String::from("/getCaseCount")).await?;
    let count = counting.next().await.ok_or("no number of cases")??;
    let n_cases: u32 = count.as_text().unwrap_or_default().parse()?;
    for case in 1..=n_cases {
        let mut websocket = open(format!("/runCase?case={case}&agent={name}")).await?;
        // However a case ends, the suite has seen it and says what it thinks of it.
        echo(&mut websocket).await.unwrap_or_default();
    }
    let mut report = open(format!("/updateReports?agent={name}")).await?;
    while let Some(message) = report.next().await {
        drop(message?);
    }
    Ok(())
}

async fn echo(websocket: &mut WebSocket) -> Result<(), astatine_websocket::Error> {
    while let Some(message) = websocket.next().await {
        websocket.send(message?).await?;
    }
    Ok(())
}
