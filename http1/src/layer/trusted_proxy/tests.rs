//! What is believed of the fields, from whom.

use std::convert::Infallible;

use astatine_reactor::{Address, Network, PeerInfo};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use tower_layer::Layer;
use tower_service::Service;

use super::{Field, Forwarded, NodeName, TrustedProxyLayer};

fn networks() -> [Network; 3] {
    ["10.0.0.0/8", "2001:db8::/32", "unix"].map(|text| text.parse().unwrap())
}

/// Reads the fields as the layer does for a peer, and tells `for`, its port, `proto` and `host`.
fn believed(field: Field, peer: Address, lines: &[(&str, &str)]) -> Option<String> {
    let peer = PeerInfo::new(peer, Address::Unnamed);
    read(&TrustedProxyLayer::new(field, networks(), &peer), lines)
}

/// Reads the fields of a proxy that writes more of them than `X-Forwarded-For`.
fn believed_by(
    lines: &[(&str, &str)],
    writes: impl FnOnce(TrustedProxyLayer) -> TrustedProxyLayer,
) -> Option<String> {
    let peer = PeerInfo::new(proxy(), Address::Unnamed);
    let layer = TrustedProxyLayer::new(Field::XForwarded, networks(), &peer);
    read(&writes(layer), lines)
}

fn read(layer: &TrustedProxyLayer, lines: &[(&str, &str)]) -> Option<String> {
    let seen = tower::service_fn(|request: Request<()>| {
        std::future::ready(Ok::<_, Infallible>(
            request.extensions().get::<Forwarded>().map(told),
        ))
    });
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    let mut request = Request::new(());
    *request.headers_mut() = headers;
    let answer = layer.layer(seen).call(request);
    answer.into_inner().unwrap()
}

fn told(forwarded: &Forwarded) -> String {
    let Forwarded {
        for_node,
        by_node,
        proto,
        host,
    } = forwarded;
    let mut text = for_node.name.to_string();
    if let Some(port) = for_node.port {
        text.push_str(&format!(" port {port}"));
    }
    if let Some(by) = by_node {
        text.push_str(&format!(" by {}", by.name));
    }
    if let Some(proto) = proto {
        text.push_str(&format!(" over {proto}"));
    }
    if let Some(host) = host {
        text.push_str(&format!(" at {host}"));
    }
    text
}

fn proxy() -> Address {
    Address::Tcp(([10, 0, 0, 9], 4000).into())
}

#[track_caller]
fn check_forwarded(lines: &[&str], expected: &str) {
    let lines: Vec<_> = lines.iter().map(|line| ("forwarded", *line)).collect();
    let told = believed(Field::Forwarded, proxy(), &lines);
    assert_eq!(told.as_deref(), Some(expected), "{lines:?}");
}

#[track_caller]
fn check_x_forwarded(lines: &[(&str, &str)], expected: &str) {
    let told = believed_by(lines, |layer| layer.x_forwarded_proto().x_forwarded_host());
    assert_eq!(told.as_deref(), Some(expected), "{lines:?}");
}

mod rfc7239 {
    use super::*;

    #[test]
    fn each_parameter_is_read() {
        check_forwarded(
            &["for=192.0.2.60;proto=https;by=203.0.113.43;host=\"example.com:8080\""],
            "192.0.2.60 by 203.0.113.43 over https at example.com:8080",
        );
        check_forwarded(&["For=192.0.2.60;PROTO=http"], "192.0.2.60 over http");
        check_forwarded(
            &["host=example.com;extra=1;for=192.0.2.60"],
            "192.0.2.60 at example.com",
        );
        check_forwarded(&[";for=192.0.2.60;;"], "192.0.2.60");
    }

    #[test]
    fn nodes_have_the_forms_of_section_6() {
        check_forwarded(&[r#"for="192.0.2.43:47011""#], "192.0.2.43 port 47011");
        check_forwarded(&[r#"for="[2001:db9:cafe::17]""#], "2001:db9:cafe::17");
        check_forwarded(
            &[r#"for="[2001:db9:cafe::17]:4711""#],
            "2001:db9:cafe::17 port 4711",
        );
        check_forwarded(&["for=_gazonk"], "_gazonk");
        check_forwarded(&[r#"for="_SEVKISEK:_x""#], "_SEVKISEK");
        check_forwarded(&[r#"for="unknown:80""#], "unknown port 80");
        check_forwarded(&["for=UNKNOWN"], "unknown");
        check_forwarded(&[r#"for="[::ffff:192.0.2.1]""#], "192.0.2.1");
    }

    #[test]
    fn nodes_of_no_form_are_unknown() {
        for node in [
            "2001:db9:cafe::17",
            "[2001:db9:cafe::17",
            "[192.0.2.1]",
            "[2001:db9::1]80",
            "192.0.2.1:",
            "192.0.2.1:+80",
            "192.0.2.1:65536",
            "192.0.2.1:80:80",
            "192.0.2.01",
            "_",
            "_a/b",
            "_a\u{e9}",
            "example.com",
            "",
        ] {
            check_forwarded(&[&format!("for=\"{node}\"")], "unknown");
        }
        check_forwarded(&["proto=https"], "unknown over https");
    }

    #[test]
    fn quoted_strings_may_have_escapes_and_separators() {
        check_forwarded(&[r#"for="192\.0.2\.60""#], "192.0.2.60");
        check_forwarded(&[r#"for=192.0.2.60;a="x, for=1.1.1.1;\"""#], "192.0.2.60");
        check_forwarded(
            &["for=192.0.2.60;proto=\"https\" "],
            "192.0.2.60 over https",
        );
    }

    #[test]
    fn the_walk_stops_at_the_first_hop_that_is_not_trusted() {
        check_forwarded(&["for=1.1.1.1, for=192.0.2.60, for=10.1.1.1"], "192.0.2.60");
        check_forwarded(
            &["for=1.1.1.1, for=192.0.2.60", "for=10.1.1.1"],
            "192.0.2.60",
        );
        check_forwarded(
            &[r#"for=1.1.1.1,for=_x;proto=https , for="[2001:db8::1]";proto=http"#],
            "_x over https",
        );
        check_forwarded(
            &["for=1.1.1.1, proto=http, for=10.1.1.1"],
            "unknown over http",
        );
    }

    #[test]
    fn where_all_hops_are_trusted_the_first_is_the_client() {
        check_forwarded(
            &["for=10.2.2.2;proto=https, for=10.1.1.1"],
            "10.2.2.2 over https",
        );
    }

    #[test]
    fn a_broken_line_hides_what_is_left_of_it_and_nothing_right_of_it() {
        for broken in [
            "for=1.1.1.1;x=\"",
            "for=1.1.1.1;x=\"\\",
            "for=1.1.1.1 x",
            "for=1.1.1.1;x",
            "for=1.1.1.1;x=",
            "for=1.1.1.1;for=1.1.1.2",
            "for=1.1.1.1;x=a\"b\"",
            "for=1.1.1.1;x=\"a\"b",
            "for=1.1.1.1:80",
            "for = 1.1.1.1",
            "=1.1.1.1",
            "for=1.1.1.1;\u{e9}=1",
        ] {
            check_forwarded(&[broken], "unknown");
            check_forwarded(&[broken, "for=192.0.2.60"], "192.0.2.60");
            check_forwarded(&[broken, "for=10.1.1.1"], "unknown");
            // A proxy that appends to the client's own line cannot be made to say something else.
            check_forwarded(&[&format!("{broken}, for=10.1.1.1")], "unknown");
        }
    }

    #[test]
    fn a_host_or_scheme_of_no_form_tells_nothing() {
        for pair in [
            "host=\"a b\"",
            "host=\"u@h\"",
            "host=\"\"",
            "host=\":80\"",
            "proto=\"a/b\"",
            "proto=\"\"",
            "proto=\"1a\"",
        ] {
            check_forwarded(&[&format!("for=192.0.2.60;{pair}")], "192.0.2.60");
        }
    }
}

mod x_forwarded {
    use super::*;

    const FOR: &str = "x-forwarded-for";
    const PROTO: &str = "x-forwarded-proto";
    const HOST: &str = "x-forwarded-host";

    #[test]
    fn one_hop_is_the_client() {
        check_x_forwarded(&[(FOR, "192.0.2.60")], "192.0.2.60");
        check_x_forwarded(
            &[(FOR, "192.0.2.60"), (PROTO, "https"), (HOST, "example.com")],
            "192.0.2.60 over https at example.com",
        );
    }

    #[test]
    fn addresses_come_with_and_without_port_and_brackets() {
        check_x_forwarded(&[(FOR, "192.0.2.60:8080")], "192.0.2.60 port 8080");
        check_x_forwarded(&[(FOR, "2001:db9::1")], "2001:db9::1");
        check_x_forwarded(&[(FOR, "[2001:db9::1]")], "2001:db9::1");
        check_x_forwarded(&[(FOR, "[2001:db9::1]:80")], "2001:db9::1 port 80");
        check_x_forwarded(&[(FOR, "::ffff:192.0.2.1")], "192.0.2.1");
    }

    #[test]
    fn the_walk_stops_at_the_first_hop_that_is_not_trusted() {
        check_x_forwarded(&[(FOR, "1.1.1.1, 192.0.2.60,10.1.1.1")], "192.0.2.60");
        check_x_forwarded(
            &[(FOR, "1.1.1.1"), (FOR, "192.0.2.60, 10.1.1.1")],
            "192.0.2.60",
        );
        check_x_forwarded(
            &[(FOR, "1.1.1.1, 192.0.2.60, ::ffff:10.1.1.1, ,")],
            "192.0.2.60",
        );
        check_x_forwarded(&[(FOR, "1.1.1.1, nonsense, 10.1.1.1")], "unknown");
        check_x_forwarded(&[(FOR, "1.1.1.1, unknown")], "unknown");
        check_x_forwarded(&[(FOR, "10.2.2.2, 10.1.1.1")], "10.2.2.2");
    }

    #[test]
    fn scheme_and_host_are_the_last_of_their_lists_whatever_hop_is_the_client() {
        let hops = (FOR, "1.1.1.1, 192.0.2.60, 10.1.1.1");
        check_x_forwarded(
            &[hops, (PROTO, "gopher, http, https")],
            "192.0.2.60 over https",
        );
        check_x_forwarded(
            &[hops, (PROTO, "http"), (PROTO, "https")],
            "192.0.2.60 over https",
        );
        // The edge appends its host, the proxy behind it only its hop.
        check_x_forwarded(
            &[
                (FOR, "192.0.2.60, 10.1.1.1"),
                (HOST, "forged.example, example.com"),
            ],
            "192.0.2.60 at example.com",
        );
    }

    #[test]
    fn a_proxy_that_appends_nothing_has_not_said_what_stands_before() {
        let hop = (FOR, "192.0.2.60");
        check_x_forwarded(&[hop, (HOST, "forged.example,")], "192.0.2.60");
        check_x_forwarded(&[hop, (HOST, "forged.example"), (HOST, "")], "192.0.2.60");
        check_x_forwarded(&[hop, (PROTO, "https, ")], "192.0.2.60");
    }

    #[test]
    fn scheme_and_host_are_not_believed_unless_the_proxies_write_them() {
        let lines = [
            (FOR, "192.0.2.60"),
            (PROTO, "https"),
            (HOST, "forged.example"),
        ];
        let told = believed(Field::XForwarded, proxy(), &lines);
        assert_eq!(told.as_deref(), Some("192.0.2.60"));
        let told = believed_by(&lines, TrustedProxyLayer::x_forwarded_proto);
        assert_eq!(told.as_deref(), Some("192.0.2.60 over https"));
        let told = believed_by(&lines, TrustedProxyLayer::x_forwarded_host);
        assert_eq!(told.as_deref(), Some("192.0.2.60 at forged.example"));
    }
}

#[test]
fn a_peer_that_is_not_listed_is_not_believed() {
    for peer in [
        Address::Tcp(([192, 0, 2, 9], 1).into()),
        Address::Tcp("[::ffff:11.0.0.1]:1".parse().unwrap()),
        Address::Unnamed,
    ] {
        let lines = [("x-forwarded-for", "192.0.2.60")];
        assert_eq!(believed(Field::XForwarded, peer.clone(), &lines), None);
        let lines = [("forwarded", "for=192.0.2.60")];
        assert_eq!(believed(Field::Forwarded, peer, &lines), None);
    }
}

#[test]
fn listed_peers_are_believed_over_unix_sockets_and_in_ipv6_s_clothes() {
    for peer in [
        Address::Unix(None),
        Address::Tcp("[::ffff:10.0.0.1]:1".parse().unwrap()),
        Address::Tcp("[2001:db8::1]:1".parse().unwrap()),
    ] {
        let told = believed(
            Field::XForwarded,
            peer,
            &[("x-forwarded-for", "192.0.2.60")],
        );
        assert_eq!(told.as_deref(), Some("192.0.2.60"));
    }
}

#[test]
fn only_the_fields_that_were_chosen_are_believed() {
    let lines = [("forwarded", "for=1.1.1.1"), ("x-forwarded-for", "2.2.2.2")];
    let told = |field| believed(field, proxy(), &lines);
    assert_eq!(told(Field::Forwarded).as_deref(), Some("1.1.1.1"));
    assert_eq!(told(Field::XForwarded).as_deref(), Some("2.2.2.2"));
}

#[test]
fn a_request_without_the_fields_has_no_forwarded() {
    let proto = [("x-forwarded-proto", "https")];
    assert_eq!(believed(Field::XForwarded, proxy(), &proto), None);
    assert_eq!(believed(Field::Forwarded, proxy(), &[]), None);
}

#[test]
fn an_obfuscated_name_is_kept_as_it_is() {
    let node = super::node::Node::read(b"_hidden.1-2");
    let name = node.map(|node| node.name);
    assert_eq!(name, Some(NodeName::Obfuscated("_hidden.1-2".into())));
}
