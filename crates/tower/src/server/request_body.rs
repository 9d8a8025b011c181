//! The body of a request, whose bytes are counted, and captured if asked, as the handler reads them.
//!
//! Promises: frames are passed on as they come; nothing is buffered or delayed. A body that is already at its end
//! needs no allocation.
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::api::Inbound;
use super::bodies::{Captured, Text};

/// What the exchange learns from the request's body.
#[derive(Debug, Default)]
pub(crate) struct RequestSide {
    bytes: AtomicU64,
    /// Without it if nothing but the bytes is of interest.
    detail: Option<Mutex<Detail>>,
}

/// A body that is captured.
#[derive(Debug)]
struct Detail {
    captured: Captured,
    /// The event that the body belongs to, until it is written.
    inbound: Option<Box<Inbound>>,
}

impl RequestSide {
    /// Counts the bytes alone.
    pub(crate) fn counting() -> RequestSide {
        RequestSide::default()
    }

    /// Captures the body too, and writes `inbound` when it has been read.
    pub(crate) fn capturing(captured: Captured, inbound: Option<Box<Inbound>>) -> RequestSide {
        let detail = Some(Mutex::new(Detail { captured, inbound }));
        RequestSide { detail, ..RequestSide::default() }
    }

    /// The bytes that were read.
    pub(crate) fn bytes(&self) -> u64 {
        // ORDER: relaxed; a number that is published with nothing else.
        self.bytes.load(Ordering::Relaxed)
    }

    fn detail(&self) -> Option<MutexGuard<'_, Detail>> {
        Some(self.detail.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn read(&self, chunk: &impl Buf) {
        // ORDER: relaxed; as above.
        self.bytes.fetch_add(chunk.remaining() as u64, Ordering::Relaxed);
        if let Some(mut detail) = self.detail() {
            detail.captured.push(chunk);
        }
    }

    /// The text that was captured.
    pub(crate) fn text(&self) -> Option<Text> {
        self.detail()?.captured.text()
    }

    /// Writes the event that the body belongs to, once.
    pub(crate) fn write_inbound(&self) {
        let inbound = self.detail().and_then(|mut detail| detail.inbound.take());
        if let Some(inbound) = inbound {
            inbound.write(self.text());
        }
    }
}

pin_project! {
    /// The body of a request inside of [`HttpLayer`](crate::HttpLayer): that of the server, with its bytes counted.
    #[derive(Debug)]
    pub struct RequestBody<B> {
        #[pin]
        inner: B,
        watch: Watch,
    }
}

/// Reports the end of the body, at the latest when it is dropped.
#[derive(Debug)]
struct Watch {
    side: Option<Arc<RequestSide>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(side) = self.side.take() {
            side.write_inbound();
        }
    }
}

impl<B> RequestBody<B> {
    /// The body, of which `side` learns.
    pub(crate) fn new(inner: B, side: Option<Arc<RequestSide>>) -> RequestBody<B> {
        RequestBody { inner, watch: Watch { side } }
    }

    /// The body that the server has made; its bytes are not counted any more.
    pub fn into_inner(self) -> B {
        self.inner
    }
}

impl<B: Body> Body for RequestBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        waker: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(waker));
        let Some(side) = &this.watch.side else { return Poll::Ready(frame) };
        if let Some(Ok(frame)) = &frame
            && let Some(chunk) = frame.data_ref()
        {
            side.read(chunk);
        }
        if !matches!(frame, Some(Ok(_))) || this.inner.is_end_stream() {
            side.write_inbound();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
