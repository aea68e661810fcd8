//! The file of a Unix socket.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};

use astatine_reactor::{Bind, BindError, Config, Inherited, Listener, Phase, Server};

use crate::peers::{Folder, echo, ping};
use crate::running::Running;

fn bind(bind: &Bind) -> Result<Vec<Listener>, BindError> {
    Listener::bind(bind, &Inherited::default(), 0)
}

#[test]
fn a_stale_unix_socket_is_replaced() {
    let folder = Folder::new();
    let path = folder.join("a.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let _listener = bind(&Bind::unix(&path)).unwrap();
    UnixStream::connect(&path).unwrap();
}

#[test]
fn a_live_unix_socket_is_not_stolen() {
    let folder = Folder::new();
    let path = folder.join("a.sock");
    let live = UnixListener::bind(&path).unwrap();
    let error = bind(&Bind::unix(&path)).unwrap_err();
    assert!(matches!(error, BindError::Live(_)), "{error:?}");
    assert!(error.to_string().contains("a.sock"), "{error}");
    // The first in the queue is the probe, which is gone.
    UnixStream::connect(&path).unwrap();
    drop(live.accept().unwrap());
    drop(live.accept().unwrap());
}

#[test]
fn a_live_unix_socket_with_a_full_queue_is_not_stolen() {
    let folder = Folder::new();
    let path = folder.join("a.sock");
    let _live = bind(&Bind::unix(&path)).unwrap();
    let _queued = UnixStream::connect(&path).unwrap();
    let error = bind(&Bind::unix(&path)).unwrap_err();
    assert!(matches!(error, BindError::Live(_)), "{error:?}");
}

#[test]
fn a_regular_file_is_not_removed() {
    let folder = Folder::new();
    let path = folder.join("a.txt");
    std::fs::write(&path, "precious").unwrap();
    let error = bind(&Bind::unix(&path)).unwrap_err();
    assert!(matches!(error, BindError::FileInTheWay(_)), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn a_link_is_not_followed_nor_removed() {
    let folder = Folder::new();
    let dead = folder.join("dead.sock");
    drop(UnixListener::bind(&dead).unwrap());
    let link = folder.join("link.sock");
    symlink(&dead, &link).unwrap();
    let error = bind(&Bind::unix(&link)).unwrap_err();
    assert!(matches!(error, BindError::FileInTheWay(_)), "{error:?}");
    assert!(link.is_symlink() && dead.exists());
}

#[test]
fn the_mode_is_set_whatever_the_umask_takes_away() {
    let folder = Folder::new();
    for (text, expected) in [("", 0o660), ("?mode=600", 0o600), ("?mode=0777", 0o777)] {
        let path = folder.join(format!("{expected:o}.sock"));
        let spelled: Bind = format!("unix:{}{text}", path.display()).parse().unwrap();
        let _listener = bind(&spelled).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, expected);
    }
}

#[test]
fn the_file_is_unlinked_at_the_end_and_all_threads_served_it() {
    let folder = Folder::new();
    let path = folder.join("a.sock");
    let server =
        Server::new(Config::default()).listen(Bind::unix(&path), || tower::service_fn(echo));
    let running = Running::start(server);
    let mut streams: Vec<_> = (0..8)
        .map(|_| UnixStream::connect(&path).unwrap())
        .collect();
    streams.iter_mut().for_each(ping);
    drop(streams);
    running.shutdown.advance(Phase::Draining);
    running.join().unwrap();
    assert!(!path.exists());
}

#[test]
fn a_successors_file_is_not_unlinked() {
    let folder = Folder::new();
    let path = folder.join("a.sock");
    let first = bind(&Bind::unix(&path)).unwrap();
    std::fs::remove_file(&path).unwrap();
    let _second = bind(&Bind::unix(&path)).unwrap();
    drop(first);
    UnixStream::connect(&path).unwrap();
}

#[test]
fn a_path_that_is_too_long_or_in_no_folder_is_named_in_the_error() {
    for path in [
        "/nowhere/at/all/a.sock".to_owned(),
        format!("/tmp/{:0200}", 0),
    ] {
        let error = bind(&Bind::unix(&path)).unwrap_err();
        assert!(error.to_string().contains(&path), "{error}");
    }
}
