//! Draining: what is under way is finished, what is idle is closed after a second.

use std::convert::Infallible;
use std::time::Duration;

use astatine_http1::Incoming;
use astatine_reactor::Phase;
use http::{Request, Response};
use http_body_util::Full;
use tokio::time::Instant;
use tower::service_fn;

use super::client::{Client, echo, last, pass};

/// Connects, and gets an answer.
async fn served() -> Client {
    let mut client = Client::connect(echo());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.read_until("GET / ").await;
    client
}

async fn ends_after_a_second(mut client: Client) {
    let begun = Instant::now();
    assert_eq!(client.read_all().await, "");
    let elapsed = begun.elapsed();
    assert!((500..=2500).contains(&elapsed.as_millis()), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_after_a_second() {
    let client = served().await;
    client.shutdown.advance(Phase::Draining);
    ends_after_a_second(client).await;
}

#[tokio::test(start_paused = true)]
async fn the_second_of_a_connection_that_has_long_been_idle_begins_with_the_draining() {
    let client = served().await;
    pass(Duration::from_secs(20)).await;
    client.shutdown.advance(Phase::Draining);
    ends_after_a_second(client).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_served_nothing_has_a_second_too() {
    let mut client = Client::connect(echo());
    client.shutdown.advance(Phase::Draining);
    pass(Duration::from_millis(700)).await;
    assert_eq!(
        client.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await,
        last("GET / ")
    );
    let silent = Client::connect(echo());
    silent.shutdown.advance(Phase::Draining);
    ends_after_a_second(silent).await;
}

#[tokio::test(start_paused = true)]
async fn a_lame_duck_goes_on_with_its_idle_connections() {
    let mut client = served().await;
    client.shutdown.advance(Phase::LameDuck);
    pass(Duration::from_secs(20)).await;
    assert_eq!(
        client.ask("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n").await,
        last("GET /2 ")
    );
}

#[tokio::test(start_paused = true)]
async fn the_next_request_is_answered_with_close() {
    let mut client = served().await;
    client.shutdown.advance(Phase::Draining);
    assert_eq!(
        client.ask("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n").await,
        last("GET /2 ")
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_under_way_is_answered_with_close() {
    let app = service_fn(|_: Request<Incoming>| async {
        pass(Duration::from_secs(5)).await;
        Ok::<_, Infallible>(Response::new(Full::from("a")))
    });
    let mut client = Client::connect(app);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    pass(Duration::from_secs(1)).await;
    client.shutdown.advance(Phase::Draining);
    assert_eq!(client.read_all().await, last("a"));
}

#[tokio::test(start_paused = true)]
async fn a_lame_duck_answers_and_says_that_the_connection_ends() {
    let mut client = Client::connect(echo());
    client.shutdown.advance(Phase::LameDuck);
    assert_eq!(
        client.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await,
        last("GET / ")
    );
}
