//! What the writer can be asked to do.
use std::fmt;
use std::sync::Arc;

use crossbeam_channel::Sender;

#[cfg(feature = "audit")]
use super::audit::{AuditRequest, AuditThreadEvent};
use crate::redact::Rules;
use crate::sink::Sink;

/// A request to the writer thread.
pub enum Control {
    /// Hand everything logged before to the sinks, and answer.
    Flush(Sender<Result<(), FlushError>>),
    /// The same, and make it survive power loss.
    Sync(Sender<Result<(), FlushError>>),
    /// Close and open every sink's target again.
    Reopen(Sender<Result<(), FlushError>>),
    /// Add a sink.
    AddSink(Box<dyn Sink>),
    /// Renew the sinks' counts in the link, and answer.
    Report(Sender<Result<(), FlushError>>),
    /// Redact by other rules, or not at all, and answer.
    SetRules(Option<Arc<Rules>>, Sender<Result<(), FlushError>>),
    /// Ask the audit log's keeper, behind everything that was logged before.
    #[cfg(feature = "audit")]
    Audit(AuditRequest),
    /// What the keeper has to tell.
    #[cfg(feature = "audit")]
    AuditThreadEvent(AuditThreadEvent),
    /// Drain everything and end.
    Stop(Sender<Result<(), FlushError>>),
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Control::Flush(_) => "Flush",
            Control::Sync(_) => "Sync",
            Control::Reopen(_) => "Reopen",
            Control::AddSink(_) => "AddSink",
            Control::Report(_) => "Report",
            Control::SetRules(..) => "SetRules",
            #[cfg(feature = "audit")]
            Control::Audit(_) => "Audit",
            #[cfg(feature = "audit")]
            Control::AuditThreadEvent(_) => "AuditThreadEvent",
            Control::Stop(_) => "Stop",
        })
    }
}

/// Why a flush, a sync or a reopen did not do what it promises.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlushError {
    /// At least one sink failed; what each said.
    Sinks(String),
    /// The writer did not answer in time. It goes on trying.
    Timeout,
    /// The engine has been stopped.
    Stopped,
    /// This process was forked from the one in which the engine runs; the writer's thread did not come along.
    Forked,
    /// Asked from the writer's own thread, by a sink: it would wait for itself.
    FromWriter,
}

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FlushError::Sinks(said) => write!(f, "not everything is with the sinks: {said}"),
            FlushError::Timeout => {
                f.write_str("the writer did not answer in time; it goes on trying")
            }
            FlushError::Stopped => f.write_str("the engine has been stopped"),
            FlushError::Forked => f.write_str(
                "this process was forked from the one in which the engine runs; start one of its own here",
            ),
            FlushError::FromWriter => f.write_str("asked by a sink, on the writer's own thread"),
        }
    }
}

impl std::error::Error for FlushError {}
