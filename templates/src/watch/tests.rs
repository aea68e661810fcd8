//! A load waits for every file that is being written.

use super::*;
use notify::event::{DataChange, RemoveKind, RenameMode};

fn event(kind: EventKind, path: &str) -> notify::Result<Event> {
    Ok(Event::new(kind).add_path(path.into()))
}

const CREATED: EventKind = EventKind::Create(CreateKind::File);
const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));
const RENAMED: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::To));
const REMOVED: EventKind = EventKind::Remove(RemoveKind::File);

#[test]
fn a_load_is_due_when_the_last_file_is_closed() {
    let steps = [
        (CREATED, "a", false),
        (WRITTEN, "a", false),
        (WRITTEN, "b", false),
        (CLOSED, "a", false),
        (RENAMED, "c", false),
        (CLOSED, "b", true),
        (REMOVED, "a", true),
    ];
    let mut changes = Changes::default();
    for (kind, path, is_due) in steps {
        changes.take(event(kind, path));
        let is_due_now = changes.is_any && changes.being_written.is_empty();
        assert_eq!(is_due_now, is_due, "{kind:?} {path}");
    }
}

#[test]
fn who_reads_a_file_changes_nothing() {
    let mut changes = Changes::default();
    changes.take(event(
        EventKind::Access(AccessKind::Close(AccessMode::Read)),
        "a",
    ));
    assert!(!changes.is_any);
}
