//! What trusted proxies say of a request: whom it is for, and by which scheme and host it came.
//!
//! [`TrustedProxyLayer`] reads the fields that proxies add, where the peer is in a listed network,
//! and puts what they say into the request's extensions as [`Forwarded`]. From any other peer the
//! fields are left where they are and not believed. [`PeerInfo`](astatine_reactor::PeerInfo) stays
//! what the socket says.
//!
//! Proxies append to the list of hops, so it is read from the right: what stands there is the
//! peer's word, what stands left of it is the word of the hop before. The walk goes on as long as
//! the hop that is named is in a listed network itself, and ends at the first that is not: that is
//! the client. What stands further left is whatever the client wrote.
//!
//! In `Forwarded`, scheme and host stand beside the hop that they belong to. `X-Forwarded-Proto` and
//! `-Host` are lists of their own, which most proxies leave alone or replace, so they cannot be
//! aligned with the hops: of each the last value counts, and only where the layer is told that the
//! proxies write it.
//!
//! # Spec
//!
//! RFC 7239, its quoted strings, bracketed IPv6 addresses and obfuscated names included; a line
//! that breaks its grammar names an unknown client, since a client may have broken it to hide
//! behind what it wrote itself. `X-Forwarded-For`, `-Proto` and `-Host` are specified nowhere; they
//! are read as nginx, HAProxy and the balancers of the large clouds write them.

mod elements;
mod forwarded;
mod node;
mod service;
mod x_forwarded;

#[cfg(test)]
mod tests;

pub use forwarded::Forwarded;
pub use node::{Node, NodeName};
pub use service::{Field, TrustedProxy, TrustedProxyLayer};
