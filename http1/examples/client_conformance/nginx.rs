//! The client against nginx.

use std::time::Duration;

use astatine_http1::Error;
use astatine_http1::client::{Config, Pool, UnixConnector};
use http::Request;
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::report::{Body, Read, Report, Verdict, ask, empty, equal, full, get, pattern, streamed};

/// As long as the file that xtask puts there.
const FILE_BYTES: usize = 1 << 20;

pub(crate) async fn judge(url: &str, socket: &str, report: &mut Report) {
    let new = || Pool::new(Config::default());
    let url = url.trim_end_matches('/');
    report
        .case("a connection is kept", keep_alive(&new(), url))
        .await;
    report
        .case("the last response of a connection", last(&new(), url))
        .await;
    report
        .case("behind the server's idle time", idle(&new(), url))
        .await;
    report.case("a long file", file(&new(), url)).await;
    report.case("a range", range(&new(), url)).await;
    report
        .case("chunked, with a trailer", chunked(&new(), url))
        .await;
    report
        .case(
            "a body until the end of the stream",
            until_close(&new(), url),
        )
        .await;
    report
        .case("HEAD, 204 and 304 have no body", bodiless(&new(), url))
        .await;
    for (name, body, expects) in [
        ("an upload of known length", Upload::Full, false),
        ("an upload in chunks", Upload::Streamed, false),
        ("an upload that waits for leave", Upload::Streamed, true),
    ] {
        let pool = new();
        report.case(name, upload(&pool, url, body, expects)).await;
    }
    report
        .case("a refusal while the body is sent", refusal(&new(), url))
        .await;
    report
        .case("a refusal of the leave", refused_leave(&new(), url))
        .await;
    report
        .case("a close without a response", no_response(&new(), url))
        .await;
    report
        .case("a body that is dropped in the middle", dropped(&new(), url))
        .await;
    report.case("a Unix socket", unix(socket)).await;
}

/// Returns the connection's number at the server, and the request's on it.
async fn place(pool: &Pool<Body>, url: &str) -> Result<(u64, u64), Box<dyn std::error::Error>> {
    let read = get(pool, &format!("{url}/place")).await?;
    let (connection, request) = read.text().split_once(' ').ok_or("no place")?;
    Ok((connection.parse()?, request.parse()?))
}

async fn keep_alive(pool: &Pool<Body>, url: &str) -> Verdict {
    let (first, one) = place(pool, url).await?;
    let (second, two) = place(pool, url).await?;
    equal((second, one, two), (first, 1, 2))
}

async fn last(pool: &Pool<Body>, url: &str) -> Verdict {
    let (first, _) = place(pool, url).await?;
    let last = get(pool, &format!("{url}/last")).await?;
    equal((last.status, last.header("connection")), (200, "close"))?;
    let (next, number) = place(pool, url).await?;
    equal((next != first, number), (true, 1))
}

async fn idle(pool: &Pool<Body>, url: &str) -> Verdict {
    get(pool, &format!("{url}/impatient")).await?;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let (_, number) = place(pool, url).await?;
    equal(number, 1)
}

async fn file(pool: &Pool<Body>, url: &str) -> Verdict {
    for _ in 0..2 {
        let read = get(pool, &format!("{url}/file")).await?;
        equal(read.header("content-length"), &FILE_BYTES.to_string())?;
        equal(read.body == pattern(FILE_BYTES), true)?;
    }
    let (_, number) = place(pool, url).await?;
    equal(number, 3)
}

async fn range(pool: &Pool<Body>, url: &str) -> Verdict {
    let request = Request::get(format!("{url}/file")).header("range", "bytes=10-19");
    let read = ask(pool, request.body(empty())?).await?;
    equal(read.status, 206)?;
    equal(&read.body[..], &pattern(20)[10..])
}

async fn chunked(pool: &Pool<Body>, url: &str) -> Verdict {
    for number in 1..3 {
        let request = Request::get(format!("{url}/chunked/page.html")).header("te", "trailers");
        let read = ask(pool, request.body(empty())?).await?;
        equal(read.header("transfer-encoding"), "chunked")?;
        equal(read.text(), "before, included, behind\n")?;
        let sum = read.trailers.get("x-sum").ok_or("no trailer")?;
        equal(sum.to_str()?, &number.to_string())?;
    }
    Ok(())
}

async fn until_close(pool: &Pool<Body>, url: &str) -> Verdict {
    let (first, _) = place(pool, url).await?;
    let read = get(pool, &format!("{url}/plain/page.html")).await?;
    equal(read.header("transfer-encoding"), "")?;
    equal(read.header("content-length"), "")?;
    equal(read.text(), "before, included, behind\n")?;
    let (next, _) = place(pool, url).await?;
    equal(next != first, true)
}

async fn bodiless(pool: &Pool<Body>, url: &str) -> Verdict {
    let file = format!("{url}/file");
    let head = ask(pool, Request::head(&file).body(empty())?).await?;
    equal(head.header("content-length"), &FILE_BYTES.to_string())?;
    let tag = head.header("etag").to_owned();
    let again = Request::get(&file).header("if-none-match", tag);
    let same = ask(pool, again.body(empty())?).await?;
    let nothing = get(pool, &format!("{url}/nothing")).await?;
    equal((same.status, nothing.status), (304, 204))?;
    let n_bytes = head.body.len() + same.body.len() + nothing.body.len();
    let (_, number) = place(pool, url).await?;
    equal((n_bytes, number), (0, 4))
}

#[derive(Clone, Copy, Debug)]
enum Upload {
    Full,
    Streamed,
}

async fn upload(pool: &Pool<Body>, url: &str, upload: Upload, expects: bool) -> Verdict {
    let bytes = pattern(3 << 20);
    let url_of_file = format!("{url}/upload/{upload:?}{expects}");
    let mut request = Request::put(&url_of_file);
    if expects {
        request = request.header("expect", "100-continue");
    }
    let request = request.body(match upload {
        Upload::Full => full(bytes.clone()),
        Upload::Streamed => streamed(bytes.clone()),
    })?;
    let read = ask(pool, request).await?;
    equal(matches!(read.status, 201 | 204), true)?;
    let read = get(pool, &url_of_file).await?;
    equal(read.body == bytes, true)?;
    let (_, number) = place(pool, url).await?;
    equal(number, 3)
}

async fn refusal(pool: &Pool<Body>, url: &str) -> Verdict {
    for body in [full(pattern(8 << 20)), streamed(pattern(8 << 20))] {
        let request = Request::put(format!("{url}/small/file")).body(body)?;
        equal(ask(pool, request).await?.status, 413)?;
    }
    place(pool, url).await.map(drop)
}

async fn refused_leave(pool: &Pool<Body>, url: &str) -> Verdict {
    let request = Request::put(format!("{url}/small/file")).header("expect", "100-continue");
    let request = request.body(full(pattern(8 << 20)))?;
    equal(ask(pool, request).await?.status, 413)?;
    place(pool, url).await.map(drop)
}

async fn no_response(pool: &Pool<Body>, url: &str) -> Verdict {
    let request = Request::get(format!("{url}/silent")).body(empty())?;
    match pool.clone().oneshot(request).await {
        Err(Error::Disconnected) => place(pool, url).await.map(drop),
        other => Err(format!("{other:?}").into()),
    }
}

async fn dropped(pool: &Pool<Body>, url: &str) -> Verdict {
    let (first, _) = place(pool, url).await?;
    let request = Request::get(format!("{url}/slow/file")).body(empty())?;
    let mut response = pool.clone().oneshot(request).await?;
    let frame = response.body_mut().frame().await;
    frame.ok_or("no body")??;
    drop(response);
    let (next, number) = place(pool, url).await?;
    equal((next != first, number), (true, 1))
}

async fn unix(socket: &str) -> Verdict {
    let pool = Pool::with_connector(UnixConnector::new(socket), Config::default());
    for _ in 0..2 {
        let request = Request::get("http://any/file").body(empty())?;
        let read = Read::of(pool.clone().oneshot(request).await?).await?;
        equal(read.body == pattern(FILE_BYTES), true)?;
    }
    Ok(())
}
