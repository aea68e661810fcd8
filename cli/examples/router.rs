//! Serves an axum router, in as few lines as that takes; the README shows them:
//! `cargo run --release -p astatine-cli --example router`.

use astatine_http1::Http1;
use axum::{Router, routing::get};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new().route("/", get(|| async { "hello" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    // It was: axum::serve(listener, app).await
    astatine_reactor::serve(listener, Http1::new(app)).await
}
