//! `--demo`: the page, in a browser where there is one.

use std::fs;
use std::path::Path;

use crate::browser::{Browser, Tab};
use crate::server::{Server, astatine};

fn start() -> Server {
    Server::spawn(astatine(["--demo", "-b", "127.0.0.1:0", "-V", "2"]))
}

#[test]
fn the_page_and_its_parts_are_served_and_nothing_else_is() {
    let server = start();
    let mut client = server.client();
    for (path, kind, part) in [
        ("/", "text/html; charset=utf-8", "data-hub=\"/live/\""),
        ("/demo.css", "text/css", "prefers-color-scheme"),
        ("/demo.js", "text/javascript", "EventSource"),
        ("/demo.svg", "image/svg+xml", "<svg"),
    ] {
        let answer = client.get(path, "");
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.field("content-type"), Some(kind));
        let policy = answer.field("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(
            String::from_utf8_lossy(&answer.body).contains(part),
            "{path}"
        );
    }
    assert_eq!(client.get("/index.html", "").status, 404);
    client.check_other_methods(&[
        ("POST", "/", 405),
        ("OPTIONS", "/demo.js", 204),
        ("POST", "/index.html", 404),
    ]);
}

#[test]
fn an_address_that_others_can_reach_is_refused() {
    let output = astatine(["--demo", "-b", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("--demo") && error.contains("loopback"),
        "{error}"
    );
}

#[test]
fn a_page_that_has_its_own_name_lead_here_cannot_use_the_hub() {
    let server = start();
    let address = server.address();
    let status = |host: &str| {
        let client = server.client();
        client.send(&format!(
            "POST /live/a HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Length: 0\r\n\r\n"
        ));
        let mut client = client;
        client.response().status
    };
    assert_eq!(status(&address.to_string()), 200);
    assert_eq!(status(&format!("localhost:{}", address.port())), 200);
    assert_eq!(status(&format!("evil.example:{}", address.port())), 421);
}

#[test]
fn two_tabs_chat_and_the_charts_move() {
    let server = start();
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let url = format!("http://{}/", server.address());
    let tabs = [browser.open(&url), browser.open(&url)];
    let state = "document.querySelector('#state')?.dataset.state === 'live'";
    for tab in &tabs {
        browser.wait_until(tab, state);
    }
    for (from, text) in [(0, "hello"), (1, "<b>hello</b> & back")] {
        let send = format!(
            "document.querySelector('#text').value = {text:?};
             document.querySelector('#form').requestSubmit()"
        );
        browser.eval(&tabs[from], &send);
        for tab in &tabs {
            let heard = format!(
                "[...document.querySelectorAll('#chat li')]
                    .some(line => line.textContent.endsWith({text:?}))"
            );
            browser.wait_until(tab, &heard);
        }
    }
    let mirrored = "document.querySelectorAll('#mirror li').length === 2";
    for tab in &tabs {
        browser.wait_until(tab, mirrored);
    }
    move_charts(&mut browser, &tabs[0]);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo");
    fs::create_dir_all(&folder).unwrap();
    for (name, width, height, scheme) in [
        ("light", 1120, 800, "light"),
        ("dark", 1120, 800, "dark"),
        ("phone", 390, 844, "light"),
    ] {
        browser.show_as(&tabs[0], width, height, scheme);
        let fits = "document.documentElement.scrollWidth <= innerWidth";
        browser.wait_until(&tabs[0], fits);
        let picture = browser.picture(&tabs[0]);
        fs::write(folder.join(name).with_extension("png"), picture).unwrap();
    }
    assert_eq!(browser.errors(), [""; 0]);
}

/// Puts a load on, and waits until each chart shows something else, and each figure is there.
fn move_charts(browser: &mut Browser, tab: &Tab) {
    browser.eval(
        tab,
        "globalThis.before = [...document.querySelectorAll('canvas')].map(c => c.toDataURL());
         const load = document.querySelector('#load');
         load.value = 2;
         load.dispatchEvent(new Event('input'))",
    );
    browser.wait_until(
        tab,
        "[...document.querySelectorAll('canvas')].every((c, i) => c.toDataURL() !== before[i])",
    );
    for figure in ["connections", "delivered", "websocket", "eventsource"] {
        let shown = format!("parseFloat(document.querySelector('#{figure}').value) > 0");
        browser.wait_until(tab, &shown);
    }
}
