//! One request and its response, from the first byte to the last.
//!
//! Promises: an exchange ends once, whatever comes first: the end of the body, an error, a panic, or the drop of what
//! holds it, which is the last resort. Its access event is written in the context that the handler has left, so that it
//! has the ids of the request and the fields that the handler has added.
use std::fmt::Display;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Buf;
use http::{Extensions, HeaderMap, Method, Request, StatusCode, Uri};
use ringseal::internals::context::TaskScopes;
use ringseal::trace_context::TraceContext;
use ringseal::{BoundFields, Context, Level, Maybe, Span, Timer, WithSpan, fields, span};

use super::api::Inbound;
use super::bodies::{Captured, Text};
use super::ids::IdKey;
use super::options::Options;
use super::outcome::{Ended, Outcome, client_closed};
use super::profile::{self, Profile};
use super::request_body::RequestSide;
use super::slot::Slot;
use super::texts::Texts;
use crate::failure::PanicError;

/// What a response waits for; whether its audit entry was written.
pub(crate) type Waiting = Pin<Box<dyn Future<Output = bool> + Send>>;

/// The head of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<'r> {
    method: &'r Method,
    uri: &'r Uri,
    headers: &'r HeaderMap,
    extensions: &'r Extensions,
}

impl<'r> Head<'r> {
    pub(crate) fn of<B>(request: &'r Request<B>) -> Head<'r> {
        Head {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }
}

/// A request and its response. In a box where it is passed on, because it is large.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) options: Arc<Options>,
    pub(crate) slot: Slot,
    pub(crate) method: Method,
    pub(crate) texts: Texts,
    pub(crate) client: Option<IpAddr>,
    pub(crate) parent_span: Option<[u8; 8]>,
    pub(crate) timer: Timer,
    start: Instant,
    pub(crate) status: Option<StatusCode>,
    pub(crate) time_to_first_byte: Option<Duration>,
    pub(crate) bytes_out: u64,
    /// Whether the length of the response was not known from its head.
    pub(crate) is_streamed: bool,
    request: Option<Arc<RequestSide>>,
    /// The first bytes of the response's body.
    pub(crate) response: Option<Box<Captured>>,
    /// Profile `Api`: those of the response.
    pub(crate) response_headers: Option<HeaderMap>,
    /// Profile `Span`: that of the request.
    pub(crate) span: Option<Box<Span>>,
    /// The message of the handler's panic: then that is the outcome, even if the answer to it is sent.
    pub(crate) panic: Option<PanicError>,
    /// Whether its path is one whose requests are logged only if something goes wrong.
    is_skipped: bool,
    is_audited: bool,
    is_over: bool,
}

impl Exchange {
    /// The exchange of a request with this id, and the scopes of its handler.
    pub(crate) fn begin(
        options: &Arc<Options>,
        head: Head<'_>,
        id: &str,
    ) -> (Box<Exchange>, TaskScopes) {
        let (timer, start) = (Timer::start(), Instant::now());
        for on_start in &options.on_start {
            options.guarded(|| on_start(head.method, head.uri));
        }
        let peer = options.guarded(|| (options.peer)(head.extensions)).flatten();
        let client = options.client_address.find(head.headers, peer);
        let trace = options.propagation.receive(head.headers, client);
        let mut exchange = Box::new(Exchange {
            options: Arc::clone(options),
            slot: Slot::new(Arc::clone(options)),
            method: head.method.clone(),
            texts: Texts::new(head.uri, options.query, head.headers, id),
            client,
            parent_span: trace.caller().filter(|_| trace.is_continued()).map(|it| it.span_id()),
            timer,
            start,
            status: None,
            time_to_first_byte: None,
            bytes_out: 0,
            is_streamed: false,
            request: None,
            response: None,
            response_headers: None,
            span: None,
            panic: None,
            is_skipped: options.skip.has(head.uri.path()),
            is_audited: false,
            is_over: false,
        });
        #[cfg(feature = "axum")]
        if let Some(path) = head.extensions.get::<axum::extract::MatchedPath>() {
            exchange.slot.route = Some(super::slot::Route::Matched(path.clone()));
        }
        let context = exchange.context_of(options, &trace);
        (exchange, TaskScopes::new(context))
    }

    /// The context of the handler; begins the span of the request, if it has one.
    fn context_of(&mut self, options: &Options, trace: &TraceContext<'_>) -> Context {
        let base = Context::new().with(self.fields_in_scope(options));
        match options.profile {
            Profile::Span if !self.is_skipped => self.begin_span(&base, trace),
            _ => base.with_trace(trace),
        }
    }

    /// The fields that all events of the request have.
    fn fields_in_scope(&self, options: &Options) -> BoundFields {
        let id = self.texts.id();
        let fields = match options.ids.id_key() {
            IdKey::RequestId => fields! { request_id = id },
            IdKey::CorrelationId => fields! { correlation_id = id },
            IdKey::TraceId => fields! { trace_id = id },
        };
        if !(options.has_client_in_scope || options.has_request_line_in_scope) {
            return fields;
        }
        let method = options.has_request_line_in_scope.then_some(self.method.as_str());
        let path = options.has_request_line_in_scope.then(|| self.texts.path());
        fields.with(&fields! {
            client.ip = Maybe(self.client.filter(|_| options.has_client_in_scope)),
            http_method = Maybe(method),
            request_path = Maybe(path),
        })
    }

    /// Begins the span of the request, a child of the caller's or the first one of a new trace; returns its context.
    fn begin_span(&mut self, base: &Context, trace: &TraceContext<'_>) -> Context {
        let outer = match trace.caller().filter(|_| trace.is_continued()) {
            Some(caller) => {
                let caller = caller.with_sampled(trace.span().is_sampled());
                base.with_trace(trace).with_trace_parent(caller)
            }
            None => base.clone(),
        };
        let (method, path) = (self.method.as_str(), self.texts.path());
        let log = &self.options.logger;
        let begin = || span!(kind: Server, log, "http.request", path = path, method = method);
        let span = outer.run(begin);
        let context = outer.run(|| span.context());
        self.span = Some(Box::new(span));
        context
    }

    /// Writes the events of the start, if the profile has any and the body is not a part of them, and watches the body
    /// of the request. The context is that of the handler.
    pub(crate) fn start(&mut self, head: Head<'_>, is_at_end: bool) -> Option<Arc<RequestSide>> {
        let has_event = self.options.profile == Profile::Api && !self.is_skipped;
        let inbound = has_event.then(|| Box::new(self.inbound(head)));
        if !self.is_skipped {
            profile::write_start(self);
        }
        let capture = self.options.capture.as_ref().filter(|_| !is_at_end);
        let captured = capture.and_then(|bodies| bodies.of_request(head.headers));
        let side = match captured {
            Some(captured) => Some(RequestSide::capturing(captured, inbound)),
            None => {
                if let Some(inbound) = inbound {
                    inbound.write(None);
                }
                (!is_at_end).then(RequestSide::counting)
            }
        };
        self.request = side.map(Arc::new);
        self.request.clone()
    }

    fn inbound(&self, head: Head<'_>) -> Inbound {
        Inbound {
            options: Arc::clone(&self.options),
            method: head.method.clone(),
            uri: head.uri.clone(),
            headers: head.headers.clone(),
            client: self.client,
        }
    }

    /// Watches the response, as its head says.
    pub(crate) fn watch_response(&mut self, headers: &HeaderMap) {
        if let Some(bodies) = &self.options.capture {
            self.response = bodies.of_response(headers).map(Box::new);
        }
        if self.options.profile == Profile::Api {
            self.response_headers = Some(headers.clone());
        }
    }

    /// The text of the request's body that was captured.
    pub(crate) fn request_text(&self) -> Option<Text> {
        self.request.as_ref()?.text()
    }

    /// The same of the response.
    pub(crate) fn response_text(&self) -> Option<Text> {
        self.options.capture.as_ref()?.response_text(self.response.as_ref()?)
    }

    /// The time since the request.
    #[cfg(feature = "audit")]
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Writes the audit event, unless it was written before; returns what the response waits for.
    fn audit(&mut self) -> Option<Waiting> {
        if std::mem::replace(&mut self.is_audited, true) {
            return None;
        }
        #[cfg(feature = "audit")]
        return self.options.audit.as_ref()?.record(self);
        #[cfg(not(feature = "audit"))]
        None
    }

    /// Whether a response whose audit entry was not written must not be sent.
    pub(crate) fn refuses_unrecorded(&self) -> bool {
        #[cfg(feature = "audit")]
        return self.options.audit.as_ref().is_some_and(|audit| audit.refuses());
        #[cfg(not(feature = "audit"))]
        false
    }

    /// The head of the response is ready; returns what the response waits for.
    pub(crate) fn answer(&mut self, status: StatusCode) -> Option<Waiting> {
        if let Some(request) = &self.request {
            request.write_inbound();
        }
        self.status = Some(status);
        // Whole microseconds, as the duration.
        let micros = self.start.elapsed().as_micros();
        self.time_to_first_byte = Some(Duration::from_micros(micros as u64));
        self.audit()
    }

    /// A chunk of the response's body is passed on.
    pub(crate) fn pass(&mut self, chunk: &impl Buf) {
        self.bytes_out += chunk.remaining() as u64;
        if let Some(captured) = &mut self.response {
            captured.push(chunk);
        }
    }

    /// Writes the ids into the headers of the response.
    pub(crate) fn write_ids(&self, headers: &mut HeaderMap) {
        self.options.ids.send(self.texts.id(), headers);
    }

    /// Ends the exchange, unless it has ended before. The context is that of the handler.
    pub(crate) fn end(&mut self, outcome: Outcome, error: Option<&dyn Display>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let panic = self.panic.take();
        let (outcome, error) = match &panic {
            Some(panic) => (Outcome::Panicked, Some(panic as &dyn Display)),
            None => (outcome, error),
        };
        if let Some(request) = &self.request {
            request.write_inbound();
        }
        if outcome == Outcome::ClientClosed && self.status.is_none() {
            self.status = client_closed();
        }
        // Only of an exchange without a response: there is nothing that could wait.
        let _ = self.audit();
        self.write_end(outcome, error);
        self.end_span(outcome);
    }

    fn write_end(&self, outcome: Outcome, error: Option<&dyn Display>) {
        let ended = self.ended(outcome);
        let level = self.options.level_of(&ended);
        if !(self.is_skipped && ended.is_clean() && level <= Level::Info) {
            let write = || profile::write_end(self, &ended, level, error);
            match self.slot.notes.is_empty() {
                true => write(),
                false => self.context_with_notes().run(write),
            }
        }
        for on_end in &self.options.on_end {
            self.options.guarded(|| on_end(&ended));
        }
    }

    fn context_with_notes(&self) -> Context {
        let add = |context: Context, note: &ringseal::BoundFields| context.with(note.clone());
        self.slot.notes.iter().fold(Context::current(), add)
    }

    fn ended(&self, outcome: Outcome) -> Ended<'_> {
        // A reading of the clock.
        let duration = if self.reads_duration() { self.start.elapsed() } else { Duration::ZERO };
        Ended {
            method: &self.method,
            route: self.slot.route.as_ref().map(|route| route.as_str()),
            path: self.texts.whole_path(),
            status: self.status,
            outcome,
            duration,
            time_to_first_byte: self.time_to_first_byte,
            bytes_in: self.request.as_ref().map_or(0, |request| request.bytes()),
            bytes_out: self.bytes_out,
            client: self.client,
            request_id: self.texts.id(),
        }
    }

    /// Whether anything reads the duration besides the event, whose time is its end.
    fn reads_duration(&self) -> bool {
        let Options { profile, level, on_end, .. } = &*self.options;
        *profile == Profile::Message || level.is_some() || !on_end.is_empty()
    }

    fn end_span(&mut self, outcome: Outcome) {
        let Some(span) = self.span.take() else { return };
        if outcome == Outcome::ClientClosed {
            // A future that is dropped inside of a span before it is done cancels the span.
            drop(std::future::pending::<()>().in_span(&*span));
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end(Outcome::ClientClosed, None);
    }
}
