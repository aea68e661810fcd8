//! The `date` field, formatted once for all responses of a thread in the same half second.

use std::cell::Cell;
use std::io::Write;
use std::time::{Instant, SystemTime};

use crate::proto::{DATE_FIELD_LEN, DateField};

#[derive(Clone, Copy)]
struct Cached {
    at: Option<Instant>,
    field: DateField,
}

thread_local! {
    static CACHED: Cell<Cached> =
        const { Cell::new(Cached { at: None, field: [0; DATE_FIELD_LEN] }) };
}

/// Returns the field (RFC 9110 §6.6.1). `now` is the connection's idea of the time, which stands
/// still between two sweeps: the clock is read only when it has moved on.
#[inline]
pub(super) fn field(now: Instant) -> DateField {
    let cached = CACHED.get();
    if cached.at.is_some_and(|at| now <= at) {
        cached.field
    } else {
        format(now)
    }
}

#[cold]
fn format(now: Instant) -> DateField {
    #[expect(clippy::disallowed_methods, reason = "a date is read off the clock")]
    let date = httpdate::HttpDate::from(SystemTime::now());
    let mut field = [0; DATE_FIELD_LEN];
    write!(&mut field[..], "date: {date}\r\n").expect("a date has 29 bytes");
    let at = Some(now);
    CACHED.set(Cached { at, field });
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_full_and_reads_back() {
        let now = tokio::time::Instant::now().into_std();
        let field = field(now);
        let text = std::str::from_utf8(&field).expect("ASCII");
        let date = text
            .strip_prefix("date: ")
            .and_then(|rest| rest.strip_suffix("\r\n"));
        assert!(httpdate::parse_http_date(date.expect("a date field")).is_ok());
    }
}
