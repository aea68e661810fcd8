//! The layers, around apps that the server serves.

mod buffer;
mod identity;
mod timeout;
