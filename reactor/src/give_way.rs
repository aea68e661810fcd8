//! The end of a turn: other connections first.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

use tokio::task::yield_now;

/// Has the task polled again, behind the others of its thread, those among them whose streams the
/// runtime has not looked at yet: a wake would put it before them dozens of times.
///
/// Inside a tokio runtime it is the runtime that polls again, so a task that calls this must not be
/// run there by another executor's `block_on`. Outside of one it is a wake.
pub fn give_way(cx: &mut Context<'_>) {
    let (Poll::Pending | Poll::Ready(())) = pin!(yield_now()).poll(cx);
}
