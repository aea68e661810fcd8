//! Who waits too long is answered or closed; time is virtual here.

use std::convert::Infallible;
use std::time::Duration;

use astatine_http1::{Config, Error, Incoming};
use astatine_reactor::PeerInfo;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;
use tower::service_fn;

use super::client::{Client, check_elapsed, echo, pass};

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_closed_without_a_word() {
    let begun = Instant::now();
    let mut client = Client::connect(echo());
    assert_eq!(client.read_all().await, "");
    check_elapsed(begun, 10);
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_is_answered_with_408() {
    let begun = Instant::now();
    let mut client = Client::connect(echo());
    for byte in b"GET / HTT" {
        client.send([*byte]).await;
        pass(Duration::from_millis(900)).await;
    }
    let answer = client.read_all().await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    check_elapsed(begun, 10);
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_answered_with_408() {
    let begun = Instant::now();
    let mut client = Client::connect(echo());
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\n")
        .await;
    for _ in 0..9 {
        client.send("a").await;
        pass(Duration::from_secs(1)).await;
    }
    let answer = client.read_all().await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    check_elapsed(begun, 10);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_keeps_its_rate_may_take_its_time() {
    let mut client = Client::connect(echo());
    client
        .send("POST / HTTP/1.0\r\nContent-Length: 60000\r\n\r\n")
        .await;
    for _ in 0..60 {
        client.send("a".repeat(1000)).await;
        pass(Duration::from_secs(1)).await;
    }
    assert!(client.read_all().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let mut client = Client::connect(echo());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.read_until("GET / ").await;
    let begun = Instant::now();
    assert_eq!(client.read_all().await, "");
    check_elapsed(begun, 40);
    client.server.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_slow_service_is_not_hurried() {
    let app = service_fn(|_: Request<Incoming>| async {
        pass(Duration::from_secs(3600)).await;
        Ok::<_, Infallible>(Response::new(Full::from("at last")))
    });
    let mut client = Client::connect(app);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(
        client
            .read_until("at last")
            .await
            .starts_with("HTTP/1.1 200 ")
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_cut_off() {
    let app = service_fn(|_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::from(vec![b'x'; 1 << 20])))
    });
    let begun = Instant::now();
    let mut client = Client::over(1000, PeerInfo::default(), app, Config::default());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let error = (&mut client.server).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::WriteStalled), "{error:?}");
    check_elapsed(begun, 30);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_drains_too_slowly_is_cut_off_and_a_steady_one_is_not() {
    for (bytes_a_second, is_cut) in [(100, true), (1000, false)] {
        let app = service_fn(|_: Request<Incoming>| async {
            Ok::<_, Infallible>(Response::new(Full::from(vec![b'x'; 100_000])))
        });
        let mut client = Client::over(1000, PeerInfo::default(), app, Config::default());
        client.send("GET / HTTP/1.0\r\n\r\n").await;
        let mut n_read = 0;
        loop {
            let mut buf = vec![0; bytes_a_second];
            let n = client.stream.read(&mut buf).await.unwrap();
            if n == 0 {
                break;
            }
            n_read += n;
            pass(Duration::from_secs(1)).await;
        }
        assert_eq!(
            n_read < 100_000,
            is_cut,
            "{n_read} bytes at {bytes_a_second} a second"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_peer_has_ended_its_side_is_dropped_in_the_end() {
    let app = service_fn(|_: Request<Incoming>| {
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
    });
    let begun = Instant::now();
    let mut client = Client::connect(app);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.end().await;
    assert_eq!(client.read_all().await, "");
    check_elapsed(begun, 30);
}

#[tokio::test(start_paused = true)]
async fn a_refused_peer_that_stays_is_closed_after_two_seconds() {
    let begun = Instant::now();
    let mut client = Client::connect(echo());
    client.send("nonsense\r\n\r\n").await;
    (&mut client.server).await.unwrap().unwrap();
    check_elapsed(begun, 2);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_drains_steadily_outlives_the_keep_alive_time() {
    let app = service_fn(|_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::from(vec![b'x'; 60_000])))
    });
    let mut client = Client::over(500, PeerInfo::default(), app, Config::default());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let mut n_read = 0;
    while n_read < 60_000 {
        let mut buf = [0; 500];
        let n = client.stream.read(&mut buf).await.unwrap();
        assert_ne!(n, 0, "cut after {n_read} bytes");
        n_read += n;
        pass(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn empty_lines_do_not_put_the_head_off() {
    let begun = Instant::now();
    let mut client = Client::connect(echo());
    for _ in 0..4 {
        client.send("\r").await;
        pass(Duration::from_secs(1)).await;
        client.send("\n").await;
        pass(Duration::from_secs(1)).await;
    }
    let answer = client.read_all().await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408 "),
        "{answer}"
    );
    check_elapsed(begun, 10);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_for_leave_which_never_comes_is_closed() {
    let app = service_fn(|_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::from("no")))
    });
    let begun = Instant::now();
    let mut client = Client::connect(app);
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        .await;
    assert!(client.read_all().await.ends_with("no"));
    (&mut client.server).await.unwrap().unwrap();
    check_elapsed(begun, 2);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_that_never_ends_is_no_panic() {
    let mut config = Config::default();
    config.keep_alive_timeout = Duration::MAX;
    config.head_timeout = Duration::MAX;
    let mut client = Client::over(4096, PeerInfo::default(), echo(), config);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.read_until("GET / ").await;
    pass(Duration::from_secs(100)).await;
    client.send("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.read_until("GET /2 ").await;
}
