//! Cases of the plan by section of the standard.
