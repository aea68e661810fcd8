//! The layers, around apps that the server serves.

mod identity;
mod timeout;
