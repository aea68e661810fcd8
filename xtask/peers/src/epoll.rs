//! One epoll loop over a listener and its connections, for the servers that are a limit.

use std::io;
use std::net::{TcpListener, TcpStream};

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use slab::Slab;

const LISTENER: u64 = u64::MAX;

/// What is done with connections.
pub trait Serve {
    /// What is known of one; its stream at least.
    type Connection: From<TcpStream>;

    /// What is waited for on each.
    const FLAGS: EventFlags;

    /// Serves a connection on which this has happened; one that fails is closed.
    ///
    /// # Errors
    ///
    /// The connection is of no more use.
    fn serve(
        &mut self,
        connections: &mut Slab<Self::Connection>,
        index: usize,
        flags: EventFlags,
    ) -> io::Result<()>;

    /// Goes on with those that need no event, and tells whether there will be more of them.
    fn go_on(&mut self, _connections: &mut Slab<Self::Connection>) -> bool {
        false
    }
}

/// Serves at the first argument.
///
/// # Errors
///
/// The address cannot be listened at, or the kernel has failed.
pub fn serve_epoll<S: Serve>(mut server: S) -> io::Result<()> {
    let address = super::address();
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    println!("ready {address}");
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    let data = EventData::new_u64(LISTENER);
    epoll::add(&epoll, &listener, data, EventFlags::IN)?;
    let mut connections: Slab<S::Connection> = Slab::new();
    let mut events: Vec<Event> = Vec::with_capacity(1024);
    let at_once = Timespec::default();
    let mut is_busy = false;
    loop {
        events.clear();
        let spare = rustix::buffer::spare_capacity(&mut events);
        match epoll::wait(&epoll, spare, is_busy.then_some(&at_once)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            let (data, flags) = (event.data, event.flags);
            if data.u64() == LISTENER {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                let entry = connections.vacant_entry();
                let data = EventData::new_u64(entry.key() as u64);
                epoll::add(&epoll, &stream, data, S::FLAGS)?;
                entry.insert(stream.into());
                continue;
            }
            let index = data.u64() as usize;
            // Another connection's event may have closed it.
            if connections.contains(index) && server.serve(&mut connections, index, flags).is_err()
            {
                connections.try_remove(index);
            }
        }
        is_busy = server.go_on(&mut connections);
    }
}
