//! How the values of options are read: switches, numbers, and what is said of wrong ones.

use std::any::TypeId;
use std::num::{
    IntErrorKind, NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize, ParseIntError,
};
use std::str::FromStr;

use clap::Arg;
use clap::builder::BoolishValueParser;

/// Has an argument read its value as all do.
pub(crate) fn with_rules(arg: Arg) -> Arg {
    with_negative(with_minimum(with_value(arg)))
}

/// Has a switch take a value.
fn with_value(arg: Arg) -> Arg {
    if arg.get_value_parser().type_id() != TypeId::of::<bool>() {
        return arg;
    }
    arg.num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .value_name("BOOL")
        .value_parser(BoolishValueParser::new())
        .hide_possible_values(true)
}

/// Has an option judge -1 as its value, which the parser would look for among the options.
fn with_negative(arg: Arg) -> Arg {
    let is_option = arg.get_long().is_some() && arg.get_action().takes_values();
    let is_switch = arg.get_value_parser().type_id() == TypeId::of::<bool>();
    arg.allow_negative_numbers(is_option && !is_switch)
}

/// Has a number that must not be 0 say so in plain words.
fn with_minimum(arg: Arg) -> Arg {
    let kind = arg.get_value_parser().type_id();
    if kind == TypeId::of::<NonZeroU8>() {
        arg.value_parser(one_or_more::<NonZeroU8>)
    } else if kind == TypeId::of::<NonZeroU16>() {
        arg.value_parser(one_or_more::<NonZeroU16>)
    } else if kind == TypeId::of::<NonZeroU32>() {
        arg.value_parser(one_or_more::<NonZeroU32>)
    } else if kind == TypeId::of::<NonZeroU64>() {
        arg.value_parser(one_or_more::<NonZeroU64>)
    } else if kind == TypeId::of::<NonZeroUsize>() {
        arg.value_parser(one_or_more::<NonZeroUsize>)
    } else {
        arg
    }
}

fn one_or_more<T: FromStr<Err = ParseIntError>>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|error: ParseIntError| match error.kind() {
            IntErrorKind::Zero => "it must be 1 or more".to_owned(),
            IntErrorKind::PosOverflow => "it is too large".to_owned(),
            _ => "it must be a number of 1 or more".to_owned(),
        })
}
