//! The line that says where the server is reached, once it is.

use std::collections::BTreeSet;

use astatine_reactor::Address;

/// Returns the line, without its end.
pub(crate) fn line(what: &str, addresses: &[Address]) -> String {
    // One name can stand for an IPv4 and an IPv6 address.
    let mut seen = BTreeSet::new();
    let urls: Vec<String> = addresses
        .iter()
        .map(url)
        .filter(|url| seen.insert(url.clone()))
        .collect();
    format!("Serving {what} at {}", urls.join(" and "))
}

/// Returns what a client on this machine can use.
fn url(address: &Address) -> String {
    match address {
        Address::Tcp(socket) if socket.ip().is_unspecified() => {
            format!("http://localhost:{}/", socket.port())
        }
        Address::Tcp(socket) => format!("http://{socket}/"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(addresses: &[&str], expected: &str) {
        let address = |text: &&str| match text.parse() {
            Ok(socket) => Address::Tcp(socket),
            Err(_) => Address::Unix(Some(text.into())),
        };
        let addresses: Vec<Address> = addresses.iter().map(address).collect();
        let line = line("public", &addresses);
        assert_eq!(line, format!("Serving public at {expected}"));
    }

    #[test]
    fn every_interface_is_told_as_localhost_once() {
        check(&["0.0.0.0:3000", "[::]:3000"], "http://localhost:3000/");
    }

    #[test]
    fn each_address_is_told() {
        let expected = "http://127.0.0.1:80/ and http://[::1]:80/ and unix:/run/a.sock";
        check(&["127.0.0.1:80", "[::1]:80", "/run/a.sock"], expected);
    }
}
