//! Futures inside spans.
//!
//! Promises: as of a future with a context (`ambient`). A future that owns its span ends it with its last poll. If it
//! is dropped before, the outcome of the span is `cancelled`.
use std::borrow::Borrow;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use super::Span;
use crate::emit::ambient::{self, Scopes, Stack};

/// Runs futures inside spans.
pub trait WithSpan: Future + Sized {
    /// Polls the future inside the span, in the context that is current now. A span that is passed by value ends with
    /// the future.
    ///
    /// ```
    /// use ringseal::{WithSpan, info, span, testing::Capture};
    /// let (engine, capture) = Capture::start();
    /// let log = engine.logger();
    /// let query = async move { info!(log, "connected") };
    /// let query = query.in_span(span!(engine, "db.query"));
    /// # let mut query = std::pin::pin!(query);
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert!(query.as_mut().poll(&mut context).is_ready());
    /// // query.await
    /// let (inside, end) = (capture.event("connected"), capture.event("span.end"));
    /// assert_eq!(inside.text("span_id"), end.text("span_id"));
    /// ```
    fn in_span<S: Borrow<Span>>(self, span: S) -> InSpan<Self, S> {
        InSpan::new(self, span, |_, _| {})
    }

    /// The same, and logs the error that the future returns; see [`Span::fail`].
    ///
    /// ```
    /// use ringseal::{WithSpan, span, testing::Capture};
    /// let (engine, capture) = Capture::start();
    /// let work = async { "x".parse::<u16>() }.try_in_span(span!(engine, "parse"));
    /// # let mut work = std::pin::pin!(work);
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert!(work.as_mut().poll(&mut context).is_ready());
    /// // work.await
    /// assert_eq!(capture.event("span.end")["outcome"], "error");
    /// ```
    fn try_in_span<T, E, S>(self, span: S) -> InSpan<Self, S>
    where
        Self: Future<Output = Result<T, E>>,
        E: Error,
        S: Borrow<Span>,
    {
        InSpan::new(self, span, |span, result| {
            if let Err(error) = result {
                span.fail(error);
            }
        })
    }
}

impl<F: Future, S: Borrow<Span>> InSpan<F, S> {
    fn new(inner: F, span: S, on_end: fn(&Span, &F::Output)) -> Self {
        let scopes = Stack::of(span.borrow().context());
        InSpan { inner: Some(inner), span: Some(span), scopes, on_end }
    }
}

impl<F: Future> WithSpan for F {}

pin_project! {
    /// A future inside a span; see [`WithSpan`].
    #[must_use = "futures do nothing unless they are polled"]
    pub struct InSpan<F, S>
    where
        F: Future,
        S: Borrow<Span>,
    {
        // Without it once it has been dropped inside the context.
        #[pin]
        inner: Option<F>,
        // Without it once the future is done.
        span: Option<S>,
        scopes: Scopes,
        on_end: fn(&Span, &F::Output),
    }

    impl<F, S> PinnedDrop for InSpan<F, S>
    where
        F: Future,
        S: Borrow<Span>,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(span) = &*this.span {
                Borrow::<Span>::borrow(span).cancel();
            }
            let _scope = ambient::StackPoll::begin(this.scopes);
            this.inner.set(None);
        }
    }
}

impl<F: Future, S: Borrow<Span>> fmt::Debug for InSpan<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InSpan").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

impl<F: Future, S: Borrow<Span>> Future for InSpan<F, S> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, waker: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let result = {
            let _scope = ambient::StackPoll::begin(this.scopes);
            let _watch = this.span.as_ref().map(|span| span.borrow().watch());
            // Present until the drop.
            this.inner.as_pin_mut().map_or(Poll::Pending, |inner| inner.poll(waker))
        };
        if let Poll::Ready(output) = &result
            && let Some(span) = this.span.take()
        {
            (this.on_end)(span.borrow(), output);
        }
        result
    }
}
