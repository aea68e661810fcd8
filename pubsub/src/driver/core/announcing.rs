//! Joins and leaves, announced in the order in which they happened.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::RwLockWriteGuard;

use super::Core;
use crate::driver::config::Change;
use crate::driver::registry::Registry;
use crate::driver::sync::lock;

/// Changes that are still to be announced, in their order.
#[derive(Default)]
pub(super) struct Announcements {
    changes: VecDeque<Change>,
    /// Whether somebody is about to announce them.
    is_taken: bool,
}

impl Core {
    /// Tells others of a change of the registry, in the order of the changes.
    pub(super) fn settle(&self, changes: Vec<Change>, registry: RwLockWriteGuard<'_, Registry>) {
        let Some(announce) = &self.config.announce else {
            return;
        };
        let mut announcements = lock(&self.announcements);
        announcements.changes.extend(changes);
        drop(registry);
        if std::mem::replace(&mut announcements.is_taken, true) {
            return;
        }
        while let Some(change) = announcements.changes.pop_front() {
            drop(announcements);
            let made = catch_unwind(AssertUnwindSafe(|| announce(&change)));
            match made {
                Ok(Some((channel, message))) => {
                    self.count(|stats| stats.n_published = 1);
                    self.publish_here(&channel, message, None);
                }
                Ok(None) => {}
                Err(_) => self.count(|stats| stats.n_panics = 1),
            }
            announcements = lock(&self.announcements);
        }
        announcements.is_taken = false;
    }
}
