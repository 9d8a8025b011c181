//! The headers of a call: its trace and the id of the request that it is made for.
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use ringseal::trace_context::{TRACEPARENT, TRACESTATE};
use ringseal::value::DisplayValue;
use ringseal::{Context, Logger, Span, span};

use crate::placed::Placed;
use crate::server::HeaderNameError;
use crate::url::{Query, Target};

/// The settings of a client.
#[derive(Debug, Clone)]
pub(super) struct ClientOptions {
    pub(super) logger: Logger,
    pub(super) query: Query,
    /// The headers for the id of the request.
    pub(super) request_id: Vec<HeaderName>,
}

impl ClientOptions {
    pub(super) fn new(logger: Logger) -> ClientOptions {
        let request_id = vec![HeaderName::from_static("x-request-id")];
        ClientOptions { logger, query: Query::default(), request_id }
    }

    pub(super) fn set_request_id_headers<N: AsRef<str>>(
        &mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Result<(), HeaderNameError> {
        self.request_id = crate::server::header_names(names)?;
        Ok(())
    }

    /// Begins the span of an attempt and writes its headers.
    pub(super) fn begin(&self, method: &Method, uri: &Uri, headers: &mut HeaderMap) -> Arc<Span> {
        let (log, url) = (&self.logger, Placed(DisplayValue(Target(uri, self.query))));
        let span = span!(kind: Client, log, "httpx.request", method = method.as_str(), url = url);
        let context = span.context();
        set_trace(&context, headers);
        self.set_request_id(&context, headers);
        Arc::new(span)
    }

    fn set_request_id(&self, context: &Context, headers: &mut HeaderMap) {
        if self.request_id.is_empty() {
            return;
        }
        let id = context.text("request_id").or_else(|| context.text("correlation_id"));
        let Some(value) = id.and_then(|id| HeaderValue::try_from(id).ok()) else { return };
        for name in &self.request_id {
            if !headers.contains_key(name) {
                headers.insert(name, value.clone());
            }
        }
    }
}

/// Writes the trace, unless the caller has: then both headers are the caller's.
fn set_trace(context: &Context, headers: &mut HeaderMap) {
    if headers.contains_key(TRACEPARENT) {
        return;
    }
    let Some(outgoing) = context.outgoing() else { return };
    if let Ok(value) = HeaderValue::from_str(outgoing.traceparent()) {
        headers.insert(HeaderName::from_static(TRACEPARENT), value);
    }
    let state = outgoing.tracestate().and_then(|state| HeaderValue::from_str(state).ok());
    if let Some(state) = state.filter(|_| !headers.contains_key(TRACESTATE)) {
        headers.insert(HeaderName::from_static(TRACESTATE), state);
    }
}
