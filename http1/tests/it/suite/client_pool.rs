//! A pool of connections by origin.

use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

use astatine_http1::client::{Config, Origin, Pool, TcpConnector, UnixConnector};
use astatine_http1::{Error, Http1, Incoming, Misuse};
use astatine_reactor::test_util::{Cut, Faults, faulty_io};
use astatine_reactor::{Foreign, Io};
use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower::{Service, ServiceExt, service_fn};

use super::super::faults;
use super::client::{echo, pass};
use super::peer::{
    Body, OK, PIPE_BYTES, Speak, data, deaf, empty, frames, full, get, patient, post, text,
};

/// A pool whose connections lead into this test, each with the origin that it is to.
struct Site {
    ask: Box<dyn Fn(Request<Body>) -> Asking>,
    connections: mpsc::Receiver<(Origin, DuplexStream)>,
}

type Asking = JoinHandle<Result<Response<Incoming>, Error>>;

impl Site {
    fn new(config: Config) -> Self {
        Self::with(config, &faults())
    }

    fn with(config: Config, faults: &Faults) -> Self {
        let (sender, connections) = mpsc::channel(16);
        let faults = faults.clone();
        let connector = service_fn(move |origin: Origin| {
            let (sender, faults) = (sender.clone(), faults.clone());
            async move {
                let (stream, io) = duplex(PIPE_BYTES);
                let io = faulty_io(Box::new(Foreign(io)), &faults);
                sender.send((origin, stream)).await.unwrap();
                Ok::<Box<dyn Io>, io::Error>(io)
            }
        });
        let pool = Pool::with_connector(connector, config);
        Self {
            ask: Box::new(move |request| tokio::spawn(pool.clone().oneshot(request))),
            connections,
        }
    }

    fn ask(&self, request: Request<Body>) -> Asking {
        (self.ask)(request)
    }

    async fn connection(&mut self) -> DuplexStream {
        self.connections.recv().await.unwrap().1
    }

    /// Has one exchange on a new connection, and returns the server's end of it.
    async fn begin(&mut self) -> DuplexStream {
        let asking = self.ask(get());
        let mut stream = self.connection().await;
        answer(&mut stream, asking).await;
        stream
    }

    /// Tells that nobody has connected since.
    fn is_quiet(&mut self) -> bool {
        self.connections.try_recv().is_err()
    }
}

async fn answer(stream: &mut DuplexStream, asking: Asking) {
    stream.read_until("\r\n\r\n").await;
    stream.send(OK).await;
    let response = asking.await.unwrap().unwrap();
    assert_eq!(text(response).await.unwrap(), "ok");
}

fn limits(max_connections: usize, max_idle: usize) -> Config {
    let mut config = patient();
    config.max_connections_per_origin = NonZeroUsize::new(max_connections).unwrap();
    config.max_idle_per_origin = max_idle;
    config
}

#[tokio::test]
async fn a_connection_is_kept_and_used_again() {
    let mut site = Site::new(patient());
    let mut stream = site.begin().await;
    for uri in ["http://h/", "http://H:80/other", "http://h?x"] {
        let request = Request::get(uri).body(empty()).unwrap();
        let asking = site.ask(request);
        answer(&mut stream, asking).await;
    }
    assert!(site.is_quiet());
}

#[tokio::test]
async fn each_origin_has_its_own_connections() {
    let mut site = Site::new(patient());
    let mut seen = Vec::new();
    for uri in ["http://h/", "http://h:81/", "http://other/", "https://h/"] {
        let asking = site.ask(Request::get(uri).body(empty()).unwrap());
        let (origin, mut stream) = site.connections.recv().await.unwrap();
        answer(&mut stream, asking).await;
        seen.push((origin.to_string(), stream));
    }
    let origins: Vec<_> = seen.iter().map(|(origin, _)| origin.as_str()).collect();
    let expected = [
        "http://h:80",
        "http://h:81",
        "http://other:80",
        "https://h:443",
    ];
    assert_eq!(origins, expected);
}

#[tokio::test]
async fn a_request_beyond_the_limit_waits_until_a_response_is_read() {
    let mut site = Site::new(limits(1, 1));
    let first = site.ask(get());
    let mut stream = site.connection().await;
    stream.read_until("\r\n\r\n").await;
    let second = site.ask(get());
    stream
        .send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        .await;
    let response = first.await.unwrap().unwrap();
    assert!(!second.is_finished() && site.is_quiet());
    stream.send("cd").await;
    assert_eq!(text(response).await.unwrap(), "abcd");
    answer(&mut stream, second).await;
    assert!(site.is_quiet());
}

#[tokio::test]
async fn a_request_that_is_given_up_makes_room_for_the_next() {
    let mut site = Site::new(limits(1, 1));
    let first = site.ask(get());
    let mut stream = site.connection().await;
    stream.read_until("\r\n\r\n").await;
    let second = site.ask(get());
    first.abort();
    assert_eq!(stream.read_all().await, "");
    let mut stream = site.connection().await;
    answer(&mut stream, second).await;
}

#[tokio::test]
async fn idle_connections_beyond_the_limit_are_closed() {
    let mut site = Site::new(limits(4, 1));
    let mut busy = Vec::new();
    for _ in 0..3 {
        let asking = site.ask(get());
        let mut stream = site.connection().await;
        stream.read_until("\r\n\r\n").await;
        busy.push((stream, asking));
    }
    let mut idle = Vec::new();
    for (mut stream, asking) in busy {
        stream.send(OK).await;
        text(asking.await.unwrap().unwrap()).await.unwrap();
        idle.push(stream);
    }
    // Those used longest ago go first.
    let mut kept = idle.pop().unwrap();
    for mut stream in idle {
        assert_eq!(stream.read_all().await, "");
    }
    let asking = site.ask(get());
    answer(&mut kept, asking).await;
    assert!(site.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_in_the_end() {
    let mut site = Site::new(Config::default());
    let begun = Instant::now();
    let mut stream = site.begin().await;
    assert_eq!(stream.read_all().await, "");
    assert!(begun.elapsed() >= Duration::from_secs(30));
    site.begin().await;
}

/// RFC 9112 §9.3.1.
mod retry {
    use super::*;

    #[tokio::test]
    async fn a_reset_behind_a_part_of_the_answer_is_no_reason_to_repeat() {
        let cut = Cut::ResetBehindRead(OK.len() as u64 + 1);
        let mut site = Site::with(patient(), &faults().cut(cut));
        let mut stale = site.begin().await;
        let asking = site.ask(get());
        stale.read_until("\r\n\r\n").await;
        stale.send("HTTP/1.1 200 OK\r\n").await;
        assert!(matches!(asking.await.unwrap(), Err(Error::Io(_))));
        assert!(site.is_quiet());
    }

    /// A connection is closed while it has a request, no byte of a response sent.
    async fn close_under(stream: &mut DuplexStream, end: &str) {
        stream.read_until(end).await;
        stream.shutdown().await.unwrap();
    }

    #[tokio::test]
    async fn an_idempotent_request_is_sent_once_more_on_a_new_connection() {
        let mut site = Site::new(patient());
        let mut stale = site.begin().await;
        let asking = site.ask(get());
        close_under(&mut stale, "\r\n\r\n").await;
        let mut fresh = site.connection().await;
        answer(&mut fresh, asking).await;
    }

    #[tokio::test]
    async fn any_request_is_sent_elsewhere_if_nothing_of_it_was_sent() {
        let mut site = Site::new(patient());
        let mut stale = site.begin().await;
        stale.shutdown().await.unwrap();
        let asking = site.ask(post(full("hello")));
        let mut fresh = site.connection().await;
        fresh.read_until("hello").await;
        fresh.send(OK).await;
        text(asking.await.unwrap().unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn a_request_of_which_no_byte_could_be_written_is_sent_elsewhere() {
        let first = "GET / HTTP/1.1\r\nhost: h\r\n\r\n".len();
        for (n_more, is_repeated) in [(0, true), (1, false)] {
            let (sender, mut connections) = mpsc::channel(16);
            let connector = service_fn(move |_: Origin| {
                let (far, near) = duplex(PIPE_BYTES);
                let sent = sender.try_send(far);
                let io = deaf(near, first + n_more);
                async move { sent.map(|()| io).map_err(io::Error::other) }
            });
            let mut pool = Pool::with_connector(connector, patient());
            let mut ask = |request| tokio::spawn(pool.call(request));
            let asking = ask(get());
            let mut stale = connections.recv().await.unwrap();
            answer(&mut stale, asking).await;
            let asking = ask(post(empty()));
            // The end comes behind the attempt to write.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            stale.shutdown().await.unwrap();
            if is_repeated {
                let mut fresh = connections.recv().await.unwrap();
                fresh.read_u8().await.unwrap();
            } else {
                assert_eq!(stale.read_u8().await.unwrap(), b'P');
                assert!(matches!(asking.await.unwrap(), Err(Error::Io(_))));
                assert!(connections.try_recv().is_err());
            }
        }
    }

    #[tokio::test]
    async fn what_may_have_had_an_effect_is_not_repeated() {
        let (sender, begun) = frames();
        sender.send(data("a")).await.unwrap();
        let mut put = post(begun);
        *put.method_mut() = http::Method::PUT;
        for (request, end) in [(post(empty()), "\r\n\r\n"), (put, "a\r\n")] {
            let mut site = Site::new(patient());
            let mut stale = site.begin().await;
            let asking = site.ask(request);
            close_under(&mut stale, end).await;
            let error = asking.await.unwrap().unwrap_err();
            assert!(matches!(error, Error::Disconnected), "{error:?}");
            assert!(site.is_quiet());
        }
    }

    #[tokio::test]
    async fn a_request_that_was_answered_in_part_is_not_repeated() {
        for begun in ["HTTP/1.1 2", "HTTP/1.1 102 x\r\n\r\n"] {
            let mut site = Site::new(patient());
            let mut stale = site.begin().await;
            let asking = site.ask(get());
            stale.read_until("\r\n\r\n").await;
            stale.send(begun).await;
            stale.shutdown().await.unwrap();
            assert!(asking.await.unwrap().is_err());
            assert!(site.is_quiet());
        }
    }

    #[tokio::test]
    async fn a_retry_is_not_retried() {
        let mut site = Site::new(patient());
        let mut stale = site.begin().await;
        let asking = site.ask(get());
        close_under(&mut stale, "\r\n\r\n").await;
        let mut fresh = site.connection().await;
        close_under(&mut fresh, "\r\n\r\n").await;
        let error = asking.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Disconnected), "{error:?}");
        assert!(site.is_quiet());
    }
}

fn failing(
    kind: io::ErrorKind,
) -> impl Service<Origin, Response = Box<dyn Io>, Error = io::Error, Future: Send> + Clone + Send {
    service_fn(move |_: Origin| async move { Err(io::Error::from(kind)) })
}

#[tokio::test]
async fn a_connector_that_fails_fails_the_request_and_no_other() {
    let pool = Pool::with_connector(failing(io::ErrorKind::ConnectionRefused), limits(1, 1));
    for _ in 0..3 {
        let error = pool.clone().oneshot(get()).await.unwrap_err();
        let Error::Io(error) = error else {
            panic!("{error:?}");
        };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_hangs_is_given_up() {
    let hanging = service_fn(|_: Origin| std::future::pending::<io::Result<Box<dyn Io>>>());
    let pool = Pool::with_connector(hanging, Config::default());
    let begun = Instant::now();
    let error = pool.oneshot(get()).await.unwrap_err();
    assert!(matches!(error, Error::Io(e) if e.kind() == io::ErrorKind::TimedOut));
    assert!(begun.elapsed() >= Duration::from_secs(10));
    assert!(begun.elapsed() < Duration::from_secs(11));
}

#[tokio::test]
async fn a_uri_without_an_origin_is_refused() {
    let pool = Pool::new(Config::default());
    let request = Request::get("/path").body(empty()).unwrap();
    let refused = pool.oneshot(request).await;
    assert!(matches!(refused, Err(Error::Misuse(Misuse::Target))));
}

#[tokio::test]
async fn https_needs_another_connector() {
    let pool = Pool::with_connector(TcpConnector, Config::default());
    let request = Request::get("https://localhost/").body(empty()).unwrap();
    let refused = pool.oneshot(request).await;
    assert!(matches!(refused, Err(Error::Io(e)) if e.kind() == io::ErrorKind::Unsupported));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_pool_closes_its_connections() {
    let mut site = Site::new(patient());
    let mut stream = site.begin().await;
    drop(site);
    let begun = Instant::now();
    assert_eq!(stream.read_all().await, "");
    assert!(begun.elapsed() < Duration::from_secs(1));
    pass(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn tcp_reaches_our_own_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/a?b", listener.local_addr().unwrap());
    let serve = astatine_reactor::serve(listener, Http1::new(echo()));
    drop(tokio::spawn(serve.into_future()));
    let pool = Pool::new(patient());
    for _ in 0..2 {
        let request = Request::put(&uri).body(full("hello")).unwrap();
        let response = pool.clone().oneshot(request).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "PUT /a?b hello");
    }
}

#[tokio::test]
async fn a_unix_socket_reaches_our_own_server() {
    let folder = std::env::temp_dir().join(format!("astatine-client-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{:p}", &folder));
    let listener = UnixListener::bind(&path).unwrap();
    let serve = astatine_reactor::serve(listener, Http1::new(echo()));
    drop(tokio::spawn(serve.into_future()));
    let pool = Pool::with_connector(UnixConnector::new(&path), Config::default());
    let response = pool.oneshot(get()).await.unwrap();
    assert_eq!(text(response).await.unwrap(), "GET / ");
    std::fs::remove_dir_all(&folder).unwrap();
}
