//! The `date` field, formatted once for all responses of a thread in the same half second.

use std::cell::RefCell;
use std::io::Write;
use std::time::{Instant, SystemTime};

use crate::proto::{DATE_FIELD_LEN, DateField};

struct Cached {
    at: Option<Instant>,
    field: DateField,
}

thread_local! {
    static CACHED: RefCell<Cached> =
        const { RefCell::new(Cached { at: None, field: [0; DATE_FIELD_LEN] }) };
}

/// Lends the field (RFC 9110 §6.6.1). `now` is the connection's idea of the time, which stands
/// still between two sweeps: the clock is read only when it has moved on.
pub(super) fn with_field<T>(now: Instant, lend: impl FnOnce(&DateField) -> T) -> T {
    CACHED.with_borrow_mut(|cached| {
        if cached.at.is_none_or(|at| now > at) {
            cached.at = Some(now);
            #[expect(clippy::disallowed_methods, reason = "a date is read off the clock")]
            let date = httpdate::HttpDate::from(SystemTime::now());
            let mut rest = &mut cached.field[..];
            write!(rest, "date: {date}\r\n").expect("a date has 29 bytes");
        }
        lend(&cached.field)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_full_and_reads_back() {
        let now = tokio::time::Instant::now().into_std();
        let field = with_field(now, |field| *field);
        let text = std::str::from_utf8(&field).expect("ASCII");
        let date = text
            .strip_prefix("date: ")
            .and_then(|rest| rest.strip_suffix("\r\n"));
        assert!(httpdate::parse_http_date(date.expect("a date field")).is_ok());
    }
}
