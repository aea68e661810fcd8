//! Pages from templates, before the files.

use crate::folder::Folder;
use crate::server::{Server, run, wait_until};

/// A folder with a file, and a folder of templates in it.
fn folders() -> (Folder, Folder) {
    let (files, templates) = (Folder::new(), Folder::new());
    files.write("plain.html", "a file");
    files.write("shown.html", "a file");
    templates.write("_head.mustache", "<title>{{title}}</title>");
    templates.write(
        "shown.mustache",
        "{{>_head}}{{#items}}<p>{{.}}</p>{{/items}}",
    );
    templates.write("shown.json", r#"{"title": "A & B", "items": [1, "<"]}"#);
    templates.write(
        "asked.mustache",
        "{{request.path}} {{request.query.q}} {{request.headers.user-agent}}{{request.headers.host}}",
    );
    templates.write("blog/index.mustache", "the blog");
    (files, templates)
}

fn start(files: &Folder, templates: &Folder) -> Server {
    let path = templates.path().to_str().expect("it is text");
    let args = ["--templates", path, "--template-header", "User-Agent"];
    Server::start(files, &args)
}

#[test]
fn a_page_is_rendered_with_its_data_and_goes_before_a_file() {
    let (files, templates) = folders();
    let server = start(&files, &templates);
    let mut client = server.client();
    let response = client.get("/shown", "");
    assert_eq!(response.status, 200);
    assert_eq!(
        response.field("content-type"),
        Some("text/html; charset=utf-8")
    );
    let body = String::from_utf8(response.body).expect("it is text");
    assert_eq!(body, "<title>A &amp; B</title><p>1</p><p>&lt;</p>");
    assert_eq!(client.get("/blog/", "").body, b"the blog");
    assert_eq!(client.get("/plain", "").body, b"a file");
    assert_eq!(client.get("/shown.html", "").body, b"a file");
    assert_eq!(client.get("/_head", "").status, 404);
    assert_eq!(client.get("/shown.json", "").status, 404);
}

#[test]
fn a_page_shows_what_was_asked_and_only_the_wanted_headers() {
    let (files, templates) = folders();
    let server = start(&files, &templates);
    let response = server
        .client()
        .get("/asked?q=%3Cb%3E+c&q=2", "User-Agent: it's me\r\n");
    let body = String::from_utf8(response.body).expect("it is text");
    assert_eq!(body, "/asked &lt;b&gt; c it&#39;s me");
}

#[test]
fn a_page_has_a_head_alone_and_no_other_method() {
    let (files, templates) = folders();
    let server = start(&files, &templates);
    let mut client = server.client();
    client.send("HEAD /shown HTTP/1.1\r\nHost: x\r\n\r\n");
    let head = client.head();
    assert_eq!(head.status, 200);
    assert_eq!(head.field("content-length"), Some("43"));
    assert_eq!(client.get("/blog/", "").body, b"the blog");
    client.check_other_methods(&[
        ("POST", "/blog/", 405),
        ("OPTIONS", "/shown", 204),
        ("POST", "/_head", 404),
        ("DELETE", "/none", 404),
    ]);
}

#[test]
fn a_template_that_is_wrong_stops_the_start_and_says_where() {
    let (files, templates) = folders();
    templates.write("wrong.mustache", "a\n{{#b}}");
    let path = |folder: &Folder| folder.path().to_str().expect("it is text").to_owned();
    let output = run(["--templates", &path(&templates), &path(&files)]);
    assert_eq!(output.status.code(), Some(78));
    let told = String::from_utf8(output.stderr).expect("it is text");
    assert!(
        told.contains("wrong:2:1: section `b` is never closed"),
        "{told}"
    );
}

#[test]
fn a_change_of_a_template_or_its_data_is_loaded() {
    let (files, templates) = folders();
    let server = start(&files, &templates);
    let mut client = server.client();
    let mut shows = |path: &str, body: &str| client.get(path, "").body == body.as_bytes();
    assert!(shows("/blog/", "the blog"));
    templates.write("blog/index.mustache", "{{#broken");
    templates.write("shown.json", r#"{"title": "new"}"#);
    templates.write("blog/index.mustache", "a new blog");
    wait_until(|| shows("/blog/", "a new blog"));
    wait_until(|| shows("/shown", "<title>new</title>"));
}
