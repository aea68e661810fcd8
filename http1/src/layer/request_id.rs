//! A name for each request, in its extensions and in its response.

use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::BuildHasher;
use std::pin::Pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// The name of a request, in its extensions. It has letters, digits and `-_.~+/=:` only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// Returns the name.
    ///
    /// # Panics
    ///
    /// Never: a name is ASCII.
    pub fn as_str(&self) -> &str {
        self.0.to_str().expect("a name is ASCII")
    }

    /// Makes a name that no other request has: 128 bits, in hexadecimal.
    fn make() -> Self {
        // A keyed hash of a count gives nothing away: neither how many requests there were, nor
        // which name comes next.
        static KEYS: OnceLock<[RandomState; 2]> = OnceLock::new();
        static THREADS: AtomicU64 = AtomicU64::new(0);
        thread_local! {
            static COUNT: Cell<(u64, u64)> =
                Cell::new((THREADS.fetch_add(1, Ordering::Relaxed), 0));
        }
        let (thread, count) = COUNT.get();
        COUNT.set((thread, count.wrapping_add(1)));
        let keys = KEYS.get_or_init(|| [RandomState::new(), RandomState::new()]);
        let mut name = [0; 32];
        for (half, key) in name.chunks_exact_mut(16).zip(keys) {
            let bits = key.hash_one((thread, count));
            for (digit, shift) in half.iter_mut().zip((0..64).step_by(4)) {
                *digit = HEX[(bits >> shift) as usize & 15];
            }
        }
        // It will be cloned, and of the ways to make a value this one has room for the count.
        let name = Bytes::from_owner(name);
        Self(HeaderValue::from_maybe_shared(name).expect("hexadecimal digits"))
    }

    /// Takes the name that a request came with, if it is one.
    fn given<Q>(request: &Request<Q>) -> Option<Self> {
        let mut values = request.headers().get_all(&NAME).iter();
        let value = values.next()?;
        let is_alone = values.next().is_none();
        let is_sound = (1..=MAX_GIVEN_BYTES).contains(&value.len());
        let is_allowed = value
            .as_bytes()
            .iter()
            .all(|octet| octet.is_ascii_alphanumeric() || b"-_.~+/=:".contains(octet));
        (is_alone && is_sound && is_allowed).then(|| Self(value.clone()))
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";
const NAME: HeaderName = HeaderName::from_static("x-request-id");
/// A longer name is replaced.
const MAX_GIVEN_BYTES: usize = 128;

/// What becomes of the name that a request comes with, in the field `x-request-id`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Given {
    /// It is replaced: whoever may choose names may choose one that is taken.
    #[default]
    Replaced,
    /// It is kept, if it has 1 to 128 letters, digits and `-_.~+/=:`. For connections of trusted
    /// proxies.
    Kept,
}

/// Names each request: as [`RequestId`] in its extensions, and in the field `x-request-id` of the
/// request and of its response.
///
/// A name costs two short hashes and an allocation, and its place in the extensions three more.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestIdLayer {
    given: Given,
}

impl RequestIdLayer {
    /// Names requests that come without a name, and others as `given` says.
    pub fn new(given: Given) -> Self {
        Self { given }
    }
}

impl<S> Layer<S> for RequestIdLayer {
    type Service = WithRequestId<S>;

    fn layer(&self, inner: S) -> WithRequestId<S> {
        WithRequestId {
            inner,
            given: self.given,
        }
    }
}

/// The service of [`RequestIdLayer`].
#[derive(Clone, Debug)]
pub struct WithRequestId<S> {
    inner: S,
    given: Given,
}

impl<S, Q, B> Service<Request<Q>> for WithRequestId<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = RequestIdFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Q>) -> Self::Future {
        let given = match self.given {
            Given::Replaced => None,
            Given::Kept => RequestId::given(&request),
        };
        let id = given.unwrap_or_else(RequestId::make);
        // Whoever passes the request on passes the name on that we know it by.
        request.headers_mut().insert(NAME, id.0.clone());
        request.extensions_mut().insert(id.clone());
        RequestIdFuture {
            inner: self.inner.call(request),
            id: Some(id),
        }
    }
}

pin_project! {
    /// The answer of [`WithRequestId`].
    ///
    /// # Cancel safety
    ///
    /// As that of the inner service's future.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct RequestIdFuture<F> {
        #[pin]
        inner: F,
        id: Option<RequestId>,
    }
}

impl<F, B, E> Future for RequestIdFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        if let Some(RequestId(value)) = this.id.take() {
            response.headers_mut().insert(NAME, value);
        }
        Poll::Ready(Ok(response))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::convert::Infallible;
    use std::thread;

    use super::*;

    /// Returns the name that the service sees, and checks that the response has the same.
    fn name_of(given: Given, fields: &[&str]) -> String {
        let echo = tower::service_fn(|request: Request<()>| {
            let id = request.extensions().get::<RequestId>().unwrap();
            assert_eq!(request.headers()[&NAME], id.as_str());
            std::future::ready(Ok::<_, Infallible>(Response::new(id.as_str().to_owned())))
        });
        let mut request = Request::new(());
        for field in fields {
            let value = HeaderValue::from_bytes(field.as_bytes()).unwrap();
            request.headers_mut().append(NAME, value);
        }
        let future = RequestIdLayer::new(given).layer(echo).call(request);
        let response = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(future)
            .unwrap();
        let mut values = response.headers().get_all(NAME).iter();
        assert_eq!(values.next().unwrap(), response.body().as_str());
        assert_eq!(values.next(), None);
        response.into_body()
    }

    #[test]
    fn every_request_has_a_name_of_its_own_on_every_thread() {
        let names = || -> Vec<String> { (0..100).map(|_| name_of(Given::Replaced, &[])).collect() };
        let threads: Vec<_> = (0..3).map(|_| thread::spawn(names)).collect();
        let mut all: BTreeSet<String> = names().into_iter().collect();
        for thread in threads {
            all.extend(thread.join().unwrap());
        }
        assert_eq!(all.len(), 400);
        let is_hex = |name: &String| name.len() == 32 && name.bytes().all(|b| HEX.contains(&b));
        assert!(all.iter().all(is_hex));
    }

    #[test]
    fn a_sound_name_is_kept_only_where_that_is_wanted() {
        let given = "01AF-z_.~+/=:";
        assert_eq!(name_of(Given::Kept, &[given]), given);
        assert_ne!(name_of(Given::Replaced, &[given]), given);
        let longest = "a".repeat(MAX_GIVEN_BYTES);
        assert_eq!(name_of(Given::Kept, &[&longest]), longest);
    }

    #[test]
    fn a_name_that_is_not_sound_is_replaced() {
        let long = "a".repeat(MAX_GIVEN_BYTES + 1);
        for fields in [
            &["a b"][..],
            &["a\"b"],
            &["\u{e9}"],
            &[""],
            &[&long],
            &["a", "a"],
        ] {
            let name = name_of(Given::Kept, fields);
            assert_eq!(name.len(), 32, "{name}");
        }
    }
}
