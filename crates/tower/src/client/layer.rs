//! The layer for any client that is a service of requests.
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use ringseal::{InSpan, Logger, Span, WithSpan, fields};
use tower_layer::Layer;
use tower_service::Service;

use super::headers::ClientOptions;
use crate::failure::Shown;
use crate::server::HeaderNameError;
use crate::url::Query;

/// Gives each call a span `httpx.request` with method, URL, status and outcome, and the headers `traceparent`,
/// `tracestate` and `X-Request-ID`.
///
/// ```
/// use ringseal::{Context, fields, testing::Capture};
/// use ringseal_tower::ClientLayer;
/// use tower::{Layer, ServiceExt, service_fn};
/// # use http::{Request, Response};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let (engine, capture) = Capture::start();
/// # let client = service_fn(|request: Request<()>| async move {
/// #     assert_eq!(request.headers()["x-request-id"], "r-17");
/// #     Ok::<_, std::io::Error>(Response::new(()))
/// # });
/// let client = ClientLayer::new(engine.logger()).layer(client); // such as the client of hyper-util
/// let request = Request::get("http://stock/items/7?key=x").body(()).unwrap();
/// let call = Context::new().with(fields! { request_id = "r-17" }).run(|| client.oneshot(request));
/// # use ringseal::WithContext;
/// # let call = call.in_context(Context::new().with(fields! { request_id = "r-17" }));
/// call.await.unwrap();
/// let span = capture.event("span.end");
/// assert_eq!((span.text("url"), span.text("status")), ("http://stock/items/7?key=***", "200"));
/// # }
/// ```
///
/// The span ends with the head of the response. Put the layer inside of those that retry or follow redirects: then
/// each attempt is a span with its own id. Headers that the caller has set stay.
#[derive(Debug, Clone)]
pub struct ClientLayer {
    options: Arc<ClientOptions>,
}

impl ClientLayer {
    /// The layer with its defaults.
    pub fn new(logger: Logger) -> ClientLayer {
        ClientLayer { options: Arc::new(ClientOptions::new(logger)) }
    }

    /// How much of the query is logged.
    #[must_use]
    pub fn query(mut self, query: Query) -> ClientLayer {
        Arc::make_mut(&mut self.options).query = query;
        self
    }

    /// The headers for the id of the request, in place of `X-Request-ID`; none if empty. The id is the field
    /// `request_id` of the context, or else `correlation_id`.
    ///
    /// # Errors
    /// The first text that cannot be the name of a header.
    pub fn request_id_headers<N: AsRef<str>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Result<ClientLayer, HeaderNameError> {
        Arc::make_mut(&mut self.options).set_request_id_headers(names)?;
        Ok(self)
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> ClientService<S> {
        ClientService { inner, options: Arc::clone(&self.options) }
    }
}

/// The service of [`ClientLayer`].
#[derive(Debug, Clone)]
pub struct ClientService<S> {
    inner: S,
    options: Arc<ClientOptions>,
}

impl<S, B, R> Service<Request<B>> for ClientService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: fmt::Debug + fmt::Display + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ClientFuture<S::Future>;

    fn poll_ready(&mut self, waker: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(waker)
    }

    fn call(&mut self, request: Request<B>) -> ClientFuture<S::Future> {
        let (mut parts, body) = request.into_parts();
        let span = self.options.begin(&parts.method, &parts.uri, &mut parts.headers);
        let future = span.run(|| self.inner.call(Request::from_parts(parts, body)));
        ClientFuture { inner: future.in_span(Arc::clone(&span)), span: Some(span) }
    }
}

pin_project! {
    /// The future of a call of [`ClientService`].
    #[must_use = "futures do nothing unless they are polled"]
    pub struct ClientFuture<F>
    where
        F: Future,
    {
        // Its drop before the response cancels the span.
        #[pin]
        inner: InSpan<F, Arc<Span>>,
        // Without it once the call is done.
        span: Option<Arc<Span>>,
    }
}

impl<F: Future> fmt::Debug for ClientFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientFuture").finish_non_exhaustive()
    }
}

impl<F, R, E> Future for ClientFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: fmt::Debug + fmt::Display + 'static,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(waker));
        if let Some(span) = this.span.take() {
            match &result {
                Ok(response) => span.record(fields! { status = response.status().as_u16() }),
                Err(error) => Shown::of(error, |value| span.fail_with(value)),
            }
        }
        Poll::Ready(result)
    }
}
