//! The client against this crate's own server, by the example `mirror`.

use astatine_http1::client::{Config, Pool};
use http::{Method, Request};

use crate::report::{Body, Report, Verdict, ask, empty, equal, full, get, pattern, streamed};

pub(crate) async fn judge(url: &str, report: &mut Report) {
    let pool = Pool::new(Config::default());
    let url = url.trim_end_matches('/');
    report.case("any method", methods(&pool, url)).await;
    report.case("a long upload", upload(&pool, url)).await;
    report
        .case("an upload that waits for leave", expect(&pool, url))
        .await;
    report.case("a refusal", refusal(&pool, url)).await;
    report.case("fields as given", fields(&pool, url)).await;
    report.case("many at a time", many(&pool, url)).await;
}

async fn methods(pool: &Pool<Body>, url: &str) -> Verdict {
    for method in [Method::PUT, Method::POST, Method::DELETE, Method::PATCH] {
        let request = Request::builder().method(method).uri(url);
        let read = ask(pool, request.body(full("hello"))?).await?;
        equal((read.status, read.text()), (200, "hello"))?;
    }
    equal(get(pool, url).await?.text(), "OK")?;
    let head = ask(pool, Request::head(url).body(empty())?).await?;
    equal((head.status, head.text()), (200, ""))
}

async fn upload(pool: &Pool<Body>, url: &str) -> Verdict {
    let bytes = pattern(5 << 20);
    for body in [full(bytes.clone()), streamed(bytes.clone())] {
        let read = ask(pool, Request::post(url).body(body)?).await?;
        equal(read.body == bytes, true)?;
    }
    Ok(())
}

async fn expect(pool: &Pool<Body>, url: &str) -> Verdict {
    let request = Request::post(url).header("expect", "100-continue");
    let read = ask(pool, request.body(streamed(pattern(100_000)))?).await?;
    equal(read.body == pattern(100_000), true)
}

async fn refusal(pool: &Pool<Body>, url: &str) -> Verdict {
    // Beyond the limit of 50 MiB; nobody sends it.
    let request = Request::post(url)
        .header("content-length", "99999999999")
        .header("expect", "100-continue")
        .body(streamed(pattern(1 << 20)))?;
    equal(ask(pool, request).await?.status, 413)?;
    equal(get(pool, url).await?.status, 200)
}

async fn fields(pool: &Pool<Body>, url: &str) -> Verdict {
    let request = Request::get(format!("{url}/echo"))
        .header("x-a", "1")
        .header("x-a", "2");
    let read = ask(pool, request.body(empty())?).await?;
    let host = url.trim_start_matches("http://");
    equal(read.text(), &format!("host: {host}\nx-a: 1\nx-a: 2\n"))
}

async fn many(pool: &Pool<Body>, url: &str) -> Verdict {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (pool, url) = (pool.clone(), url.to_owned());
        tasks.spawn(async move {
            let read = ask(&pool, Request::post(url).body(full("hello")).map_err(no)?);
            let read = read.await.map_err(no)?;
            equal((read.status, read.text()), (200, "hello")).map_err(no)
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

fn no(error: impl ToString) -> String {
    error.to_string()
}
