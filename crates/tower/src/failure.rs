//! Errors and panics of handlers as values of fields.
use std::any::Any;
use std::error::Error;
use std::fmt;

use ringseal::value::Value;

use crate::url::cut_text;

/// The most bytes of a panic's message that are logged.
const MESSAGE_BYTES_MAX: usize = 4096;

/// A panic as an error.
#[derive(Debug)]
pub(crate) struct PanicError {
    message: Box<str>,
}

impl PanicError {
    /// That of a payload; a payload that is not a text has no message.
    pub(crate) fn of(payload: &(dyn Any + Send)) -> PanicError {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        PanicError {
            message: cut_text(text.unwrap_or("a panic without a message"), MESSAGE_BYTES_MAX)
                .into(),
        }
    }
}

impl fmt::Display for PanicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for PanicError {}

/// An error whose type need not be an [`Error`], as that of a service.
pub(crate) struct Shown<'e, E>(&'e E);

impl<'e, E: fmt::Debug + fmt::Display + 'static> Shown<'e, E> {
    /// Passes the error as a value to `action`: a boxed error with its chain, others with their message.
    pub(crate) fn of(error: &'e E, action: impl FnOnce(&dyn Value)) {
        let any: &dyn Any = error;
        if let Some(boxed) = any.downcast_ref::<Box<dyn Error + Send + Sync>>() {
            return action(&&**boxed);
        }
        if let Some(boxed) = any.downcast_ref::<Box<dyn Error>>() {
            return action(&&**boxed);
        }
        if let Some(io) = any.downcast_ref::<std::io::Error>() {
            return action(&ringseal::value::ErrorValue(io));
        }
        let shown = Shown(error);
        let shown: &dyn Error = &shown;
        action(&shown);
    }
}

impl<E: fmt::Debug> fmt::Debug for Shown<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: fmt::Display> fmt::Display for Shown<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: fmt::Debug + fmt::Display> Error for Shown<'_, E> {}
