//! HTTP layers for [`ringseal`]: a context and exactly one access event for each request.
//!
//! ```
//! use ringseal::{fields, info, testing::Capture};
//! use ringseal_tower::{HttpLayer, note};
//! use tower::{Layer, ServiceExt, service_fn};
//! # use http::{Request, Response};
//! # use http_body_util::{BodyExt, Empty, Full};
//! # use bytes::Bytes;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let (engine, capture) = Capture::start();
//! let log = engine.logger();
//! let pay = service_fn(move |_request: Request<_>| {
//!     let log = log.clone();
//!     async move {
//!         info!(log, "paid"); // has the ids of the request
//!         note(fields! { cart.items = 3 }); // on the access event
//!         Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from("paid")))
//!     }
//! });
//! let service = HttpLayer::new(engine.logger()).layer(pay);
//! let request = Request::post("/pay?token=x").header("x-request-id", "r-17");
//! let response = service.oneshot(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
//! assert_eq!(response.headers()["x-request-id"], "r-17");
//! response.into_body().collect().await.unwrap();
//!
//! let (paid, access) = (capture.event("paid"), capture.event("http.access"));
//! assert_eq!((paid.text("request_id"), access.text("request_id")), ("r-17", "r-17"));
//! assert_eq!(access["path"], "/pay?token=***");
//! assert_eq!((access.text("status"), access.text("bytes_out")), ("200", "4"));
//! assert_eq!((access.text("outcome"), access.text("cart.items")), ("completed", "3"));
//! # }
//! ```
//!
//! [`HttpLayer`] has the settings, [`Profile`] the events, [`Problem`] the documents for failures, and [`ClientLayer`]
//! the calls to other services. The page
//! `docs/http.md` of the repository has all fields, and recipes for axum and hyper.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#[cfg(feature = "axum")]
pub mod axum;
mod client;
mod counters;
mod failure;
mod hex;
mod placed;
mod problem;
mod server;
mod url;

#[cfg(feature = "reqwest")]
pub use crate::client::ReqwestMiddleware;
pub use crate::client::{ClientFuture, ClientLayer, ClientService};
pub use crate::counters::LayerCounts;
pub use crate::problem::{Member, PROBLEM_JSON, Problem};
pub use crate::server::{
    Bodies, ClientAddress, Ended, HeaderNameError, HttpBody, HttpLayer, HttpService, IdKey,
    OnPanic, Outcome, PeerAddress, Profile, RequestBody, RequestIdHeaders, ResponseFuture, note,
    set_route, set_user,
};
#[cfg(feature = "audit")]
pub use crate::server::{HttpAudit, NoAuditLog, OnUnrecorded};
pub use crate::url::Query;

/// The examples of the page on HTTP compile and run.
#[cfg(all(doctest, feature = "audit", feature = "axum"))]
#[doc = include_str!("../../../docs/http.md")]
struct HttpPage;
