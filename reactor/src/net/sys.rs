//! The system calls that no safe interface covers, or that differ between the Unix systems.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use bytes::BytesMut;
use rustix::io::{Errno, FdFlags, fcntl_dupfd_cloexec, fcntl_setfd, retry_on_intr};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, SocketAddrAny, recv, send, sendmsg};
use tokio::io::ReadBuf;

use crate::FileRegion;

/// Receives into the unfilled part of the buffer, which is not zeroed before.
pub(super) fn receive(fd: impl AsFd, buf: &mut ReadBuf<'_>) -> Result<usize, Errno> {
    let fd = fd.as_fd();
    fill(buf, |unfilled| {
        recv(fd, unfilled, RecvFlags::empty()).map(|(_, n)| n)
    })
}

/// As [`receive`], behind what the buffer holds.
pub(super) fn receive_behind(fd: impl AsFd, buf: &mut BytesMut) -> Result<usize, Errno> {
    let fd = fd.as_fd();
    let n =
        retry_on_intr(|| recv(fd, buf.spare_capacity_mut(), RecvFlags::empty()).map(|(_, n)| n))?;
    // SAFETY: the kernel has written `n` bytes at the start of the spare part.
    unsafe { buf.set_len(buf.len() + n) };
    Ok(n)
}

/// Reads from what is no socket, as [`receive`] does.
pub(super) fn read(fd: impl AsFd, buf: &mut ReadBuf<'_>) -> Result<usize, Errno> {
    let fd = fd.as_fd();
    fill(buf, |unfilled| {
        rustix::io::read(fd, unfilled).map(|(filled, _)| filled.len())
    })
}

/// Fills the buffer by a call that says how many bytes it has written, from the first.
fn fill(
    buf: &mut ReadBuf<'_>,
    mut call: impl FnMut(&mut [MaybeUninit<u8>]) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    // SAFETY: the slice is handed to the calls above alone, which only ever write to it.
    let unfilled = unsafe { buf.unfilled_mut() };
    let n = retry_on_intr(|| call(&mut *unfilled))?;
    // SAFETY: the kernel has written `n` bytes at the start of the unfilled part.
    unsafe { buf.assume_init(n) };
    buf.advance(n);
    Ok(n)
}

/// Duplicates a descriptor that the process was started with, and keeps both from being inherited
/// further.
///
/// The inherited number itself stays open: it is not ours to close.
pub(super) fn duplicate_inherited(number: RawFd) -> Result<OwnedFd, Errno> {
    if number < 0 {
        return Err(Errno::BADF);
    }
    // SAFETY: not -1; the borrow ends with this function, which does no more than duplicate the
    // descriptor and mark it. Where the number is not open, the kernel says so.
    let inherited = unsafe { BorrowedFd::borrow_raw(number) };
    let duplicate = fcntl_dupfd_cloexec(inherited, 3)?;
    fcntl_setfd(inherited, FdFlags::CLOEXEC)?;
    Ok(duplicate)
}

/// Sends the buffers.
pub(super) fn send_vectored(fd: impl AsFd, bufs: &[IoSlice<'_>]) -> Result<usize, Errno> {
    send_buffers(fd, bufs, SEND)
}

/// Sends the buffers, telling the kernel that more follows.
pub(super) fn send_more(fd: impl AsFd, bufs: &[IoSlice<'_>]) -> Result<usize, Errno> {
    send_buffers(fd, bufs, MORE)
}

fn send_buffers(fd: impl AsFd, bufs: &[IoSlice<'_>], flags: SendFlags) -> Result<usize, Errno> {
    // The kernel has no header and no list of buffers to copy in.
    if let [buf] = bufs {
        return send(fd, buf, flags);
    }
    sendmsg(fd, bufs, &mut SendAncillaryBuffer::default(), flags)
}

/// The most buffers that one call takes: IOV_MAX of every system that is built for.
pub(super) const MAX_BUFFERS: usize = 1024;

#[cfg(any(target_os = "linux", target_os = "android"))]
const MORE: SendFlags = SendFlags::NOSIGNAL.union(SendFlags::MORE);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const MORE: SendFlags = SendFlags::empty();

/// The flags of a plain send: no SIGPIPE where the system lets a call say so.
#[cfg(not(target_vendor = "apple"))]
pub(super) const SEND: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
pub(super) const SEND: SendFlags = SendFlags::empty();

/// Sends at most `max` bytes of the region, from `offset` bytes behind its start.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn send_file(
    fd: impl AsFd,
    region: &FileRegion,
    offset: u64,
    max: usize,
) -> Result<usize, Errno> {
    let mut position = region.start().checked_add(offset).ok_or(Errno::INVAL)?;
    rustix::fs::sendfile(fd, region.file(), Some(&mut position), max)
}

/// Sends at most `max` bytes of the region, from `offset` bytes behind its start, through memory.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn send_file(
    fd: impl AsFd,
    region: &FileRegion,
    offset: u64,
    max: usize,
) -> Result<usize, Errno> {
    let position = region.start().checked_add(offset).ok_or(Errno::INVAL)?;
    let mut chunk = [0; 16 * 1024];
    let wanted = max.min(chunk.len());
    let n = rustix::io::pread(region.file(), &mut chunk[..wanted], position)?;
    if n == 0 {
        return Ok(0);
    }
    send(fd, &chunk[..n], SEND)
}

/// Accepts one connection as a non-blocking descriptor that children do not inherit.
#[cfg(not(target_vendor = "apple"))]
pub(super) fn accept(fd: BorrowedFd<'_>) -> Result<(OwnedFd, Option<SocketAddrAny>), Errno> {
    use rustix::net::SocketFlags;
    rustix::net::acceptfrom_with(fd, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)
}

/// Accepts one connection as a non-blocking descriptor that children do not inherit.
#[cfg(target_vendor = "apple")]
pub(super) fn accept(fd: BorrowedFd<'_>) -> Result<(OwnedFd, Option<SocketAddrAny>), Errno> {
    let (socket, remote) = rustix::net::acceptfrom(fd)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    Ok((socket, remote))
}

/// Makes an unconnected stream socket that children do not inherit.
#[cfg(not(target_vendor = "apple"))]
pub(super) fn stream_socket(family: rustix::net::AddressFamily) -> Result<OwnedFd, Errno> {
    use rustix::net::{SocketFlags, SocketType, socket_with};
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    socket_with(family, SocketType::STREAM, flags, None)
}

/// Makes an unconnected stream socket that children do not inherit.
#[cfg(target_vendor = "apple")]
pub(super) fn stream_socket(family: rustix::net::AddressFamily) -> Result<OwnedFd, Errno> {
    let socket = rustix::net::socket(family, rustix::net::SocketType::STREAM, None)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    Ok(socket)
}
