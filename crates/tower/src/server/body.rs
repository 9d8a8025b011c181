//! The body of a response, whose end is the end of the exchange.
//!
//! Promises: frames, trailers and the size are passed on as they come; nothing is buffered or delayed. The end is
//! recognized where no server asks for it: at the last byte of a body of known length, for responses that have no
//! body, and where the body says that it is at its end. The body is polled and dropped in the context of its request.
use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::response::Parts;
use http::{Method, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use ringseal::internals::context::TaskScopes;

use super::exchange::Exchange;
use super::outcome::Outcome;

pin_project! {
    /// The body of a response of [`HttpLayer`](crate::HttpLayer).
    #[derive(Debug)]
    pub struct HttpBody<B> {
        // Without it once it has been dropped inside the context, and in a problem document.
        #[pin]
        inner: Option<B>,
        // A problem document in place of the handler's body.
        document: Option<Bytes>,
        // Without it once the exchange has ended.
        exchange: Option<Box<Exchange>>,
        // The bytes after which the response has ended.
        expected: Option<u64>,
        // Those of the handler.
        scopes: Option<TaskScopes>,
    }

    impl<B> PinnedDrop for HttpBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.inner.is_none() && this.exchange.is_none() {
                return;
            }
            let _part = this.scopes.as_mut().map(TaskScopes::enter);
            let mut exchange = this.exchange.take();
            {
                let _slot = exchange.as_mut().map(|exchange| exchange.slot.enter());
                this.inner.set(None);
            }
            if let Some(mut exchange) = exchange {
                exchange.end(Outcome::ClientClosed, None);
            }
        }
    }
}

/// Whether a response has no body, whatever its handler has made.
fn is_without_body(method: &Method, status: StatusCode) -> bool {
    method == Method::HEAD
        || status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}

/// Whether the connection becomes one of another protocol.
fn is_upgrade(method: &Method, status: StatusCode) -> bool {
    status == StatusCode::SWITCHING_PROTOCOLS || method == Method::CONNECT && status.is_success()
}

/// The length that the head of a response announces.
fn announced_length(head: &Parts) -> Option<u64> {
    head.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The bytes after which a server asks for no more.
fn expected_length(body: &impl Body, head: &Parts) -> Option<u64> {
    let lengths = [body.size_hint().exact(), announced_length(head)];
    lengths.into_iter().flatten().min()
}

/// How an exchange ends with the head of its response.
fn end_of_head(method: &Method, status: StatusCode, is_empty: bool) -> Option<Outcome> {
    if is_upgrade(method, status) {
        return Some(Outcome::Upgraded);
    }
    (is_empty || is_without_body(method, status)).then_some(Outcome::Completed)
}

/// How much of a response's body will be asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Length {
    /// The bytes after which the response has ended.
    pub(crate) bytes: Option<u64>,
    /// Whether the exchange has ended with the head.
    pub(crate) is_over: bool,
}

impl Length {
    /// That of the handler's body, or of a document, in a response with this head. Ends the exchange now if nothing of
    /// it will be asked for. The context is that of the handler.
    pub(crate) fn begin<B: Body>(
        body: &Result<B, Bytes>,
        head: &Parts,
        exchange: &mut Exchange,
    ) -> Length {
        let (bytes, is_empty) = match body {
            Ok(inner) => {
                let bytes = expected_length(inner, head);
                (bytes, inner.is_end_stream() || bytes == Some(0))
            }
            Err(document) => (Some(document.len() as u64), false),
        };
        let ended = end_of_head(&exchange.method, head.status, is_empty);
        exchange.is_streamed = ended.is_none() && bytes.is_none();
        exchange.watch_response(&head.headers);
        if let Some(outcome) = ended {
            exchange.end(outcome, None);
        }
        Length { bytes, is_over: ended.is_some() }
    }
}

impl<B> HttpBody<B> {
    /// The handler's body, or a problem document.
    pub(crate) fn new(
        body: Result<B, Bytes>,
        expected: Option<u64>,
        exchange: Option<Box<Exchange>>,
        scopes: Option<TaskScopes>,
    ) -> HttpBody<B> {
        let (inner, document) = match body {
            Ok(inner) => (Some(inner), None),
            Err(document) => (None, Some(document)),
        };
        HttpBody { inner, document, exchange, expected, scopes }
    }
}

type Polled<B> = Poll<Option<Result<Frame<<B as Body>::Data>, <B as Body>::Error>>>;

/// Polls a body, so that it reaches the slot of its exchange.
fn poll_inside<B: Body>(
    inner: Pin<&mut B>,
    exchange: &mut Exchange,
    waker: &mut Context<'_>,
) -> Result<Polled<B>, Box<dyn Any + Send>> {
    let _slot = exchange.slot.enter();
    catch_unwind(AssertUnwindSafe(|| inner.poll_frame(waker)))
}

impl<B> Body for HttpBody<B>
where
    B: Body,
    B::Data: From<Bytes>,
    B::Error: Display,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, waker: &mut Context<'_>) -> Polled<B> {
        let mut this = self.project();
        let _part = this.scopes.as_mut().map(TaskScopes::enter);
        if let Some(document) = this.document.take() {
            if let Some(mut exchange) = this.exchange.take() {
                exchange.pass(&document);
                exchange.end(Outcome::Completed, None);
            }
            return Poll::Ready(Some(Ok(Frame::data(document.into()))));
        }
        let Some(mut inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let Some(exchange) = &mut *this.exchange else { return inner.poll_frame(waker) };
        let frame = match poll_inside(inner.as_mut(), exchange, waker) {
            Ok(polled) => ready!(polled),
            Err(panic) => {
                exchange.end(Outcome::Panicked, None);
                resume_unwind(panic)
            }
        };
        if let Some(Ok(frame)) = &frame
            && let Some(chunk) = frame.data_ref()
        {
            exchange.pass(chunk);
        }
        let is_whole = |sent: u64| this.expected.is_some_and(|expected| sent >= expected);
        match &frame {
            None => exchange.end(Outcome::Completed, None),
            Some(Err(error)) => exchange.end(Outcome::BodyError, Some(error)),
            Some(Ok(frame))
                if frame.is_trailers()
                    || is_whole(exchange.bytes_out)
                    || inner.as_ref().is_end_stream() =>
            {
                exchange.end(Outcome::Completed, None);
            }
            Some(Ok(_)) => return Poll::Ready(frame),
        }
        *this.exchange = None;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.document.is_none() && self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.document, &self.inner) {
            (Some(document), _) => SizeHint::with_exact(document.len() as u64),
            (None, Some(inner)) => inner.size_hint(),
            (None, None) => SizeHint::with_exact(0),
        }
    }
}
