//! Every test over streams that work.

#[path = "suite/mod.rs"]
mod suite;

use astatine_reactor::test_util::Faults;

fn faults() -> Faults {
    Faults::none()
}
