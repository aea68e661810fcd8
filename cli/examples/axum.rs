//! Serves an unchanged axum router with layers of tower-http over static files:
//! `cargo run --release -p astatine-cli --example axum -- PUBLIC_DIR`.

use std::env;
use std::io;
use std::net::SocketAddr;

use astatine_http1::Http1;
use astatine_reactor::{Address, PeerInfo};
use astatine_static_files::{Config, StaticFiles};
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, header};
use axum::routing::{get, post};
use axum::{Extension, Router};
use tokio::net::TcpListener;
use tower::Layer;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;

#[tokio::main]
async fn main() -> io::Result<()> {
    let root = env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let mut config = Config::default();
    // The layer around the router compresses; once is enough.
    config.is_gzip_on_demand = false;
    let app = router(StaticFiles::new(root, config)?);
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    eprintln!("http://{}/", listener.local_addr()?);
    serve(listener, app).await
}

/// Returns routes and files behind one set of layers: plain axum.
pub(crate) fn router(files: StaticFiles) -> Router {
    Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route("/echo", post(|body: String| async { body }))
        .route(
            "/peer",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }),
        )
        .nest_service("/files", files.clone())
        .fallback_service(files)
        .layer(CompressionLayer::new())
        .layer(SetResponseHeaderLayer::overriding(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
}

/// Serves the router. A router that asks for no `ConnectInfo` is served by `Http1::new(app)`.
pub(crate) async fn serve(listener: TcpListener, app: Router) -> io::Result<()> {
    let app = move |peer: &PeerInfo| connect_info(peer).layer(app.clone());
    astatine_reactor::serve(listener, Http1::per_connection(app)).await
}

/// Returns the layer that tells each request of a connection where its peer is.
fn connect_info(peer: &PeerInfo) -> Extension<ConnectInfo<SocketAddr>> {
    let address = match peer.remote {
        Address::Tcp(address) => address,
        // The peer of a Unix socket has none.
        _ => SocketAddr::from(([0; 4], 0)),
    };
    Extension(ConnectInfo(address))
}
