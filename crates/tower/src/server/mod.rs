//! The server's side: one layer, one future, one body.
mod api;
#[cfg(feature = "audit")]
mod audit;
mod bodies;
mod body;
mod client_address;
mod exchange;
mod future;
mod ids;
mod json_members;
mod layer;
mod mapping;
mod options;
mod outcome;
mod profile;
mod request_body;
mod skip;
pub(crate) mod slot;
mod texts;

#[cfg(feature = "audit")]
pub use self::audit::{HttpAudit, NoAuditLog, OnUnrecorded};
pub use self::bodies::Bodies;
pub use self::body::HttpBody;
pub use self::client_address::ClientAddress;
pub use self::future::ResponseFuture;
pub(crate) use self::ids::names as header_names;
pub use self::ids::{HeaderNameError, IdKey, RequestIdHeaders};
pub use self::layer::{HttpLayer, HttpService};
pub use self::options::{OnPanic, PeerAddress};
pub use self::outcome::{Ended, Outcome};
pub use self::profile::Profile;
pub(crate) use self::profile::TARGET;
pub use self::request_body::RequestBody;
pub use self::slot::{note, set_route, set_user};
