//! Futures inside spans.
//!
//! Promises: as of a future with a context (`ambient`). A future that owns its span ends it with its last poll. If it
//! is dropped before, the outcome of the span is `cancelled`.
use std::borrow::Borrow;
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
        let scopes = Stack::of(span.borrow().context());
        InSpan { inner: Some(self), span: Some(span), scopes }
    }
}

impl<F: Future> WithSpan for F {}

pin_project! {
    /// A future inside a span; see [`WithSpan`].
    #[must_use = "futures do nothing unless they are polled"]
    pub struct InSpan<F, S>
    where
        S: Borrow<Span>,
    {
        // Without it once it has been dropped inside the context.
        #[pin]
        inner: Option<F>,
        // Without it once the future is done.
        span: Option<S>,
        scopes: Scopes,
    }

    impl<F, S> PinnedDrop for InSpan<F, S>
    where
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

impl<F, S: Borrow<Span>> fmt::Debug for InSpan<F, S> {
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
            // Present until the drop.
            this.inner.as_pin_mut().map_or(Poll::Pending, |inner| inner.poll(waker))
        };
        if result.is_ready() {
            *this.span = None;
        }
        result
    }
}
