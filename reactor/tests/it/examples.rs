//! The examples, over real sockets and in virtual time.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::future::IntoFuture;
use std::time::Duration;

use astatine_reactor::handler::Raw;
use astatine_reactor::{Connection, Foreign, PeerInfo, Phase, Shutdown, serve};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tower::Service;

#[path = "../../examples/codec_lines.rs"]
#[expect(dead_code, reason = "only its main function is left out")]
mod codec_lines;
#[path = "../../examples/telnet_chat.rs"]
#[expect(dead_code, reason = "only its main function is left out")]
mod telnet_chat;
#[path = "../../examples/telnet_echo.rs"]
#[expect(dead_code, reason = "only its main function is left out")]
mod telnet_echo;

/// Somebody at a terminal.
struct Guest(BufReader<TcpStream>);

impl Guest {
    async fn connect(address: std::net::SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(address).await.unwrap()))
    }

    async fn type_in(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    async fn expect(&mut self, lines: &[&str]) {
        for expected in lines {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            assert_eq!(line.trim_end(), *expected);
        }
    }

    async fn expect_end(&mut self) {
        assert_eq!(self.0.read(&mut [0]).await.unwrap(), 0);
    }
}

/// Serves on a port of the system's choice, as long as the test.
async fn listen<S>(service: S) -> std::net::SocketAddr
where
    S: Service<Connection, Response = ()> + Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(tokio::spawn(serve(listener, service).into_future()));
    address
}

#[tokio::test]
async fn the_echo_answers_by_lines_and_ends_at_bye() {
    let address = listen(Raw::new(|_| telnet_echo::Echo::new())).await;
    let mut guest = Guest::connect(address).await;
    guest.expect(&["Hello. What you say comes back."]).await;
    guest.type_in("one\r\ntwo\nby").await;
    guest.expect(&["one", "two"]).await;
    guest.type_in("e\r\nthree").await;
    guest.expect(&["Goodbye."]).await;
    guest.expect_end().await;

    let mut guest = Guest::connect(address).await;
    guest.type_in(&"x".repeat(2000)).await;
    let too_long = "a line or token is longer than the limit";
    let expected = ["Hello. What you say comes back.", too_long];
    guest.expect(&expected).await;
    guest.expect_end().await;
}

#[tokio::test(start_paused = true)]
async fn the_echo_says_goodbye_to_who_is_silent() {
    let (mut far, near) = duplex(1000);
    let connection = Connection::new(Foreign(near), PeerInfo::default(), Shutdown::new());
    let begun = Instant::now();
    drop(tokio::spawn(
        Raw::new(|_| telnet_echo::Echo::new()).serve(connection),
    ));
    let mut text = String::new();
    far.read_to_string(&mut text).await.unwrap();
    assert!(text.ends_with("Nobody there? Goodbye.\r\n"), "{text}");
    let waited = begun.elapsed().as_secs();
    assert!((20..22).contains(&waited), "{waited}");
}

#[tokio::test]
async fn the_echo_tells_that_the_server_goes() {
    let (mut far, near) = duplex(1000);
    let shutdown = Shutdown::new();
    let connection = Connection::new(Foreign(near), PeerInfo::default(), shutdown.clone());
    shutdown.advance(Phase::Draining);
    drop(tokio::spawn(
        Raw::new(|_| telnet_echo::Echo::new()).serve(connection),
    ));
    let mut text = String::new();
    far.read_to_string(&mut text).await.unwrap();
    assert!(text.ends_with("The server is going away.\r\n"), "{text}");
}

fn chat() -> impl Service<Connection, Response = (), Error = std::convert::Infallible, Future: Send>
{
    let room = telnet_chat::Room::default();
    let login = move |_: &PeerInfo| telnet_chat::Login { room: room.clone() };
    Raw::new(login).protocol(telnet_chat::lines)
}

#[tokio::test]
async fn who_logs_in_chats_with_the_others() {
    let address = listen(chat()).await;
    let mut ann = Guest::connect(address).await;
    let mut bob = Guest::connect(address).await;
    ann.expect(&["Who are you?"]).await;
    // A line behind the name is said already.
    ann.type_in("Ann\r\nanybody?\r\n").await;
    ann.expect(&["* Ann comes", "Ann: anybody?"]).await;
    bob.type_in("B b\nBob\n").await;
    let again = "A name is of 1 to 20 letters or digits. Who are you?";
    bob.expect(&["Who are you?", again, "* Bob comes"]).await;
    ann.expect(&["* Bob comes"]).await;
    bob.type_in("\x1b[2Jhello\n").await;
    for guest in [&mut ann, &mut bob] {
        guest.expect(&["Bob: [2Jhello"]).await;
    }
    bob.type_in("bye\n").await;
    bob.expect_end().await;
    drop(bob);
    ann.expect(&["* Bob goes"]).await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_log_in_is_sent_away_after_ten_seconds() {
    let (mut far, near) = duplex(1000);
    let connection = Connection::new(Foreign(near), PeerInfo::default(), Shutdown::new());
    let begun = Instant::now();
    drop(tokio::spawn(chat().call(connection)));
    let mut text = String::new();
    far.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "Who are you?\nGoodbye, nobody.\n");
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(10), "{waited:?}");
    assert!(waited < Duration::from_secs(12), "{waited:?}");
}

#[tokio::test]
async fn the_protocol_of_lines_keeps_values() {
    let values = codec_lines::Values::default();
    let client = move |_: &PeerInfo| codec_lines::Client {
        values: values.clone(),
    };
    let address = listen(Raw::new(client).protocol(codec_lines::lines)).await;
    let mut guest = Guest::connect(address).await;
    guest
        .type_in("set tea green\nget tea\nget milk\nset x\n")
        .await;
    let what = "what? set NAME VALUE, get NAME, quit";
    guest.expect(&["ok", "= green", "none", what]).await;
    let mut other = Guest::connect(address).await;
    other.type_in("get tea\nquit\n").await;
    other.expect(&["= green"]).await;
    other.expect_end().await;
}
