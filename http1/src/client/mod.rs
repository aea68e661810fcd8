//! The client: connections that answer `http::Request`s with `http::Response`s, and a pool of them.
//!
//! It follows no redirect, keeps no cookie, knows no proxy and speaks no TLS: those are layers and
//! connectors around it. Start from [`Pool`], or from [`handshake`] for one connection.
//!
//! ```no_run
//! use astatine_http1::client::{Config, Pool};
//! use http::Request;
//! use http_body_util::{BodyExt, Empty};
//! use bytes::Bytes;
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = Pool::new(Config::default());
//! let request = Request::get("http://localhost:3000/").body(Empty::<Bytes>::new())?;
//! let response = pool.oneshot(request).await?;
//! println!("{}", response.status());
//! let body = response.into_body().collect().await?.to_bytes();
//! # drop(body);
//! # Ok(())
//! # }
//! ```

mod config;
#[cfg(feature = "driver")]
mod connection;
#[cfg(feature = "driver")]
mod connector;
#[cfg(feature = "driver")]
mod driver;
#[cfg(feature = "driver")]
mod home;
#[cfg(feature = "driver")]
mod origin;
#[cfg(feature = "driver")]
mod pool;
#[cfg(feature = "driver")]
mod slot;
#[cfg(feature = "driver")]
mod upgraded;

pub use config::Config;
#[cfg(feature = "driver")]
pub use connection::{Answer, Connection, handshake};
#[cfg(feature = "driver")]
pub use connector::{TcpConnector, UnixConnector};
#[cfg(feature = "driver")]
pub use driver::Driver;
#[cfg(feature = "driver")]
pub use origin::Origin;
#[cfg(feature = "driver")]
pub use pool::Pool;
#[cfg(feature = "driver")]
pub use upgraded::Upgraded;
