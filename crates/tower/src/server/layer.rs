//! The layer and the service.
use std::fmt;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Extensions, Method, Request, Response, Uri};
use http_body::Body;
use ringseal::trace_context::Propagation;
use ringseal::{Level, Logger};
use tower_layer::Layer;
use tower_service::Service;

use super::bodies::Bodies;
use super::body::HttpBody;
use super::client_address::ClientAddress;
use super::exchange::{Exchange, Head};
use super::future::ResponseFuture;
use super::ids::RequestIdHeaders;
use super::options::{OnPanic, Options};
use super::outcome::Ended;
use super::profile::Profile;
use super::request_body::RequestBody;
use super::skip::SkipList;
use crate::counters::LayerCounts;
use crate::url::Query;

/// Gives each request a context and exactly one access event, which is written when the response has ended.
///
/// ```
/// use ringseal::trace_context::{Propagation, Trust};
/// use ringseal_tower::{ClientAddress, HttpLayer};
/// # let (engine, _capture) = ringseal::testing::Capture::start();
/// let proxies = Trust::from_networks(["10.0.0.0/8"])?;
/// let layer = HttpLayer::new(engine.logger())
///     .client_address(ClientAddress::x_forwarded_for(proxies.clone()))
///     .propagation(Propagation::new().trust(proxies))
///     .skip(["/healthz", "/metrics"])
///     .problem_json(true);
/// // axum: Router::new().route("/pay", post(pay)).layer(layer)
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Put it outside of layers that answer requests themselves, such as limits and authentication, so that their answers
/// are logged too. The service inside gets its requests with the body [`RequestBody`].
#[derive(Debug, Clone)]
pub struct HttpLayer {
    options: Arc<Options>,
}

impl HttpLayer {
    /// The layer with its defaults: one event `http.access`, ids from `X-Request-ID` and others, the client's address
    /// from the connection, panics answered with status 500.
    pub fn new(logger: Logger) -> HttpLayer {
        HttpLayer { options: Arc::new(Options::new(logger)) }
    }

    fn with(mut self, set: impl FnOnce(&mut Options)) -> HttpLayer {
        set(Arc::make_mut(&mut self.options));
        self
    }

    /// Where the ids of requests come from and go to.
    #[must_use]
    pub fn request_ids(self, ids: RequestIdHeaders) -> HttpLayer {
        self.with(|options| options.ids = ids)
    }

    /// Which traces are continued, and whose flag `sampled` is believed. The caller is the client that
    /// [`HttpLayer::client_address`] finds. Pass an `Arc` to read its counters later.
    #[must_use]
    pub fn propagation(self, propagation: impl Into<Arc<Propagation>>) -> HttpLayer {
        self.with(|options| options.propagation = propagation.into())
    }

    /// How the address of the client is found.
    #[must_use]
    pub fn client_address(self, address: ClientAddress) -> HttpLayer {
        self.with(|options| options.client_address = address)
    }

    /// Where the address of the connection's peer is, in place of the extension [`PeerAddress`](crate::PeerAddress).
    /// For `axum::serve` with `into_make_service_with_connect_info`:
    /// `|extensions| extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())`.
    #[must_use]
    pub fn peer(
        self,
        peer: impl Fn(&Extensions) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> HttpLayer {
        self.with(|options| options.peer = Arc::new(peer))
    }

    /// Which events a request has.
    #[must_use]
    pub fn profile(self, profile: Profile) -> HttpLayer {
        self.with(|options| options.profile = profile)
    }

    /// Paths whose requests are logged only if something goes wrong: a status from 400, an error, a panic, a client
    /// that leaves. A `*` at the end of a path matches any rest.
    #[must_use]
    pub fn skip<P: AsRef<str>>(self, paths: impl IntoIterator<Item = P>) -> HttpLayer {
        self.with(|options| options.skip = SkipList::new(paths))
    }

    /// How much of the query is logged.
    #[must_use]
    pub fn query(self, query: Query) -> HttpLayer {
        self.with(|options| options.query = query)
    }

    /// The level of the access event, in place of [`Ended::default_level`]. If the callback panics, the panic is
    /// counted and the default is used.
    #[must_use]
    pub fn level(self, level: impl Fn(&Ended<'_>) -> Level + Send + Sync + 'static) -> HttpLayer {
        self.with(|options| options.level = Some(Arc::new(level)))
    }

    /// What is done about a handler that panics.
    #[must_use]
    pub fn on_panic(self, on_panic: OnPanic) -> HttpLayer {
        self.with(|options| options.on_panic = on_panic)
    }

    /// Whether responses with a status from 400 that have no body, or a body of `text/plain`, get a problem document
    /// in place of it. Off by default. The text is dropped.
    #[must_use]
    pub fn problem_json(self, is_on: bool) -> HttpLayer {
        self.with(|options| options.maps_to_problems = is_on)
    }

    /// Whether all events of a request have the address of its client, as `client.ip`. Off by default.
    #[must_use]
    pub fn client_in_scope(self, is_on: bool) -> HttpLayer {
        self.with(|options| options.has_client_in_scope = is_on)
    }

    /// Whether all events of a request have its method and path, as `http_method` and `request_path`. Off by default.
    #[must_use]
    pub fn request_line_in_scope(self, is_on: bool) -> HttpLayer {
        self.with(|options| options.has_request_line_in_scope = is_on)
    }

    /// Which bodies are logged: on the access event, or with [`Profile::Api`] on the events of each direction. None by
    /// default.
    #[must_use]
    pub fn capture(self, bodies: Bodies) -> HttpLayer {
        self.with(|options| options.capture = Some(Arc::new(bodies)))
    }

    /// Writes an audit event for each request.
    #[cfg(feature = "audit")]
    #[must_use]
    pub fn audit(self, audit: super::audit::HttpAudit) -> HttpLayer {
        self.with(|options| options.audit = Some(Arc::new(audit)))
    }

    /// Calls `on_start` at the beginning of each request, for metrics such as the number of open requests; also of
    /// those that are skipped. A panic of it is caught and counted. [`HttpLayer::on_end`] is called once for each such
    /// call.
    #[must_use]
    pub fn on_start(self, on_start: impl Fn(&Method, &Uri) + Send + Sync + 'static) -> HttpLayer {
        self.with(|options| options.on_start.push(Arc::new(on_start)))
    }

    /// Calls `on_end` at the end of each request, for metrics; also of those that are skipped or not enabled. It runs
    /// on the thread that ends the request, in its context, and must be short. A panic of it is caught and counted.
    /// Several callbacks are called in their order.
    #[must_use]
    pub fn on_end(self, on_end: impl Fn(&Ended<'_>) + Send + Sync + 'static) -> HttpLayer {
        self.with(|options| options.on_end.push(Arc::new(on_end)))
    }

    /// What this layer and its copies have replaced or left out so far.
    pub fn counts(&self) -> LayerCounts {
        self.options.counters.counts()
    }
}

impl<S> Layer<S> for HttpLayer {
    type Service = HttpService<S>;

    fn layer(&self, inner: S) -> HttpService<S> {
        HttpService { inner, options: Arc::clone(&self.options) }
    }
}

/// The service of [`HttpLayer`].
#[derive(Clone)]
pub struct HttpService<S> {
    inner: S,
    options: Arc<Options>,
}

impl<S: fmt::Debug> fmt::Debug for HttpService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for HttpService<S>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>>,
    S::Error: fmt::Debug + fmt::Display + 'static,
    B: Body,
    R: Body,
    R::Data: From<Bytes>,
    R::Error: fmt::Display,
{
    type Response = Response<HttpBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R, S::Error>;

    fn poll_ready(&mut self, waker: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(waker)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let received = self.options.ids.receive(request.headers());
        if received.is_any_refused() {
            received.replace(request.headers_mut());
            self.options.counters.ids_replaced.add();
        }
        let (mut exchange, mut scopes) =
            Exchange::begin(&self.options, Head::of(&request), received.id.as_str());
        let called = {
            let _part = scopes.enter();
            let side = exchange.start(Head::of(&request), request.body().is_end_stream());
            let request = request.map(|body| RequestBody::new(body, side));
            let _slot = exchange.slot.enter();
            catch_unwind(AssertUnwindSafe(|| self.inner.call(request)))
        };
        ResponseFuture::new(exchange, scopes, called)
    }
}
