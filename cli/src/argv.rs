//! Iodine's spellings of the command line, rewritten to ours before the parser sees them.
//!
//! Iodine writes long names with one dash (`-www DIR`, `-maxbd=50`), which the parser would read
//! as a cluster of short ones. Only whole words are rewritten, those of the table and the names of
//! our long options, so `-p3000` and `-t=1` stay what they are, and nothing behind a lone `--` is
//! touched.

use std::ffi::OsString;

/// Iodine's word, without its dash, and our option where that has an other name.
const SPELLINGS: &[(&str, &str)] = &[
    ("?", "--help"),
    ("a", "--bind"),
    ("address", "--bind"),
    ("cert", "--tls-cert"),
    ("help", "--help"),
    ("key", "--tls-key"),
    ("log", "--access-log"),
    ("max-msg", "--max-message"),
    ("maxage", "--max-age"),
    ("maxbd", "--max-body"),
    ("maxhd", "--max-header"),
    ("maxms", "--max-message"),
    ("pidfile", "--pid"),
    ("public", "--www"),
    ("rp", "--redis-ping"),
    ("tls-password", "--tls-pass"),
    ("tout", "--keep-alive"),
];

/// Returns the arguments with iodine's spellings replaced by ours, whose long options are given;
/// the program's name comes first and is kept.
pub(crate) fn modern(args: impl IntoIterator<Item = OsString>, options: &[&str]) -> Vec<OsString> {
    let mut args = args.into_iter();
    let mut out: Vec<OsString> = args.by_ref().take(1).collect();
    let mut is_behind_dashes = false;
    for arg in args {
        is_behind_dashes |= arg == "--";
        let rewritten = if is_behind_dashes {
            None
        } else {
            arg.to_str().and_then(|arg| modern_word(arg, options))
        };
        out.push(rewritten.map_or(arg, OsString::from));
    }
    out
}

fn modern_word(arg: &str, options: &[&str]) -> Option<String> {
    let word = arg.strip_prefix('-')?;
    let (name, value) = word
        .split_once('=')
        .map_or((word, None), |(name, value)| (name, Some(value)));
    let ours = match SPELLINGS.iter().find(|(theirs, _)| *theirs == name) {
        Some((_, ours)) => (*ours).to_owned(),
        None if options.contains(&name) || is_mistaken(name) => format!("--{name}"),
        None => return None,
    };
    Some(value.map_or_else(|| ours.clone(), |value| format!("{ours}={value}")))
}

/// Whether a word is a long name that there is not, and no short option with its value or a second
/// one: the parser knows what it is most like.
fn is_mistaken(word: &str) -> bool {
    let is_long = word.len() > 2 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    is_long && !word.starts_with(OF_ANY_TEXT)
}

/// The short options behind which a word may stand: those of a text, and the switches.
const OF_ANY_TEXT: &[char] = &['b', 'r', 'v', 'h', '-'];

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[&str] = &[
        "bind",
        "cache-control",
        "config",
        "keep-alive",
        "max-body",
        "max-header",
        "pid",
        "ping",
        "port",
        "threads",
        "verbosity",
        "www",
    ];

    #[track_caller]
    fn check(given: &str, expected: &str) {
        let args = std::iter::once("astatine")
            .chain(given.split_whitespace())
            .map(OsString::from);
        let rewritten = modern(args, OPTIONS).join(std::ffi::OsStr::new(" "));
        assert_eq!(
            rewritten.to_str(),
            Some(format!("astatine {expected}").as_str())
        );
    }

    #[test]
    fn words_of_iodine_become_ours() {
        check("-www public", "--www public");
        check("-public=public", "--www=public");
        check("-maxbd 50 -maxhd 32", "--max-body 50 --max-header 32");
        check(
            "-max-body 50 -max-header 32",
            "--max-body 50 --max-header 32",
        );
        check("-tout 5", "--keep-alive 5");
        check("-keep-alive=5", "--keep-alive=5");
        check(
            "-maxms 5 -max-msg=6 -ping 7",
            "--max-message 5 --max-message=6 --ping 7",
        );
        check("-log", "--access-log");
        check("-pid x.pid", "--pid x.pid");
        check("-pidfile x.pid", "--pid x.pid");
        check("-bind ::1", "--bind ::1");
        check("-address ::1", "--bind ::1");
        check("-a localhost", "--bind localhost");
        check("-port 80", "--port 80");
        check("-threads -2", "--threads -2");
        check("-verbosity 5", "--verbosity 5");
        check("-config a.toml", "--config a.toml");
        check("-? -help", "--help --help");
        check("-cache-control=a=b", "--cache-control=a=b");
        check("-cert a -tls-password b", "--tls-cert a --tls-pass b");
    }

    #[test]
    fn other_words_stay() {
        check("-p3000 -t=1 -t -4", "-p3000 -t=1 -t -4");
        check("-v -V 5 -k 9 -b ::1", "-v -V 5 -k 9 -b ::1");
        check("--www public --port=80", "--www public --port=80");
        check(
            "-blocalhost -vvv -Cfile -th -",
            "-blocalhost -vvv -Cfile -th -",
        );
        check("www port", "www port");
    }

    #[test]
    fn a_mistaken_long_name_is_left_to_the_parser_as_one() {
        check("-wwwx -portx=5", "--wwwx --portx=5");
    }

    #[test]
    fn words_behind_two_dashes_stay() {
        check("-www a -- -www", "--www a -- -www");
    }

    #[test]
    fn the_name_of_the_program_stays() {
        assert_eq!(modern([OsString::from("-www")], OPTIONS), ["-www"]);
        assert!(modern([], OPTIONS).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn arguments_that_are_not_unicode_stay() {
        use std::os::unix::ffi::OsStringExt;
        let odd = OsString::from_vec(b"-www\xff".to_vec());
        let args = [OsString::from("astatine"), odd];
        assert_eq!(modern(args.clone(), OPTIONS), args);
    }
}
