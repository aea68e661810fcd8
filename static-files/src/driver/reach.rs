//! How far an operation may go for its data.

/// How far an operation may go for its data.
///
/// Every look-up is first tried on the connection's thread with what memory holds; only when
/// that does not do is it repeated on a thread that may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Only to what the kernel or we hold in memory; anything else is `WouldBlock`.
    Memory,
    /// To the disk.
    Disk,
}
