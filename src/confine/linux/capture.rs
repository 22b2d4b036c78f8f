//! What a command writes, read into memory while it runs.
//!
//! In: a bound. Out: descriptors for the command, then the two streams. Not here: the command.
//!
//! A thread of its own reads both streams, so neither can fill up while the other is read. It ends when both are closed, or
//! when the command has ended: what the command left in the background may hold a stream open for as long as it likes.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::thread::JoinHandle;

use rustix::pipe::{PipeFlags, pipe_with};

use super::super::command::Captured;
use super::super::error::{ConfineError, Step};
use super::poll::wait_any;

/// The reader of a command's output. Dropping it ends the reader.
#[derive(Debug)]
pub(super) struct Capture {
    /// Closing it says that the command has ended.
    running: OwnedFd,
    reader: JoinHandle<io::Result<[Captured; 2]>>,
}

/// One of the two streams.
struct Stream {
    from: Option<OwnedFd>,
    kept: Captured,
}

impl Capture {
    /// Starts the reader. The descriptors are the command's, and are to be closed once it has them.
    pub(super) fn start(limit: usize) -> Result<(Capture, [OwnedFd; 3]), ConfineError> {
        Capture::begin(limit).map_err(failed)
    }

    fn begin(limit: usize) -> io::Result<(Capture, [OwnedFd; 3])> {
        let null = rustix::fs::open(
            "/dev/null",
            rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )?;
        let (output, to_output) = pipe_with(PipeFlags::CLOEXEC)?;
        let (error, to_error) = pipe_with(PipeFlags::CLOEXEC)?;
        let (ended, running) = pipe_with(PipeFlags::CLOEXEC)?;
        let streams = [output, error].map(|from| Stream { from: Some(from), kept: Captured::default() });
        let reader = std::thread::Builder::new().name("command output".into());
        let reader = reader.spawn(move || read(streams, &ended, limit))?;
        Ok((Capture { running, reader }, [null, to_output, to_error]))
    }

    /// Standard output and error, once the command has ended.
    pub(super) fn finish(self) -> Result<[Captured; 2], ConfineError> {
        drop(self.running);
        self.reader.join().unwrap_or_else(|_| Err(io::Error::other("the reader panicked"))).map_err(failed)
    }
}

fn failed(error: io::Error) -> ConfineError {
    ConfineError::new(Step::Descriptors, "captured output", error)
}

fn read(mut streams: [Stream; 2], ended: &OwnedFd, limit: usize) -> io::Result<[Captured; 2]> {
    let mut buffer = std::vec![0; 64 * 1024];
    while streams.iter().any(|stream| stream.from.is_some()) {
        let [output, error] = &streams;
        let polled = [output, error].map(|stream| stream.from.as_ref().map(AsFd::as_fd));
        let [output, error, over] = wait_any([polled[0], polled[1], Some(ended.as_fd())], None)?;
        for (stream, ready) in streams.iter_mut().zip([output, error]) {
            if over {
                stream.rest(&mut buffer, limit)?;
            } else if ready {
                stream.some(&mut buffer, limit)?;
            }
        }
    }
    Ok(streams.map(|stream| stream.kept))
}

impl Stream {
    /// Reads once; at the end of the stream it is closed.
    fn some(&mut self, buffer: &mut [u8], limit: usize) -> io::Result<usize> {
        let Some(from) = &self.from else { return Ok(0) };
        let count = match rustix::io::read(from, &mut *buffer) {
            Ok(count) => count,
            Err(rustix::io::Errno::INTR) => return Ok(0),
            Err(e) => return Err(e.into()),
        };
        if count == 0 {
            self.from = None;
        }
        let new = buffer.get(..count).unwrap_or_default();
        let room = limit.saturating_sub(self.kept.bytes.len()).min(count);
        self.kept.bytes.extend_from_slice(new.get(..room).unwrap_or_default());
        self.kept.omitted += (count - room) as u64;
        Ok(count)
    }

    /// Reads what is there now, and no more: others may go on writing.
    fn rest(&mut self, buffer: &mut [u8], limit: usize) -> io::Result<()> {
        let mut left = match &self.from {
            Some(from) => rustix::io::ioctl_fionread(from)?,
            None => 0,
        };
        while left > 0 && self.from.is_some() {
            let part = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let read = self.some(buffer.get_mut(..part).unwrap_or_default(), limit)?;
            left = left.saturating_sub(read as u64);
        }
        self.from = None;
        Ok(())
    }
}
