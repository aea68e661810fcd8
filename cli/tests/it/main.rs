//! The binary as its users meet it: started as a process, asked over real sockets.

#![cfg(test)]

mod axum;
mod browser;
mod chat;
mod client;
mod cold;
mod connections;
mod cors;
mod demo;
mod files;
mod folder;
mod hub;
mod hub_chat;
mod layers;
mod limits;
mod log;
mod pages;
mod readme;
mod server;
mod service_manager;
mod signals;
mod smuggling;
mod syscalls;
mod usage;
mod watch;
mod websocket;
