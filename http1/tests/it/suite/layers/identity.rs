//! The layers that say whose a request is, before the log that tells it.

use std::convert::Infallible;
use std::io::{self, Write};
use std::sync::mpsc::{SyncSender, sync_channel};

use astatine_http1::layer::access_log::{AccessLog, AccessLogLayer, Format};
use astatine_http1::layer::request_id::{Given, RequestId, RequestIdLayer};
use astatine_http1::layer::trusted_proxy::{Field, TrustedProxyLayer};
use astatine_http1::{Config, Incoming};
use astatine_reactor::{Address, Network, PeerInfo};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, service_fn};

use super::super::client::Client;

struct Out(SyncSender<Vec<u8>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.send(bytes.to_vec());
        sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends one request as `peer` and returns the log and what the client got.
async fn logged(format: Format, peer: Address, fields: &str) -> (String, String) {
    let (sender, writes) = sync_channel(16);
    let log = AccessLog::start(format, Out(sender)).unwrap();
    let peer = PeerInfo::new(peer, Address::Unnamed);
    let proxies: [Network; 1] = ["10.0.0.0/8".parse().unwrap()];
    let is_trusted = proxies[0].contains(&peer.remote);
    let given = if is_trusted {
        Given::Kept
    } else {
        Given::Replaced
    };
    let app = service_fn(|request: Request<Incoming>| async move {
        let id = request.extensions().get::<RequestId>().unwrap();
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(id.as_str().to_owned())))
    });
    let app = AccessLogLayer::new(&log.lane(), &peer).layer(app);
    let app = TrustedProxyLayer::new(Field::XForwarded, proxies, &peer).layer(app);
    let app = RequestIdLayer::new(given).layer(app);
    let mut client = Client::over(1 << 16, peer, app, Config::default());
    let head = format!("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{fields}\r\n");
    let answer = client.ask(head).await;
    client.end().await;
    (&mut client.server).await.unwrap().unwrap();
    drop(client);
    log.close();
    let bytes: Vec<u8> = writes.iter().flatten().collect();
    (String::from_utf8(bytes).unwrap(), answer)
}

const FIELDS: &str = "X-Forwarded-For: 192.0.2.60\r\nX-Request-Id: given-1\r\n";

#[tokio::test]
async fn what_a_trusted_proxy_says_is_logged_and_answered() {
    let proxy = Address::Tcp(([10, 0, 0, 1], 1).into());
    let (log, answer) = logged(Format::Json, proxy.clone(), FIELDS).await;
    let line: serde_json::Value = serde_json::from_str(&log).unwrap();
    assert_eq!(line["remote"], "192.0.2.60");
    assert_eq!(line["request_id"], "given-1");
    assert!(answer.contains("x-request-id: given-1\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\ngiven-1"), "{answer}");
    let (log, _) = logged(Format::Common, proxy, FIELDS).await;
    assert!(log.starts_with("192.0.2.60 - - ["), "{log}");
}

#[tokio::test]
async fn what_anybody_else_says_is_not() {
    let stranger = Address::Tcp(([192, 0, 2, 9], 1).into());
    let (log, answer) = logged(Format::Json, stranger, FIELDS).await;
    let line: serde_json::Value = serde_json::from_str(&log).unwrap();
    assert_eq!(line["remote"], "192.0.2.9");
    let id = line["request_id"].as_str().unwrap();
    assert_ne!(id, "given-1");
    assert!(
        answer.contains(&format!("x-request-id: {id}\r\n")),
        "{answer}"
    );
}

#[tokio::test]
async fn a_proxy_that_names_nobody_is_the_client_itself() {
    let proxy = Address::Tcp(([10, 0, 0, 1], 1).into());
    let (log, _) = logged(Format::Combined, proxy, "").await;
    assert!(log.starts_with("10.0.0.1 - - ["), "{log}");
}
