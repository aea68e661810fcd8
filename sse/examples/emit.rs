//! Answers with one event, or with bytes as they are, for suites that test a client from outside:
//! `cargo run --release -p astatine-sse --example emit -- 127.0.0.1:3000`.
//!
//! | target | answer |
//! |---|---|
//! | `/emit?json={"event":"a","id":"b","data":"c"}` | that event by our encoder; `retry` in milliseconds and `comment` are known too |
//! | `/raw?b64=ZGF0YTphCgo=&mime=text/event-stream` | the bytes, of that type |

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::io;
use std::time::Duration;

use astatine_sse::{Config, Event, EventBody, Line, event_stream};
use axum::Router;
use axum::extract::Query;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value};
use tokio::net::TcpListener;

type Parameters = Query<HashMap<String, String>>;

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args()
        .nth(1)
        .unwrap_or_else(|| String::from("127.0.0.1:3000"));
    let listener = TcpListener::bind(address).await?;
    eprintln!("listening on {}", listener.local_addr()?);
    axum::serve(listener, router()).await
}

/// Returns both targets.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/emit", get(emit))
        .route("/raw", get(raw))
}

async fn emit(Query(parameters): Parameters) -> Response {
    let json = parameters.get("json").map_or("", String::as_str);
    or_bad_request(one_event(json).map(event_stream))
}

async fn raw(Query(parameters): Parameters) -> Response {
    let parameter = |name: &str| parameters.get(name).map_or("", String::as_str);
    let mime = match parameter("mime") {
        "" => String::from("text/event-stream"),
        mime => mime.to_owned(),
    };
    let bytes = base64(parameter("b64")).ok_or_else(|| "not base64".into());
    or_bad_request(bytes.map(|bytes| ([(header::CONTENT_TYPE, mime)], bytes)))
}

fn or_bad_request(answer: Result<impl IntoResponse, Box<dyn Error>>) -> Response {
    match answer {
        Ok(answer) => {
            // A page of any origin may be the client that is tested.
            let fields = [
                (header::CONNECTION, "close"),
                (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            ];
            (fields, answer).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

/// Makes a stream that has one event and ends.
fn one_event(json: &str) -> Result<EventBody, Box<dyn Error>> {
    let json: Map<String, Value> = serde_json::from_str(json)?;
    let texts: HashMap<&str, String> = json
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.as_str(), text(value)))
        .collect();
    let text = |name| texts.get(name).map(String::as_str);
    let retry = text("retry").map(str::parse).transpose()?;
    let event = Event {
        id: text("id").map(Line::new).transpose()?,
        event: text("event").map(Line::new).transpose()?,
        data: text("data"),
        retry: retry.map(Duration::from_millis),
        comment: text("comment"),
    };
    let (events, body) = EventBody::new(&Config::default());
    events.try_send(event)?;
    Ok(body)
}

/// Returns a text as it is, and anything else as JSON.
fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Decodes base64 (RFC 4648 §4); a `+` that the query made a space is one again.
fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut n_bits) = (Vec::new(), 0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b' ' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((bits >> n_bits & 0xff) as u8);
        }
    }
    Some(bytes)
}
