//! A catalogue: the event types of a service, each name once.
use super::descriptor::{EventDescriptor, RuleFailures};
use super::state::Policy;
use crate::core::callsite::{refuse, same};

/// The event types of a service; made by [`catalogue!`](crate::catalogue).
///
/// ```
/// use ringseal::{catalogue, domain_events, events::{Catalogue, Policy}, testing::Capture};
/// domain_events! {
///     event UploadSubmitted<'a> = "UPLOAD_SUBMITTED", Info, version 1 {
///         tracker: &'a str where not_blank;
///     }
///     event UploadFailed<'a> = "UPLOAD_FAILED", Error, version 1 {
///         meta.reason: &'a str where not_blank;
///     }
/// }
/// static CATALOGUE: Catalogue = catalogue![UploadSubmitted, UploadFailed];
///
/// CATALOGUE.set_policy(Policy::Reject);
/// let (engine, _capture) = Capture::start();
/// let violations = UploadSubmitted { tracker: " " }.emit(&engine).unwrap_err();
/// assert_eq!(violations.to_string(), "tracker=  is blank");
/// let failures: u64 = CATALOGUE.failures().map(|failures| failures.count).sum();
/// assert_eq!(failures, 1);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Catalogue {
    events: &'static [&'static EventDescriptor],
}

impl Catalogue {
    /// A catalogue of these event types.
    ///
    /// # Panics
    /// At compile time in [`catalogue!`](crate::catalogue), if two events have the same name.
    pub const fn new(events: &'static [&'static EventDescriptor]) -> Self {
        let mut index = 0;
        while index < events.len() {
            let mut other = 0;
            while other < index {
                if same(events[index].name, events[other].name) {
                    refuse("the catalogue has two events with the name `", events[index].name, "`");
                }
                other += 1;
            }
            index += 1;
        }
        Self { events }
    }

    /// The event types.
    pub const fn events(&self) -> &'static [&'static EventDescriptor] {
        self.events
    }

    /// The event type with this name.
    pub fn find(&self, name: &str) -> Option<&'static EventDescriptor> {
        self.events.iter().copied().find(|event| event.name == name)
    }

    /// Sets what happens to events that violate their rules. Default: [`Policy::Degrade`].
    pub fn set_policy(&self, policy: Policy) {
        for event in self.events {
            event.state().set_policy(policy);
        }
    }

    /// How often each rule was violated; see [`EventDescriptor::failures`].
    pub fn failures(&self) -> impl Iterator<Item = RuleFailures> + use<> {
        self.events.iter().flat_map(|event| event.failures())
    }
}
