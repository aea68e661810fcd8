//! Streams bodies of any length without keeping them, on one thread:
//! `cargo run --release -p astatine-http1 --example stream -- 127.0.0.1:3000 [SECONDS]`, where
//! SECONDS is every time that a client may take.
//!
//! | request | answer |
//! |---|---|
//! | `POST` to any target | how many bytes the body had |
//! | `PUT` to any target | the same, once the body was whole, in memory or in a file |
//! | `GET /N` | N bytes |

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use astatine_http1::layer::OrEmpty;
use astatine_http1::layer::buffer::BufferLayer;
use astatine_http1::{Config, Http1, Incoming};
use astatine_reactor::{Bind, Server};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Either, Full};
use tower::{Layer, ServiceExt, service_fn};

/// So many bytes without meaning.
struct Filler {
    n_left: u64,
}

const PIECE: &[u8] = &[b'x'; 64 << 10];

impl Body for Filler {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.n_left == 0 {
            return Poll::Ready(None);
        }
        let n = usize::try_from(self.n_left).map_or(PIECE.len(), |left| left.min(PIECE.len()));
        self.n_left -= n as u64;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&PIECE[..n])))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.n_left)
    }
}

type AnyBody = Either<Full<Bytes>, Filler>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let address = args.next();
    let bind: Bind = address.as_deref().unwrap_or("127.0.0.1:3000").parse()?;
    let mut config = Config::default();
    config.max_body_bytes = u64::MAX;
    if let Some(seconds) = args.next() {
        let patience = Duration::from_secs(seconds.parse()?);
        config.head_timeout = patience;
        config.body_grace = patience;
        config.keep_alive_timeout = patience;
        config.write_stall_timeout = patience;
        config.drain_grace = patience;
    }
    Server::new(astatine_reactor::Config::default())
        .threads(NonZeroUsize::MIN)
        .listen(bind, move || {
            Http1::new(service_fn(route)).config(config.clone())
        })
        .on_ready(|addresses| {
            for address in addresses {
                eprintln!("listening on {address}");
            }
        })
        .run()?;
    Ok(())
}

/// What answers a request, with and without the layer that has its body whole.
type Routed = Response<Either<AnyBody, OrEmpty<AnyBody>>>;

async fn route(request: Request<Incoming>) -> Result<Routed, Infallible> {
    if request.method() == Method::PUT {
        let whole = BufferLayer::new().layer(service_fn(answer));
        let response = whole.oneshot(request).await?;
        return Ok(response.map(Either::Right));
    }
    Ok(answer(request).await?.map(Either::Left))
}

async fn answer<B>(request: Request<B>) -> Result<Response<AnyBody>, Infallible>
where
    B: Body<Data = Bytes>,
{
    if request.method() == Method::GET {
        let n_left = request.uri().path().trim_start_matches('/').parse();
        return Ok(match n_left {
            Ok(n_left) => Response::new(Either::Right(Filler { n_left })),
            Err(_) => respond(StatusCode::NOT_FOUND, "no number of bytes\n".into()),
        });
    }
    let mut body = pin!(request.into_body());
    let mut n_bytes = 0;
    while let Some(frame) = body.frame().await {
        // The server answers what broke the body.
        let Ok(frame) = frame else {
            return Ok(respond(StatusCode::BAD_REQUEST, String::new()));
        };
        n_bytes += frame.data_ref().map_or(0, Bytes::len);
    }
    Ok(respond(StatusCode::OK, format!("{n_bytes}\n")))
}

fn respond(status: StatusCode, text: String) -> Response<AnyBody> {
    let mut response = Response::new(Either::Left(Full::from(text)));
    *response.status_mut() = status;
    response
}
