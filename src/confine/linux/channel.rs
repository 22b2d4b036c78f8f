//! Messages and descriptors over a local socket that keeps message boundaries.
//!
//! In: bytes and descriptors. Out: the same at the other end. Not here: what they mean.

use std::cell::RefCell;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::vec::Vec;

use rustix::fs::MemfdFlags;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

/// Descriptors that one message carries at most.
const MAX_FDS: usize = 8;
/// A message up to this size travels in the socket itself; a longer one in a memory file whose descriptor comes first.
const INLINE: usize = 32 * 1024;
/// No message is longer: argv and environment together are at most 2 MiB on Linux, the view is our own.
const LONGEST: usize = 64 << 20;

/// A pair of connected ends.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Sends one message with descriptors.
pub(super) fn send(socket: impl AsFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    if bytes.len() < INLINE {
        return send_raw(socket, 0, bytes, fds);
    }
    let memory = rustix::fs::memfd_create(c"execpolicy", MemfdFlags::CLOEXEC)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let written = rustix::io::write(&memory, rest)?;
        rest = rest.get(written..).unwrap_or_default();
    }
    let mut all = Vec::from([memory.as_fd()]);
    all.extend_from_slice(fds);
    send_raw(socket, 1, &[], &all)
}

fn send_raw(socket: impl AsFd, kind: u8, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
    }
    let kind = [kind];
    let parts = [IoSlice::new(&kind), IoSlice::new(bytes)];
    loop {
        match rustix::net::sendmsg(&socket, &parts, &mut ancillary, SendFlags::NOSIGNAL) {
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// Receives one message; `None` when the other end is closed.
pub(super) fn receive(socket: impl AsFd) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    // Kept for the next message: clearing it each time costs more than a short message does.
    BUFFER.with_borrow_mut(|buffer| {
        buffer.resize(INLINE + 1, 0);
        receive_into(&socket, &mut ancillary, buffer)
    })
}

std::thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn receive_into(
    socket: impl AsFd,
    ancillary: &mut RecvAncillaryBuffer<'_>,
    buffer: &mut [u8],
) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    let received = loop {
        let mut parts = [IoSliceMut::new(buffer)];
        match rustix::net::recvmsg(&socket, &mut parts, ancillary, RecvFlags::CMSG_CLOEXEC) {
            Ok(received) => break received,
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::CONNRESET) => return Ok(None),
            Err(e) => return Err(e.into()),
        }
    };
    let mut fds = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    if received.bytes == 0 {
        return Ok(None);
    }
    if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
    }
    match buffer.get(..received.bytes).and_then(<[u8]>::split_first) {
        Some((0, message)) => Ok(Some((message.to_vec(), fds))),
        Some((1, _)) if !fds.is_empty() => Ok(Some((read_memory(fds.remove(0))?, fds))),
        _ => Err(io::Error::from_raw_os_error(libc::EBADMSG)),
    }
}

fn read_memory(memory: OwnedFd) -> io::Result<Vec<u8>> {
    let length = usize::try_from(rustix::fs::fstat(&memory)?.st_size).unwrap_or(usize::MAX);
    if length > LONGEST {
        return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
    }
    let mut bytes = std::vec![0; length];
    let mut read = 0;
    while read < length {
        let Some(rest) = bytes.get_mut(read..) else { break };
        match rustix::io::pread(&memory, rest, read as u64)? {
            0 => return Err(io::Error::from_raw_os_error(libc::EBADMSG)),
            n => read += n,
        }
    }
    Ok(bytes)
}
