//! The crate as its users see it: services over real folders.

mod conditions;
mod encodings;
mod freshness;
mod pages;
mod paths;
mod ranges;
mod site;
