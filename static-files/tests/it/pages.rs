//! Folders, pages without extension, fallbacks, methods, and the headers of every answer.

use std::time::Duration;

use astatine_static_files::Glob;
use http::HeaderValue;

use crate::site::{Site, age};

#[tokio::test]
async fn a_folder_is_its_index_and_a_page_needs_no_extension() {
    let site = Site::new(&[
        ("index.html", b"home"),
        ("docs/index.html", b"docs"),
        ("about.html", b"about"),
        ("docs/both.html", b"page"),
        ("docs/both/index.html", b"folder"),
        ("docs/empty.html", b"page beside a folder"),
        ("docs/empty/file.txt", b"file"),
        ("v1.2.html", b"version"),
    ]);
    let cases = [
        ("/", "home"),
        ("/?", "home"),
        ("/docs/", "docs"),
        ("/about", "about"),
        ("/about.html", "about"),
        ("/docs/both/", "folder"),
        ("/docs/both.html", "page"),
        ("/docs/empty", "page beside a folder"),
    ];
    for (path, expected) in cases {
        let answer = site.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text()),
            (200, expected),
            "{path}"
        );
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    }
    for path in [
        "/docs/empty/",
        "/about/",
        "/about.html/",
        "/v1.2",
        "/missing",
    ] {
        assert_eq!(site.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_folder_without_its_slash_is_redirected_below_the_same_path() {
    let site = Site::new(&[("docs/index.html", b"docs"), ("x:y/index.html", b"colon")]);
    let cases = [
        ("/docs", "./docs/"),
        ("/docs?a=1&b=/c", "./docs/?a=1&b=/c"),
        ("/x:y", "./x:y/"),
    ];
    for (path, location) in cases {
        let answer = site.get(path).await;
        assert_eq!(answer.status, 301, "{path}");
        assert_eq!(answer.header("location"), location);
        assert_eq!(answer.header("cache-control"), "max-age=3600");
    }
    // None of these may become `Location: //host/`.
    for path in [
        "//evil.example/docs",
        "//evil.example",
        "/%2fevil.example",
        "/%5cevil.example",
    ] {
        let answer = site.get(path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert_eq!(answer.header("location"), "");
    }
}

#[tokio::test]
async fn pages_for_statuses_have_the_status_and_no_validators() {
    let site = Site::new(&[
        ("404.html", b"<h1>not here</h1>"),
        ("400.html", b"<h1>what?</h1>"),
        ("405.html", b"<h1>no</h1>"),
        ("412.html", b"<h1>changed</h1>"),
        ("416.html", b"<h1>too far</h1>"),
        ("a.txt", b"hello"),
    ]);
    let far: &[_] = &[("range", "bytes=5-")];
    let other: &[_] = &[("if-match", "\"other\"")];
    let cases = [
        ("GET", "/missing", &[][..], 404, "<h1>not here</h1>"),
        ("GET", "/a%2fb", &[], 400, "<h1>what?</h1>"),
        ("POST", "/a.txt", &[], 405, "<h1>no</h1>"),
        ("HEAD", "/missing", &[], 404, ""),
        ("GET", "/a.txt", other, 412, "<h1>changed</h1>"),
        ("HEAD", "/a.txt", other, 412, ""),
        ("GET", "/a.txt", far, 416, "<h1>too far</h1>"),
    ];
    for (method, path, fields, status, body) in cases {
        let answer = site.send(method, path, fields).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text()),
            (status, body),
            "{method} {path}"
        );
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(answer.header("etag"), "");
        assert_eq!(answer.header("last-modified"), "");
        assert_eq!(answer.header("cache-control"), "");
        assert_eq!(answer.header("accept-ranges"), "");
        assert_ne!(answer.header("content-length"), "0");
        let range = if status == 416 { "bytes */5" } else { "" };
        assert_eq!(answer.header("content-range"), range);
        let allow = if status == 405 {
            "GET, HEAD, OPTIONS"
        } else {
            ""
        };
        assert_eq!(answer.header("allow"), allow);
    }
    let conditional = site.get_with(
        "/missing",
        &[("if-none-match", "*"), ("range", "bytes=0-1")],
    );
    assert_eq!(conditional.await.status, 404);
    assert_eq!(site.get("/404").await.status, 200);
}

#[tokio::test]
async fn without_a_page_the_status_is_said_in_text() {
    let site = Site::new(&[]);
    let answer = site.get("/missing").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.text(), "404 Not Found\n");
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn the_fallback_answers_for_pages_and_not_for_assets() {
    let site = Site::with(&[("index.html", b"app"), (".hidden/x", b"")], |config| {
        config.spa_fallback = Some("index.html".to_owned());
    });
    for path in ["/users/123", "/users/", "/deep/er/route?x=1"] {
        let answer = site.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text()),
            (200, "app"),
            "{path}"
        );
        let again = [("if-none-match", answer.header("etag"))];
        assert_eq!(site.get_with(path, &again).await.status, 304);
    }
    let script = site.get("/missing.js").await;
    assert_eq!(
        (script.status.as_u16(), script.header("vary")),
        (404, "accept")
    );
    let as_page = [("accept", "text/html,application/xhtml+xml")];
    let page = site.get_with("/v1.2", &as_page).await;
    assert_eq!((page.text(), page.header("vary")), ("app", "accept"));
    assert_eq!(site.get("/.hidden/x").await.status, 404);
    assert_eq!(site.get("/a/../b").await.text(), "400 Bad Request\n");
    assert_eq!(site.send("POST", "/users/123", &[]).await.status, 404);
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let large = crate::site::noise(200_000);
    let site = Site::new(&[("index.html", b"home"), ("large.bin", &large)]);
    for path in ["/", "/large.bin"] {
        let get = site.get(path).await;
        let head = site.send("HEAD", path, &[]).await;
        assert_eq!(head.status, get.status);
        assert_eq!(head.headers, get.headers);
        assert!(head.body.is_empty());
        assert_eq!(get.header("content-length"), get.body.len().to_string());
    }
}

#[tokio::test]
async fn other_methods_are_told_what_is_allowed() {
    let site = Site::new(&[("a.txt", b"hello"), ("docs/index.html", b"docs")]);
    for path in ["/a.txt", "/docs", "/docs/"] {
        for method in ["POST", "PUT", "DELETE", "PATCH", "BREW"] {
            let answer = site.send(method, path, &[]).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
        }
        let options = site.send("OPTIONS", path, &[]).await;
        assert_eq!(options.status, 204);
        assert_eq!(options.header("allow"), "GET, HEAD, OPTIONS");
        assert!(options.body.is_empty());
    }
    assert_eq!(site.send("OPTIONS", "*", &[]).await.status, 204);
    assert_eq!(site.send("POST", "/missing", &[]).await.status, 404);
    assert_eq!(site.send("OPTIONS", "/missing", &[]).await.status, 404);
}

#[tokio::test]
async fn what_may_still_be_written_is_not_immutable() {
    let site = Site::new(&[("app.3f2a9c1b.js", b"let half")]);
    let path = site.folder.path().join("app.3f2a9c1b.js");
    let hours_ago = std::fs::metadata(&path).unwrap().modified().unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    // As if it had been just now, however slow the test is.
    file.set_modified(hours_ago + Duration::from_secs(10_000))
        .unwrap();
    let cache_control = || async {
        site.get("/app.3f2a9c1b.js")
            .await
            .header("cache-control")
            .to_owned()
    };
    assert_eq!(cache_control().await, "no-cache");
    age(&path, Duration::from_secs(60));
    site.advance(Duration::from_secs(1));
    assert!(cache_control().await.contains("immutable"));
}

#[tokio::test]
async fn cache_control_follows_the_first_rule_that_matches() {
    let no_store = HeaderValue::from_static("no-store");
    let week = HeaderValue::from_static("max-age=604800");
    let site = Site::with(
        &[
            ("index.html", b""),
            ("assets/app.3f2a9c1b.js", b""),
            ("assets/app-3f2a9c1b.css", b""),
            ("assets/deadbeef-cafe.css", b""),
            ("assets/app.accessed.js", b""),
            ("assets/backup.20240115.js", b""),
            ("img/logo.12345678.png", b""),
            ("faces/3f2a9c1b-e29b-41d4-a716-44665544000f.png", b""),
            ("faces/of-3f2a9c1b-e29b-41d4-a716-44665544000f.png", b""),
        ],
        |config| {
            config.max_age = Duration::from_secs(60);
            config.cache_control =
                vec![(Glob::new("*.html"), no_store), (Glob::new("img/**"), week)];
        },
    );
    let immutable = "public, max-age=31536000, immutable";
    let cases = [
        ("/", "no-store"),
        ("/assets/app.3f2a9c1b.js", immutable),
        ("/assets/app-3f2a9c1b.css", immutable),
        ("/assets/deadbeef-cafe.css", "max-age=60"),
        ("/assets/app.accessed.js", "max-age=60"),
        ("/assets/backup.20240115.js", "max-age=60"),
        ("/img/logo.12345678.png", "max-age=604800"),
        (
            "/faces/3f2a9c1b-e29b-41d4-a716-44665544000f.png",
            "max-age=60",
        ),
        (
            "/faces/of-3f2a9c1b-e29b-41d4-a716-44665544000f.png",
            "max-age=60",
        ),
    ];
    for (path, expected) in cases {
        let answer = site.get(path).await;
        assert_eq!(answer.header("cache-control"), expected, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}
