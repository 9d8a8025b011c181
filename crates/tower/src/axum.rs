//! axum: the route's template, the logger of a handler, problem documents as responses.
use std::task::{Context, Poll};

use ::axum::body::Body;
use ::axum::extract::{FromRequestParts, MatchedPath};
use ::axum::response::{IntoResponse, Response};
use http::Request;
use http::request::Parts;
use ringseal::Logger;
use tower_layer::Layer;
use tower_service::Service;

use crate::problem::Problem;
use crate::server::slot;

/// The logger of the layer around the handler, as an extractor.
///
/// Its events have the ids of the request, as all events of the handler have.
///
/// ```
/// use ringseal::{fields, info};
/// use ringseal_tower::{axum::Log, note};
/// async fn pay(Log(log): Log) -> &'static str {
///     info!(log, "paid", amount = 100);
///     note(fields! { cart.items = 3 }); // on the access event
///     "paid"
/// }
/// # let _: axum::Router = axum::Router::new().route("/pay", axum::routing::post(pay));
/// ```
///
/// Without [`HttpLayer`](crate::HttpLayer) around the handler, or if the handler runs in another task than the layer,
/// the request is answered with status 500, and a problem that says so is logged.
#[derive(Debug, Clone)]
pub struct Log(pub Logger);

impl std::ops::Deref for Log {
    type Target = Logger;

    fn deref(&self) -> &Logger {
        &self.0
    }
}

/// No layer is around the handler.
#[derive(Debug)]
struct NoLayer;

impl std::fmt::Display for NoLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "the extractor Log expected an HttpLayer around the handler in the same task, found none: add \
             `.layer(HttpLayer::new(logger))` to the router",
        )
    }
}

impl std::error::Error for NoLayer {}

impl<S: Sync> FromRequestParts<S> for Log {
    type Rejection = Problem;

    async fn from_request_parts(_parts: &mut Parts, _state: &S) -> Result<Log, Problem> {
        slot::logger().map(Log).ok_or_else(|| Problem::internal().log(&NoLayer))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.response::<Body>()
    }
}

/// Reports the route's template to an [`HttpLayer`](crate::HttpLayer) that is around the whole router, where no route
/// is known yet: `router.route_layer(ReportRoute)`. A layer that is added by `Router::layer` does not need it.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReportRoute;

impl<S> Layer<S> for ReportRoute {
    type Service = ReportRouteService<S>;

    fn layer(&self, inner: S) -> ReportRouteService<S> {
        ReportRouteService { inner }
    }
}

/// The service of [`ReportRoute`].
#[derive(Debug, Clone)]
pub struct ReportRouteService<S> {
    inner: S,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for ReportRouteService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, waker: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(waker)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        if let Some(path) = request.extensions().get::<MatchedPath>() {
            slot::set_matched_path(path.clone());
        }
        self.inner.call(request)
    }
}
