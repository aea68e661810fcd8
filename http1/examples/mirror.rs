//! Answers with what it was sent, for suites that test a server from outside:
//! `cargo run --release -p astatine-http1 --example mirror -- 127.0.0.1:3000`.
//!
//! | target | answer to any method |
//! |---|---|
//! | `/echo` | the header fields as received, a line `name: value` each |
//! | `/cookie` | the pairs of the Cookie fields, a line `name=value` each |
//! | any other | the body; `OK` for a GET without one |

use std::convert::Infallible;
use std::env;
use std::error::Error;

use astatine_http1::{Fragments, Http1, Incoming};
use astatine_reactor::{Bind, Config, Server};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use tower::service_fn;

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args()
        .nth(1)
        .unwrap_or_else(|| String::from("127.0.0.1:3000"));
    let bind: Bind = address.parse()?;
    let mut config = astatine_http1::Config::default();
    // Tables of requests expect that a fragment is left out.
    config.fragments = Fragments::LeftOut;
    Server::new(Config::default())
        .listen(bind, move || {
            Http1::new(service_fn(mirror)).config(config.clone())
        })
        .on_ready(|addresses| {
            for address in addresses {
                eprintln!("listening on {address}");
            }
        })
        .run()?;
    Ok(())
}

async fn mirror(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        // The server answers what broke the body; this only says that nothing came of it.
        return Ok(respond(StatusCode::BAD_REQUEST, Bytes::new()));
    };
    let body = body.to_bytes();
    Ok(match head.uri.path() {
        // A success would promise a tunnel (RFC 9110 §9.3.6).
        _ if head.method == Method::CONNECT => respond(StatusCode::NOT_IMPLEMENTED, Bytes::new()),
        "/echo" => respond(StatusCode::OK, field_lines(&head.headers)),
        "/cookie" => respond(StatusCode::OK, cookie_lines(&head.headers)),
        _ if head.method == Method::GET && body.is_empty() => {
            respond(StatusCode::OK, Bytes::from_static(b"OK"))
        }
        _ => respond(StatusCode::OK, body),
    })
}

fn respond(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
}

fn field_lines(headers: &HeaderMap) -> Bytes {
    let mut lines = BytesMut::new();
    for (name, value) in headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"] {
            lines.extend_from_slice(part);
        }
    }
    lines.freeze()
}

/// Splits `cookie-pair *( "; " cookie-pair )` (RFC 6265 §4.2.1), as loosely as servers do (§5.4).
fn cookie_lines(headers: &HeaderMap) -> Bytes {
    let fields = headers.get_all(header::COOKIE).iter();
    let pairs = fields.flat_map(|field| field.as_bytes().split(|octet| *octet == b';'));
    let mut lines = BytesMut::new();
    for pair in pairs.map(<[u8]>::trim_ascii) {
        if pair.contains(&b'=') {
            lines.extend_from_slice(pair);
            lines.extend_from_slice(b"\n");
        }
    }
    lines.freeze()
}
