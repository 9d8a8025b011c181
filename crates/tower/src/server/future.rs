//! The future of a response.
//!
//! Promises: the handler is called, polled and dropped in the context of its request. A panic of it is caught, logged
//! and answered. If the future is dropped before the response, the exchange ends there.
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::response::Parts;
use http::{Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use ringseal::internals::context::TaskScopes;
use ringseal::value::ErrorValue;

use super::body::{HttpBody, Length};
use super::exchange::{Exchange, Waiting};
use super::mapping;
use super::options::OnPanic;
use super::outcome::Outcome;
use super::profile;
use crate::failure::{PanicError, Shown};
use crate::problem::Problem;

type Payload = Box<dyn Any + Send>;
type Answer<B, E> = Result<Response<HttpBody<B>>, E>;

pin_project! {
    /// The future of a response of [`HttpLayer`](crate::HttpLayer).
    #[must_use = "futures do nothing unless they are polled"]
    pub struct ResponseFuture<F, B, E> {
        #[pin]
        handling: Handling<F, B, E>,
    }
}

pin_project! {
    /// The handler and its exchange.
    struct Handling<F, B, E> {
        // Without it once it is done, or has been dropped.
        #[pin]
        future: Option<F>,
        // The panic of the call of the handler.
        panic: Option<Payload>,
        // The response, while it waits for its audit entry.
        prepared: Option<(Prepared<B>, Waiting)>,
        // Without it once the response or an error was returned.
        exchange: Option<Box<Exchange>>,
        scopes: Option<TaskScopes>,
        error: PhantomData<fn() -> E>,
    }

    impl<F, B, E> PinnedDrop for Handling<F, B, E> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let (Some(mut exchange), Some(scopes)) = (this.exchange.take(), &mut *this.scopes) else {
                return;
            };
            let _part = scopes.enter();
            {
                let _slot = exchange.slot.enter();
                this.future.set(None);
            }
            *this.prepared = None;
            exchange.end(Outcome::ClientClosed, None);
        }
    }
}

impl<F, B, E> fmt::Debug for ResponseFuture<F, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, B, E> ResponseFuture<F, B, E> {
    /// The future of a handler that was called in these scopes, or its panic.
    pub(crate) fn new(
        exchange: Box<Exchange>,
        scopes: TaskScopes,
        called: Result<F, Payload>,
    ) -> ResponseFuture<F, B, E> {
        let (future, panic) = match called {
            Ok(future) => (Some(future), None),
            Err(panic) => (None, Some(panic)),
        };
        let (exchange, scopes) = (Some(exchange), Some(scopes));
        let handling =
            Handling { future, panic, prepared: None, exchange, scopes, error: PhantomData };
        ResponseFuture { handling }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    B::Data: From<Bytes>,
    B::Error: fmt::Display,
    E: fmt::Debug + fmt::Display + 'static,
{
    type Output = Answer<B, E>;

    fn poll(self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Answer<B, E>> {
        self.project().handling.poll(waker)
    }
}

impl<F, B, E> Handling<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    B::Data: From<Bytes>,
    B::Error: fmt::Display,
    E: fmt::Debug + fmt::Display + 'static,
{
    fn poll(self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Answer<B, E>> {
        let mut this = self.project();
        let (Some(exchange), Some(scopes)) = (&mut *this.exchange, &mut *this.scopes) else {
            // Polled after its end.
            return Poll::Pending;
        };
        let mut part = scopes.enter();
        if this.prepared.is_none() {
            let done = match (this.panic.take(), this.future.as_mut().as_pin_mut()) {
                (Some(panic), _) => Err(panic),
                (None, Some(_)) => ready!(poll_handler(this.future, exchange, waker)),
                (None, None) => return Poll::Pending,
            };
            // Those that the handler has left open.
            part.end_open_scopes();
            match prepare(exchange, done) {
                Ok((prepared, Some(waiting))) => *this.prepared = Some((prepared, waiting)),
                Ok((prepared, None)) => {
                    let begun = prepared.begin(exchange, true);
                    drop(part);
                    return begun.answer(this.exchange, this.scopes);
                }
                Err(error) => {
                    *this.exchange = None;
                    return Poll::Ready(Err(error));
                }
            }
        }
        let is_recorded = match &mut *this.prepared {
            Some((_, waiting)) => ready!(waiting.as_mut().poll(waker)),
            None => true,
        };
        let Some((prepared, _)) = this.prepared.take() else { return Poll::Pending };
        let begun = prepared.begin(exchange, is_recorded);
        drop(part);
        begun.answer(this.exchange, this.scopes)
    }
}

/// What a handler has returned, or its panic.
type Done<B, E> = Result<Result<Response<B>, E>, Payload>;

/// Polls the handler. It is dropped once it is done.
fn poll_handler<F, B, E>(
    mut future: Pin<&mut Option<F>>,
    exchange: &mut Exchange,
    waker: &mut Context<'_>,
) -> Poll<Done<B, E>>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    let _slot = exchange.slot.enter();
    let poll = || future.as_mut().as_pin_mut().map_or(Poll::Pending, |future| future.poll(waker));
    let done = match catch_unwind(AssertUnwindSafe(poll)) {
        Ok(Poll::Pending) => return Poll::Pending,
        Ok(Poll::Ready(result)) => Ok(result),
        Err(panic) => Err(panic),
    };
    // A second panic, of a destructor, changes nothing.
    let dropped = catch_unwind(AssertUnwindSafe(|| future.set(None)));
    Poll::Ready(done.and_then(|result| dropped.map(|()| result)))
}

/// A response whose head is ready.
struct Prepared<B> {
    head: Parts,
    /// The handler's body, or a document in its place.
    body: Result<B, Bytes>,
}

impl<B: Body> Prepared<B> {
    fn document(problem: Problem) -> Prepared<B> {
        let (head, document) = problem.response::<Bytes>().into_parts();
        Prepared { head, body: Err(document) }
    }

    /// Begins the response, in the context of the handler.
    fn begin(mut self, exchange: &mut Exchange, is_recorded: bool) -> Begun<B> {
        if !is_recorded && exchange.refuses_unrecorded() {
            self = Prepared::document(Problem::new(StatusCode::SERVICE_UNAVAILABLE));
            exchange.status = Some(self.head.status);
        }
        let Prepared { mut head, body } = self;
        exchange.write_ids(&mut head.headers);
        let length = Length::begin(&body, &head, exchange);
        Begun { head, body, length }
    }
}

/// A response that has begun.
struct Begun<B> {
    head: Parts,
    body: Result<B, Bytes>,
    length: Length,
}

impl<B: Body> Begun<B> {
    /// The response, which ends with its exchange.
    fn answer<E>(
        self,
        exchange: &mut Option<Box<Exchange>>,
        scopes: &mut Option<TaskScopes>,
    ) -> Poll<Answer<B, E>> {
        let Begun { head, body, length } = self;
        // The exchange may be over, and is dropped then.
        let exchange = exchange.take().filter(|_| !length.is_over);
        let body = HttpBody::new(body, length.bytes, exchange, scopes.take());
        Poll::Ready(Ok(Response::from_parts(head, body)))
    }
}

/// Prepares the response to what the handler has returned; also returns what it has to wait for.
fn prepare<B, E>(
    exchange: &mut Exchange,
    done: Done<B, E>,
) -> Result<(Prepared<B>, Option<Waiting>), E>
where
    B: Body,
    E: fmt::Debug + fmt::Display + 'static,
{
    let prepared = match done {
        Ok(Ok(response)) => {
            let (mut head, body) = response.into_parts();
            let document = match exchange.options.maps_to_problems {
                true => mapping::document_for(&mut head, &body),
                false => None,
            };
            Prepared { head, body: document.map_or(Ok(body), Err) }
        }
        Ok(Err(error)) => {
            fail(exchange, &error);
            return Err(error);
        }
        Err(panic) => {
            note_panic(exchange, panic);
            Prepared::document(Problem::internal())
        }
    };
    let waiting = exchange.answer(prepared.head.status);
    Ok((prepared, waiting))
}

/// Logs the error of a service.
fn fail<E: fmt::Debug + fmt::Display + 'static>(exchange: &mut Exchange, error: &E) {
    Shown::of(error, |value| {
        profile::write_failure(exchange, Outcome::HandlerError, value);
        if let Some(span) = &exchange.span {
            span.fail_with(value);
        }
    });
    exchange.end(Outcome::HandlerError, Some(error));
}

/// Logs a panic, and passes it on if the layer does not answer it.
fn note_panic(exchange: &mut Exchange, panic: Payload) {
    let error = PanicError::of(&*panic);
    profile::write_failure(exchange, Outcome::Panicked, &ErrorValue(&error));
    if let Some(span) = &exchange.span {
        span.fail_with(&ErrorValue(&error));
    }
    exchange.panic = Some(error);
    if exchange.options.on_panic == OnPanic::Resume {
        exchange.end(Outcome::Panicked, None);
        resume_unwind(panic);
    }
    // The destructor of the payload may panic too.
    exchange.options.guarded(|| drop(panic));
}
