//! LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES, and the sockets that they speak of.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::net::UnixStream;

use astatine_reactor::{
    Address, Bind, BindError, Config, Inherited, InheritedError, Listener, Server,
};

use crate::peers::{echo, ping};
use crate::running::Running;

const OWN: u32 = 42;

fn parse(values: [Option<&str>; 3]) -> Result<Vec<(String, i32)>, InheritedError> {
    let [pid, fds, names] = values;
    let inherited = Inherited::parse(OWN, pid, fds, names)?;
    Ok(inherited
        .sockets()
        .map(|(name, number)| (name.to_owned(), number))
        .collect())
}

fn sockets(expected: &[(&str, i32)]) -> Result<Vec<(String, i32)>, InheritedError> {
    Ok(expected
        .iter()
        .map(|(name, number)| ((*name).to_owned(), *number))
        .collect())
}

#[test]
fn listen_fds_are_parsed_as_systemd_writes_them() {
    let names = |n_names, n_sockets| Err(InheritedError::Names { n_names, n_sockets });
    let cases = [
        ([None, None, None], sockets(&[])),
        ([None, Some("1"), None], sockets(&[])),
        ([Some("42"), None, None], sockets(&[])),
        ([Some("42"), Some("0"), Some("")], sockets(&[])),
        ([Some("7"), Some("2"), None], sockets(&[])),
        (
            [Some("42"), Some("2"), None],
            sockets(&[("unknown", 3), ("unknown", 4)]),
        ),
        (
            [Some("42"), Some("3"), Some("web:admin:web")],
            sockets(&[("web", 3), ("admin", 4), ("web", 5)]),
        ),
        (
            [Some("42"), Some("2"), Some(":admin")],
            sockets(&[("unknown", 3), ("admin", 4)]),
        ),
        ([Some("x"), Some("1"), None], Err(InheritedError::Pid)),
        ([Some("42"), Some("-1"), None], Err(InheritedError::Count)),
        ([Some("42"), Some("x"), None], Err(InheritedError::Count)),
        ([Some("42"), Some("1"), Some("a:b")], names(2, 1)),
        ([Some("42"), Some("2"), Some("a")], names(1, 2)),
    ];
    for (values, expected) in cases {
        assert_eq!(parse(values), expected, "{values:?}");
    }
}

#[test]
fn an_inherited_tcp_socket_is_served_by_all_threads() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let server = Server::new(Config::default())
        .listen(Bind::InheritedNumber(socket.into_raw_fd()), || {
            tower::service_fn(echo)
        });
    let running = Running::start(server);
    assert_eq!(running.addresses, [Address::Tcp(address)]);
    for _ in 0..8 {
        ping(&mut TcpStream::connect(address).unwrap());
    }
}

#[test]
fn an_inherited_unix_socket_is_served_and_its_file_is_left_to_its_owner() {
    let folder = crate::peers::Folder::new();
    let path = folder.join("inherited.sock");
    let socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let server = Server::new(Config::default())
        .listen(Bind::InheritedNumber(socket.as_raw_fd()), || {
            tower::service_fn(echo)
        });
    let running = Running::start(server);
    assert_eq!(running.addresses, [Address::Unix(Some(path.clone()))]);
    ping(&mut UnixStream::connect(&path).unwrap());
    running.shutdown.advance(astatine_reactor::Phase::Draining);
    running.join().unwrap();
    assert!(path.exists());
}

#[test]
fn what_does_not_listen_or_is_not_open_is_refused() {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let number = udp.as_raw_fd();
    let error =
        Listener::bind(&Bind::InheritedNumber(number), &Inherited::default(), 16).unwrap_err();
    assert!(matches!(error, BindError::NotListening(n) if n == number));
    let error =
        Listener::bind(&Bind::InheritedNumber(999_999), &Inherited::default(), 16).unwrap_err();
    assert_eq!(error.to_string(), "cannot listen on fd:999999");
    let missing = Bind::InheritedName("web".into());
    let error = Listener::bind(&missing, &Inherited::default(), 16).unwrap_err();
    assert!(matches!(error, BindError::NoSuchName(name) if name == "web"));
}
