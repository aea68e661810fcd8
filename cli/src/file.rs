//! The configuration file: TOML, with the long option names as keys.

use std::fs;
use std::path::Path;

use crate::absent;
use crate::command_line::CommandLine;
use crate::failure::Failure;
use crate::options::Options;

/// Reads a file.
///
/// # Errors
///
/// It cannot be read, or a line of it is wrong; the failure names the line.
pub(crate) fn read(path: &Path) -> Result<Options, Failure> {
    let failure = |line, reason| Failure::Configuration {
        path: path.to_owned(),
        line,
        reason,
    };
    let unread = |error| failure(None, format!("cannot be read: {error}"));
    let text = fs::read_to_string(path).map_err(unread)?;
    parse(&text).map_err(|(line, reason)| failure(line, reason))
}

fn parse(text: &str) -> Result<Options, (Option<usize>, String)> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| line_of(text, span.start));
        (line, in_plain_words(error.message()))
    })
}

fn in_plain_words(message: &str) -> String {
    if let Some((unknown, keys)) = message
        .strip_prefix("unknown field `")
        .and_then(|message| message.split_once('`'))
    {
        if let Some(reason) = absent::reason(unknown) {
            return format!("unknown key `{unknown}`: {reason}");
        }
        let nearest = CommandLine::nearest_option(unknown);
        let nearest = nearest.filter(|key| keys.contains(&format!("`{key}`")));
        return match nearest {
            Some(key) => format!("unknown key `{unknown}`: did you mean `{key}`?"),
            None => format!("unknown key `{unknown}`: the keys are the long options of --help"),
        };
    }
    let wrong = message.split_once(", expected ");
    if let Some((value, kind)) = wrong.and_then(|(value, kind)| Some((value, plain(kind)?))) {
        return format!("{value}, expected {kind}");
    }
    // It may have a second line with a hint.
    message.replace('\n', "; ")
}

/// Returns what values a type has.
fn plain(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "i16" => "a number from -32768 to 32767",
        "u16" => "a number from 0 to 65535",
        "u32" => "a number from 0 to 4294967295",
        "usize" => "a number of 0 or more",
        "a nonzero u8" => "a number from 1 to 255",
        "a nonzero u16" => "a number from 1 to 65535",
        "a nonzero u32" => "a number from 1 to 4294967295",
        "a nonzero u64" | "a nonzero usize" => "a number of 1 or more",
        "a boolean" => "true or false",
        "a string" | "path string" => "a text in quotes",
        _ => return None,
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Sets each option to something else than its default.
    pub(crate) const EVERY_KEY: &str = r#"
www = "public"
templates = "templates"
watch = true
template-header = ["user-agent"]
port = 8080
bind = ["127.0.0.1", "unix:/run/a.sock?mode=600"]
unix-mode = "600"
threads = -2
access-log = true
log-format = "json"
request-id = true
trusted-proxy = ["10.0.0.0/8", "unix"]
forwarded-field = "forwarded"
proxy-protocol = ["::1"]
verbosity = 3
lame-duck = 6
shutdown-timeout = 7
pid = "a.pid"
demo = true
live = "/live"
live-history = 2
live-open = true
live-key = "key.pem"
live-secret = "secret"
live-cookie = "token"
live-origin = ["https://example.org"]
live-slow = "drop-oldest"
live-publish-rate = 3
live-max-name = 4
live-max-channels = 5
live-history-size = 6
live-history-age = 7
live-history-total = 8
live-history-channels = 9
live-handoff = 10
max-message = 11
max-frames = 12
ping = 13
max-outbox = 14
max-outboxes = 15
listing = true
spa = "index.html"
index = ["index.htm", "index.txt"]
dotfiles = true
max-age = 8
cache-control = ["*.css=max-age=60"]
immutable = false
gzip = false
gzip-min = 2
gzip-max = 3
max-ranges = 4
cache = 5
max-open-files = 6
max-stale = 7
max-blocking = 9
timeout = 2
max-body = 3
body-min-rate = 4
body-grace = 5
max-header = 4
max-header-line = 5
max-request-line = 6
max-headers = 7
fragments = "left-out"
request-timeout = 8
max-concurrent = 9
max-queued = 10
proxy-protocol-timeout = 11
keep-alive = 1
max-requests = 2
max-connections = 5
max-connections-per-address = 6
descriptor-reserve = 7
backlog = 8
write-stall-timeout = 9
drain-min-rate = 10
drain-grace = 11
"#;

    #[track_caller]
    fn refuses(text: &str, at: usize, reason: &str) {
        let (line, given) = parse(text).unwrap_err();
        assert_eq!(line, Some(at), "{given}");
        assert!(given.contains(reason), "{given}");
    }

    #[test]
    fn keys_are_the_long_option_names() {
        let options = parse(EVERY_KEY).unwrap();
        // Nothing is left open, so every option has a key.
        let dense = format!("{:?}", options.clone().or(Options::default()));
        assert!(!dense.contains("None") && !dense.contains("[]"), "{dense}");
        assert_eq!(options.keep_alive, Some(1));
        assert_eq!(options.shutdown_timeout, Some(7));
    }

    #[test]
    fn one_item_of_a_list_needs_no_brackets() {
        let listed = parse("bind = [\"::1\"]\nindex = [\"a\"]\ncache-control = [\"a=b\"]\n");
        let alone = parse("bind = \"::1\"\nindex = \"a\"\ncache-control = \"a=b\"\n");
        assert_eq!(listed.clone().map(|options| options.bind.len()), Ok(1));
        assert_eq!(alone, listed);
        refuses("port = 1\nbind = \"host:x\"\n", 2, "host:x");
        refuses("port = 1\nbind = 80\n", 2, "a text or a list");
    }

    #[test]
    fn an_empty_file_leaves_everything_open() {
        assert_eq!(parse("# nothing\n"), Ok(Options::default()));
    }

    #[test]
    fn a_wrong_line_is_named() {
        refuses("port = 1\nprot = 2\n", 2, "prot");
        refuses("\n\nport = \"x\"\n", 3, "invalid type");
        refuses("port = 70000\n", 1, "70000");
        refuses(
            "port = 1\nbind = [\n  \"::1\",\n  \"host:x\",\n]\n",
            2,
            "host:x",
        );
        refuses("verbosity = 6\n", 1, "0 to 5");
        refuses("unix-mode = \"9\"\n", 1, "octal");
        refuses("port = 1\nport = 2\n", 2, "duplicate");
        refuses("port =\n", 1, "");
        refuses("[server]\nport = 1\n", 1, "server");
    }
}
