//! What the command is told, and what it says when that is wrong.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::{Output, Stdio};

use crate::folder::Folder;
use crate::server::{Server, astatine, by_script, run};

#[track_caller]
fn check(output: &Output, code: i32, parts: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "no {part:?} in {stderr:?}");
    }
}

#[test]
fn a_port_in_use_is_a_failure_that_names_it() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(["-b", &address, folder.path().to_str().unwrap()]);
    check(&output, 1, &[&address, "in use", "-p"]);
    assert_eq!(
        output.stderr.iter().filter(|byte| **byte == b'\n').count(),
        1
    );
}

#[test]
fn a_folder_that_is_not_there_is_a_failure_that_names_it() {
    check(&run(["no/such/folder"]), 1, &["no/such/folder"]);
}

#[test]
fn a_folder_that_the_user_may_not_enter_is_a_failure_that_says_so() {
    let folder = Folder::new();
    let closed = folder
        .write("closed/a.txt", "")
        .parent()
        .unwrap()
        .to_owned();
    fs::set_permissions(&closed, Permissions::from_mode(0o0)).unwrap();
    // Root may enter any, until it gives that up.
    let script = r#"[ "$(id -u)" = 0 ] || exec "$@"
        exec setpriv --bounding-set -dac_override,-dac_read_search "$@""#;
    let outputs = [
        ("www", "cannot serve"),
        ("templates", "cannot read"),
        ("watch = true\ntemplates", "cannot read"),
    ]
    .map(|(key, told)| {
        let file = folder.write("a.toml", format!("{key} = {closed:?}"));
        let command = astatine(["check-config", file.to_str().unwrap()]);
        (by_script(script, &command).output().unwrap(), told)
    });
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    let closed = closed.display();
    for (output, told) in outputs {
        let told = format!("a.toml: {told} {closed}: Permission denied");
        check(&output, 78, &[&told, "; user ", "see chmod"]);
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    check(&run(["--no-such-option", "."]), 2, &["--no-such-option"]);
    check(&run(["-p", "70000", "."]), 2, &["70000", "--port"]);
    check(&run::<&str>([]), 2, &["nothing to serve", "--help"]);
    let output = astatine(["."]).env("PORT", "http").output().unwrap();
    check(&output, 2, &["PORT=http"]);
    let output = astatine(["."])
        .env("ASTATINE_PORT", "http")
        .output()
        .unwrap();
    check(&output, 2, &["http", "--port", "ASTATINE_PORT"]);
    let output = astatine(["-p", "http", "."])
        .env("ASTATINE_PORT", "1")
        .output()
        .unwrap();
    check(&output, 2, &["http", "--port"]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("ASTATINE_PORT"));
    let output = astatine(["-p", "70000", "."])
        .env("ASTATINE_PORT", "170000")
        .output()
        .unwrap();
    check(&output, 2, &["70000", "--port"]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("ASTATINE_PORT"));
    let output = astatine(["."])
        .env("ASTATINE_BIND", "127.0.0.1:0,host:x")
        .output()
        .unwrap();
    check(&output, 2, &["host:x", "--bind", "ASTATINE_BIND"]);
    let not_text = OsStr::from_bytes(b"\xff");
    let output = astatine(["."]).env("PORT", not_text).output().unwrap();
    check(&output, 2, &["PORT="]);
}

#[test]
fn a_fallback_page_that_is_not_there_is_told() {
    let folder = Folder::new();
    let start = |page: &str| {
        let mut command = astatine(["-b", "127.0.0.1:0", "--spa", page, "-V", "3"]);
        command.arg(folder.path()).stderr(Stdio::piped());
        Server::spawn(command)
    };
    let warning = start("/app.html").next_diagnostic();
    assert!(warning.contains("/app.html"), "{warning}");
    folder.write("app.html", "");
    let mut server = start("/app.html");
    server.stop();
    assert_eq!(server.next_diagnostic(), "");
}

#[test]
fn a_bad_configuration_exits_with_78_and_names_the_line() {
    let folder = Folder::new();
    let file = folder.write("a.toml", "port = 1\nprot = 2\n");
    let file = file.to_str().unwrap();
    check(&run(["-C", file, "."]), 78, &["a.toml, line 2", "prot"]);
    check(
        &run(["check-config", file]),
        78,
        &["a.toml, line 2", "prot"],
    );
    check(&run(["-C", "no/such.toml", "."]), 78, &["no/such.toml"]);
}

#[test]
fn a_good_configuration_is_said_to_be_good() {
    let folder = Folder::new();
    let text = format!("www = {:?}\nlog-format = \"json\"\n", folder.path());
    let file = folder.write("a.toml", text);
    check(&run(["check-config", file.to_str().unwrap()]), 0, &[]);
}

#[test]
fn what_the_server_refuses_in_a_configuration_is_told_without_serving() {
    let folder = Folder::new();
    let broken = folder.write("pages/a.mustache", "{{#b}}");
    let broken = format!("templates = {:?}", broken.parent().unwrap());
    for (text, reason) in [
        ("live = \"/live\"\nlive-key = \"nofile\"", "nofile"),
        (
            "live = \"/live\"\nlive-secret = \"short\"",
            "the key of /live",
        ),
        ("live-open = true\nwww = \".\"", "--live"),
        ("demo = true\nwww = \".\"", "--demo"),
        ("demo = true\nbind = [\"0.0.0.0:0\"]", "loopback"),
        ("www = \"nodir\"", "nodir"),
        ("templates = \"nodir\"", "nodir"),
        (&broken, "a:1:1: section `b` is never closed"),
    ] {
        let file = folder.write("a.toml", text);
        let file = file.to_str().unwrap();
        let told = run(["check-config", file]);
        check(&told, 78, &[reason]);
        let refused = run(["-C", file]);
        assert_eq!(refused.status.code(), Some(78), "{text}");
        assert_eq!(refused.stderr, told.stderr, "{text}");
    }
    let empty = folder.write("a.toml", "");
    let told = run(["check-config", empty.to_str().unwrap()]);
    check(&told, 78, &["a.toml: nothing to serve"]);
}

#[test]
fn an_option_of_the_hub_is_refused_without_one_wherever_it_stands() {
    check(
        &run(["--live-open", "."]),
        2,
        &["--live-open needs a hub: give --live PATH"],
    );
    let mut command = astatine(["."]);
    let output = command.env("ASTATINE_LIVE_SECRET", "x").output().unwrap();
    let unset = "--live-secret needs a hub: give --live PATH, as --live /live, or unset \
                 ASTATINE_LIVE_SECRET";
    check(&output, 2, &[unset]);
    let mut command = astatine(["--live-open", "."]);
    let output = command.env("ASTATINE_LIVE_OPEN", "no").output().unwrap();
    check(&output, 2, &["--live-open needs a hub"]);
    let folder = Folder::new();
    let file = folder.write("a.toml", "live-open = true");
    let mut command = astatine(["check-config", file.to_str().unwrap()]);
    let output = command.env("ASTATINE_LIVE_OPEN", "1").output().unwrap();
    check(
        &output,
        78,
        &["a.toml: --live-open needs a hub: give --live PATH, as --live /live\n"],
    );
    let file = folder.write("a.toml", "live-history = 5");
    let output = run(["-C", file.to_str().unwrap(), "."]);
    check(&output, 78, &["a.toml: --live-history needs a hub"]);
}

#[test]
fn an_option_that_does_nothing_is_refused_as_a_flag_and_told_elsewhere() {
    let folder = Folder::new();
    let public = folder.path().to_str().unwrap();
    let told = "error: --log-format needs --access-log\n";
    check(&run(["--log-format", "json", public]), 2, &[told]);
    let file = folder.write("a.toml", format!("www = {public:?}\nmax-queued = 5"));
    let file = file.to_str().unwrap();
    let told = format!("WARN max-queued of {file} does nothing: it needs --max-concurrent\n");
    check(&run(["check-config", file]), 0, &[&told]);
    let start = |args: &[&str], variable: &str| {
        let mut command = astatine(["-b", "127.0.0.1:0", "-V", "3", "-C", file]);
        command
            .args(args)
            .env(variable, "600")
            .stderr(Stdio::piped());
        let mut server = Server::spawn(command);
        server.stop();
        [server.next_diagnostic(), server.next_diagnostic()]
    };
    let [first, second] = start(&[], "ASTATINE_UNIX_MODE");
    assert!(first.contains("ASTATINE_UNIX_MODE does nothing"), "{first}");
    assert!(second.contains(&told), "{second}");
    // The flag has what it needs in the file.
    let file = start(&["--max-concurrent", "6"], "OTHER");
    assert_eq!(file, ["", ""]);
    // The variable of a hub elsewhere.
    let [first, _] = start(&["--max-concurrent", "6"], "ASTATINE_MAX_OUTBOX");
    assert!(
        first.contains("ASTATINE_MAX_OUTBOX does nothing"),
        "{first}"
    );
    check(&run(["--max-outbox", "5", public]), 2, &["needs --live\n"]);
}

#[test]
fn a_flag_that_does_nothing_is_refused_where_its_variable_is_set_too() {
    let mut command = astatine(["--log-format", "json", "."]);
    let output = command.env("ASTATINE_LOG_FORMAT", "json").output().unwrap();
    check(&output, 2, &["error: --log-format needs --access-log\n"]);
}

#[test]
fn an_option_of_files_needs_a_folder_and_a_port_an_address_without_one() {
    let told = "error: --max-age needs PUBLIC_DIR\n";
    check(&run(["--live", "/live", "--max-age", "5"]), 2, &[told]);
    let told = "error: --port needs a --bind without a port of its own\n";
    check(&run(["-p", "80", "-b", "[::1]:81", "."]), 2, &[told]);
    let folder = Folder::new();
    for variable in ["PORT", "ASTATINE_PORT"] {
        let mut command = astatine(["-b", "127.0.0.1:0", "-V", "3"]);
        command.arg(folder.path()).env(variable, "80");
        command.stderr(Stdio::piped());
        let mut server = Server::spawn(command);
        server.stop();
        let told = format!("WARN {variable} does nothing: it needs a --bind without a port");
        let line = server.next_diagnostic();
        assert!(line.contains(&told), "{line}");
    }
}

#[test]
fn a_log_that_is_turned_off_by_name_may_have_a_format() {
    let folder = Folder::new();
    Server::start(&folder, &["--access-log=no", "--log-format", "json"]).stop();
}

#[test]
fn what_a_flag_asks_for_is_no_fault_of_the_configuration() {
    let folder = Folder::new();
    let file = folder.write("a.toml", "www = \"nodir\"\ndemo = false");
    let file = file.to_str().unwrap();
    check(&run(["-C", file, "no/such"]), 1, &["cannot serve no/such"]);
    check(&run(["-C", file, "--demo"]), 2, &["--demo has a page"]);
    let file = folder.write("c.toml", "bind = \"0.0.0.0\"");
    let output = run(["-C", file.to_str().unwrap(), "--demo"]);
    check(&output, 2, &["error: --demo lets everybody in"]);
    let file = folder.write("b.toml", "live-open = true\nlive-max-name = 5");
    let output = run(["-C", file.to_str().unwrap(), "--live-max-name", "6", "."]);
    check(&output, 2, &["error: --live-max-name needs a hub"]);
}

#[test]
fn a_folder_of_templates_that_is_not_there_is_named_once_with_the_cause() {
    let output = run(["--templates", "nodir"]);
    check(
        &output,
        1,
        &["cannot read nodir: No such file or directory"],
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stderr)
            .matches("nodir")
            .count(),
        1
    );
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let folder = Folder::new();
    folder.write("public/a.txt", "a");
    let file = "port = 0\nmax-age = 1\nspa = \"a.txt\"\nbind = [\"127.0.0.1\"]\n";
    let file = folder.write("a.toml", file);
    let max_age = |variable: Option<&str>, flag: Option<&str>| {
        let mut command = astatine(["--config"]);
        command.arg(&file).arg(folder.path().join("public"));
        command.args(flag.map(|value| format!("--max-age={value}")));
        command.envs(variable.map(|value| ("ASTATINE_MAX_AGE", value)));
        let server = Server::spawn(command);
        let answer = server.client().get("/some/page", "");
        assert_eq!(answer.body, b"a");
        answer.field("cache-control").unwrap().to_owned()
    };
    assert!(max_age(None, None).contains("max-age=1"));
    assert!(max_age(Some("2"), None).contains("max-age=2"));
    assert!(max_age(Some("2"), Some("3")).contains("max-age=3"));
}

#[test]
fn the_variables_of_a_platform_count() {
    let folder = Folder::new();
    let mut command = astatine(["-b", "127.0.0.1"]);
    command
        .arg(folder.path())
        .env("PORT", "0")
        .env("ASTATINE_PORT", "")
        .env("THREADS", "1");
    let server = Server::spawn(command);
    assert_eq!(server.client().get("/", "").status, 404);
    assert_ne!(server.address().port(), 3000);
}

#[test]
fn what_a_platform_asks_for_and_is_not_there_is_told() {
    let folder = Folder::new();
    let told = |variables: &[(&str, &str)], args: &[&str]| {
        let mut command = astatine(["-b", "127.0.0.1:0", "-V", "3"]);
        command.args(args).arg(folder.path());
        command
            .envs(variables.iter().copied())
            .stderr(Stdio::piped());
        let mut server = Server::spawn(command);
        server.stop();
        server.next_diagnostic()
    };
    for name in ["WORKERS", "WEB_CONCURRENCY"] {
        assert_eq!(told(&[(name, "1")], &[]), "");
        let line = told(&[(name, "4")], &[]);
        let expected = format!("WARN {name} does nothing: there are no worker processes");
        assert!(line.contains(&expected), "{line}");
    }
    assert_eq!(told(&[("WORKERS", "4"), ("WEB_CONCURRENCY", "1")], &[]), "");
    let redis = [("REDIS_URL", "redis://:secret@host")];
    assert_eq!(told(&redis, &[]), "");
    let line = told(&redis, &["--live", "/live", "--live-open"]);
    let expected = "WARN REDIS_URL does nothing: there is no Redis yet";
    assert!(line.contains(expected), "{line}");
}

#[test]
fn switches_and_lists_come_from_the_environment() {
    let folder = Folder::new();
    folder.write("public/a.css", "p {}");
    let socket = folder.path().join("a.sock");
    let mut command = astatine([folder.path().join("public")]);
    command
        .env("ASTATINE_ACCESS_LOG", "yes")
        .env(
            "ASTATINE_BIND",
            format!("127.0.0.1:0,unix:{}", socket.display()),
        )
        .env(
            "ASTATINE_CACHE_CONTROL",
            "*.js=no-store;*.css=private, max-age=7",
        );
    let mut server = Server::spawn(command);
    assert!(server.ready_line().contains("a.sock"));
    let answer = server.client().get("/a.css", "");
    assert_eq!(answer.field("cache-control"), Some("private, max-age=7"));
    assert!(server.next_line().contains("GET /a.css"));
}

#[test]
fn iodine_s_spellings_start_a_server() {
    let folder = Folder::new();
    folder.write("a.txt", "content");
    let mut command = astatine(["-a", "127.0.0.1", "-port", "0", "-t=1", "-log", "-V", "2"]);
    command
        .args(["-tout", "5", "-maxbd", "1", "-www"])
        .arg(folder.path());
    let mut server = Server::spawn(command);
    assert_eq!(server.client().get("/a.txt", "").body, b"content");
    assert!(server.stop().contains("GET /a.txt"));
}

#[test]
fn variables_do_not_disturb_the_other_commands() {
    let mut command = astatine(["man"]);
    let output = command
        .env("ASTATINE_PORT", "1")
        .env("PORT", "2")
        .output()
        .unwrap();
    check(&output, 0, &[]);
}

#[test]
fn a_variable_of_no_option_is_told_with_the_one_that_is_meant() {
    let folder = Folder::new();
    for (name, meant) in [
        ("ASTATINE_MAX_BDY", "ASTATINE_MAX_BODY"),
        ("ASTATINE_PUBLIC_DIR", "ASTATINE_WWW"),
        ("ASTATINE_bind", "ASTATINE_BIND"),
    ] {
        let mut command = astatine(["-b", "127.0.0.1:0", "-V", "3"]);
        command.arg(folder.path()).stderr(Stdio::piped());
        let others = ["ASTATINE_TOKEN", "ASTATINE_EXPIRES_IN", "ASTATINE_VERSION"];
        command.envs(others.map(|name| (name, "1")));
        command.env(name, "1").env("ASTATINE_WORKERS", "1");
        let mut server = Server::spawn(command);
        server.stop();
        let told = format!(
            "WARN the environment has {name}, which is no option's: did you mean {meant}?\n"
        );
        let line = server.next_diagnostic();
        assert!(line.ends_with(&told), "{line}");
        assert_eq!(server.next_diagnostic(), "");
    }
}

#[test]
fn variables_that_kubernetes_sets_for_a_service_are_not_told() {
    let folder = Folder::new();
    let start = |port: &[&str], variables: &[(&str, &str)]| {
        let mut command = astatine(["-V", "3"]);
        command.args(port).arg(folder.path()).stderr(Stdio::piped());
        command.envs(variables.iter().copied()).env("PORT", "0");
        let mut server = Server::spawn(command);
        server.stop();
        [server.next_diagnostic(), server.next_diagnostic()]
    };
    let of_kubernetes = [
        ("ASTATINE_SERVICE_HOST", "10.0.0.1"),
        ("ASTATINE_SERVICE_PORT", "80"),
        ("ASTATINE_SERVICE_PORT_HTTP", "80"),
        ("ASTATINE_PORT", "tcp://10.0.0.1:80"),
        ("ASTATINE_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("ASTATINE_PORT_80_TCP_PROTO", "tcp"),
        ("ASTATINE_PORT_80_TCP_PORT", "80"),
        ("ASTATINE_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("ASTATINE_LIVE_PORT", "udp://[::1]:80"),
        ("ASTATINE_LIVE_SERVICE_HOST", "10.0.0.1"),
    ];
    assert_eq!(start(&["-b", "127.0.0.1"], &of_kubernetes), ["", ""]);
    for name in ["ASTATINE_LIVE_PORT", "ASTATINE_PORTS"] {
        let [told, none] = start(&["-b", "127.0.0.1"], &[(name, "80")]);
        assert!(
            told.contains(&format!("the environment has {name}")),
            "{told}"
        );
        assert_eq!(none, "");
    }
}

#[test]
fn a_port_that_kubernetes_sets_is_none_and_what_is_taken_instead_is_told() {
    let mut command = astatine(["-b", "127.0.0.1", "."]);
    command.env("ASTATINE_PORT", "tcp://10.0.0.1:80");
    let mut server = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    let mut stderr = BufReader::new(server.stderr.take().unwrap());
    // It is told before the port is taken, which somebody else may have.
    stderr.read_line(&mut told).unwrap();
    drop(server.kill());
    server.wait().unwrap();
    let expected = "WARN ASTATINE_PORT=tcp://10.0.0.1:80 is Kubernetes's, for a service named \
                    astatine, and no port to listen on: 127.0.0.1:3000 is listened on; say where by \
                    -p or PORT, or set enableServiceLinks: false\n";
    assert!(told.ends_with(expected), "{told}");
}

#[test]
fn the_server_s_variables_are_nothing_to_the_other_commands() {
    let secret = "0123456789abcdef0123456789abcdef";
    let output = astatine(["gen-token"])
        .env("ASTATINE_PORT", "x")
        .env("ASTATINE_LIVE_SECRET", secret)
        .output()
        .unwrap();
    check(&output, 0, &[]);
}

#[test]
fn what_iodine_has_and_is_not_there_yet_is_said_to_be_missing() {
    check(&run(["-tls", "."]), 2, &["--tls", "no TLS yet"]);
    for option in ["-tls-cert", "-cert", "-key", "-tls-pass"] {
        check(&run([option, "a", "."]), 2, &["no TLS yet"]);
    }
    check(&run(["-rp", "5", "."]), 2, &["no Redis yet"]);
    check(&run(["-warmup", "."]), 2, &["no application to load"]);
    check(&run(["-r", "redis://x", "."]), 2, &["no Redis yet"]);
    for n in ["-w2", "-w=-2"] {
        check(&run([n, "."]), 2, &["--workers", "-t threads"]);
    }
    let folder = Folder::new();
    Server::start(&folder, &["-w", "1"]).stop();
}

#[test]
fn a_number_that_must_not_be_0_says_so() {
    let folder = Folder::new();
    for (option, numbers) in [
        ("max-connections", "of 1 or more"),
        ("max-requests", "of 1 or more"),
        ("request-timeout", "from 1 to 4294967295"),
        ("timeout", "from 1 to 4294967295"),
        ("write-stall-timeout", "from 1 to 4294967295"),
        ("drain-grace", "from 1 to 4294967295"),
        ("body-grace", "from 1 to 4294967295"),
        ("proxy-protocol-timeout", "from 1 to 4294967295"),
        ("max-header", "from 1 to 65535"),
        ("live-max-name", "from 1 to 255"),
    ] {
        let flag = format!("--{option}");
        let told = format!("it must be a number {numbers}");
        for wrong in ["0", "many"] {
            check(&run([&flag, wrong, "."]), 2, &[&flag, &told]);
        }
        let file = folder.write("a.toml", format!("{option} = 0"));
        let told = "a.toml, line 1: invalid value: integer `0`, expected a number ";
        let output = run(["check-config", file.to_str().unwrap()]);
        check(&output, 78, &[told, numbers]);
    }
}

#[test]
fn a_number_that_does_not_fit_says_so() {
    for (args, told) in [
        (
            "-p -1",
            "'-1' for '--port <PORT>': it must be a number from 0 to 65535",
        ),
        ("-t -99999", "it must be a number from -32768 to 32767"),
        (
            "--max-body 10MB",
            "'10MB' for '--max-body <MB>': it must be a number",
        ),
        ("--max-ranges -1", "it must be a number of 0 or more"),
        ("--live-max-name 256", "it must be a number from 1 to 255"),
        (
            "gen-token --expires-in -1",
            "it must be a number from 0 to 4294967295",
        ),
    ] {
        check(&run(args.split(' ')), 2, &[told]);
    }
    let folder = Folder::new();
    for (line, told) in [
        ("port = 65536", "from 0 to 65535"),
        ("max-age = -1", "from 0 to 4294967295"),
        ("threads = 1.5", "from -32768 to 32767"),
        ("max-ranges = -1", "of 0 or more"),
        ("live-max-name = 256", "from 1 to 255"),
    ] {
        let file = folder.write("a.toml", line);
        check(&run(["check-config", file.to_str().unwrap()]), 78, &[told]);
    }
}

#[test]
fn a_switch_is_yes_or_no_and_a_text_is_not_empty() {
    let told = "invalid value 'perhaps' for '--gzip[=<BOOL>]'\n  [possible values: yes, no]";
    check(&run(["--gzip=perhaps", "."]), 2, &[told]);
    check(
        &run(["--spa", "", "."]),
        2,
        &["a value is required for '--spa <FILE>'"],
    );
    let folder = Folder::new();
    for (line, told) in [
        ("gzip = \"yes\"", "expected true or false"),
        ("unix-mode = 600", "expected a text in quotes"),
        ("pid = 5", "expected a text in quotes"),
    ] {
        let file = folder.write("a.toml", line);
        check(&run(["check-config", file.to_str().unwrap()]), 78, &[told]);
    }
    for word in ["yes", "On", "1", "TRUE"] {
        Server::start(&folder, &[&format!("--listing={word}")]).stop();
    }
}

#[test]
fn where_to_listen_is_told_with_what_can_be_done() {
    for (bind, code, told) in [
        ("*:80", 2, "a port alone, as :3000"),
        ("http://localhost:80", 2, "leave out all but HOST:PORT"),
        (
            "unix:no/such/a.sock",
            1,
            "the socket's folder has to be there",
        ),
        (
            "fd:99",
            1,
            "no listening socket was handed over by this number",
        ),
        (
            "fd:web",
            1,
            "no socket named web was inherited; FileDescriptorName=",
        ),
    ] {
        check(&run(["-b", bind, "."]), code, &[told]);
    }
}

#[test]
fn a_long_option_may_have_one_dash_as_in_iodine() {
    let folder = Folder::new();
    folder.write("a/b.txt", "");
    let server = Server::start(&folder, &["-listing", "-max-age=7"]);
    let mut client = server.client();
    assert_eq!(client.get("/a/", "").status, 200);
    let answer = client.get("/a/b.txt", "");
    assert_eq!(answer.field("cache-control"), Some("max-age=7"));
    check(
        &run(["-prot", "80", "."]),
        2,
        &["'--prot'", "a similar argument exists: '--port'"],
    );
    let told = "'nocolon' for '--cache-control <GLOB=VALUE>'";
    check(&run(["-cache-control", "nocolon", "."]), 2, &[told]);
}

#[test]
fn a_hub_that_is_not_reached_is_told_with_its_option() {
    let url = "http://127.0.0.1:1/live";
    let told = format!("cannot reach the hub at {url}, see --url: ");
    check(&run(["publish", "a", "b", "--url", url]), 1, &[&told]);
    check(
        &run(["publish", "a", "b", "--url", "x"]),
        2,
        &["--url is x"],
    );
}

#[test]
fn a_second_folder_is_said_to_be_one() {
    let told = "there is one PUBLIC_DIR";
    check(&run([".", "b"]), 2, &["'b' is too much", told]);
    check(
        &run(["--gzip", "no", "."]),
        2,
        &["'.' is too much", "--gzip=no"],
    );
    let output = run([".", "man"]);
    check(&output, 2, &["the subcommand 'man' cannot be used with"]);
}

#[test]
fn an_unknown_key_is_told_with_the_one_that_is_meant() {
    let folder = Folder::new();
    for (key, told) in [
        ("prot", "line 1: unknown key `prot`: did you mean `port`?"),
        (
            "live_key",
            "unknown key `live_key`: did you mean `live-key`?",
        ),
        (
            "versio",
            "unknown key `versio`: the keys are the long options of --help",
        ),
        (
            "qqqq",
            "unknown key `qqqq`: the keys are the long options of --help",
        ),
        (
            "public_dir",
            "unknown key `public_dir`: did you mean `www`?",
        ),
        ("tls-key", "unknown key `tls-key`: there is no TLS yet"),
    ] {
        let file = folder.write("a.toml", format!("{key} = 1"));
        check(&run(["check-config", file.to_str().unwrap()]), 78, &[told]);
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let (reader, writer) = UnixStream::pair().unwrap();
    drop(reader);
    let mut command = astatine(["man"]);
    let output = command.stdout(OwnedFd::from(writer)).output().unwrap();
    check(&output, 0, &[]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn help_version_manual_and_completions_are_printed() {
    let text = |args: &[&str]| {
        let output = run(args);
        check(&output, 0, &[]);
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(text(&["--help"]).contains("PUBLIC_DIR"));
    assert!(text(&["-?"]).contains("PUBLIC_DIR"));
    assert_eq!(
        text(&["--version"]),
        format!("astatine {}\n", env!("CARGO_PKG_VERSION"))
    );
    let manual = text(&["man"]);
    assert!(manual.contains(".TH astatine"));
    assert!(manual.contains("Most ranges in one request"));
    assert!(manual.contains(".TH astatine-gen-token") && manual.contains("Whose token it is"));
    assert!(text(&["--help"]).contains("--max-ranges"));
    assert!(!text(&["-h"]).contains("--max-ranges"));
    let is_absent = |text: &str| ["redis", "tls", "workers"].map(|name| !text.contains(name));
    assert_eq!(is_absent(&manual), [true; 3]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = text(&["completions", shell]);
        assert!(script.contains("max-body"), "{shell}");
        assert_eq!(is_absent(&script), [true; 3], "{shell}");
    }
}
