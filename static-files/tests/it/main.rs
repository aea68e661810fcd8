//! The crate as its users see it: services over real folders.

#![cfg(test)]

mod conditions;
mod encodings;
mod freshness;
mod layers;
mod listing;
mod pages;
mod paths;
#[cfg(target_os = "linux")]
mod permissions;
mod prewritten;
mod ranges;
mod regions;
mod sendfile;
mod site;
