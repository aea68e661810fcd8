//! The command line: what it has, and what its layers are.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::gen_token::GenToken;
use crate::options::Options;
use crate::publish::Publish;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::{absent, arguments, argv, variables};

/// Serves a folder, and a hub for real time, over HTTP/1.1.
#[derive(Debug, Parser)]
#[command(
    name = "astatine",
    version,
    disable_version_flag = true,
    args_conflicts_with_subcommands = true,
    args_override_self = true,
    after_help = "An option's environment variable is its long name as ASTATINE_NAME; PORT and \
                  THREADS count too.\nThe order is: flag, environment, configuration file, \
                  default. Iodine's spellings (-www DIR, -maxbd 50 ...) work as well."
)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// The folder to serve
    #[arg(value_name = "PUBLIC_DIR")]
    pub(crate) public_dir: Option<PathBuf>,

    /// Read options from this TOML file; its keys are the long option names
    #[arg(short = 'C', long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) options: Options,

    /// Print the version
    #[arg(long, action = ArgAction::Version)]
    version: (),

    /// The options that flags have set, as --max-body.
    #[arg(skip)]
    flags: Vec<String>,
}

/// What the command does when it does not serve.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say whether a configuration file can be used
    CheckConfig {
        /// The file
        file: PathBuf,
    },
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print a token that lets its bearer use the hub
    GenToken(GenToken),
    /// Publish a message to a hub, and print what it answers
    Publish(Publish),
    /// Print the manual page
    Man,
}

impl CommandLine {
    /// Reads the arguments, and the variables named ASTATINE_*, which are looked up for the
    /// options that the arguments leave out.
    ///
    /// # Errors
    ///
    /// The arguments are wrong, or they ask for the help text.
    pub(crate) fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut parser = Self::parser().args(absent::args());
        let options: Vec<&str> = parser.get_arguments().filter_map(Arg::get_long).collect();
        let args = argv::modern(args, &options);
        let first = args.get(1).and_then(|arg| arg.to_str());
        // The variables of the server are nothing to the other commands.
        if first.is_none_or(|name| parser.find_subcommand(name).is_none()) {
            parser = parser.mut_args(variables::with_variable);
        }
        let matches = parser
            .try_get_matches_from_mut(args)
            .map_err(|error| with_reason(&mut parser, variables::with_source(error)))?;
        let mut line = Self::from_arg_matches(&matches)?;
        let flags = matches.ids().map(clap::Id::as_str);
        let flags = flags.filter(|id| is_flag(&matches, id));
        line.flags = flags
            .map(|id| format!("--{}", id.replace('_', "-")))
            .collect();
        match (&mut line.command, matches.subcommand()) {
            (Some(Command::GenToken(command)), Some((_, matches))) => {
                prefer_flag(command.key(), matches);
            }
            (Some(Command::Publish(command)), Some((_, matches))) => {
                let is_key_flag = is_flag(matches, "live_key") || is_flag(matches, "live_secret");
                if is_key_flag && !is_flag(matches, "token") {
                    command.token = None;
                }
                prefer_flag(command.key(), matches);
            }
            _ => {
                let options = &mut line.options;
                prefer_flag((&mut options.live_key, &mut options.live_secret), &matches);
            }
        }
        Ok(line)
    }

    /// Returns the parser. Each switch takes a value, so that a flag can turn off what a lower
    /// layer has turned on.
    pub(crate) fn parser() -> clap::Command {
        Self::command()
            .mut_args(arguments::with_rules)
            .mut_subcommand("gen-token", |command| {
                let command = command.mut_args(arguments::with_number);
                command.mut_args(variables::with_variable)
            })
            .mut_subcommand("publish", |command| {
                command.mut_args(variables::with_variable)
            })
    }

    /// Returns the long option that is most like a word, if one is.
    pub(crate) fn nearest_option(word: &str) -> Option<String> {
        // The help calls it so.
        if word.replace('_', "-") == "public-dir" {
            return Some("www".to_owned());
        }
        let args = ["astatine".to_owned(), format!("--{word}")];
        // What is known but not there is like no other.
        let parser = Self::parser().args(absent::args());
        let error = parser.try_get_matches_from(args).err()?;
        match error.get(ContextKind::SuggestedArg)? {
            ContextValue::String(option) => Some(option.trim_start_matches('-').to_owned()),
            _ => None,
        }
    }

    /// Lays the flags over the platform's variables and those over the configuration file.
    ///
    /// # Errors
    ///
    /// A layer cannot be used, or what they ask for together cannot be done.
    pub(crate) fn settle(
        mut self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Settings, Failure> {
        self.options.www = self.public_dir.or(self.options.www);
        let options = self.options.or(variables::of_platform(variable)?);
        Settings::over_file(options, self.flags, self.config)
    }
}

/// Leaves out the key that a variable has where a flag has the other spelling of it.
fn prefer_flag((file, text): (&mut Option<PathBuf>, &mut Option<Secret>), matches: &ArgMatches) {
    match (
        is_flag(matches, "live_key"),
        is_flag(matches, "live_secret"),
    ) {
        (true, false) => *text = None,
        (false, true) => *file = None,
        _ => {}
    }
}

fn is_flag(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// Has an error about a second folder say so: the parser takes it for the name of a command.
fn with_reason(parser: &mut clap::Command, error: clap::Error) -> clap::Error {
    let word = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) if error.kind() == ErrorKind::ArgumentConflict => word,
        _ => return error,
    };
    if parser.find_subcommand(word).is_some() {
        return error;
    }
    let reason = format!(
        "'{word}' is too much: there is one PUBLIC_DIR, and a switch has its value behind =, as \
         --gzip=no"
    );
    parser.error(ErrorKind::UnknownArgument, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::num::NonZeroU16;
    use std::path::Path;

    fn settle(args: &str, variables: &[(&str, &str)]) -> Result<Settings, Failure> {
        let args = std::iter::once("astatine").chain(args.split_whitespace());
        let command_line = CommandLine::read(args.map(OsString::from)).unwrap();
        command_line.settle(|name| {
            let variable = variables.iter().find(|(key, _)| *key == name);
            variable.map(|(_, value)| (*value).to_owned())
        })
    }

    #[track_caller]
    fn refuses(args: &str) {
        let args = std::iter::once("astatine").chain(args.split_whitespace());
        let error = CommandLine::read(args.map(OsString::from)).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
    }

    #[test]
    fn the_parser_is_sound() {
        CommandLine::parser().debug_assert();
    }

    fn root(args: &str) -> PathBuf {
        settle(args, &[]).unwrap().options.www.unwrap()
    }

    #[test]
    fn the_argument_wins_over_the_option_for_the_folder() {
        assert_eq!(root("a"), Path::new("a"));
        assert_eq!(root("--www b"), Path::new("b"));
        assert_eq!(root("-www b a"), Path::new("a"));
    }

    #[test]
    fn without_a_folder_there_has_to_be_something_else() {
        let failure = settle("", &[]).unwrap_err();
        assert!(failure.to_string().contains("name a folder"), "{failure}");
        for args in ["--live /live", "--templates t", "--demo"] {
            assert_eq!(settle(args, &[]).unwrap().options.www, None, "{args}");
        }
        let failure = settle("--demo a", &[]).unwrap_err();
        assert!(failure.to_string().contains("--demo"), "{failure}");
    }

    #[test]
    fn an_option_of_the_hub_needs_one() {
        for args in [
            "a --live-open",
            "a --live-history 5",
            "a --live-key k.pem",
            "a --live-origin *",
        ] {
            let failure = settle(args, &[]).unwrap_err().to_string();
            let option = args.split(' ').nth(1).unwrap();
            assert!(
                failure.contains(option) && failure.contains("--live PATH"),
                "{failure}"
            );
        }
        for args in [
            "a --live-open=no",
            "a -ping 5 -maxms 5",
            "a --live /l --live-open",
            "--demo --live-history 5",
            "--demo --max-outbox 5",
        ] {
            settle(args, &[]).unwrap();
        }
    }

    #[test]
    fn the_demo_opens_a_hub_to_this_machine() {
        let options = settle("--demo", &[]).unwrap().options;
        assert_eq!(options.live.unwrap().live(), "/live");
        assert_eq!(options.live_open, Some(true));
        assert_eq!(options.bind, ["127.0.0.1".parse().unwrap()]);
        let options = settle("--demo --live /hub -b ::1", &[]).unwrap().options;
        assert_eq!(options.live.unwrap().live(), "/hub");
        assert_eq!(options.bind, ["::1".parse().unwrap()]);
    }

    #[test]
    fn a_flag_wins_over_the_platform() {
        let platform = [("PORT", "8080"), ("THREADS", "-2")];
        let options = settle("a", &platform).unwrap().options;
        assert_eq!((options.port, options.threads), (Some(8080), Some(-2)));
        let options = settle("a -p 9 -t 1", &platform).unwrap().options;
        assert_eq!((options.port, options.threads), (Some(9), Some(1)));
    }

    #[test]
    fn an_empty_variable_is_not_set_and_a_wrong_one_is_named() {
        assert_eq!(settle("a", &[("PORT", "")]).unwrap().options.port, None);
        let failure = settle("a", &[("PORT", "http")]).unwrap_err();
        assert!(failure.to_string().contains("PORT=http"), "{failure}");
    }

    #[test]
    fn iodine_s_spellings_are_understood() {
        let settings = settle(
            "-www d -p3000 -t=-2 -maxbd 5 -maxhd=6 -tout 7 -log -V 0",
            &[],
        );
        let Settings { options, .. } = settings.unwrap();
        assert_eq!(options.www.as_deref(), Some(Path::new("d")));
        assert_eq!((options.port, options.threads), (Some(3000), Some(-2)));
        assert_eq!(options.max_body, Some(5));
        assert_eq!(options.max_header, NonZeroU16::new(6));
        assert_eq!(
            (options.keep_alive, options.access_log),
            (Some(7), Some(true))
        );
    }

    #[test]
    fn the_last_of_two_wins_but_lists_grow() {
        let options = settle("-p 1 -p 2 -b ::1 -b ::2 a", &[]).unwrap().options;
        assert_eq!((options.port, options.bind.len()), (Some(2), 2));
    }

    #[test]
    fn a_switch_can_be_turned_off() {
        let options = settle("-v --listing=no a", &[]).unwrap().options;
        assert_eq!(
            (options.access_log, options.listing),
            (Some(true), Some(false))
        );
    }

    #[test]
    fn lists_are_given_by_repetition() {
        let line = "-b ::1 -b unix:x.sock --cache-control *.css=max-age=60,public a";
        let options = settle(line, &[]).unwrap().options;
        assert_eq!(options.bind.len(), 2);
        assert_eq!(options.cache_control.len(), 1);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        refuses("--no-such-option a");
        refuses("-p 70000 a");
        refuses("-V 6 a");
        refuses("-w 2 a");
        refuses("--unix-mode 999 a");
        refuses("--log-format xml a");
        refuses("--max-connections 0 a");
        refuses("-b host:x a");
        refuses("a b");
    }
}
