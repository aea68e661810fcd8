//! Boxes for what only an exchange under way needs, kept by the thread, so that an idle connection
//! holds no room for the service's future and a busy one allocates none.

use std::any::Any;
use std::cell::RefCell;
use std::pin::Pin;

thread_local! {
    /// At most one box of each type: `Option<Pin<Box<T>>>` behind each entry. A thread serves few
    /// types of services.
    static SPARE: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// Boxes a value, in the thread's box if it is there.
pub(super) fn boxed<T: 'static>(value: T) -> Pin<Box<T>> {
    let spare = SPARE.with_borrow_mut(|kept| {
        kept.iter_mut()
            .find_map(|any| any.downcast_mut::<Option<Pin<Box<T>>>>())?
            .take()
    });
    match spare {
        Some(mut place) => {
            place.set(value);
            place
        }
        None => Box::pin(value),
    }
}

/// Keeps a box for the thread's next exchange; what is in it should be cheap to hold.
pub(super) fn keep<T: 'static>(place: Pin<Box<T>>) {
    // At the end of a thread there is nobody left to keep it for.
    SPARE
        .try_with(|kept| {
            let mut kept = kept.borrow_mut();
            match kept
                .iter_mut()
                .find_map(|any| any.downcast_mut::<Option<Pin<Box<T>>>>())
            {
                Some(entry) => *entry = Some(place),
                None => kept.push(Box::new(Some(place))),
            }
        })
        .unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_box_is_used_again_for_its_type() {
        let place = boxed(1_u64);
        let address = &raw const *place;
        keep(place);
        assert_ne!(&raw const *boxed(1_i64) as usize, address as usize);
        let again = boxed(2_u64);
        assert_eq!((&raw const *again, *again), (address, 2));
    }
}
