//! The stream ends at every byte, in each direction: nothing stays behind, and what has come so far
//! is right.

use std::convert::Infallible;
use std::fs::File;
use std::future::Future;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use astatine_http1::{Error, Http1, Incoming};
use astatine_reactor::test_util::{Cut, Faults, faulty_io};
use astatine_reactor::{Connection, FileRegion, Foreign, Handover, Io, PeerInfo, Shutdown, Socket};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex};
use tokio::net::UnixStream;
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};
use tower::{Service, service_fn};

/// What a client sends, its last request being the last on the connection, and who answers.
struct Exchange {
    request: &'static [u8],
    respond: fn(Request<Incoming>, Witness) -> Responding,
    stream: fn() -> Pipe,
}

type Pipe = (Box<dyn Stream>, Box<dyn Io>);
type Responding = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;
type Body = BoxBody<Bytes, io::Error>;

trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

/// Held by whatever belongs to an exchange.
#[derive(Clone)]
struct Witness(Arc<File>);

impl Witness {
    fn new() -> Self {
        Self(Arc::new(File::open("/proc/self/exe").unwrap()))
    }

    /// Makes the body hold it.
    fn ride<B>(self, body: B) -> Body
    where
        B: http_body::Body<Data = Bytes, Error = io::Error> + Send + Sync + 'static,
    {
        let held = move |frame| {
            let _held = &self;
            frame
        };
        body.map_frame(held).boxed()
    }
}

/// Longer than any time limit that such a connection can meet.
const PATIENCE: Duration = Duration::from_secs(120);

fn in_memory() -> Pipe {
    let (near, far) = duplex(1 << 16);
    (Box::new(near), Box::new(Foreign(far)))
}

fn by_socket() -> Pipe {
    let (near, far) = UnixStream::pair().unwrap();
    (Box::new(near), Box::new(Socket::try_from(far).unwrap()))
}

/// Runs the exchange over a stream with faults, and returns what the client got, once nothing is
/// left of it on the server's side.
async fn run(exchange: &Exchange, faults: &Faults) -> Vec<u8> {
    let (witness, respond) = (Witness::new(), exchange.respond);
    let (mut client, io) = (exchange.stream)();
    let io = faulty_io(io, faults);
    let held = witness.clone();
    let app = service_fn(move |request: Request<Incoming>| {
        let responding = respond(request, held.clone());
        async move { Ok::<_, Infallible>(responding.await) }
    });
    let connection = Connection::new(io, PeerInfo::default(), Shutdown::new());
    let server = tokio::spawn(async move { Http1::new(app).call(connection).await });

    let mut got = Vec::new();
    let ask = async {
        // A server that has gone does not take it.
        client.write_all(exchange.request).await.unwrap_or_default();
        client.read_to_end(&mut got).await.unwrap_or_default();
    };
    let asked = timeout(PATIENCE, ask).await;
    asked.unwrap_or_else(|_| panic!("the stream stays open with {faults:?}"));
    drop(client);
    let ended = timeout(PATIENCE, server).await;
    let ended = ended.unwrap_or_else(|_| panic!("the connection stays with {faults:?}"));
    let blames_us = matches!(ended.unwrap(), Err(Error::Misuse(_)));
    assert!(!blames_us, "the service is blamed with {faults:?}");

    sleep(Duration::from_secs(2)).await;
    let n_tasks = Handle::current().metrics().num_alive_tasks();
    assert_eq!(n_tasks, 0, "tasks stay with {faults:?}");
    let n_held = Arc::strong_count(&witness.0) - 1;
    assert_eq!(n_held, 0, "something is held with {faults:?}");
    got
}

/// Cuts the exchange at every byte, over streams of each kind.
async fn check(exchange: &Exchange) {
    let whole = run(exchange, &Faults::none()).await;
    assert!(whole.starts_with(b"HTTP/1.1 "), "no answer at all");
    for kind in [Faults::none(), Faults::one_byte(), Faults::random(3)] {
        assert_eq!(run(exchange, &kind).await, whole, "{kind:?}");
        for at in 0..whole.len() {
            let cut = kind.clone().cut(Cut::ResetBehindWritten(at as u64));
            assert_eq!(run(exchange, &cut).await, whole[..at], "{cut:?}");
        }
        for at in 0..exchange.request.len() as u64 {
            let cut = kind.clone().cut(Cut::ResetBehindRead(at));
            let got = run(exchange, &cut).await;
            assert!(whole.starts_with(&got), "{cut:?}");
            // The end of the peer's side may be answered with a refusal.
            let cut = kind.clone().cut(Cut::InputEnds(at));
            let got = run(exchange, &cut).await;
            let refusal = b"HTTP/1.1 400 ";
            let at_refusal = got.windows(refusal.len()).position(|at| at == refusal);
            let before = &got[..at_refusal.unwrap_or(got.len())];
            assert!(whole.starts_with(before), "{cut:?}");
        }
    }
}

/// Begins a response that is the same at any time of day.
fn begin() -> http::response::Builder {
    Response::builder().header("date", "Thu, 01 Jan 1970 00:00:00 GMT")
}

fn full(witness: Witness, bytes: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(bytes.into()).map_err(|never| match never {});
    begin().body(witness.ride(body)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn of_two_plain_requests() {
    let exchange = Exchange {
        request: b"GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
        respond: |request, witness| {
            Box::pin(async move { full(witness, request.uri().path().to_owned()) })
        },
        stream: in_memory,
    };
    check(&exchange).await;
}

#[tokio::test(start_paused = true)]
async fn of_pipelined_requests_whose_service_waits() {
    let exchange = Exchange {
        request: b"GET /a HTTP/1.1\r\nHost: h\r\n\r\nHEAD /b HTTP/1.1\r\nHost: h\r\n\r\n\
                   GET /c HTTP/1.0\r\n\r\n",
        respond: |request, witness| {
            Box::pin(async move {
                sleep(Duration::from_millis(10)).await;
                full(witness, request.uri().path().to_owned())
            })
        },
        stream: in_memory,
    };
    check(&exchange).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_chunked_upload_that_another_task_reads() {
    let exchange = Exchange {
        request: b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
                   Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX: 1\r\n\r\n",
        respond: |request, witness| {
            Box::pin(async move {
                let held = witness.clone();
                let reader = tokio::spawn(async move {
                    let _held = held;
                    request.into_body().collect().await
                });
                match reader.await.unwrap() {
                    Ok(body) => full(witness, body.to_bytes()),
                    Err(_) => full(witness, "cut off"),
                }
            })
        },
        stream: in_memory,
    };
    check(&exchange).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_request_body_that_is_the_responses() {
    let exchange = Exchange {
        request:
            b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 6\r\n\r\nabcdef",
        respond: |request, witness| {
            Box::pin(async move {
                let body = request.into_body().map_err(io::Error::other);
                begin().body(witness.ride(body)).unwrap()
            })
        },
        stream: in_memory,
    };
    // A body that is read in pieces is sent in pieces, so only their sum is the same.
    for kind in [Faults::none(), Faults::one_byte()] {
        for at in 0..exchange.request.len() as u64 {
            for cut in [Cut::InputEnds(at), Cut::ResetBehindRead(at)] {
                run(&exchange, &kind.clone().cut(cut)).await;
            }
            let cut = Cut::ResetBehindWritten(at);
            assert_eq!(
                run(&exchange, &kind.clone().cut(cut)).await.len() as u64,
                at
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_streamed_response() {
    let exchange = Exchange {
        request: b"GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: close\r\n\r\n",
        respond: |_, witness| {
            Box::pin(async move {
                let trailers = [("x-sum".parse().unwrap(), "1".parse().unwrap())];
                let frames = [
                    Frame::data(Bytes::from_static(b"abc")),
                    Frame::data(Bytes::from_static(&[b'x'; 20])),
                    Frame::trailers(trailers.into_iter().collect()),
                ];
                let body = StreamBody::new(stream_of(frames));
                begin().body(witness.ride(body)).unwrap()
            })
        },
        stream: in_memory,
    };
    check(&exchange).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_file_sent_from_its_descriptor() {
    let exchange = Exchange {
        request: b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        respond: |_, witness| {
            Box::pin(async move {
                let mut first = vec![0; 30];
                witness.0.read_exact_at(&mut first, 5).unwrap();
                let first = Bytes::from(first);
                let region = FileRegion::new(Arc::clone(&witness.0), 5, 200);
                region.note_first_frame(&first);
                // Only the first frame is real, so that bytes from elsewhere are found out.
                let rest = Bytes::from_static(&[b'?'; 170]);
                let body = StreamBody::new(stream_of([first, rest].map(Frame::data)));
                let head = begin().header("content-length", 200).extension(region);
                head.body(witness.ride(body)).unwrap()
            })
        },
        stream: by_socket,
    };
    let whole = run(&exchange, &Faults::none()).await;
    let mut expected = vec![0; 200];
    Witness::new().0.read_exact_at(&mut expected, 5).unwrap();
    assert!(whole.ends_with(&expected));
    check(&exchange).await;
}

#[tokio::test(start_paused = true)]
async fn of_an_upgraded_connection() {
    let exchange = Exchange {
        request:
            b"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\nabcdef",
        respond: |_, witness| {
            Box::pin(async move {
                let held = witness.clone();
                let handover = Handover::new(|mut connection, unread: Bytes| async move {
                    let _held = held;
                    let mut bytes = unread.to_vec();
                    while bytes.len() < 6 {
                        match connection.io.read_buf(&mut bytes).await {
                            Ok(1..) => {}
                            Ok(0) | Err(_) => return,
                        }
                    }
                    bytes.make_ascii_uppercase();
                    if connection.io.write_all(&bytes).await.is_ok() {
                        connection.io.shutdown().await.unwrap_or_default();
                    }
                });
                let response = begin().status(101).extension(handover);
                let response = response.header("connection", "upgrade");
                let body = witness.ride(Full::default().map_err(|never| match never {}));
                response.header("upgrade", "shout").body(body).unwrap()
            })
        },
        stream: in_memory,
    };
    check(&exchange).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_request_that_is_never_answered() {
    let exchange = Exchange {
        request: b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        respond: |request, witness| {
            Box::pin(async move {
                let _held = (request, witness);
                std::future::pending().await
            })
        },
        stream: in_memory,
    };
    for kind in [Faults::none(), Faults::one_byte(), Faults::random(4)] {
        for at in 0..=exchange.request.len() as u64 {
            run(&exchange, &kind.clone().cut(Cut::InputEnds(at))).await;
            run(&exchange, &kind.clone().cut(Cut::ResetBehindRead(at))).await;
        }
    }
}

/// Gives out the frames.
fn stream_of<const N: usize>(
    frames: [Frame<Bytes>; N],
) -> impl futures_core::Stream<Item = io::Result<Frame<Bytes>>> + Send + Sync {
    struct Frames<I>(I);
    impl<I: Iterator<Item = Frame<Bytes>> + Unpin> futures_core::Stream for Frames<I> {
        type Item = io::Result<Frame<Bytes>>;
        fn poll_next(
            mut self: Pin<&mut Self>,
            _cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            std::task::Poll::Ready(self.0.next().map(Ok))
        }
    }
    Frames(frames.into_iter())
}
