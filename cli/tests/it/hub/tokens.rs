//! Where tokens come from, where they are, and where they are not shown.

use serde_json::json;

use super::clients::{Frame, Socket, Stream};
use super::{Hub, SECRET, token};
use crate::folder::Folder;
use crate::server::{Server, astatine};

fn all() -> String {
    token(&json!({"subscribe": ["*"], "publish": ["*"], "sub": "ann"}))
}

#[test]
fn a_token_is_taken_from_header_query_or_cookie() {
    let hub = Hub::start(&[]);
    let token = all();
    for (path, fields) in [
        ("/live/a", format!("Authorization: Bearer {token}\r\n")),
        (&format!("/live/a?token={token}"), String::new()),
        (
            "/live/a",
            format!("Cookie: x=y; astatine_token={token}\r\n"),
        ),
    ] {
        assert_eq!(hub.get(path, &fields).status, 200, "{path} {fields}");
        assert_eq!(hub.get("/live/a", "").status, 401);
    }
    let named = Hub::start(&["--live-cookie", "other"]);
    let fields = format!("Cookie: other={token}\r\n");
    assert_eq!(named.get("/live/a", &fields).status, 200);
}

#[test]
fn no_log_shows_a_token() {
    for format in ["common", "combined", "json"] {
        let mut hub = Hub::start(&["-v", "--log-format", format, "-V", "5"]);
        let token = all();
        let path = format!("/live/a?b=1&token={token}&c=2");
        assert_eq!(hub.get(&path, "").status, 200);
        assert_eq!(Stream::answered(&hub, &path, "").1.status, 200);
        assert_eq!(Socket::answered(&hub, &path, "").1.status, 101);
        let mercure = format!("/.well-known/mercure?authorization={token}");
        assert_eq!(hub.get(&mercure, "").status, 400);
        let other = format!("/live/a?token={token}x");
        assert_eq!(hub.get(&other, "").status, 401);
        let referrer = format!("Referer: http://localhost/p{{a}}?b={{\"c\"}}&token={token}#d\r\n");
        assert_eq!(hub.get("/page", &referrer).status, 404);
        let log = hub.server.stop();
        assert!(log.contains("/live/a?b=1&token=***&c=2"), "{log}");
        assert!(
            log.contains("/.well-known/mercure?authorization=***"),
            "{log}"
        );
        let mut told = log;
        loop {
            let line = hub.server.next_diagnostic();
            if line.is_empty() {
                break;
            }
            told += &line;
        }
        let (_, signature) = token.rsplit_once('.').unwrap();
        assert!(!told.contains(signature), "{told}");
    }
}

#[test]
fn a_connection_ends_with_its_token() {
    let hub = Hub::start(&[]);
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let token = token(&json!({"subscribe": ["*"], "exp": now + 2}));
    let path = format!("/live/a?token={token}");
    let mut socket = Socket::open(&hub, &path, "");
    let mut stream = Stream::open(&hub, &path, "");
    assert_eq!(socket.next(), Frame::Close(4401));
    assert_eq!(stream.next(), None);
    // An event source comes back with what it has, and is told to stay away.
    let (_, head) = Stream::answered(&hub, &path, "");
    assert_eq!(head.status, 401);
    let told = head.field("www-authenticate");
    assert_eq!(told, Some("Bearer error=\"invalid_token\""));
}

fn key(name: &str) -> String {
    format!("{}/tests/keys/{name}.pem", env!("CARGO_MANIFEST_DIR"))
}

/// Runs gen-token.
fn generated(args: &[&str], secret: Option<&str>) -> String {
    let mut command = astatine(["gen-token"]);
    command.args(args);
    command.envs(secret.map(|secret| ("ASTATINE_LIVE_SECRET", secret)));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn gen_token_signs_for_each_kind_of_key() {
    let says = [
        "--subscribe",
        "chat.*",
        "--publish",
        "chat.a",
        "--user",
        "ann",
    ];
    for kind in ["rsa", "p256", "ed25519"] {
        let folder = Folder::new();
        let public = key(&format!("{kind}.pub"));
        let server = Server::start(&folder, &["--live", "/live", "--live-key", &public]);
        let private = key(kind);
        let token = generated(&[&says[..], &["--live-key", &private]].concat(), None);
        let fields = format!("Authorization: Bearer {token}\r\n");
        let status = |path: &str| server.client().get(path, &fields).status;
        assert_eq!(
            [status("/live/chat.x"), status("/live/other")],
            [200, 403],
            "{kind}"
        );
    }
    let hub = Hub::start(&[]);
    let token = generated(&says, Some(SECRET));
    let fields = format!("Authorization: Bearer {token}\r\n");
    let mut socket = Socket::open(&hub, "/live/chat.a", &fields);
    let info = hub.get("/live/chat.a", &fields).json();
    assert_eq!(info["users"], json!([{"user": "ann", "subscribers": 1}]));
    assert_eq!(hub.post("/live/chat.a", &fields, "hi").status, 200);
    assert_eq!(socket.text(), "hi");
}

#[test]
fn a_key_of_a_flag_counts_before_that_of_a_variable_and_that_before_the_file() {
    let private = key("ed25519");
    let algorithm = |token: &str| jsonwebtoken::decode_header(token).unwrap().alg;
    let by_flag = generated(&["--live-key", &private, "--subscribe", "*"], Some(SECRET));
    assert_eq!(algorithm(&by_flag), jsonwebtoken::Algorithm::EdDSA);
    let by_variable = generated(&["--subscribe", "*"], Some(SECRET));
    let folder = Folder::new();
    let public = key("ed25519.pub");
    folder.write(
        "a.toml",
        format!("live = \"/live\"\nlive-key = {public:?}\n"),
    );
    let file = folder.path().join("a.toml");
    let file = file.to_str().unwrap();
    for (args, variable, expected) in [
        (&["-C", file][..], None, [200, 401]),
        (&["-C", file], Some(SECRET), [401, 200]),
        (&["-C", file, "--live-secret", SECRET], None, [401, 200]),
        (
            &["-C", file, "--live-key", &public],
            Some(SECRET),
            [200, 401],
        ),
    ] {
        let mut command = astatine(["-b", "127.0.0.1:0", "-V", "3"]);
        command.envs(variable.map(|secret| ("ASTATINE_LIVE_SECRET", secret)));
        command.args(args).stderr(std::process::Stdio::piped());
        let server = Server::spawn(command);
        let statuses = [&by_flag, &by_variable].map(|token| {
            let fields = format!("Authorization: Bearer {token}\r\n");
            server.client().get("/live/a", &fields).status
        });
        assert_eq!(statuses, expected, "{args:?} {variable:?}");
    }
}

#[test]
fn a_token_expires_when_it_was_told_to() {
    let claims = |token: &str| {
        let key = jsonwebtoken::DecodingKey::from_secret(SECRET.as_bytes());
        let mut validation = jsonwebtoken::Validation::default();
        validation.set_required_spec_claims::<&str>(&[]);
        let token = jsonwebtoken::decode::<serde_json::Value>(token, &key, &validation);
        token.unwrap().claims
    };
    let hour = claims(&generated(&["--subscribe", "a"], Some(SECRET)));
    let (iat, exp) = (hour["iat"].as_u64().unwrap(), hour["exp"].as_u64().unwrap());
    assert_eq!(exp - iat, 3600);
    let never = claims(&generated(
        &["--expires-in", "0", "--mercure"],
        Some(SECRET),
    ));
    assert_eq!(never["exp"], serde_json::Value::Null);
    assert_eq!(never["mercure"], json!({"subscribe": [], "publish": []}));
}

#[test]
fn the_publish_command_publishes_with_a_token_or_a_key() {
    let hub = Hub::start(&[]);
    let mut stream = Stream::open(
        &hub,
        "/live/a%2Fb%20%C3%A4",
        &super::bearer(&json!({"subscribe": ["*"]})),
    );
    let url = format!("http://{}/live/", hub.server.address());
    let run = |variables: &[(&str, &str)], args: &[&str]| {
        let mut command = astatine(["publish", "--url", &url]);
        command.args(args).envs(variables.iter().copied());
        command.stdin(std::process::Stdio::null()).output().unwrap()
    };
    let output = run(
        &[("ASTATINE_LIVE_SECRET", SECRET)],
        &["a/b ä", "hello", "--event", "e&f"],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["deliveries"], 1);
    let event = stream.next().unwrap();
    assert_eq!(
        (event.event.as_deref(), &*event.data),
        (Some("e&f"), "hello")
    );
    let publishes = token(&json!({"publish": ["a/*"]}));
    let output = run(&[("ASTATINE_TOKEN", &publishes)], &["a/b ä", "-"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(stream.data(), "");
    let by_flag = ["b", "x", "--live-secret", SECRET];
    let output = run(&[("ASTATINE_TOKEN", &publishes)], &by_flag);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = run(&[("ASTATINE_TOKEN", &publishes)], &["b", "x"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("no right to publish to b (403)"), "{told}");
}

#[test]
fn the_publish_command_tells_why_it_reaches_no_hub() {
    // A free port could be another test's by now; the system gives nobody this one.
    for (url, code, told) in [
        ("http://127.0.0.1:1/live", 1, "Connection refused"),
        ("https://127.0.0.1:1/live", 2, "http alone"),
        ("wss://127.0.0.1:1/live", 2, "http alone"),
    ] {
        let mut command = astatine(["publish", "--url", url, "a", "x"]);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let diagnostic = String::from_utf8_lossy(&output.stderr);
        assert!(diagnostic.contains(told), "{diagnostic}");
    }
}

#[test]
fn a_token_that_gives_no_right_is_told() {
    let warning = "warning: the token gives no right";
    let cases: [(&[&str], i32, &str); 5] = [
        (&[], 0, warning),
        (&["--user", "ann", "--mercure"], 0, warning),
        (&["--publish", ""], 2, "'' cannot be matched: name is empty"),
        (&["--subscribe", "a", "--subscribe", "[b"], 2, "'[b' cannot"),
        (&["--subscribe", "[b", "--mercure"], 0, ""),
    ];
    for (args, code, told) in cases {
        let mut command = astatine(["gen-token", "--live-secret", SECRET]);
        let output = command.args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        let diagnostic = String::from_utf8_lossy(&output.stderr);
        assert!(diagnostic.contains(told), "{args:?}: {diagnostic}");
        assert_eq!(diagnostic.is_empty(), told.is_empty(), "{diagnostic}");
    }
}

#[test]
fn what_cannot_be_a_key_is_told() {
    let short = "astatine";
    for (args, secret, told) in [
        (&["gen-token"][..], None, "--live-key"),
        (&["gen-token"], Some(short), "32 bytes"),
        (
            &["gen-token", "--live-key", "no/such.pem"],
            None,
            "no/such.pem",
        ),
        (
            &["gen-token", "--live-key", &key("p256.pub")],
            None,
            "private",
        ),
        (
            &[
                "gen-token",
                "--live-key",
                &key("p256"),
                "--live-secret",
                SECRET,
            ],
            None,
            "two keys",
        ),
        (&["--live", "/live", "."], Some(short), "32 bytes"),
        (
            &["--live", "/live", "--live-key", &key("p256"), "."],
            None,
            "public",
        ),
        (&["--live", "/", "."], None, "/live"),
    ] {
        let mut command = astatine(args);
        command.envs(secret.map(|secret| ("ASTATINE_LIVE_SECRET", secret)));
        let output = command.output().unwrap();
        assert_ne!(output.status.code(), Some(0), "{args:?}");
        let diagnostic = String::from_utf8_lossy(&output.stderr);
        assert!(diagnostic.contains(told), "{args:?}: {diagnostic}");
        assert!(!diagnostic.contains(SECRET));
    }
}
