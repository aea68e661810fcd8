//! The options that iodine has and this server does not: each says so, which the parser would not.

use clap::Arg;

/// Returns arguments that refuse their values with the reason; no help names them.
pub(crate) fn args() -> impl Iterator<Item = Arg> {
    ABSENT.iter().map(|(name, reason)| {
        let refuse = move |text: &str| {
            if is_what_there_is(name, text) {
                Ok(text.to_owned())
            } else {
                Err(*reason)
            }
        };
        let arg = Arg::new(*name).long(*name).hide(true);
        let arg = arg.allow_negative_numbers(true).value_parser(refuse);
        match *name {
            "workers" => arg.short('w'),
            "redis" => arg.short('r'),
            "tls" | "warmup" | "preload" => {
                let arg = arg.allow_negative_numbers(false).num_args(0..=1);
                arg.require_equals(true).default_missing_value("yes")
            }
            _ => arg,
        }
    })
}

/// Returns why the value that an option has in iodine means nothing here, if so.
pub(crate) fn objection(name: &str, value: &str) -> Option<&'static str> {
    reason(name).filter(|_| !is_what_there_is(name, value))
}

/// One process is what there is.
fn is_what_there_is(name: &str, value: &str) -> bool {
    (name, value) == ("workers", "1")
}

/// Returns why there is no option of this name, if iodine has it.
pub(crate) fn reason(name: &str) -> Option<&'static str> {
    let (_, reason) = ABSENT.iter().find(|(absent, _)| *absent == name)?;
    Some(reason)
}

const ABSENT: &[(&str, &str)] = &[
    (
        "workers",
        "there are no worker processes yet: one process serves, with -t threads",
    ),
    ("redis", REDIS),
    ("redis-ping", REDIS),
    ("tls", TLS),
    ("tls-cert", TLS),
    ("tls-key", TLS),
    ("tls-pass", TLS),
    ("warmup", WARM_UP),
    ("preload", WARM_UP),
];
const REDIS: &str = "there is no Redis yet: one process has the hub";
const TLS: &str = "there is no TLS yet: let a proxy before the server speak it";
const WARM_UP: &str = "there is no application to load: leave it out";
