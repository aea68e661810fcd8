//! A server on a thread of its own, for one test.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;

use astatine_reactor::{Address, Phase, Server, Shutdown};

/// A server that runs; dropped, it is cut.
pub(crate) struct Running {
    pub(crate) addresses: Vec<Address>,
    pub(crate) shutdown: Shutdown,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    /// Starts the server and waits until it is ready.
    pub(crate) fn start(server: Server) -> Self {
        let shutdown = server.shutdown_token();
        let (tell, ready) = sync_channel(1);
        let server = server
            .on_ready(move |addresses| tell.send(addresses.to_vec()).expect("the test waits"));
        let thread = std::thread::spawn(move || server.run());
        Self {
            addresses: ready.recv().expect("the server comes up"),
            shutdown,
            thread: Some(thread),
        }
    }

    /// Returns the first address, which is TCP.
    pub(crate) fn tcp(&self) -> SocketAddr {
        match &self.addresses[0] {
            Address::Tcp(address) => *address,
            other => panic!("{other} is not TCP"),
        }
    }

    /// Waits for the server's end and returns its result.
    pub(crate) fn join(mut self) -> io::Result<()> {
        let thread = self.thread.take().expect("joined once");
        thread.join().expect("the server does not panic")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.advance(Phase::Cut);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
