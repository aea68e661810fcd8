//! The public face of the crate, clause by clause.

mod attach;
mod bind;
mod budget;
mod callback_order;
mod codec;
mod connect;
mod drain;
mod examples;
mod faulty;
mod handler;
mod handler_end;
mod handler_pressure;
mod handler_timeout;
mod hooked;
mod inherited;
mod limits;
mod peers;
mod process;
mod proxy_protocol;
mod running;
mod serve;
mod server;
mod socket;
mod timer;
mod trigger;
mod unix_socket;
