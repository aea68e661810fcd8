//! Every test over streams that fail at random.

#[path = "suite/mod.rs"]
mod suite;

use astatine_reactor::test_util::Faults;

fn faults() -> Faults {
    Faults::random(0xA57A)
}
