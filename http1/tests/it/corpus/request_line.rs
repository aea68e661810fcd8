//! RFC 9112 §3: the request line, the forms of its target, and Host.

use astatine_http1::Violation::{Host, RequestLine, RequestLineTooLong, RequestTarget};
use astatine_http1::{Config, Fragments};

use super::request::{Requests, host, line, raw, target};

pub(super) fn add(requests: &mut Requests) {
    request_line(requests);
    method(requests);
    good_hosts(requests);
    bad_hosts(requests);
    origin_form(requests);
    fragments_left_out(requests);
    absolute_form(requests);
    authority_form(requests);
    asterisk_form(requests);
}

fn request_line(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §3";
    requests.refused(
        SECTION,
        RequestLine,
        line,
        &[
            ("two spaces behind the method", b"GET  / HTTP/1.1"),
            ("two spaces before the version", b"GET /  HTTP/1.1"),
            ("a space at the end", b"GET / HTTP/1.1 "),
            ("a tab behind the method", b"GET\t/ HTTP/1.1"),
            ("a tab before the version", b"GET /\tHTTP/1.1"),
            ("a vertical tab", b"GET\x0b/ HTTP/1.1"),
            ("a form feed", b"GET /\x0cHTTP/1.1"),
            ("a no-break space", b"GET\xa0/ HTTP/1.1"),
            ("a space inside the target", b"GET /a b HTTP/1.1"),
            ("no target", b"GET HTTP/1.1"),
            ("an empty target", b"GET  HTTP/1.1"),
            ("no space before the version", b"GET /HTTP/1.1"),
            ("a method alone", b"GET"),
            ("no method", b"/ HTTP/1.1"),
        ],
    );
    let long = |n: usize| [b"/", &b"a".repeat(n - 1)[..]].concat();
    requests.refused(
        SECTION,
        RequestLineTooLong,
        target,
        &[
            ("a target longer than the server wishes for", &long(8200)),
            ("a target that is much longer", &long(40_000)),
        ],
    );
    requests.served(
        SECTION,
        target,
        &[(
            "8000 octets, which all should bear",
            &long(8000 - 13),
            &["GET /aaaaaaaaaaaaaaa..."],
        )],
    );
    requests.refused(
        SECTION,
        RequestLineTooLong,
        raw,
        &[("a method without end", &b"A".repeat(9000))],
    );
}

fn method(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §3.1";
    requests.served(
        SECTION,
        line,
        &[
            ("HEAD", b"HEAD / HTTP/1.1", &["HEAD /"]),
            ("POST without a body", b"POST / HTTP/1.1", &["POST /"]),
            ("PUT", b"PUT /a HTTP/1.1", &["PUT /a"]),
            ("DELETE", b"DELETE /a HTTP/1.1", &["DELETE /a"]),
            ("TRACE", b"TRACE / HTTP/1.1", &["TRACE /"]),
            ("PATCH", b"PATCH / HTTP/1.1", &["PATCH /"]),
            ("an extension", b"PROPFIND /a HTTP/1.1", &["PROPFIND /a"]),
            (
                "lower case, which is another method",
                b"get / HTTP/1.1",
                &["get /"],
            ),
            ("one letter", b"X / HTTP/1.1", &["X /"]),
            (
                "every octet of a token",
                b"!#$%&'*+-.^_`|~09azAZ / HTTP/1.1",
                &["!#$%&'*+-.^_`|~09azAZ /"],
            ),
        ],
    );
    requests.refused(
        SECTION,
        RequestLine,
        line,
        &[
            ("a parenthesis", b"GE(T / HTTP/1.1"),
            ("a colon", b"GET: / HTTP/1.1"),
            ("a slash", b"GE/T / HTTP/1.1"),
            ("a quote", b"\"GET\" / HTTP/1.1"),
            ("a bracket", b"[GET] / HTTP/1.1"),
            ("a brace", b"{GET} / HTTP/1.1"),
            ("a comma", b"GET,POST / HTTP/1.1"),
            ("a semicolon", b"GET; / HTTP/1.1"),
            ("an equals sign", b"GET= / HTTP/1.1"),
            ("an at sign", b"GET@ / HTTP/1.1"),
            ("a question mark", b"GET? / HTTP/1.1"),
            ("an angle bracket", b"<GET> / HTTP/1.1"),
            ("a backslash", b"GE\\T / HTTP/1.1"),
            ("a NUL", b"GE\0T / HTTP/1.1"),
            ("a control", b"GE\x1bT / HTTP/1.1"),
            ("DEL", b"GE\x7fT / HTTP/1.1"),
            ("an octet beyond ASCII", b"G\xcbT / HTTP/1.1"),
        ],
    );
}

fn good_hosts(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §3.2";
    requests.served(
        SECTION,
        host,
        &[
            ("a name", b"h", &["GET /"]),
            (
                "none, for a target without authority",
                b"",
                &["GET / {host: }"],
            ),
            ("white space around it", b" \th\t ", &["GET /"]),
            ("a port", b"a.b:8080", &["GET / {host: a.b:8080}"]),
            ("an empty port", b"a:", &["GET / {host: a:}"]),
            ("the last port", b"a:65535", &["GET / {host: a:65535}"]),
            (
                "a port with zeros before it",
                b"a:00080",
                &["GET / {host: a:00080}"],
            ),
            (
                "an address",
                b"127.0.0.1:80",
                &["GET / {host: 127.0.0.1:80}"],
            ),
            (
                "an address of IPv6",
                b"[::1]:80",
                &["GET / {host: [::1]:80}"],
            ),
            (
                "an address of IPv6 that ends in one of IPv4",
                b"[::ffff:1.2.3.4]",
                &["GET / {host: [::ffff:1.2.3.4]}"],
            ),
            (
                "a whole address of IPv6",
                b"[1:22:333:4444:a:Bb:cCc:dDdD]",
                &["GET / {host: [1:22:333:4444:a:Bb:cCc:dDdD]}"],
            ),
            ("no address of IPv6", b"[::]", &["GET / {host: [::]}"]),
            (
                "an address of IPv6 cut short",
                b"[1::8]",
                &["GET / {host: [1::8]}"],
            ),
            (
                "a whole address of IPv6 that ends in one of IPv4",
                b"[1:2:3:4:5:6:255.249.10.0]",
                &["GET / {host: [1:2:3:4:5:6:255.249.10.0]}"],
            ),
            ("an underscore", b"a_b.c", &["GET / {host: a_b.c}"]),
            (
                "an escape at the end, and a port",
                b"a%2D:80",
                &["GET / {host: a%2D:80}"],
            ),
            ("upper case", b"EXAMPLE.com", &["GET / {host: EXAMPLE.com}"]),
            ("a final dot", b"a.b.", &["GET / {host: a.b.}"]),
            ("escapes", b"a%2db", &["GET / {host: a%2db}"]),
        ],
    );
    requests.served(
        SECTION,
        raw,
        &[
            (
                "a name in lower case",
                b"GET / HTTP/1.1\r\nhost: h\r\n\r\n",
                &["GET /"],
            ),
            (
                "a name in upper case",
                b"GET / HTTP/1.1\r\nHOST:h\r\n\r\n",
                &["GET /"],
            ),
            (
                "behind other fields",
                b"GET / HTTP/1.1\r\nX: a\r\nHost: h\r\n\r\n",
                &["GET /"],
            ),
        ],
    );
    requests.last(
        SECTION,
        raw,
        &[("none in HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n", &["GET /"])],
    );
}

fn bad_hosts(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §3.2";
    requests.refused(
        SECTION,
        Host,
        raw,
        &[
            ("none", b"GET / HTTP/1.1\r\n\r\n"),
            (
                "none beside an absolute target",
                b"GET http://h/ HTTP/1.1\r\n\r\n",
            ),
            ("none of OPTIONS *", b"OPTIONS * HTTP/1.1\r\n\r\n"),
            ("none of CONNECT", b"CONNECT h:443 HTTP/1.1\r\n\r\n"),
            (
                "two in HTTP/1.0",
                b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
            ),
            (
                "a bad one in HTTP/1.0",
                b"GET / HTTP/1.0\r\nHost: a b\r\n\r\n",
            ),
            (
                "two beside an absolute target",
                b"GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
            ),
            (
                "a bad one beside an absolute target",
                b"GET http://h/ HTTP/1.1\r\nHost: a b\r\n\r\n",
            ),
        ],
    );
    requests.refused(
        SECTION,
        Host,
        host,
        &[
            ("two", b"a\r\nHost: b"),
            ("two that are the same", b"a\r\nHost: a"),
            ("two with other fields between", b"a\r\nX: y\r\nHost: b"),
            ("two, spelled otherwise", b"a\r\nhOST: b"),
            ("two, the first empty", b"\r\nHost: b"),
            ("two, the second empty", b"a\r\nHost: "),
            ("three", b"a\r\nHost: a\r\nHost: a"),
            ("a list", b"a, b"),
            ("a list without a space", b"a,b"),
            ("a space inside", b"a b"),
            ("a tab inside", b"a\tb"),
            ("a slash", b"a/b"),
            ("a path", b"a/"),
            ("a scheme", b"http://a"),
            ("userinfo", b"u@h"),
            ("userinfo with a password", b"u:p@h"),
            ("a port alone", b":80"),
            ("a colon alone", b":"),
            ("a port of letters", b"h:x"),
            ("a port with a sign", b"h:+80"),
            ("a port with a minus", b"h:-1"),
            ("a port that is none", b"h:123456"),
            ("a port beyond the last", b"h:65536"),
            ("two ports", b"h:80:80"),
            ("a space before the port", b"h: 80"),
            ("an address of IPv6 without brackets", b"::1"),
            ("an open bracket", b"[::1"),
            ("a closing bracket", b"::1]"),
            ("an escape without digits", b"a%"),
            ("an escape with one digit", b"a%4"),
            ("an escape with other letters", b"a%zz"),
            ("an escape before the port", b"a%:80"),
            ("a colon in brackets", b"[:]"),
            ("too few groups", b"[1:2]"),
            ("too many groups", b"[1:2:3:4:5:6:7:8:9]"),
            ("too many groups around the gap", b"[1:2:3:4::5:6:7:8]"),
            ("two gaps", b"[1::2::3]"),
            ("a gap of three colons", b"[1:::2]"),
            ("a group of five digits", b"[12345::]"),
            ("a group that is no number", b"[g::]"),
            ("a colon at the end", b"[1::2:]"),
            ("an address of IPv4 cut short", b"[::1.2.3]"),
            ("an address of IPv4 beyond its range", b"[::256.1.1.1]"),
            ("an address of IPv4 with a leading zero", b"[::01.2.3.4]"),
            ("an address of IPv4 before the gap", b"[1.2.3.4::]"),
            ("an address of IPv4 in the middle", b"[::1.2.3.4:5]"),
            ("an address of IPv4 in brackets", b"[1.2.3.4]"),
            ("a zone", b"[fe80::1%25eth0]"),
            ("a name in brackets", b"[x]"),
            ("nothing in brackets", b"[]"),
            ("something behind the bracket", b"[::1]x"),
            ("a query", b"h?"),
            ("a fragment", b"h#"),
            ("a backslash", b"h\\a"),
            ("a quote", b"\"h\""),
            ("an angle bracket", b"<h>"),
            ("a brace", b"{h}"),
            ("a bar", b"h|a"),
            ("a caret", b"h^"),
            ("a backtick", b"h`"),
            ("an octet beyond ASCII", b"h\xe4"),
            ("UTF-8", b"m\xc3\xbcnchen.de"),
        ],
    );
}

fn origin_form(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §3.2.1";
    requests.served(
        SECTION,
        target,
        &[
            ("a path", b"/a/b.c", &["GET /a/b.c"]),
            ("an empty query", b"/a?", &["GET /a?"]),
            ("a query", b"/a?b=c&d", &["GET /a?b=c&d"]),
            ("a question mark in the query", b"/a?b?c", &["GET /a?b?c"]),
            ("two slashes", b"//a", &["GET //a"]),
            ("what looks like userinfo", b"//u@h/a", &["GET //u@h/a"]),
            (
                "dot segments, which the service judges",
                b"/../a/./b",
                &["GET /../a/./b"],
            ),
            ("escapes", b"/a%20b%2F", &["GET /a%20b%2F"]),
            ("a plus", b"/a+b", &["GET /a+b"]),
            ("sub-delimiters", b"/!$&'()*+,;=:@", &["GET /!$&'()*+,;=:@"]),
            (
                "octets of a query that browsers do not escape",
                b"/?a={b|c}^`[]",
                &["GET /?a={b|c}^`[]"],
            ),
            ("a colon in the first segment", b"/a:b", &["GET /a:b"]),
            (
                "an absolute target inside",
                b"/http://h/",
                &["GET /http://h/"],
            ),
        ],
    );
    requests.refused(
        SECTION,
        RequestTarget,
        target,
        &[
            ("a fragment", b"/a#b"),
            ("a fragment behind a query", b"/a?b#c?d"),
            ("an empty fragment", b"/#"),
            (
                "a fragment that looks like a file that may be had",
                b"/admin#/static/x.png",
            ),
            ("a fragment alone", b"#a"),
            ("an angle bracket", b"/<a"),
            ("a closing angle bracket", b"/a>"),
            ("an angle bracket in the query", b"/?<a>"),
            ("a closing angle bracket in the query", b"/?a>"),
            ("a backtick in the path", b"/`a"),
            ("a quote in the query", b"/?\"a\""),
            ("no slash", b"a"),
            ("no slash, a path behind", b"a/b"),
            ("a query alone", b"?a"),
            ("dots", b"../a"),
            ("a NUL", b"/a\0"),
            ("a control", b"/a\x01"),
            ("an escape character", b"/\x1b[0m"),
            ("DEL", b"/\x7f"),
            ("an octet beyond ASCII", b"/\xe4"),
            ("UTF-8", b"/\xc3\xa4"),
            ("UTF-8 in the query", b"/?\xc3\xa4"),
        ],
    );
}

/// What a server that is told to leave fragments out does with them.
fn fragments_left_out(requests: &mut Requests) {
    requests.config.fragments = Fragments::LeftOut;
    const SECTION: &str = "RFC 9112 §3.2.1";
    requests.served(
        SECTION,
        target,
        &[
            (
                "a fragment, which names no other resource (RFC 3986 §3.5), left out",
                b"/a#b",
                &["GET /a"],
            ),
            ("left out behind a query", b"/a?b#c?d", &["GET /a?b"]),
            ("left out, an empty one", b"/#", &["GET /"]),
            ("left out with another inside", b"/a#b#c", &["GET /a"]),
        ],
    );
    requests.refused(
        SECTION,
        RequestTarget,
        target,
        &[
            ("no target but a fragment to be left out", b"#a"),
            ("a control in a fragment to be left out", b"/a#\x01"),
            ("DEL in a fragment to be left out", b"/a#\x7f"),
            ("an octet beyond ASCII in it", b"/a#\xe4"),
        ],
    );
    requests.served(
        "RFC 9112 §3.2.2",
        target,
        &[("a fragment left out", b"http://h/a#b", &["GET http://h/a"])],
    );
    requests.refused(
        "RFC 9112 §3.2.2",
        RequestTarget,
        target,
        &[
            ("a fragment in the authority", b"http://h#@other/"),
            ("a fragment behind the authority", b"http://h#/a"),
            (
                "a fragment behind a query without a path",
                b"http://h?a/b#c",
            ),
        ],
    );
    requests.refused(
        "RFC 9112 §3.2.3",
        RequestTarget,
        line,
        &[
            (
                "CONNECT with a fragment, others left out",
                b"CONNECT h:443# HTTP/1.1",
            ),
            (
                "CONNECT with origin-form and a fragment",
                b"CONNECT /# HTTP/1.1",
            ),
        ],
    );
    requests.config = Config::default();
}

fn absolute_form(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §3.2.2";
    requests.served(
        SECTION,
        target,
        &[
            ("a server takes it", b"http://h/a", &["GET http://h/a"]),
            (
                "a port",
                b"http://h:80/",
                &["GET http://h:80/ {host: h:80}"],
            ),
            ("another scheme", b"https://h/a", &["GET https://h/a"]),
            ("no path", b"http://h", &["GET http://h/"]),
            ("no path but a query", b"http://h?a", &["GET http://h/?a"]),
            ("upper case", b"HTTP://H/a", &["GET http://H/a {host: H}"]),
            (
                "its authority stands above Host",
                b"http://other:1/a",
                &["GET http://other:1/a {host: other:1}"],
            ),
            (
                "an address of IPv6",
                b"http://[::1]:8/",
                &["GET http://[::1]:8/ {host: [::1]:8}"],
            ),
        ],
    );
    requests.served(
        SECTION,
        raw,
        &[
            (
                "Host is empty",
                b"GET http://a/ HTTP/1.1\r\nHost: \r\n\r\n",
                &["GET http://a/ {host: a}"],
            ),
            (
                "OPTIONS",
                b"OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n",
                &["OPTIONS http://a/ {host: a}"],
            ),
        ],
    );
    requests.last(
        SECTION,
        raw,
        &[(
            "Host is not there, in HTTP/1.0",
            b"GET http://a/ HTTP/1.0\r\n\r\n",
            &["GET http://a/ {host: a}"],
        )],
    );
    requests.refused(
        SECTION,
        RequestTarget,
        target,
        &[
            ("a fragment", b"http://h/a#b"),
            ("another scheme", b"ftp://h/"),
            ("a scheme that no server has", b"x://h/"),
            ("a file", b"file:///etc/passwd"),
            ("a scheme without authority", b"http:/a"),
            ("a scheme alone", b"http:"),
            ("nothing behind the slashes", b"http://"),
            ("an empty host", b"http:///a"),
            ("a port without a host", b"http://:80/"),
            ("userinfo", b"http://u@h/"),
            ("userinfo with a password", b"http://u:p@h/"),
            ("an empty userinfo", b"http://@h/"),
            ("a port of letters", b"http://h:x/"),
            ("a port beyond the last", b"http://h:65536/"),
            ("an open bracket", b"http://[::1/"),
            ("a backslash", b"http:\\\\h\\a"),
            ("a backslash in the host", b"http://h\\a/"),
            ("a comma in the host", b"http://a,b/"),
            ("an octet beyond ASCII in the host", b"http://h\xe4/"),
        ],
    );
}

fn authority_form(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §3.2.3";
    requests.last(
        SECTION,
        line,
        &[
            (
                "CONNECT, with another protocol behind it",
                b"CONNECT h:443 HTTP/1.1",
                &["CONNECT h:443"],
            ),
            (
                "CONNECT to an address of IPv6",
                b"CONNECT [::1]:443 HTTP/1.1",
                &["CONNECT [::1]:443"],
            ),
        ],
    );
    requests.refused(
        SECTION,
        RequestTarget,
        line,
        &[
            ("of another method", b"GET h:443 HTTP/1.1"),
            ("of another method, a name alone", b"GET h HTTP/1.1"),
            ("CONNECT without a port", b"CONNECT h HTTP/1.1"),
            (
                "CONNECT with an empty port (RFC 9110 §9.3.6)",
                b"CONNECT h: HTTP/1.1",
            ),
            (
                "CONNECT with a port that is none (RFC 9110 §9.3.6)",
                b"CONNECT h:99999 HTTP/1.1",
            ),
            (
                "CONNECT with the port that is reserved (RFC 9110 §9.3.6)",
                b"CONNECT h:0 HTTP/1.1",
            ),
            (
                "CONNECT with a port of letters",
                b"CONNECT h:https HTTP/1.1",
            ),
            ("CONNECT without a host", b"CONNECT :443 HTTP/1.1"),
            ("CONNECT with userinfo", b"CONNECT u@h:443 HTTP/1.1"),
            ("CONNECT with a path", b"CONNECT h:443/ HTTP/1.1"),
            ("CONNECT with a query", b"CONNECT h:443?a HTTP/1.1"),
            ("CONNECT with a fragment", b"CONNECT h:443# HTTP/1.1"),
            ("CONNECT with origin-form", b"CONNECT / HTTP/1.1"),
            (
                "CONNECT with absolute-form",
                b"CONNECT http://h:80/ HTTP/1.1",
            ),
            ("CONNECT with asterisk-form", b"CONNECT * HTTP/1.1"),
        ],
    );
}

fn asterisk_form(requests: &mut Requests) {
    const SECTION: &str = "RFC 9112 §3.2.4";
    requests.served(
        SECTION,
        line,
        &[("OPTIONS", b"OPTIONS * HTTP/1.1", &["OPTIONS *"])],
    );
    requests.refused(
        SECTION,
        RequestTarget,
        line,
        &[
            ("GET", b"GET * HTTP/1.1"),
            ("POST", b"POST * HTTP/1.1"),
            (
                "lower-case options, which is another method",
                b"options * HTTP/1.1",
            ),
            ("a fragment behind it", b"OPTIONS *# HTTP/1.1"),
            ("two asterisks", b"OPTIONS ** HTTP/1.1"),
            ("something behind it", b"OPTIONS *a HTTP/1.1"),
            ("a query behind it", b"OPTIONS *?a HTTP/1.1"),
            ("a slash behind it", b"OPTIONS */ HTTP/1.1"),
        ],
    );
}
