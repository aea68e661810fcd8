//! The options that iodine has and this server does not: each says so, which the parser would not.

use clap::Arg;

/// Returns arguments that refuse their values with the reason; no help names them.
pub(crate) fn args() -> [Arg; 5] {
    let absent = |name, reason: &'static str| {
        let refuse = move |_: &str| Err::<String, _>(reason);
        Arg::new(name).long(name).hide(true).value_parser(refuse)
    };
    let processes = |n: &str| match n {
        "1" => Ok(n.to_owned()),
        _ => Err("there are no worker processes yet: one process serves, with -t threads"),
    };
    [
        Arg::new("workers")
            .short('w')
            .long("workers")
            .hide(true)
            .allow_negative_numbers(true)
            .value_parser(processes),
        absent("redis", "there is no Redis yet: one process has the hub").short('r'),
        absent("tls", TLS)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("yes"),
        absent("tls-cert", TLS),
        absent("tls-key", TLS),
    ]
}

const TLS: &str = "there is no TLS yet: let a proxy before the server speak it";
