//! The time of a log line, formatted at most once a second.

use std::io::Write;

use super::Format;

/// The text of the second that was asked for last.
#[derive(Debug, Default)]
pub(super) struct Stamp {
    /// `u64` seconds since 1970, none before the first use.
    second: Option<u64>,
    text: Vec<u8>,
}

impl Stamp {
    /// Returns the text for a second since the start of 1970, in UTC: `21/Nov/2026:11:22:33 +0000`
    /// in the text formats, `2026-11-21T11:22:33Z` in JSON.
    pub(super) fn at(&mut self, second: u64, format: Format) -> &[u8] {
        if self.second != Some(second) {
            self.second = Some(second);
            self.text.clear();
            let (year, month, day) = civil(second / 86_400);
            let (h, m, s) = (second / 3600 % 24, second / 60 % 60, second % 60);
            let written = match format {
                Format::Common | Format::Combined => {
                    let month = MONTHS[month - 1];
                    write!(
                        self.text,
                        "{day:02}/{month}/{year:04}:{h:02}:{m:02}:{s:02} +0000"
                    )
                }
                Format::Json => write!(
                    self.text,
                    "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z"
                ),
            };
            written.expect("a vector takes every write");
        }
        &self.text
    }
}

/// Returns year, month (1 to 12) and day of the month for a number of days since the start of
/// 1970.
///
/// The year is taken to begin in March, so that the leap day is its last, and the 400 years of
/// the Gregorian cycle are 146,097 days.
fn civil(days: u64) -> (u64, usize, u64) {
    // From the first of March of the year 0 on.
    let days = days + 719_468;
    let (cycle, day_of_cycle) = (days / 146_097, days % 146_097);
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524
        - day_of_cycle / 146_096)
        / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    // March to January have 153 days in each five months.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let is_next_year = month_from_march >= 10;
    let month = if is_next_year {
        month_from_march - 9
    } else {
        month_from_march + 3
    };
    let year = 400 * cycle + year_of_cycle + u64::from(is_next_year);
    (year, usize::try_from(month).unwrap_or(1), day)
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(second: u64, common: &str, json: &str) {
        let text = |format| String::from_utf8(Stamp::default().at(second, format).to_vec());
        assert_eq!(text(Format::Common).as_deref(), Ok(common));
        assert_eq!(text(Format::Combined).as_deref(), Ok(common));
        assert_eq!(text(Format::Json).as_deref(), Ok(json));
    }

    #[test]
    fn days_of_the_calendar_are_right() {
        check(0, "01/Jan/1970:00:00:00 +0000", "1970-01-01T00:00:00Z");
        check(
            951_782_399,
            "28/Feb/2000:23:59:59 +0000",
            "2000-02-28T23:59:59Z",
        );
        check(
            951_782_400,
            "29/Feb/2000:00:00:00 +0000",
            "2000-02-29T00:00:00Z",
        );
        check(
            951_868_800,
            "01/Mar/2000:00:00:00 +0000",
            "2000-03-01T00:00:00Z",
        );
        check(
            1_735_689_599,
            "31/Dec/2024:23:59:59 +0000",
            "2024-12-31T23:59:59Z",
        );
        check(
            1_735_689_600,
            "01/Jan/2025:00:00:00 +0000",
            "2025-01-01T00:00:00Z",
        );
        check(
            4_107_542_400,
            "01/Mar/2100:00:00:00 +0000",
            "2100-03-01T00:00:00Z",
        );
        check(
            4_107_542_399,
            "28/Feb/2100:23:59:59 +0000",
            "2100-02-28T23:59:59Z",
        );
    }

    #[test]
    fn every_day_of_a_cycle_follows_the_day_before_it() {
        let mut before = civil(0);
        for day in 1..=146_097 {
            let now = civil(day);
            let is_next_day = now.0 == before.0 && now.1 == before.1 && now.2 == before.2 + 1;
            let is_next_month = now.0 == before.0 && now.1 == before.1 + 1 && now.2 == 1;
            let is_next_year = now.0 == before.0 + 1 && before.1 == 12 && now.1 == 1;
            assert!(
                is_next_day || is_next_month || (is_next_year && now.2 == 1),
                "{now:?}"
            );
            before = now;
        }
        assert_eq!(before, (2370, 1, 1));
    }

    #[test]
    fn the_text_changes_with_the_second_and_not_before() {
        let mut stamp = Stamp::default();
        let first = stamp.at(59, Format::Json).as_ptr();
        assert_eq!(stamp.at(59, Format::Json).as_ptr(), first);
        assert_eq!(stamp.at(60, Format::Json), b"1970-01-01T00:01:00Z");
    }
}
