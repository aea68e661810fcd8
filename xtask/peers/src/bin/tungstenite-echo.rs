//! tokio-tungstenite as its users run it, on one thread of tokio: every message is sent back.
#![forbid(unsafe_code)]

use astatine_peers::serve_tasks;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;

async fn echo(stream: TcpStream) -> Result<(), Error> {
    let mut socket = tokio_tungstenite::accept_async(stream).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_binary() || message.is_text() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

fn main() -> std::io::Result<()> {
    // A connection that fails is its own affair.
    serve_tasks(|stream| async { echo(stream).await.unwrap_or_default() })
}
