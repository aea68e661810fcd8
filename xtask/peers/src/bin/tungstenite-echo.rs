//! tokio-tungstenite as its users run it, on one thread of tokio: every message is sent back.
#![forbid(unsafe_code)]

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
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

async fn serve(address: String) -> std::io::Result<()> {
    let listener = TcpListener::bind(&address).await?;
    println!("ready {address}");
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A connection that fails is its own affair.
        tokio::spawn(async { echo(stream).await.unwrap_or_default() });
    }
}

fn main() -> std::io::Result<()> {
    let address = std::env::args()
        .nth(1)
        .expect("usage: tungstenite-echo ADDRESS");
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve(address))
}
