//! A service that answers by a script, and remembers what it was asked.

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::{Request, Response};
use tokio::time::Instant;
use tower::Service;

use crate::pieces::Pieces;

/// What becomes of a request.
pub(crate) enum Answer {
    Response(Box<Response<Pieces>>),
    Refused,
    /// No request is taken any more.
    Unready,
}

impl From<Response<Pieces>> for Answer {
    fn from(response: Response<Pieces>) -> Self {
        Self::Response(Box::new(response))
    }
}

/// A request as it came, and when.
pub(crate) type Asked = (Instant, Request<String>);

#[derive(Clone)]
pub(crate) struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self {
            answers: Arc::new(Mutex::new(answers.into_iter().collect())),
            asked: Arc::default(),
        }
    }

    /// Returns what was asked since the last call.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Service<Request<String>> for Script {
    type Response = Response<Pieces>;
    type Error = &'static str;
    type Future = Ready<Result<Response<Pieces>, &'static str>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(match self.answers.lock().unwrap().front() {
            Some(Answer::Unready) => Err("unready"),
            Some(Answer::Response(_) | Answer::Refused) | None => Ok(()),
        })
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        self.asked.lock().unwrap().push((Instant::now(), request));
        ready(match self.answers.lock().unwrap().pop_front() {
            Some(Answer::Response(response)) => Ok(*response),
            Some(Answer::Refused | Answer::Unready) | None => Err("refused"),
        })
    }
}
