//! Requests and responses in their order, and the life of the connection around them.

use std::convert::Infallible;
use std::io::Write;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use astatine_http1::{Config, Error, Http1, Incoming};
use astatine_reactor::test_util::Flood;
use astatine_reactor::{Connection, Foreign, PeerInfo, Shutdown};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Service, service_fn};

use super::client::{Client, echo, last, ok};

#[tokio::test]
async fn three_requests_of_one_write_are_answered_in_order() {
    let mut client = Client::connect(echo());
    client
        .send(
            "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n\
             POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc\
             GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        )
        .await;
    let expected = format!("{}{}{}", ok("GET /1 "), ok("POST /2 abc"), last("GET /3 "));
    assert_eq!(client.read_all().await, expected);
    client.end().await;
    client.server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_pipe_that_is_shorter_than_a_head_gives_the_same_answers() {
    let mut client = Client::over(64, PeerInfo::default(), echo(), Config::default());
    let request = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
                   3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n\
                   GET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let expected = format!("{}{}", ok("POST /a abcde x-sum=5"), last("GET /b "));
    let (mut read, mut write) = tokio::io::split(&mut client.stream);
    let send = tokio::io::AsyncWriteExt::write_all(&mut write, request.as_bytes());
    let mut answer = String::new();
    let receive = tokio::io::AsyncReadExt::read_to_string(&mut read, &mut answer);
    let (sent, received) = tokio::join!(send, receive);
    sent.unwrap();
    received.unwrap();
    let answer: String = answer
        .split_inclusive("\r\n")
        .filter(|line| !line.starts_with("date: "))
        .collect();
    assert_eq!(answer, expected);
    client.end().await;
    client.server.await.unwrap().unwrap();
}

#[tokio::test]
async fn http_10_closes_unless_asked_to_stay() {
    let mut client = Client::connect(echo());
    assert_eq!(client.ask("GET / HTTP/1.0\r\n\r\n").await, last("GET / "));

    let mut client = Client::connect(echo());
    client
        .send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        .await;
    let kept = client.read_until("GET /1 ").await;
    assert!(kept.contains("connection: keep-alive\r\n"), "{kept}");
    assert_eq!(client.ask("GET /2 HTTP/1.0\r\n\r\n").await, last("GET /2 "));
}

#[tokio::test]
async fn a_response_may_ask_for_the_connection_to_end() {
    let app = service_fn(|_: Request<Incoming>| async {
        let response = Response::builder()
            .header("connection", "close")
            .body(Full::from("a"));
        Ok::<_, Infallible>(response.unwrap())
    });
    let mut client = Client::connect(app);
    assert_eq!(
        client.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await,
        last("a")
    );
}

#[tokio::test]
async fn the_last_allowed_request_says_so() {
    let mut config = Config::default();
    config.max_requests = NonZeroU64::new(2);
    let mut client = Client::over(4096, PeerInfo::default(), echo(), config);
    let answer = client
        .ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(3))
        .await;
    assert_eq!(answer, format!("{}{}", ok("GET / "), last("GET / ")));
}

#[tokio::test]
async fn head_has_the_length_and_no_body() {
    let mut client = Client::connect(echo());
    let answer = client
        .ask("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.0\r\n\r\n")
        .await;
    let expected = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{}",
        last("GET /b ")
    );
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn no_content_and_not_modified_have_no_body() {
    for status in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED] {
        let app = service_fn(move |_: Request<Incoming>| async move {
            let response = Response::builder()
                .status(status)
                .body(Full::from("never sent"));
            Ok::<_, Infallible>(response.unwrap())
        });
        let mut client = Client::connect(app);
        let answer = client.ask("GET / HTTP/1.0\r\n\r\n").await;
        assert!(answer.ends_with("connection: close\r\n\r\n"), "{answer}");
        assert!(!answer.contains("content-length"), "{answer}");
    }
}

#[tokio::test]
async fn a_peer_that_has_ended_its_side_is_still_answered() {
    let (release, released) = tokio::sync::watch::channel(false);
    let app = service_fn(move |_: Request<Incoming>| {
        let mut released = released.clone();
        async move {
            released.wait_for(|released| *released).await.unwrap();
            Ok::<_, Infallible>(Response::new(Full::from("late")))
        }
    });
    let mut client = Client::connect(app);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.end().await;
    client.settle().await;
    release.send(true).unwrap();
    assert!(client.read_all().await.ends_with("late"));
}

#[tokio::test]
async fn an_idle_peer_that_goes_away_ends_the_connection_well() {
    let mut client = Client::connect(echo());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.read_until("GET / ").await;
    client.end().await;
    client.server.await.unwrap().unwrap();
}

#[tokio::test]
async fn endless_pipelining_leaves_turns_to_others() {
    let mut client = Client::connect(echo());
    let request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    client.send(request.repeat(20_000)).await;
    // The server has all of it to read and room for every answer, and still lets this task run.
    let mut answers = Vec::with_capacity(1 << 20);
    while answers.len() < 100 {
        let read = tokio::io::AsyncReadExt::read_buf(&mut client.stream, &mut answers);
        assert_ne!(read.await.unwrap(), 0);
    }
    let n_answered = String::from_utf8_lossy(&answers)
        .matches("HTTP/1.1 200 OK")
        .count();
    assert!(
        (1..20_000).contains(&n_answered),
        "{n_answered} answers in one turn"
    );
}

#[tokio::test]
async fn endless_pipelining_leaves_turns_to_streams_that_the_runtime_has_yet_to_look_at() {
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let near = tokio::net::UnixStream::from_std(near).unwrap();
    let n_asked = Arc::new(AtomicUsize::new(0));
    let (n_seen, far) = (Arc::clone(&n_asked), Arc::new(far));
    let app = service_fn(move |_: Request<Incoming>| {
        if n_asked.fetch_add(1, Ordering::Relaxed) == 0 {
            (&*far).write_all(b"x").unwrap();
        }
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
    });
    let requests = Foreign(Flood::of("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    let connection = Connection::new(requests, PeerInfo::default(), Shutdown::new());
    let flood = tokio::spawn(Http1::new(app).call(connection));
    near.readable().await.unwrap();
    // One turn's, and not those of the 61 before the runtime would have looked by itself.
    let n_asked = n_seen.load(Ordering::Relaxed);
    assert!((1..10_000).contains(&n_asked), "{n_asked} in between");
    flood.abort();
}

#[tokio::test]
async fn an_empty_line_behind_a_body_is_taken() {
    let mut client = Client::connect(echo());
    let answer = client
        .ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na\r\nGET / HTTP/1.0\r\n\r\n")
        .await;
    assert_eq!(answer, format!("{}{}", ok("POST / a"), last("GET / ")));
}

#[tokio::test]
async fn a_failing_service_is_answered_for() {
    let app = service_fn(|_: Request<Incoming>| async {
        Err::<Response<Full<Bytes>>, _>(std::io::Error::other("broken"))
    });
    let mut client = Client::connect(app);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let answer = client.read_until("Internal Server Error").await;
    assert!(
        answer.starts_with("HTTP/1.1 500 Internal Server Error\r\n"),
        "{answer}"
    );
    assert!(answer.contains("connection: close\r\n"), "{answer}");
}

#[tokio::test]
async fn an_interim_status_is_no_response() {
    let app = service_fn(|_: Request<Incoming>| async {
        let response = Response::builder()
            .status(103)
            .body(Full::<Bytes>::default());
        Ok::<_, Infallible>(response.unwrap())
    });
    let mut client = Client::connect(app);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let answer = client.read_until("Internal Server Error").await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
}

#[tokio::test]
async fn a_tunnel_that_nobody_takes_over_is_closed() {
    let mut client = Client::connect(echo());
    client
        .send("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
        .await;
    client.end().await;
    assert_eq!(
        client.read_all().await,
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
    );
}

#[tokio::test]
async fn pipelined_requests_before_the_peer_ended_its_side_are_all_answered() {
    let (release, released) = tokio::sync::watch::channel(false);
    let app = service_fn(move |request: Request<Incoming>| {
        let mut released = released.clone();
        async move {
            released.wait_for(|released| *released).await.unwrap();
            Ok::<_, Infallible>(Response::new(Full::from(request.uri().path().to_owned())))
        }
    });
    let mut client = Client::connect(app);
    client
        .send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
        .await;
    client.end().await;
    client.settle().await;
    release.send(true).unwrap();
    assert_eq!(client.read_all().await, format!("{}{}", ok("/1"), ok("/2")));
}

#[tokio::test]
async fn answers_before_one_that_breaks_off_arrive() {
    let app = service_fn(|request: Request<Incoming>| async move {
        let response = match request.uri().path() {
            "/lie" => Response::builder().header("content-length", "9"),
            _ => Response::builder(),
        };
        Ok::<_, Infallible>(response.body(Full::from("abc")).unwrap())
    });
    // The first pipe takes all at once, the other is full when the response breaks off.
    for n_pipe_bytes in [4096, 64] {
        let mut client = Client::over(n_pipe_bytes, PeerInfo::default(), app, Config::default());
        client
            .send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /lie HTTP/1.1\r\nHost: h\r\n\r\n")
            .await;
        let answers = client.read_all().await;
        assert!(answers.starts_with(&ok("abc")), "{answers}");
        let error = client.server.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Misuse(_)), "{error:?}");
    }
}

#[tokio::test]
async fn upgrade_is_named_in_connection_too() {
    let app = service_fn(|_: Request<Incoming>| async {
        let response = Response::builder()
            .status(426)
            .header("upgrade", "websocket");
        Ok::<_, Infallible>(response.body(Full::<Bytes>::default()).unwrap())
    });
    let mut client = Client::connect(app);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let answer = client.read_until("\r\n\r\n").await;
    assert!(answer.contains("connection: upgrade\r\n"), "{answer}");
}

#[tokio::test]
async fn the_authority_of_an_absolute_target_stands_above_host() {
    let app = service_fn(|request: Request<Incoming>| async move {
        let host = request.headers()["host"].to_str().unwrap().to_owned();
        Ok::<_, Infallible>(Response::new(Full::from(host)))
    });
    let mut client = Client::connect(app);
    let answer = client
        .ask("GET http://other:80/ HTTP/1.0\r\nHost: h\r\n\r\n")
        .await;
    assert_eq!(answer, last("other:80"));
}
