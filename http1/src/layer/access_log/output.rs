//! Where the lines go, which may fail for a while, as a full disk does.

use std::io::{self, Write};
use std::mem;

/// The output, and what it did not take.
#[derive(Debug)]
pub(super) struct Output<W> {
    out: W,
    /// Its last line has no end.
    is_torn: bool,
    /// Whether it has been told that it fails.
    is_failing: bool,
    /// Lines since it began to fail.
    n_lost: u64,
}

impl<W: Write> Output<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            is_torn: false,
            is_failing: false,
            n_lost: 0,
        }
    }

    /// Writes whole lines, or counts those that are lost. A failure is told at its begin and at its
    /// end, not with each line.
    pub(super) fn write(&mut self, lines: &[u8]) {
        let mut rest = lines;
        match self.write_from(&mut rest) {
            Ok(()) => {
                self.is_failing = false;
                self.tell_lost();
            }
            Err(error) => {
                if !mem::replace(&mut self.is_failing, true) {
                    tracing::warn!("access log: its output fails, lines are lost ({error})");
                }
                let n_lost = rest.iter().filter(|byte| **byte == b'\n').count();
                self.n_lost += n_lost as u64;
            }
        }
    }

    /// Tells how many lines were lost since the last time, if any.
    pub(super) fn tell_lost(&mut self) {
        let n_lost = mem::take(&mut self.n_lost);
        if n_lost > 0 {
            tracing::warn!("access log: {n_lost} lines were lost, its output has failed");
        }
    }

    fn write_from(&mut self, rest: &mut &[u8]) -> io::Result<()> {
        if self.is_torn {
            // The next line must not look like the end of the torn one.
            self.out.write_all(b"\n")?;
            self.is_torn = false;
        }
        while !rest.is_empty() {
            match self.out.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.is_torn = rest[n - 1] != b'\n';
                    *rest = &rest[n..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes as many bytes as there is room for.
    #[derive(Default)]
    struct Disk {
        written: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let n = bytes.len().min(self.room - self.written.len());
            if n == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.written.extend_from_slice(&bytes[..n]);
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[track_caller]
    fn check(room: usize, n_lost: u64, then: &str) {
        let mut output = Output::new(Disk::default());
        output.out.room = room;
        output.write(b"first\nsecond\n");
        output.write(b"third\n");
        assert_eq!(output.n_lost, n_lost);
        output.out.room = 100;
        output.write(b"fourth\n");
        assert_eq!(output.n_lost, 0);
        assert_eq!(String::from_utf8_lossy(&output.out.written), then);
    }

    #[test]
    fn a_line_that_a_full_disk_tears_has_an_end_before_the_next() {
        check(0, 3, "fourth\n");
        check(3, 3, "fir\nfourth\n");
        check(6, 2, "first\nfourth\n");
        check(8, 2, "first\nse\nfourth\n");
        check(13, 1, "first\nsecond\nfourth\n");
        check(19, 0, "first\nsecond\nthird\nfourth\n");
    }
}
