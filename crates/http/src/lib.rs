//! A small blocking HTTP/1.1 client, for the parts of ringseal that talk to servers from a thread of their own.
//!
//! ```no_run
//! use ringseal_http::{Client, Limits, Origin, Request};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::with_ca_file(Limits::default(), "/etc/ssl/company-ca.pem")?;
//! let server = Origin::parse("https://vault.example.com:8200")?;
//! let request = Request::new("GET", "/v1/sys/health")?.secret_header("x-token", "s3cr3t")?;
//! let response = client.send(&server, &request)?;
//! println!("{} {} bytes", response.status(), response.body().len());
//! # Ok(())
//! # }
//! ```
//!
//! Promises: no async runtime and no thread, except one for a lookup while it lasts. Every step has a deadline: lookup,
//! connecting, the TLS handshake, sending, head and body, even if the server sends single bytes. Heads and bodies of
//! responses are bounded. An ambiguous response is refused. Nothing is logged; errors and `Debug` contain no header
//! value, path, query or body. Responses, secret headers and bodies of requests are overwritten in memory when they are
//! dropped, except copies inside of the TLS library.
//!
//! Not supported, on purpose: redirects (a response with status 3xx is returned), proxies, cookies, HTTP/2, compressed
//! responses, and responses of unbounded length.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod chunked;
mod client;
mod connection;
mod deadline;
mod error;
mod exchange;
mod lookup;
mod origin;
mod request;
mod response;
mod tls;

pub use client::{Client, Limits};
pub use error::{CertificateProblem, Error, ErrorKind, Phase, SetupError};
pub use origin::Origin;
pub use request::Request;
pub use response::Response;
