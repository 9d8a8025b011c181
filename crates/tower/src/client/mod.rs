//! The client's side: one span for each attempt, and the headers of its trace.
//!
//! Promises: a header that the caller has set is never replaced, and an error is returned unchanged. Nothing of a
//! request but its method and its URL is logged, without user, password and values of the query.
mod headers;
mod layer;
#[cfg(feature = "reqwest")]
mod reqwest;

pub use self::layer::{ClientFuture, ClientLayer, ClientService};
#[cfg(feature = "reqwest")]
pub use self::reqwest::ReqwestMiddleware;
