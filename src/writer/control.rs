//! Requests to the writer.
use std::fmt;
use std::sync::Arc;

use crossbeam_channel::Sender;

use super::answer::Answerer;
#[cfg(feature = "audit")]
use super::audit::{AuditRequest, AuditThreadEvent};
use crate::sink::Sink;
use ringseal_redact::Rules;

/// A request to the writer thread.
pub enum Control {
    /// Deliver everything logged before to the sinks, and answer.
    Flush(Sender<Result<(), FlushError>>),
    /// The same, for a task that awaits the answer.
    FlushAsync(Answerer<Result<(), FlushError>>),
    /// The same, and make it durable.
    Sync(Sender<Result<(), FlushError>>),
    /// Close and open the target of every sink, and answer.
    Reopen(Sender<Result<(), FlushError>>),
    /// Add a sink.
    AddSink(Box<dyn Sink>),
    /// Update the sinks' counts in the link, and answer.
    Report(Sender<Result<(), FlushError>>),
    /// Redact with other rules, or not at all, and answer.
    SetRules(Option<Arc<Rules>>, Sender<Result<(), FlushError>>),
    /// A request to the audit thread, after everything logged before.
    #[cfg(feature = "audit")]
    Audit(AuditRequest),
    /// An event of the audit thread.
    #[cfg(feature = "audit")]
    AuditThreadEvent(AuditThreadEvent),
    /// Drain everything and end.
    Stop(Sender<Result<(), FlushError>>),
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Control::Flush(_) => "Flush",
            Control::FlushAsync(_) => "FlushAsync",
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

/// Why a flush, a sync or a reopen failed.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlushError {
    /// At least one sink failed. Contains the errors of all sinks that failed.
    Sinks(String),
    /// The writer did not answer in time. It continues with the request.
    Timeout,
    /// The engine has been stopped.
    Stopped,
    /// This process was forked from the one in which the engine runs; it has no writer thread.
    Forked,
    /// Called by a sink on the writer's own thread, which would wait for itself.
    FromWriter,
}

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FlushError::Sinks(errors) => write!(f, "not all events reached the sinks: {errors}"),
            FlushError::Timeout => {
                f.write_str("the writer did not answer in time; it continues with the request")
            }
            FlushError::Stopped => f.write_str("the engine has been stopped"),
            FlushError::Forked => f.write_str(
                "this process was forked from the one in which the engine runs; start a new engine here",
            ),
            FlushError::FromWriter => f.write_str("called by a sink on the writer's own thread"),
        }
    }
}

ringseal_base::debug_by_message!(FlushError);

impl std::error::Error for FlushError {}
