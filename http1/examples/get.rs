//! Gets a URL and prints the response, head and body, as it comes:
//! `cargo run --release -p astatine-http1 --example get -- http://127.0.0.1:3000/`.

use std::env;
use std::error::Error;
use std::io::{self, Write};

use astatine_http1::client::{Config, Pool};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use tower::ServiceExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).ok_or("say which URL")?;
    let request = Request::get(url)
        .header("te", "trailers")
        .body(Empty::<Bytes>::new())?;
    let response = Pool::new(Config::default()).oneshot(request).await?;
    let (head, mut body) = response.into_parts();
    let mut out = io::stdout().lock();
    writeln!(out, "{:?} {}", head.version, head.status)?;
    for (name, value) in &head.headers {
        writeln!(out, "{name}: {}", value.as_bytes().escape_ascii())?;
    }
    writeln!(out)?;
    while let Some(frame) = body.frame().await {
        let frame = frame?;
        if let Some(data) = frame.data_ref() {
            out.write_all(data)?;
            out.flush()?;
        }
        for (name, value) in frame.trailers_ref().into_iter().flatten() {
            writeln!(out, "{name}: {}", value.as_bytes().escape_ascii())?;
        }
    }
    Ok(())
}
