//! Options that are set and do nothing, for want of an other.

use crate::listen::Listen;
use crate::options::Options;

/// Returns the options that are set and do nothing, each with what it needs.
pub(crate) fn options(set: &Options) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_unix = |listen: &Listen| matches!(listen, Listen::Unix { .. });
    let folder = ("PUBLIC_DIR", set.www.is_some());
    let templates = ("--templates", set.templates.is_some());
    let unix = ("--bind unix:PATH", set.bind.iter().any(is_unix));
    // Who turns the log off in so many words may leave its format.
    let log = ("--access-log", set.access_log.is_some());
    let proxies = ("--trusted-proxy", !set.trusted_proxy.is_empty());
    let headers = ("--proxy-protocol", !set.proxy_protocol.is_empty());
    let limit = ("--max-concurrent", set.max_concurrent.is_some());
    let hub = ("--live", set.live.is_some() || set.demo == Some(true));
    let history = ("--live-history", set.live_history > Some(0));
    let given = [
        (set.spa.is_some(), "--spa", folder),
        (set.listing == Some(true), "--listing", folder),
        (
            !set.template_header.is_empty(),
            "--template-header",
            templates,
        ),
        (set.unix_mode.is_some(), "--unix-mode", unix),
        (set.log_format.is_some(), "--log-format", log),
        (set.forwarded_field.is_some(), "--forwarded-field", proxies),
        (
            set.proxy_protocol_timeout.is_some(),
            "--proxy-protocol-timeout",
            headers,
        ),
        (set.max_queued > Some(0), "--max-queued", limit),
        (
            set.live_history_size.is_some(),
            "--live-history-size",
            history,
        ),
        (
            set.live_history_age.is_some(),
            "--live-history-age",
            history,
        ),
        (
            set.live_history_total.is_some(),
            "--live-history-total",
            history,
        ),
        (
            set.live_history_channels.is_some(),
            "--live-history-channels",
            history,
        ),
        // Iodine's -ping and -maxms may stand for nothing.
        (set.max_frames.is_some(), "--max-frames", hub),
        (set.max_outbox.is_some(), "--max-outbox", hub),
        (set.max_outboxes.is_some(), "--max-outboxes", hub),
    ];
    given
        .into_iter()
        .filter(|(is_set, _, (_, is_there))| *is_set && !is_there)
        .map(|(_, option, (need, _))| (option, need))
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::file::tests::EVERY_KEY;

    #[track_caller]
    fn check(file: &str, expected: &[(&str, &str)]) {
        let set: Options = toml::from_str(file).unwrap();
        assert_eq!(options(&set).collect::<Vec<_>>(), expected, "{file}");
    }

    #[test]
    fn an_option_does_nothing_without_the_one_that_it_needs() {
        for (file, option, need) in [
            ("spa = 'a'\nlive = '/live'", "--spa", "PUBLIC_DIR"),
            ("listing = true", "--listing", "PUBLIC_DIR"),
            ("template-header = 'a'", "--template-header", "--templates"),
            (
                "unix-mode = '600'\nbind = '::1'",
                "--unix-mode",
                "--bind unix:PATH",
            ),
            ("log-format = 'json'", "--log-format", "--access-log"),
            ("max-frames = 1", "--max-frames", "--live"),
            ("max-outbox = 1", "--max-outbox", "--live"),
            ("max-outboxes = 1", "--max-outboxes", "--live"),
            (
                "forwarded-field = 'forwarded'",
                "--forwarded-field",
                "--trusted-proxy",
            ),
            (
                "proxy-protocol-timeout = 1",
                "--proxy-protocol-timeout",
                "--proxy-protocol",
            ),
            ("max-queued = 1", "--max-queued", "--max-concurrent"),
            (
                "live-history-size = 1",
                "--live-history-size",
                "--live-history",
            ),
            (
                "live-history-age = 1",
                "--live-history-age",
                "--live-history",
            ),
            (
                "live-history-total = 1",
                "--live-history-total",
                "--live-history",
            ),
            (
                "live-history-channels = 1",
                "--live-history-channels",
                "--live-history",
            ),
        ] {
            check(file, &[(option, need)]);
        }
    }

    #[test]
    fn what_has_what_it_needs_or_is_turned_off_is_not_idle() {
        check(EVERY_KEY, &[]);
        check("listing = false\nmax-queued = 0", &[]);
        check("log-format = 'json'\naccess-log = false", &[]);
        check("demo = true\nmax-outbox = 1", &[]);
        check("ping = 1\nmax-message = 1", &[]);
    }
}
