//! A body whose frames, hints and failures are written down beforehand.
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// What one poll does.
#[derive(Debug, Clone)]
pub enum Step {
    Data(&'static str),
    Trailers,
    Pending,
    Fail,
    Panic,
}

/// The body.
#[derive(Debug, Default)]
pub struct Script {
    steps: std::collections::VecDeque<Step>,
    /// Whether the body says how long it is, and when it is at its end.
    pub says_more: bool,
    /// Runs when the body is dropped.
    pub on_drop: Option<fn()>,
}

impl Script {
    /// A body that says nothing of its length.
    pub fn of(steps: &[Step]) -> Script {
        Script { steps: steps.iter().cloned().collect(), says_more: false, on_drop: None }
    }

    /// One that says its length and its end.
    pub fn sized(steps: &[Step]) -> Script {
        let mut script = Script::of(steps);
        script.says_more = true;
        script
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if let Some(on_drop) = self.on_drop {
            on_drop();
        }
    }
}

/// The error of a body.
#[derive(Debug)]
pub struct BodyFailed;

impl fmt::Display for BodyFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the disk is on fire")
    }
}

impl std::error::Error for BodyFailed {}

impl Body for Script {
    type Data = Bytes;
    type Error = BodyFailed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        waker: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailed>>> {
        Poll::Ready(match self.steps.pop_front() {
            None => None,
            Some(Step::Data(text)) => Some(Ok(Frame::data(text.into()))),
            Some(Step::Trailers) => Some(Ok(Frame::trailers(HeaderMap::new()))),
            Some(Step::Fail) => Some(Err(BodyFailed)),
            Some(Step::Panic) => panic!("a scripted panic"),
            Some(Step::Pending) => {
                waker.waker().wake_by_ref();
                return Poll::Pending;
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.says_more && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if !self.says_more {
            return SizeHint::default();
        }
        let len = |step: &Step| if let Step::Data(text) = step { text.len() as u64 } else { 0 };
        SizeHint::with_exact(self.steps.iter().map(len).sum())
    }
}
