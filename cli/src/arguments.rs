//! How the values of options are read: switches, numbers, and what is said of wrong ones.

use std::any::TypeId;
use std::num::{NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize};

use clap::Arg;
use clap::builder::{
    NonEmptyStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser,
};

/// Has an argument read its value as all do.
pub(crate) fn with_rules(arg: Arg) -> Arg {
    with_negative(with_number(with_text(with_value(arg))))
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
        .value_parser(switch())
        .ignore_case(true)
        .hide_possible_values(true)
}

/// Reads a switch; what is wrong is told that it is yes or no.
fn switch() -> impl TypedValueParser<Value = bool> {
    const YES: [&str; 6] = ["yes", "y", "true", "t", "on", "1"];
    const NO: [&str; 6] = ["no", "n", "false", "f", "off", "0"];
    let words = [YES, NO].map(|words| PossibleValue::new(words[0]).aliases(&words[1..]));
    PossibleValuesParser::new(words).map(|text| YES.contains(&text.to_lowercase().as_str()))
}

/// Refuses an empty text, which stands for nothing.
fn with_text(arg: Arg) -> Arg {
    if arg.get_value_parser().type_id() != TypeId::of::<String>() {
        return arg;
    }
    arg.value_parser(NonEmptyStringValueParser::new())
}

/// Has an option judge -1 as its value, which the parser would look for among the options.
fn with_negative(arg: Arg) -> Arg {
    let is_option = arg.get_long().is_some() && arg.get_action().takes_values();
    let is_switch = arg.get_value_parser().type_id() == TypeId::of::<bool>();
    arg.allow_negative_numbers(is_option && !is_switch)
}

/// Has a number say in plain words which it may be, as a configuration file does.
pub(crate) fn with_number(arg: Arg) -> Arg {
    let kind = arg.get_value_parser().type_id();
    macro_rules! of_kinds {
        ($($kind:ty: $numbers:literal,)*) => {
            $(if kind == TypeId::of::<$kind>() {
                let wrong = concat!("it must be a number ", $numbers);
                return arg.value_parser(move |text: &str| text.parse::<$kind>().map_err(|_| wrong));
            })*
        };
    }
    of_kinds! {
        i16: "from -32768 to 32767",
        u16: "from 0 to 65535",
        u32: "from 0 to 4294967295",
        usize: "of 0 or more",
        NonZeroU8: "from 1 to 255",
        NonZeroU16: "from 1 to 65535",
        NonZeroU32: "from 1 to 4294967295",
        NonZeroU64: "of 1 or more",
        NonZeroUsize: "of 1 or more",
    }
    arg
}
