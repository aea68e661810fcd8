//! What came of the cases, and what they share: a pool, and how a response is read.

use std::error::Error;
use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use astatine_http1::Incoming;
use astatine_http1::client::Pool;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use tower::ServiceExt;

/// What came of one case.
pub(crate) type Verdict = Result<(), Box<dyn Error>>;
pub(crate) type Body = BoxBody<Bytes, io::Error>;

/// A line for each case.
#[derive(Debug, Default)]
pub(crate) struct Report {
    n_cases: usize,
    n_failed: usize,
}

/// No case takes longer, unless something hangs.
const PATIENCE: Duration = Duration::from_secs(30);

impl Report {
    pub(crate) async fn case(&mut self, name: &str, case: impl Future<Output = Verdict>) {
        self.n_cases += 1;
        let verdict = tokio::time::timeout(PATIENCE, case).await;
        let verdict = verdict.unwrap_or_else(|_| Err("it hangs".into()));
        match verdict {
            Ok(()) => eprintln!("ok    {name}"),
            Err(error) => {
                self.n_failed += 1;
                eprintln!("FAIL  {name}: {error}");
            }
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        eprintln!("{} cases, {} failed", self.n_cases, self.n_failed);
        if self.n_failed == 0 && self.n_cases > 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// Fails the case unless both are equal.
pub(crate) fn equal<T: PartialEq + Debug>(got: T, expected: T) -> Verdict {
    if got == expected {
        Ok(())
    } else {
        Err(format!("got {got:?}, expected {expected:?}").into())
    }
}

/// A response that was read to its end.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: HeaderMap,
}

impl Read {
    pub(crate) async fn of(response: Response<Incoming>) -> Result<Self, Box<dyn Error>> {
        let (head, body) = response.into_parts();
        let body = body.collect().await?;
        Ok(Self {
            status: head.status.as_u16(),
            headers: head.headers,
            trailers: body.trailers().cloned().unwrap_or_default(),
            body: body.to_bytes(),
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or("no text")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

pub(crate) async fn ask(pool: &Pool<Body>, request: Request<Body>) -> Result<Read, Box<dyn Error>> {
    Read::of(pool.clone().oneshot(request).await?).await
}

pub(crate) async fn get(pool: &Pool<Body>, url: &str) -> Result<Read, Box<dyn Error>> {
    ask(pool, Request::get(url).body(empty())?).await
}

pub(crate) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed()
}

pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed()
}

/// The bytes in frames of 16 KiB, their number not told.
pub(crate) fn streamed(bytes: Bytes) -> Body {
    BodyExt::boxed(StreamBody::new(Frames(bytes)))
}

struct Frames(Bytes);

impl futures_core::Stream for Frames {
    type Item = io::Result<http_body::Frame<Bytes>>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let len = self.0.len().min(16 << 10);
        let frame = (len > 0).then(|| Ok(http_body::Frame::data(self.0.split_to(len))));
        std::task::Poll::Ready(frame)
    }
}

/// Bytes of which no two stretches are alike.
pub(crate) fn pattern(len: usize) -> Bytes {
    (0..len).map(|at| (at % 251) as u8).collect()
}
