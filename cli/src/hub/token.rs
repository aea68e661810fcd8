//! Where a request has its token.
//!
//! A token in the query of a request to the hub is taken out of it before anything else sees the
//! request, and out of `Referer` of every request: no log and no page can show what it never had.
//! The query of any other path is the page's own, which may be waiting for it.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, COOKIE, REFERER};
use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, HeaderValue, Request, Uri};
use tower_layer::Layer;
use tower_service::Service;

use super::paths::Paths;
use crate::form;

/// The token that was in the query.
#[derive(Clone)]
struct QueryToken(String);

/// Returns a request's token: from `Authorization`, else from the query, else from the cookie where
/// one counts.
pub(super) fn find(
    headers: &HeaderMap,
    extensions: &Extensions,
    cookie: Option<&str>,
) -> Option<String> {
    let query = || Some(extensions.get::<QueryToken>()?.0.clone());
    bearer(headers)
        .or_else(query)
        .or_else(|| find_cookie(headers, cookie?))
}

/// RFC 6750 §2.1; the scheme in any case (RFC 9110 §11.1). Two fields are a token that is none: a
/// proxy before us may have judged either.
fn bearer(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return Some(String::new());
    }
    let (scheme, token) = value.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    is_bearer.then(|| token.trim().to_owned())
}

/// RFC 6265 §4.2.1.
fn find_cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(COOKIE).iter();
    let mut pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs.find_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == name).then(|| value.trim_matches('"').to_owned())
    })
}

/// Takes tokens out of queries, the hub's and the referrer's.
#[derive(Clone, Debug)]
pub(crate) struct QueryTokenLayer(pub(super) Arc<Paths>);

impl<S> Layer<S> for QueryTokenLayer {
    type Service = WithoutQueryToken<S>;

    fn layer(&self, inner: S) -> WithoutQueryToken<S> {
        WithoutQueryToken {
            paths: Arc::clone(&self.0),
            inner,
        }
    }
}

/// The service of [`QueryTokenLayer`].
#[derive(Clone, Debug)]
pub(crate) struct WithoutQueryToken<S> {
    paths: Arc<Paths>,
    inner: S,
}

impl<S, Q> Service<Request<Q>> for WithoutQueryToken<S>
where
    S: Service<Request<Q>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Q>) -> S::Future {
        if self.paths.endpoint(request.uri().path()).is_some() {
            if let Some((uri, token)) = without_token(request.uri()) {
                *request.uri_mut() = uri;
                request.extensions_mut().insert(QueryToken(token));
            }
        }
        if let Some(referrer) = request.headers_mut().get_mut(REFERER) {
            if let Some(masked) = referrer_without_token(referrer) {
                *referrer = masked;
            }
        }
        self.inner.call(request)
    }
}

/// Returns a target with its tokens masked, and the first of them.
fn without_token(uri: &Uri) -> Option<(Uri, String)> {
    let (masked, token) = mask(uri.query()?)?;
    let mut parts = uri.clone().into_parts();
    let target = format!("{}?{masked}", uri.path());
    // What was a target is one without some of its characters.
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Some((Uri::from_parts(parts).ok()?, token))
}

/// Returns a referrer with its tokens masked, whatever else it has.
fn referrer_without_token(referrer: &HeaderValue) -> Option<HeaderValue> {
    let text = String::from_utf8_lossy(referrer.as_bytes());
    let (page, query) = text.split_once('?')?;
    let (masked, _) = mask(query)?;
    HeaderValue::from_bytes(format!("{page}?{masked}").as_bytes()).ok()
}

/// Returns a query with its tokens masked, and the first of them.
fn mask(query: &str) -> Option<(String, String)> {
    let mut token = None;
    let parts = query.split('&').map(|part| {
        let found = form::pairs(part).next().filter(|(name, _)| is_name(name));
        let Some((name, value)) = found else {
            return part.to_owned();
        };
        token.get_or_insert(value);
        format!("{name}=***")
    });
    let masked = parts.collect::<Vec<_>>().join("&");
    Some((masked, token?))
}

/// The hub's own name of the parameter, and that of Mercure.
fn is_name(name: &str) -> bool {
    matches!(name, "token" | "authorization")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_token_is_found_in_the_order_of_its_places() {
        let mut extensions = Extensions::new();
        let cookies = headers(&[("cookie", "a=b; t=in-cookie"), ("cookie", "t=other")]);
        let found =
            |headers: &HeaderMap, extensions: &Extensions| find(headers, extensions, Some("t"));
        assert_eq!(found(&cookies, &extensions).as_deref(), Some("in-cookie"));
        assert_eq!(find(&cookies, &extensions, None), None);
        extensions.insert(QueryToken("in-query".into()));
        assert_eq!(found(&cookies, &extensions).as_deref(), Some("in-query"));
        let both = headers(&[("authorization", "bearer in-header"), ("cookie", "t=c")]);
        assert_eq!(found(&both, &extensions).as_deref(), Some("in-header"));
        let two = headers(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]);
        assert_eq!(found(&two, &extensions).as_deref(), Some(""));
        let basic = headers(&[("authorization", "Basic YTpi")]);
        assert_eq!(found(&basic, &Extensions::new()), None);
    }

    #[test]
    fn a_token_is_taken_out_of_the_query() {
        for (target, masked, token) in [
            ("/live/a?token=s", "/live/a?token=***", "s"),
            ("/live/a?b=1&token=s&c", "/live/a?b=1&token=***&c", "s"),
            ("/live/a?%74oken=s", "/live/a?token=***", "s"),
            ("/live/a?authorization=s", "/live/a?authorization=***", "s"),
            ("/a?token=s&token=t", "/a?token=***&token=***", "s"),
            ("http://x/a?token=s", "http://x/a?token=***", "s"),
        ] {
            let (uri, found) = without_token(&target.parse().unwrap()).unwrap();
            assert_eq!((uri.to_string().as_str(), found.as_str()), (masked, token));
        }
        for target in ["/a", "/a?", "/a?tokens=s", "/a?b=token"] {
            assert!(
                without_token(&target.parse().unwrap()).is_none(),
                "{target}"
            );
        }
    }
}
