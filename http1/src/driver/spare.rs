//! Places for what only an exchange under way needs, kept by the thread, so that an idle connection
//! holds no room for the service's future and a busy one allocates none.

use std::any::Any;
use std::cell::RefCell;
use std::pin::Pin;

/// A place for a value that must not move, taken while it is needed.
pub(super) type Place<T> = Pin<Box<Option<T>>>;

thread_local! {
    /// At most one place of each type: an `Option<Place<T>>` behind each entry. A thread serves
    /// few types of services.
    static SPARE: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// Puts a value into the thread's place for its type, or into a new one.
pub(super) fn place<T: 'static>(value: T) -> Place<T> {
    let spare = SPARE.with_borrow_mut(|kept| entry(kept)?.take());
    match spare {
        Some(mut place) => {
            place.set(Some(value));
            place
        }
        None => Box::pin(Some(value)),
    }
}

/// Drops what is in the place and keeps it for the thread's next value of this type.
pub(super) fn clear<T: 'static>(mut place: Place<T>) {
    place.set(None);
    SPARE.with_borrow_mut(|kept| match entry(kept) {
        Some(entry) => *entry = Some(place),
        None => kept.push(Box::new(Some(place))),
    });
}

fn entry<T: 'static>(kept: &mut [Box<dyn Any>]) -> Option<&mut Option<Place<T>>> {
    kept.iter_mut().find_map(|any| any.downcast_mut())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_used_again_for_its_type() {
        let first = place(1_u64);
        let address = &raw const *first;
        clear(first);
        assert_ne!(&raw const *place(1_i64) as usize, address as usize);
        let again = place(2_u64);
        assert_eq!((&raw const *again, *again), (address, Some(2)));
    }
}
