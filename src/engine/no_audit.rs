//! Replaces `audit` if the feature `audit` is off: the same functions, for a log that cannot be configured.
use std::sync::Arc;
use std::time::Duration;

use super::config::{InitError, Survivors};
use crate::emit::shared::Shared;
use crate::recover::home::Home;
use crate::writer::Writer;
use crate::writer::control::FlushError;
use ringseal_base::clock::Clock;
use ringseal_base::limits::Limits;

/// No audit log can be configured; an `Option` of it takes no bytes.
#[derive(Debug)]
pub(super) enum AuditConfig {}

pub(super) fn open(
    _: Option<AuditConfig>,
    _: &Arc<dyn Clock>,
    _: Limits,
) -> Result<Option<AuditConfig>, InitError> {
    Ok(None)
}

pub(super) fn home_name(_: Option<&AuditConfig>) -> String {
    String::new()
}

/// Audit events of killed runs stay in their homes.
pub(super) fn recover(
    _: &mut Option<AuditConfig>,
    _: &str,
    survivors: &mut Survivors,
    _: &Arc<dyn Clock>,
) {
    for adoption in survivors.recovering.iter_mut().flat_map(|it| &mut it.adoptions) {
        adoption.has_other_audit = adoption.home.has_journal();
    }
}

pub(super) fn start(
    _: Option<AuditConfig>,
    _: &Arc<Shared>,
    _: Option<&Arc<Home>>,
) -> Result<Option<AuditConfig>, InitError> {
    Ok(None)
}

pub(super) fn attach(writer: Writer, _: Option<AuditConfig>) -> Writer {
    writer
}

pub(super) fn flush(_: &Arc<Shared>, _: Duration) -> Result<(), FlushError> {
    Ok(())
}

pub(super) fn flush_async(_: &Arc<Shared>) -> std::future::Ready<Result<(), FlushError>> {
    std::future::ready(Ok(()))
}

pub(super) fn stop(_: &Arc<Shared>, _: Duration) {}

pub(super) fn seal(_: &Arc<Shared>, _: Duration) {}
