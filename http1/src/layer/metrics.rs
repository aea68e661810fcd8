//! Counters and durations of requests, by the facade of the `metrics` crate.

use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Instant;

use http::{Method, Request, Response, StatusCode};
use metrics::{Counter, Gauge, Histogram, Unit};
use tower_layer::Layer;
use tower_service::Service;

use super::observed::{ObservedBody, ObservedFuture, Observer, clock};
use crate::refusal::Refusal;

/// Measures requests and their responses.
///
/// | metric | is |
/// |---|---|
/// | `http_requests_total{method, status}` | counter of requests, at the end of their responses |
/// | `http_requests_in_flight` | gauge of requests whose response has not ended |
/// | `http_response_head_seconds` | time from the call of the service to its response |
/// | `http_response_first_byte_seconds` | to the first byte of the response's body, where it has one |
/// | `http_response_seconds` | to the end, when the server lets the response go |
/// | `http_refusals_total{reason}` | counter of what the server refused by itself: [`count_refusal`] |
///
/// `status` is `1xx` to `5xx`, `other` for a code beyond, and `none` where the client left before
/// the response. `method` is a method of RFC 9110 or `PATCH`, else `other`, since clients can make
/// up as many as they like.
///
/// A request costs four looks at the clock and about ten atomic operations.
#[derive(Clone, Debug)]
pub struct MetricsLayer {
    meters: Arc<Meters>,
}

impl MetricsLayer {
    /// Measures with the recorder that is installed in the process, or set for the thread: there
    /// has to be one before.
    pub fn new() -> Self {
        describe();
        Self {
            meters: Arc::new(Meters {
                requests: Default::default(),
                in_flight: metrics::gauge!(IN_FLIGHT),
                head: metrics::histogram!(HEAD),
                first_byte: metrics::histogram!(FIRST_BYTE),
                end: metrics::histogram!(END),
            }),
        }
    }
}

impl Default for MetricsLayer {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts a refusal by its reason, for [`Http1::on_refusal`](crate::Http1::on_refusal).
pub fn count_refusal(refusal: &Refusal<'_>) {
    metrics::counter!(REFUSALS, "reason" => refusal.reason.name()).increment(1);
}

const REQUESTS: &str = "http_requests_total";
const IN_FLIGHT: &str = "http_requests_in_flight";
const HEAD: &str = "http_response_head_seconds";
const FIRST_BYTE: &str = "http_response_first_byte_seconds";
const END: &str = "http_response_seconds";
const REFUSALS: &str = "http_refusals_total";

fn describe() {
    metrics::describe_counter!(REQUESTS, "Requests, by method and class of the status");
    metrics::describe_gauge!(IN_FLIGHT, "Requests whose response has not ended");
    metrics::describe_histogram!(HEAD, Unit::Seconds, "Time until the response's head");
    metrics::describe_histogram!(
        FIRST_BYTE,
        Unit::Seconds,
        "Time until its body's first byte"
    );
    metrics::describe_histogram!(END, Unit::Seconds, "Time until the response's end");
    metrics::describe_counter!(REFUSALS, "What the server refused by itself, by reason");
}

/// The meters, looked up once.
#[derive(Debug)]
struct Meters {
    /// By method and status, each made when it is first needed.
    requests: [[OnceLock<Counter>; STATUSES.len()]; METHODS.len()],
    in_flight: Gauge,
    head: Histogram,
    first_byte: Histogram,
    end: Histogram,
}

const METHODS: [&str; 10] = [
    "other", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
];
const STATUSES: [&str; 7] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx", "other"];

/// Returns the place in [`METHODS`].
fn index_of(method: &Method) -> usize {
    let named = METHODS.iter().position(|name| *name == method.as_str());
    named.unwrap_or_default()
}

/// Returns the place in [`STATUSES`].
fn class_of(status: StatusCode) -> usize {
    usize::from(status.as_u16() / 100).min(STATUSES.len() - 1)
}

impl<S> Layer<S> for MetricsLayer {
    type Service = Measured<S>;

    fn layer(&self, inner: S) -> Measured<S> {
        Measured {
            inner,
            meters: Arc::clone(&self.meters),
        }
    }
}

/// The service of [`MetricsLayer`].
#[derive(Clone, Debug)]
pub struct Measured<S> {
    inner: S,
    meters: Arc<Meters>,
}

impl<S, Q, B> Service<Request<Q>> for Measured<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
{
    type Response = Response<ObservedBody<B, Measure>>;
    type Error = S::Error;
    type Future = ObservedFuture<S::Future, Measure>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let measure = Measure::begin(&self.meters, request.method());
        ObservedFuture::new(self.inner.call(request), measure)
    }
}

/// A request under way; its end is counted when it is dropped, without a status where it was not
/// answered before.
#[derive(Debug)]
pub struct Measure {
    meters: Arc<Meters>,
    started: Instant,
    method: usize,
    class: usize,
    has_bytes: bool,
}

impl Measure {
    fn begin(meters: &Arc<Meters>, method: &Method) -> Self {
        meters.in_flight.increment(1);
        Self {
            meters: Arc::clone(meters),
            started: clock(),
            method: index_of(method),
            class: 0,
            has_bytes: false,
        }
    }

    fn elapsed(&self) -> f64 {
        let elapsed = clock().saturating_duration_since(self.started);
        elapsed.as_secs_f64()
    }
}

impl Observer for Measure {
    fn answered<B>(&mut self, response: Option<&mut Response<B>>) {
        let status = response.map_or(StatusCode::INTERNAL_SERVER_ERROR, |answer| answer.status());
        self.class = class_of(status);
        self.meters.head.record(self.elapsed());
    }

    fn sent(&mut self, n_bytes: usize) {
        if n_bytes > 0 && !self.has_bytes {
            self.has_bytes = true;
            self.meters.first_byte.record(self.elapsed());
        }
    }
}

impl Drop for Measure {
    fn drop(&mut self) {
        let (method, class) = (self.method, self.class);
        let counter = self.meters.requests[method][class].get_or_init(|| {
            metrics::counter!(REQUESTS, "method" => METHODS[method], "status" => STATUSES[class])
        });
        counter.increment(1);
        self.meters.end.record(self.elapsed());
        self.meters.in_flight.decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    use astatine_reactor::PeerInfo;
    use bytes::Bytes;
    use http_body_util::{BodyExt, Full};
    use metrics::{HistogramFn, Key, KeyName, Metadata, Recorder, SharedString};

    use super::*;
    use crate::error::Violation;
    use crate::refusal::Reason;

    /// Keeps counters and gauges by their names and labels, and how often histograms were fed.
    #[derive(Default)]
    struct Values(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

    struct Fed(Arc<AtomicU64>);

    impl HistogramFn for Fed {
        fn record(&self, seconds: f64) {
            assert!((0.0..600.0).contains(&seconds), "{seconds}");
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Values {
        fn of(&self, key: &Key) -> Arc<AtomicU64> {
            let labels = key.labels().map(|label| format!(" {}", label.value()));
            let name = format!("{}{}", key.name(), labels.collect::<String>());
            Arc::clone(self.0.lock().unwrap().entry(name).or_default())
        }

        /// Returns what is not zero; a gauge has the bits of a float.
        fn told(&self) -> Vec<String> {
            let values = self.0.lock().unwrap();
            let told = values.iter().map(|(name, value)| {
                let value = value.load(Ordering::Relaxed);
                let is_gauge = name == IN_FLIGHT;
                (
                    name,
                    if is_gauge {
                        f64::from_bits(value) as u64
                    } else {
                        value
                    },
                )
            });
            told.filter(|(_, value)| *value != 0)
                .map(|(name, value)| format!("{name}: {value}"))
                .collect()
        }
    }

    impl Recorder for Values {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(self.of(key))
        }

        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::from_arc(self.of(key))
        }

        fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::from_arc(Arc::new(Fed(self.of(key))))
        }
    }

    /// Answers with the status that the path names, and its body; `/error` is an error.
    fn app() -> impl Service<
        Request<&'static str>,
        Response = Response<Full<Bytes>>,
        Error = &'static str,
        Future = impl Future<Output = Result<Response<Full<Bytes>>, &'static str>>,
    > {
        tower::service_fn(|request: Request<&'static str>| async move {
            tokio::task::yield_now().await;
            let mut response = Response::new(Full::from(*request.body()));
            let status = request.uri().path().trim_start_matches('/').parse();
            *response.status_mut() = status.map_err(|_| "no status")?;
            Ok(response)
        })
    }

    fn request(method: &str, path: &str, body: &'static str) -> Request<&'static str> {
        let builder = Request::builder().method(method).uri(path);
        builder.body(body).unwrap()
    }

    /// Runs the test with a recorder of its own.
    fn with_values<F: Future<Output = ()>>(test: impl FnOnce(Arc<Values>) -> F) {
        let values = Arc::new(Values::default());
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        metrics::with_local_recorder(&values, || {
            runtime.unwrap().block_on(test(Arc::clone(&values)));
        });
    }

    #[test]
    fn a_request_is_measured_from_its_head_to_its_end() {
        with_values(|values| async move {
            let mut service = MetricsLayer::new().layer(app());
            let answer = service.call(request("GET", "/200", "body"));
            assert_eq!(values.told(), ["http_requests_in_flight: 1"]);
            let mut response = answer.await.unwrap();
            let head = "http_response_head_seconds: 1";
            assert_eq!(values.told(), ["http_requests_in_flight: 1", head]);
            response.frame().await.unwrap().unwrap();
            let first = "http_response_first_byte_seconds: 1";
            assert_eq!(values.told(), ["http_requests_in_flight: 1", first, head]);
            drop(response);
            let total = "http_requests_total GET 2xx: 1";
            let end = "http_response_seconds: 1";
            assert_eq!(values.told(), [total, first, head, end]);
        });
    }

    #[test]
    fn requests_are_counted_by_method_and_class_of_the_status() {
        with_values(|values| async move {
            let mut service = MetricsLayer::new().layer(app());
            for (method, path) in [
                ("GET", "/404"),
                ("GET", "/410"),
                ("BREW", "/301"),
                ("BREW-MORE", "/301"),
                ("PATCH", "/599"),
                ("PATCH", "/999"),
            ] {
                drop(service.call(request(method, path, "")).await.unwrap());
            }
            let failed = service.call(request("POST", "/error", "")).await;
            assert!(failed.is_err());
            drop(service.call(request("PUT", "/200", "")));
            let counted = values.told().into_iter();
            let counted = counted
                .filter_map(|told| told.strip_prefix("http_requests_total ").map(str::to_owned));
            assert_eq!(
                counted.collect::<Vec<_>>(),
                [
                    "GET 4xx: 2",
                    "PATCH 5xx: 1",
                    "PATCH other: 1",
                    "POST 5xx: 1",
                    "PUT none: 1",
                    "other 3xx: 2",
                ]
            );
            assert!(
                values
                    .told()
                    .contains(&"http_response_seconds: 8".to_owned())
            );
        });
    }

    #[test]
    fn refusals_are_counted_by_their_reason() {
        with_values(|values| async move {
            let peer = PeerInfo::default();
            let violation = |violation| Reason::Violation(violation);
            for reason in [
                violation(Violation::Host),
                violation(Violation::HeadTimeout),
                violation(Violation::Host),
                Reason::ServiceFailed,
            ] {
                count_refusal(&Refusal {
                    reason,
                    peer: &peer,
                });
            }
            assert_eq!(
                values.told(),
                [
                    "http_refusals_total head_timeout: 1",
                    "http_refusals_total host: 2",
                    "http_refusals_total service_failed: 1",
                ]
            );
        });
    }
}
