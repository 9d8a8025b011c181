//! The middleware for reqwest's clients.
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use http::{Extensions, Uri};
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};
use ringseal::value::ErrorValue;
use ringseal::{Logger, WithSpan, fields};

use super::headers::ClientOptions;
use crate::server::HeaderNameError;
use crate::url::Query;

/// Gives each call of a reqwest client a span `httpx.request` and its headers, as [`ClientLayer`](crate::ClientLayer)
/// does for services.
///
/// ```
/// use ringseal_tower::ReqwestMiddleware;
/// # let (engine, _capture) = ringseal::testing::Capture::start();
/// let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
///     // .with(retries): outside, so that each attempt has its span
///     .with(ReqwestMiddleware::new(engine.logger()))
///     .build();
/// # let _ = client;
/// ```
///
/// Redirects that reqwest itself follows belong to the span of their call. The URL in the messages of reqwest's errors
/// is not logged, because it has the whole query.
#[derive(Debug, Clone)]
pub struct ReqwestMiddleware {
    options: ClientOptions,
}

impl ReqwestMiddleware {
    /// The middleware with its defaults.
    pub fn new(logger: Logger) -> ReqwestMiddleware {
        ReqwestMiddleware { options: ClientOptions::new(logger) }
    }

    /// How much of the query is logged.
    #[must_use]
    pub fn query(mut self, query: Query) -> ReqwestMiddleware {
        self.options.query = query;
        self
    }

    /// As [`ClientLayer::request_id_headers`](crate::ClientLayer::request_id_headers).
    ///
    /// # Errors
    /// The first text that cannot be the name of a header.
    pub fn request_id_headers<N: AsRef<str>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> std::result::Result<ReqwestMiddleware, HeaderNameError> {
        self.options.set_request_id_headers(names)?;
        Ok(self)
    }
}

#[async_trait::async_trait]
impl Middleware for ReqwestMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let method = request.method().clone();
        let uri = Uri::try_from(request.url().as_str()).unwrap_or_default();
        let span = self.options.begin(&method, &uri, request.headers_mut());
        let result = next.run(request, extensions).in_span(Arc::clone(&span)).await;
        match &result {
            Ok(response) => span.record(fields! { status = response.status().as_u16() }),
            Err(reqwest_middleware::Error::Reqwest(error)) => span.fail(&WithoutUrl(error)),
            // The report of another middleware.
            Err(error) => span.fail_with(&ErrorValue(error)),
        }
        result
    }
}

/// An error of reqwest without its URL.
struct WithoutUrl<'e>(&'e reqwest::Error);

impl fmt::Display for WithoutUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        f.write_str(text.split(" for url (").next().unwrap_or_default())
    }
}

impl fmt::Debug for WithoutUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for WithoutUrl<'_> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
