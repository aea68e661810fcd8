//! A change is told when every file is written.

use super::*;
use notify::event::{DataChange, Flag, RemoveKind, RenameMode};

fn event(kind: EventKind, name: &str) -> notify::Result<Event> {
    Ok(Event::new(kind).add_path(Path::new("/pages").join(name)))
}

fn changes() -> Changes {
    Changes::new("/pages".into())
}

const CREATED: EventKind = EventKind::Create(CreateKind::File);
const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));
const RENAMED: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::To));
const REMOVED: EventKind = EventKind::Remove(RemoveKind::File);

#[test]
fn a_change_settles_when_the_last_file_is_closed() {
    let steps = [
        (CREATED, "a", QUIET),
        (WRITTEN, "a", QUIET),
        (WRITTEN, "b", QUIET),
        (CLOSED, "a", QUIET),
        (RENAMED, "c", QUIET),
        (CLOSED, "b", SETTLED),
        (REMOVED, "a", SETTLED),
    ];
    let mut changes = changes();
    for (kind, name, wait) in steps {
        changes.take(event(kind, name));
        assert_eq!(changes.wait(), Some(wait), "{kind:?} {name}");
    }
}

#[test]
fn who_reads_a_file_changes_nothing() {
    let mut changes = changes();
    changes.take(event(
        EventKind::Access(AccessKind::Close(AccessMode::Read)),
        "a",
    ));
    assert_eq!(changes.wait(), None);
}

#[test]
fn files_of_an_editor_change_nothing() {
    let mut changes = changes();
    for name in [".a.swp", ".git/index", "a~", "#a#", "b/.#a"] {
        for kind in [CREATED, WRITTEN, CLOSED, RENAMED, REMOVED] {
            changes.take(event(kind, name));
        }
    }
    assert_eq!(changes.wait(), None);
}

#[test]
fn what_was_missed_may_be_a_change() {
    let missed = Event::new(EventKind::Other).set_flag(Flag::Rescan);
    for event in [Ok(missed), Err(notify::Error::generic("full"))] {
        let mut changes = changes();
        changes.take(event);
        assert_eq!(changes.wait(), Some(SETTLED));
    }
}

#[test]
fn steps_that_follow_each_other_are_one_change() {
    // What vim does to save a file: a trial, a backup, a new file.
    let steps = [
        (CREATED, "4913"),
        (CLOSED, "4913"),
        (REMOVED, "4913"),
        (RENAMED, "a"),
        (RENAMED, "a~"),
        (CREATED, "a"),
        (WRITTEN, "a"),
        (CLOSED, "a"),
        (REMOVED, "a~"),
    ];
    let (sender, events) = sync_channel(steps.len());
    for (kind, name) in steps {
        sender.send(event(kind, name)).expect("there is room");
    }
    let (mut sender, mut n_told) = (Some(sender), 0);
    follow("/pages".into(), &events, || {
        n_told += 1;
        // It ends when it has told all.
        drop(sender.take());
    });
    assert_eq!(n_told, 1);
}
