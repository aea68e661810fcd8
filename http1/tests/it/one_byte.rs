//! Every test over streams that give and take one byte at a time.

#[path = "suite/mod.rs"]
mod suite;

use astatine_reactor::test_util::Faults;

fn faults() -> Faults {
    Faults::one_byte()
}
