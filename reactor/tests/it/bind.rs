//! What to listen on, and the errors that name it.

use std::net::TcpStream;
use std::num::NonZeroUsize;

use astatine_reactor::{
    Address, Bind, BindError, BindParseError, Config, Inherited, Listener, Server,
};

use crate::peers::echo;
use crate::running::Running;

fn tcp(text: &str) -> Bind {
    Bind::Tcp(text.parse().expect("an address"))
}

fn host(name: &str, port: u16) -> Bind {
    Bind::Host {
        name: name.into(),
        port,
    }
}

fn unix(path: &str, mode: u32) -> Bind {
    Bind::Unix {
        path: path.into(),
        mode,
    }
}

#[test]
fn every_spelling_is_parsed_or_refused_with_its_reason() {
    let cases = [
        ("3000", Ok(Bind::Port(3000))),
        (":3000", Ok(Bind::Port(3000))),
        ("0", Ok(Bind::Port(0))),
        ("127.0.0.1:3000", Ok(tcp("127.0.0.1:3000"))),
        ("[::1]:3000", Ok(tcp("[::1]:3000"))),
        ("[::]:0", Ok(tcp("[::]:0"))),
        ("localhost:3000", Ok(host("localhost", 3000))),
        ("a.example:80", Ok(host("a.example", 80))),
        ("unix:/run/a.sock", Ok(unix("/run/a.sock", 0o660))),
        ("unix:a:b", Ok(unix("a:b", 0o660))),
        ("unix:/run/a.sock?mode=0600", Ok(unix("/run/a.sock", 0o600))),
        ("unix:/run/a.sock?mode=777", Ok(unix("/run/a.sock", 0o777))),
        ("fd:3", Ok(Bind::InheritedNumber(3))),
        ("fd:web", Ok(Bind::InheritedName("web".into()))),
        ("", Err(BindParseError::Port)),
        (":", Err(BindParseError::Port)),
        ("+80", Err(BindParseError::Port)),
        ("-80", Err(BindParseError::Port)),
        ("65536", Err(BindParseError::Port)),
        ("localhost", Err(BindParseError::Port)),
        ("localhost:", Err(BindParseError::Port)),
        ("::1:3000", Err(BindParseError::Host)),
        ("[::1:3000", Err(BindParseError::Host)),
        ("http://localhost:80", Err(BindParseError::Host)),
        ("unix:", Err(BindParseError::Path)),
        ("unix:?mode=600", Err(BindParseError::Path)),
        ("unix:/a?mode=888", Err(BindParseError::Mode)),
        ("unix:/a?mode=1777", Err(BindParseError::Mode)),
        ("unix:/a?mode=", Err(BindParseError::Mode)),
        ("fd:", Err(BindParseError::Descriptor)),
        ("fd:99999999999", Err(BindParseError::Descriptor)),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse::<Bind>(), expected, "{text:?}");
    }
}

#[test]
fn a_port_in_use_is_an_error_that_names_the_address_even_with_reuseport_at_both_ends() {
    let two = NonZeroUsize::new(2).unwrap();
    let first = Server::new(Config::default())
        .threads(two)
        .listen("127.0.0.1:0".parse().unwrap(), || tower::service_fn(echo));
    let first = Running::start(first);
    let error = Server::new(Config::default())
        .threads(two)
        .listen(first.tcp().into(), || tower::service_fn(echo))
        .run()
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert!(
        error.to_string().contains(&first.tcp().to_string()),
        "{error}"
    );
    let cause = std::error::Error::source(&error).expect("the cause is kept");
    assert!(cause.to_string().contains("in use"), "{cause}");
}

#[test]
fn a_port_is_open_to_ipv4_and_the_client_is_named_by_its_ipv4_address() {
    let server = Server::new(Config::default()).listen("0".parse().unwrap(), || {
        tower::service_fn(|mut connection: astatine_reactor::Connection| async move {
            let line = format!("{}\n{}", connection.peer.remote, connection.peer.local);
            tokio::io::AsyncWriteExt::write_all(&mut connection.io, line.as_bytes()).await
        })
    });
    let running = Running::start(server);
    let mut stream = TcpStream::connect(("127.0.0.1", running.tcp().port())).unwrap();
    let ends = std::io::read_to_string(&mut stream).unwrap();
    let expected = format!(
        "{}\n{}",
        stream.local_addr().unwrap(),
        stream.peer_addr().unwrap()
    );
    assert_eq!(ends, expected);
}

#[test]
fn a_name_is_listened_on_at_each_of_its_addresses_with_one_port() {
    let listeners = Listener::bind(&host("localhost", 0), &Inherited::default(), 16).unwrap();
    let mut ports: Vec<u16> = listeners
        .iter()
        .map(|listener| match listener.address() {
            Address::Tcp(address) => {
                assert!(address.ip().is_loopback());
                address.port()
            }
            other => panic!("{other} is not TCP"),
        })
        .collect();
    ports.dedup();
    assert_eq!(ports.len(), 1);
    assert_ne!(ports[0], 0);
}

#[test]
fn a_name_without_an_address_is_named_in_the_error() {
    let error =
        Listener::bind(&host("nowhere.invalid", 80), &Inherited::default(), 16).unwrap_err();
    assert!(matches!(error, BindError::Resolve { .. }), "{error:?}");
    assert!(error.to_string().contains("nowhere.invalid"), "{error}");
}
