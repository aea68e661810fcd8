//! The command that publishes a message to a hub.

use std::fmt::Write as _;
use std::future::poll_fn;
use std::io::{self, Read};
use std::path::PathBuf;

use astatine_http1::client::{Config, Pool};
use bytes::Bytes;
use clap::Args;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::uri::Scheme;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use serde_json::Value;
use tower_service::Service;

use crate::failure::Failure;
use crate::gen_token::GenToken;
use crate::secret::Secret;

/// What is published, where, and with which right.
#[derive(Args, Debug)]
pub(crate) struct Publish {
    /// The channel
    channel: String,

    /// The message; - reads it from standard input
    message: String,

    /// The hub, by http
    #[arg(long, value_name = "URL", default_value = "http://localhost:3000/live")]
    url: Uri,

    /// The name of the event
    #[arg(long, value_name = "NAME")]
    event: Option<String>,

    /// The token that has the right to publish
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<Secret>,

    /// Instead of a token, the key that signs one, as gen-token has it
    #[arg(long, value_name = "FILE")]
    live_key: Option<PathBuf>,

    /// The same key as text; better given as ASTATINE_LIVE_SECRET
    #[arg(long, value_name = "TEXT")]
    live_secret: Option<Secret>,
}

impl Publish {
    /// Publishes, and returns what the hub answers.
    ///
    /// # Errors
    ///
    /// The hub is not reached, or refuses; the key is none.
    pub(crate) fn run(self) -> Result<String, Failure> {
        let request = self.request()?;
        let doing = format!("cannot publish to {}", self.url);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let (status, text) = runtime
            .and_then(|runtime| runtime.block_on(ask(request)))
            .map_err(|error| {
                let doing = format!("cannot reach the hub at {}, see --url", self.url);
                Failure::system(doing, error)
            })?;
        if status == StatusCode::OK {
            return Ok(text);
        }
        let told: Option<Value> = serde_json::from_str(&text).ok();
        let reason = told.and_then(|told| Some(told["error"].as_str()?.to_owned()));
        let reason = reason.unwrap_or_else(|| "there is no hub".into());
        let error = io::Error::other(format!("{reason} ({})", status.as_u16()));
        Err(Failure::system(doing, error))
    }

    /// Returns the two spellings of the key.
    pub(crate) fn key(&mut self) -> (&mut Option<PathBuf>, &mut Option<Secret>) {
        (&mut self.live_key, &mut self.live_secret)
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, Failure> {
        if self.url.scheme() != Some(&Scheme::HTTP) {
            return Err(Failure::Usage(format!(
                "--url is {}, and this command speaks http alone: give the URL of the server itself, \
                 as http://localhost:3000/live",
                self.url
            )));
        }
        let payload = match self.message.as_str() {
            "-" => read_input()?,
            message => Bytes::from(message.to_owned()),
        };
        let is_text = std::str::from_utf8(&payload).is_ok();
        let media_type = if is_text {
            "text/plain; charset=utf-8"
        } else {
            "application/octet-stream"
        };
        let hub = self.url.to_string();
        let mut target = format!("{}/{}", hub.trim_end_matches('/'), escaped(&self.channel));
        if let Some(event) = &self.event {
            target += &format!("?event={}", escaped(event));
        }
        let mut request = Request::post(target).header(CONTENT_TYPE, media_type);
        if let Some(token) = self.token()? {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.trim()));
        }
        let request = request.body(Full::new(payload));
        request.map_err(|error| Failure::Usage(format!("this cannot be asked: {error}")))
    }

    fn token(&self) -> Result<Option<String>, Failure> {
        if let Some(token) = &self.token {
            return Ok(Some(token.0.clone()));
        }
        if self.live_key.is_none() && self.live_secret.is_none() {
            return Ok(None);
        }
        let (key, secret) = (self.live_key.clone(), self.live_secret.clone());
        GenToken::to_publish(key, secret).run().map(Some)
    }
}

async fn ask(request: Request<Full<Bytes>>) -> io::Result<(StatusCode, String)> {
    let mut pool = Pool::new(Config::default());
    poll_fn(|cx| pool.poll_ready(cx))
        .await
        .map_err(io::Error::other)?;
    let answer = pool.call(request).await.map_err(io::Error::other)?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES);
    let body = body.collect().await.map_err(io::Error::other)?;
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    Ok((status, text))
}

fn read_input() -> Result<Bytes, Failure> {
    let mut input = Vec::new();
    io::stdin()
        .read_to_end(&mut input)
        .map_err(|error| Failure::system("cannot read standard input", error))?;
    Ok(input.into())
}

/// Escapes what has a meaning in a path or a query (RFC 3986 §2.3).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").expect("a string takes every write");
        }
    }
    escaped
}

/// What a hub answers is short.
const MAX_ANSWER_BYTES: usize = 64 << 10;
