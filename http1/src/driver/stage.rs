//! Where the service's future and its response's body lie while they are needed: in a box that the
//! thread keeps, so that an idle connection holds no room for them and a busy one allocates none.

use std::any::Any;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame};
use pin_project_lite::pin_project;

/// The stage of one connection; it holds a box from the first call of a turn on, until it is given
/// back empty.
pub(super) struct Stage<F, B>(Option<Pin<Box<Actors<F, B>>>>);

pin_project! {
    struct Actors<F, B> {
        #[pin]
        future: Option<F>,
        #[pin]
        body: Option<B>,
    }
}

type NextFrame<B> = Result<Frame<<B as Body>::Data>, <B as Body>::Error>;

/// The boxes that a thread keeps, at most one of each type: an `Option<Pin<Box<Actors<F, B>>>>` behind
/// each entry. A thread serves few types of services.
pub(crate) type SpareStages = Vec<Box<dyn Any>>;

impl<F: 'static, B: 'static> Stage<F, B> {
    pub(super) fn new() -> Self {
        Self(None)
    }

    /// Takes a box, before there is something to put into it.
    #[inline(always)]
    pub(super) fn open(&mut self, spare: &mut SpareStages) {
        if self.0.is_none() {
            self.0 = Some(Self::take_box(spare));
        }
    }

    /// Takes the future that will answer.
    ///
    /// # Panics
    ///
    /// The stage is not open.
    // Both are large: out of line they would be copied once more on their way.
    #[inline(always)]
    pub(super) fn set_future(&mut self, future: F) {
        let actors = self.0.as_mut().expect("a stage that is open");
        actors.as_mut().project().future.set(Some(future));
    }

    /// Lets the future work.
    ///
    /// # Panics
    ///
    /// There is none.
    #[inline(always)]
    pub(super) fn poll_future(&mut self, cx: &mut Context<'_>) -> Poll<F::Output>
    where
        F: Future,
    {
        let actors = self.0.as_mut().expect("a service that was called");
        let future = actors.as_mut().project().future.as_pin_mut();
        future.expect("a service that has not answered").poll(cx)
    }

    /// Takes the body of the answer in the future's stead.
    #[inline(always)]
    pub(super) fn set_body(&mut self, body: B) {
        let actors = self.0.as_mut().expect("the future has made the body here");
        let mut actors = actors.as_mut().project();
        actors.future.set(None);
        actors.body.set(Some(body));
    }

    /// Asks the body for more; ready with `None` without one.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<NextFrame<B>>>
    where
        B: Body,
    {
        let actors = self.0.as_mut().map(|actors| actors.as_mut().project());
        match actors.and_then(|actors| actors.body.as_pin_mut()) {
            Some(body) => body.poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    /// Drops both.
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        if let Some(actors) = &mut self.0 {
            let mut actors = actors.as_mut().project();
            // Looked at first: the way to what drops a future is no short one.
            if actors.future.is_some() {
                actors.future.set(None);
            }
            actors.body.set(None);
        }
    }

    /// Gives the box back to the thread; nothing may be on the stage.
    #[inline(always)]
    pub(super) fn give_back(&mut self, spare: &mut SpareStages) {
        if let Some(actors) = self.0.take() {
            match entry(spare) {
                Some(entry) => *entry = Some(actors),
                None => spare.push(Box::new(Some(actors))),
            }
        }
    }

    #[inline(always)]
    fn take_box(spare: &mut SpareStages) -> Pin<Box<Actors<F, B>>> {
        let kept = entry(spare).and_then(Option::take);
        kept.unwrap_or_else(|| {
            Box::pin(Actors {
                future: None,
                body: None,
            })
        })
    }
}

fn entry<T: 'static>(kept: &mut [Box<dyn Any>]) -> Option<&mut Option<T>> {
    kept.iter_mut().find_map(|any| any.downcast_mut())
}

#[cfg(test)]
mod tests {
    use std::future::Ready;

    use bytes::Bytes;
    use http_body_util::Full;

    use super::*;

    #[test]
    fn a_box_is_used_again_for_its_types() {
        let address = |stage: &Stage<Ready<u8>, Full<Bytes>>| {
            stage.0.as_ref().map(|actors| &raw const **actors as usize)
        };
        let mut first = Stage::new();
        let mut spare = SpareStages::new();
        first.open(&mut spare);
        first.set_future(std::future::ready(1));
        let lent = address(&first);
        first.clear();
        first.give_back(&mut spare);
        let mut other = Stage::<Ready<u16>, Full<Bytes>>::new();
        other.open(&mut spare);
        other.set_future(std::future::ready(2));
        let mut second = Stage::new();
        second.open(&mut spare);
        second.set_future(std::future::ready(3));
        assert_eq!(address(&second), lent);
    }
}
