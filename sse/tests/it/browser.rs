//! A browser's own EventSource against our bodies, where there is a Chromium.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use astatine_sse::{
    Config, Encoded, Event, EventBody, Line, accepts_event_stream, event_stream, last_event_id,
};
use axum::Router;
use axum::http::{HeaderMap, Uri};
use axum::response::Html;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{Sender, channel};

const PAGE: &str = "<!doctype html><meta charset=utf-8><script>
const source = new EventSource('/stream');
const seen = [];
source.addEventListener('tick', event => {
  seen.push(event.lastEventId + '=' + event.data);
  if (seen.length == 3) {
    source.close();
    fetch('/seen', { method: 'POST', body: seen.join('|') });
  }
});
</script>";

/// What a stream sends before it ends, by the id that the browser comes with.
fn events(last_event_id: &str) -> Vec<Encoded> {
    let tick = |id: &'static str, data| {
        Encoded::from(Event {
            id: Some(Line::from_static(id)),
            event: Some(Line::from_static("tick")),
            retry: Some(std::time::Duration::from_millis(50)),
            comment: Some("passed\nover"),
            ..Event::data(data)
        })
    };
    match last_event_id {
        "" => vec![tick("1", " two\r\nlines")],
        "1" => vec![Encoded::keep_alive(), tick("\u{2026} 2", "")],
        _ => vec![tick("3", "\u{2026}")],
    }
}

fn router(told: Sender<String>) -> Router {
    let seen = told.clone();
    let stream = |headers: HeaderMap, uri: Uri| async move {
        assert!(accepts_event_stream(&headers));
        let id = last_event_id(&headers, &uri).unwrap_or_default();
        told.send(format!("from {id}")).await.unwrap();
        let (sender, body) = EventBody::new(&Config::default());
        for event in events(&id) {
            sender.try_send(event).unwrap();
        }
        event_stream(body)
    };
    let seen = |body: String| async move { seen.send(body).await.unwrap() };
    Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/stream", get(stream))
        .route("/seen", post(seen))
}

/// A Chromium with a profile of its own; both end with this.
struct Browser {
    child: Child,
    profile: PathBuf,
}

impl Browser {
    /// Opens a page. `None` where there is no Chromium.
    fn open(url: &str) -> Option<Self> {
        let name = format!("browser-{}", std::process::id());
        let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let child = Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
            ])
            .args(["--disable-dev-shm-usage", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        match child {
            Ok(child) => Some(Self { child, profile }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => panic!("chromium: {error}"),
        }
    }

    async fn close(mut self) {
        self.child.kill().await.unwrap();
        // Its helpers may still write there for a moment; what they leave is below `target`.
        drop(fs::remove_dir_all(self.profile));
    }
}

#[tokio::test]
async fn a_browser_comes_back_by_itself_and_sees_what_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (told, mut hear) = channel(8);
    drop(tokio::spawn(
        axum::serve(listener, router(told)).into_future(),
    ));
    let Some(mut browser) = Browser::open(&format!("http://{address}/")) else {
        eprintln!("there is no chromium: nothing was tested");
        return;
    };
    let mut heard = Vec::new();
    while heard.len() < 4 {
        tokio::select! {
            what = hear.recv() => heard.push(what.unwrap()),
            status = browser.child.wait() => panic!("chromium ended: {status:?}"),
        }
    }
    browser.close().await;
    assert_eq!(
        heard,
        [
            "from ",
            "from 1",
            "from \u{2026} 2",
            "1= two\nlines|\u{2026} 2=|3=\u{2026}",
        ]
    );
}
