//! The settings of a layer.
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::{Extensions, Method, Uri};
use ringseal::trace_context::Propagation;
use ringseal::{Level, Logger};

use super::bodies::Bodies;
use super::client_address::ClientAddress;
use super::ids::RequestIdHeaders;
use super::outcome::Ended;
use super::profile::Profile;
use super::skip::SkipList;
use crate::counters::Counters;
use crate::url::Query;

pub(crate) type OfPeer = dyn Fn(&Extensions) -> Option<IpAddr> + Send + Sync;
pub(crate) type OfLevel = dyn Fn(&Ended<'_>) -> Level + Send + Sync;
pub(crate) type OnStart = dyn Fn(&Method, &Uri) + Send + Sync;
pub(crate) type OnEnd = dyn Fn(&Ended<'_>) + Send + Sync;

/// What is done about a handler that panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnPanic {
    /// The client gets status 500 with a problem document that has the trace id and nothing of the panic. The default.
    #[default]
    Answer,
    /// The panic is logged, and passed to the caller of the service.
    Resume,
}

/// The settings of a layer.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) logger: Logger,
    pub(crate) ids: RequestIdHeaders,
    pub(crate) propagation: Arc<Propagation>,
    pub(crate) client_address: ClientAddress,
    pub(crate) peer: Arc<OfPeer>,
    pub(crate) profile: Profile,
    pub(crate) skip: SkipList,
    pub(crate) query: Query,
    pub(crate) level: Option<Arc<OfLevel>>,
    pub(crate) on_panic: OnPanic,
    pub(crate) maps_to_problems: bool,
    pub(crate) has_client_in_scope: bool,
    pub(crate) has_request_line_in_scope: bool,
    pub(crate) capture: Option<Arc<Bodies>>,
    #[cfg(feature = "audit")]
    pub(crate) audit: Option<Arc<super::audit::HttpAudit>>,
    pub(crate) on_start: Vec<Arc<OnStart>>,
    pub(crate) on_end: Vec<Arc<OnEnd>>,
    pub(crate) counters: Arc<Counters>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// The address of a connection's peer as an extension of its requests, for servers other than axum's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

impl Options {
    pub(crate) fn new(logger: Logger) -> Options {
        Options {
            logger,
            ids: RequestIdHeaders::default(),
            propagation: Arc::default(),
            client_address: ClientAddress::default(),
            peer: Arc::new(|extensions| {
                extensions.get::<PeerAddress>().map(|address| address.0.ip())
            }),
            profile: Profile::default(),
            skip: SkipList::default(),
            query: Query::default(),
            level: None,
            on_panic: OnPanic::default(),
            maps_to_problems: false,
            has_client_in_scope: false,
            has_request_line_in_scope: false,
            capture: None,
            #[cfg(feature = "audit")]
            audit: None,
            on_start: Vec::new(),
            on_end: Vec::new(),
            counters: Arc::default(),
        }
    }

    /// Runs a callback. A panic of it is counted: it must not reach the request, and it may run while another panic
    /// unwinds the thread.
    pub(crate) fn guarded<T>(&self, callback: impl FnOnce() -> T) -> Option<T> {
        let result = catch_unwind(AssertUnwindSafe(callback));
        if result.is_err() {
            self.counters.callbacks_panicked.add();
        }
        result.ok()
    }

    pub(crate) fn level_of(&self, ended: &Ended<'_>) -> Level {
        let chosen = self.level.as_ref().and_then(|level| self.guarded(|| level(ended)));
        chosen.unwrap_or_else(|| ended.default_level())
    }
}
