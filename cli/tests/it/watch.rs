//! Browsers that load their page again when something has changed.

use rustix::process::Signal;

use crate::browser::Browser;
use crate::client::{Client, Response};
use crate::folder::{Folder, noise};
use crate::server::{Server, wait_until};

const RELOAD: &str = "/.astatine/reload";

struct Watched {
    files: Folder,
    templates: Folder,
    server: Server,
}

impl Watched {
    fn start(options: &[&str]) -> Self {
        Self::start_with(options, &[])
    }

    /// Starts with some templates more.
    fn start_with(options: &[&str], more: &[(&str, &str)]) -> Self {
        let (files, templates) = (Folder::new(), Folder::new());
        files.write("plain.html", "<p>a file</p>");
        files.write("style.css", "p { color: red }");
        templates.write("_part.mustache", "<h1>{{title}}</h1>");
        templates.write("page.mustache", "{{>_part}}");
        templates.write("page.json", r#"{"title": "one"}"#);
        for (name, content) in more {
            templates.write(name, content);
        }
        let path = templates.path().to_str().expect("it is text").to_owned();
        let args = [&["--templates", &path], options].concat();
        let server = Server::start(&files, &args);
        Self {
            files,
            templates,
            server,
        }
    }

    fn get(&self, path: &str) -> Response {
        self.server.client().get(path, "")
    }

    /// Listens as a browser does.
    fn listen(&self) -> Client {
        let mut client = self.server.client();
        client.send(&format!(
            "GET {RELOAD} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"
        ));
        let head = client.head();
        assert_eq!(head.field("content-type"), Some("text/event-stream"));
        client
    }
}

fn text(response: &Response) -> &str {
    std::str::from_utf8(&response.body).expect("it is text")
}

/// Takes the script from the end of a page; returns the rest, and the version that it names.
#[track_caller]
fn parts(response: &Response) -> (&str, &str) {
    let (page, script) = text(response)
        .split_once("<script src=\"/.astatine/reload?")
        .expect("there is a script");
    let version = script.strip_suffix("\"></script>\n");
    (page, version.expect("the page ends with it"))
}

#[test]
fn a_page_names_the_version_that_a_browser_hears_until_something_changes() {
    let watched = Watched::start(&["--watch"]);
    let mut told = watched.listen();
    let first = told.line("data: ");
    let page = watched.get("/page");
    assert_eq!(parts(&page), ("<h1>one</h1>", first.as_str()));
    let changes: [(&Folder, &str, &str); 4] = [
        (&watched.templates, "page.json", r#"{"title": "two"}"#),
        (&watched.templates, "_part.mustache", "<h2>{{title}}</h2>"),
        (&watched.files, "style.css", "p { color: blue }"),
        (&watched.files, "plain.html", "<p>new</p>"),
    ];
    let mut before = first;
    for (folder, name, content) in changes {
        folder.write(name, content);
        let version = told.line("data: ");
        assert_ne!(version, before, "{name}");
        assert_eq!(parts(&watched.get("/page")).1, version);
        before = version;
    }
    assert_eq!(parts(&watched.get("/page")).0, "<h2>two</h2>");
    assert_eq!(parts(&watched.get("/plain")).0, "<p>new</p>");
    assert_eq!(watched.listen().line("data: "), before);
}

#[test]
fn the_script_listens_where_it_comes_from() {
    let watched = Watched::start(&["--watch"]);
    let script = watched.get(&format!("{RELOAD}?1"));
    assert_eq!(script.field("content-type"), Some("text/javascript"));
    assert!(text(&script).contains(&format!("new EventSource('{RELOAD}')")));
}

#[test]
fn a_wrong_template_is_shown_with_its_place_until_it_is_mended() {
    let watched = Watched::start(&["--watch"]);
    let mut told = watched.listen();
    told.line("data: ");
    let part = watched
        .templates
        .write("_part.mustache", "<h1>\n  {{#a & b}}");
    told.line("data: ");
    for path in ["/page", "/page?a"] {
        let page = watched.get(path);
        assert_eq!(page.status, 500);
        let (body, _) = parts(&page);
        let place = format!("<h1>{}:2:3</h1>", part.display());
        assert!(body.contains(&place), "{body}");
        assert!(body.contains("2 |   {{#a &amp; b}}"), "{body}");
    }
    assert_eq!(watched.get("/plain").status, 200);
    watched
        .templates
        .write("_part.mustache", "<h3>{{title}}</h3>");
    told.line("data: ");
    assert_eq!(parts(&watched.get("/page")).0, "<h3>one</h3>");
    watched.templates.write("page.json", "{\n]");
    told.line("data: ");
    let page = watched.get("/page");
    assert_eq!(page.status, 500);
    assert!(
        parts(&page).0.contains("page.json, line 2:"),
        "{}",
        text(&page)
    );
    watched.templates.write("page.json", "{}");
    told.line("data: ");
    assert_eq!(parts(&watched.get("/page")).0, "<h3></h3>");
}

#[test]
fn a_new_template_that_is_wrong_and_one_that_fails_while_it_is_rendered_are_shown() {
    let watched = Watched::start(&["--watch"]);
    let mut told = watched.listen();
    told.line("data: ");
    watched.templates.write("new.mustache", "{{/x}}");
    told.line("data: ");
    let page = watched.get("/new");
    assert!(text(&page).contains("new.mustache:1:1"), "{}", text(&page));
    assert_eq!(watched.get("/none").status, 404);
    watched.templates.write("new.mustache", "{{>new}}");
    told.line("data: ");
    let page = watched.get("/new");
    assert_eq!(page.status, 500);
    assert!(text(&page).contains("nested too deep"), "{}", text(&page));
}

#[test]
fn what_is_wrong_at_the_start_is_shown_until_it_is_mended() {
    for (name, wrong, place) in [
        ("_part.mustache", "{{#a & b}}", "_part.mustache:1:1"),
        ("page.json", "]", "page.json, line 1:"),
    ] {
        let watched = Watched::start_with(&["--watch"], &[(name, wrong)]);
        let mut told = watched.listen();
        told.line("data: ");
        let page = watched.get("/page");
        assert_eq!(page.status, 500, "{name}");
        assert!(parts(&page).0.contains(place), "{}", text(&page));
        assert_eq!(watched.get("/_part").status, 404);
        assert_eq!(watched.get("/none").status, 404);
        assert_eq!(watched.get("/plain").status, 200);
        watched.templates.write("page.json", r#"{"title": "new"}"#);
        watched.templates.write("_part.mustache", "{{title}}");
        told.line("data: ");
        wait_until(|| parts(&watched.get("/page")).0 == "new");
    }
}

#[test]
fn a_page_of_any_size_is_sent_whole_and_kept_by_nobody() {
    let watched = Watched::start(&["--watch"]);
    let large = noise(200_000);
    watched.files.write("large.html", &large);
    let mut client = watched.server.client();
    let fields = "Accept-Encoding: gzip\r\nIf-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n";
    let page = client.get("/large.html", fields);
    assert_eq!(page.status, 200);
    assert!(page.body.starts_with(&large));
    assert!(page.body.ends_with(b"\"></script>\n"));
    assert_eq!(page.field("cache-control"), Some("no-store"));
    assert_eq!(
        (page.field("etag"), page.field("last-modified")),
        (None, None)
    );
    client.send("HEAD /large.html HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(
        client.head().field("content-length"),
        page.field("content-length")
    );
    let part = client.get("/large.html", "Range: bytes=0-9\r\n");
    assert_eq!((part.status, &*part.body), (206, &large[..10]));
    let style = client.get("/style.css", fields);
    assert_eq!(style.body, b"p { color: red }");
    assert_eq!(style.field("cache-control"), Some("no-store"));
}

#[test]
fn a_stream_does_not_hold_the_server_up_at_its_end() {
    let mut watched = Watched::start(&["--watch", "--max-concurrent", "1"]);
    let mut told = watched.listen();
    told.line("data: ");
    assert_eq!(watched.get("/page").status, 200);
    watched.server.signal(Signal::TERM);
    told.rest();
    drop(told);
    assert_eq!(watched.server.wait().0.code(), Some(0));
}

#[test]
fn without_the_option_pages_are_as_they_are() {
    let watched = Watched::start(&[]);
    assert_eq!(watched.get("/page").body, b"<h1>one</h1>");
    assert_eq!(watched.get("/plain").body, b"<p>a file</p>");
    assert_eq!(watched.get(RELOAD).status, 404);
}

#[test]
fn a_browser_loads_its_page_again_when_it_is_saved() {
    let mut watched = Watched::start(&["--watch", "--access-log"]);
    let url = format!("http://{}/page", watched.server.address());
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.open(&url);
    // The page asks for a file that is not there, by a name that the log shows.
    for title in ["one", "two"] {
        watched
            .templates
            .write("page.json", format!(r#"{{"title": "{title}"}}"#));
        watched
            .templates
            .write("_part.mustache", "<img src=\"/seen-{{title}}\">");
        wait_for_line(&mut watched.server, &format!("/seen-{title}"));
    }
    // What is wrong with it is a page that loads again too.
    watched.templates.write("_part.mustache", "{{#broken}}");
    wait_for_line(&mut watched.server, "\" 500 ");
    watched
        .templates
        .write("_part.mustache", "<img src=\"/seen-again\">");
    wait_for_line(&mut watched.server, "/seen-again");
}

fn wait_for_line(server: &mut Server, part: &str) {
    loop {
        let line = server.next_line();
        assert!(!line.is_empty(), "it ended before {part}");
        if line.contains(part) {
            return;
        }
    }
}
