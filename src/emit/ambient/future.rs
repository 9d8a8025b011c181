//! Futures and closures that carry a context.
//!
//! Promises: no runtime; one allocation for a future, and none and no reference count for a poll. The context is that
//! of the future, not of the task or thread that polls it: it goes with the future to other threads. It is also current
//! while the future is dropped, so that destructors log in it. What the future leaves behind in a poll, such as a
//! forgotten scope, ends with the poll; what it adds by [`Context::add`] stays.
use std::fmt;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use super::context::Context;
use super::stack::{self, Scopes, Stack};

/// Gives futures a context.
pub trait WithContext: Future + Sized {
    /// Polls the future inside a scope of this context, on whatever thread.
    ///
    /// ```
    /// use ringseal::{Context, WithContext, fields, info, testing::Capture};
    /// let (engine, capture) = Capture::start();
    /// let log = engine.logger();
    /// let job = async move { info!(log, "job_done") };
    /// let job = job.in_context(Context::new().with(fields! { job = 7 }));
    /// # let mut job = std::pin::pin!(job);
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert!(job.as_mut().poll(&mut context).is_ready());
    /// // spawn(job)
    /// assert_eq!(capture.event("job_done")["job"], 7);
    /// ```
    fn in_context(self, context: Context) -> InContext<Self> {
        InContext { inner: Some(self), scopes: Stack::of(context) }
    }

    /// Polls the future inside a scope of the context that is current now: for a future that is passed to another task.
    fn in_current_context(self) -> InContext<Self> {
        self.in_context(Context::current())
    }
}

impl<F: Future> WithContext for F {}

pin_project! {
    /// A future inside a context; see [`WithContext`].
    #[must_use = "futures do nothing unless they are polled"]
    pub struct InContext<F> {
        // Without it once it has been dropped inside the context.
        #[pin]
        inner: Option<F>,
        scopes: Scopes,
    }

    impl<F> PinnedDrop for InContext<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _scope = stack::Poll::begin(this.scopes);
            this.inner.set(None);
        }
    }
}

impl<F> fmt::Debug for InContext<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InContext").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, waker: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _scope = stack::Poll::begin(this.scopes);
        // Present until the drop.
        this.inner.as_pin_mut().map_or(Poll::Pending, |inner| inner.poll(waker))
    }
}

/// A closure that runs in the context that is current now: for threads and pools.
///
/// ```
/// use ringseal::{Context, fields, in_current_context, info, testing::Capture};
/// let (engine, capture) = Capture::start();
/// Context::new().with(fields! { request_id = "r-17" }).run(|| {
///     let log = engine.logger();
///     std::thread::spawn(in_current_context(move || info!(log, "in_thread"))).join().unwrap();
/// });
/// assert_eq!(capture.event("in_thread")["request_id"], "r-17");
/// ```
pub fn in_current_context<T>(action: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let mut scopes = Stack::of(Context::current());
    move || {
        let _scope = stack::Poll::begin(&mut scopes);
        action()
    }
}
