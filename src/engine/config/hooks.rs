//! Functions of the program that see each event before its lines are made.
use super::Config;
use crate::sink::file::Rotation;
use crate::writer::hooks::{EventHook, HookedEvent, ProvidedFields};
use crate::writer::observe::EventObserver;

impl Config {
    /// Adds fields to each event, on the writer's thread: those of the machine, of the deployment, of whatever the
    /// program knows besides the event.
    ///
    /// A provider adds: it replaces no field of the event, of its logger or its context, and no member that all lines
    /// have. Values are redacted. A provider that panics is left out from then on, which the event
    /// `ringseal.hook_failed` reports. With a provider, the writer takes several times as long for an event; for fields
    /// that do not change, [`Config::fields`] costs next to nothing.
    ///
    /// ```
    /// use ringseal::{Config, info, testing::Capture};
    /// let config = Config::new().field_provider(|fields| {
    ///     let length = fields.event().name().len();
    ///     fields.add("server_id", &"a1");
    ///     fields.add("name_length", &length);
    /// });
    /// let (engine, capture) = Capture::start_with(config);
    /// info!(engine, "paid", server_id = "its own");
    /// let event = capture.event("paid");
    /// assert_eq!((event.text("server_id"), event.text("name_length")), ("its own", "4"));
    /// ```
    #[must_use]
    pub fn field_provider(
        mut self,
        add: impl FnMut(&mut ProvidedFields<'_, '_>) + Send + 'static,
    ) -> Self {
        self.hooks.push(EventHook::provider(add));
        self
    }

    /// Passes each event to a function on the writer's thread, which may add, change and remove fields, or drop the
    /// event. Providers and hooks are called in the order in which they are configured.
    ///
    /// The function sees events as the redaction rules have left them, and what it adds is redacted as well. It can
    /// make 64 changes to an event, to values of 4 KiB. The engine's own events do not pass it. One that panics is left
    /// out from then on, which the event `ringseal.hook_failed` reports. The writer waits for it: a slow function fills
    /// the rings.
    ///
    /// ```
    /// use ringseal::{Config, info, testing::Capture};
    /// let config = Config::new().event_hook(|event| {
    ///     if event.name() == "health_checked" {
    ///         event.drop_event();
    ///     }
    ///     event.remove("debug_note");
    /// });
    /// let (engine, capture) = Capture::start_with(config);
    /// info!(engine, "health_checked");
    /// info!(engine, "paid", debug_note = "x", amount = 3);
    /// let event = capture.event("paid");
    /// assert!(event.get("debug_note").is_none() && event["amount"] == 3);
    /// assert_eq!(capture.events().len(), 1);
    /// ```
    #[must_use]
    pub fn event_hook(mut self, change: impl FnMut(&mut HookedEvent<'_>) + Send + 'static) -> Self {
        self.hooks.push(EventHook::new(change));
        self
    }

    /// Passes each event that became a line to an observer on the writer's thread, to count and measure it. A second
    /// call replaces the first observer.
    ///
    /// The observer sees values as the redaction rules and the hooks have left them, and cannot change the event. It is
    /// asked once per call site whether it wants the site's events; events that it does not want cost what they cost
    /// without an observer. The engine's own events do not pass it, nor do events that are recovered from a killed run.
    /// One that panics is left out from then on, which the event `ringseal.observer_failed` reports and
    /// [`Metrics::observer_left_out`](crate::Metrics) counts.
    ///
    /// ```
    /// use ringseal::observe::{EventObserver, ObservedEvent, ObservedSite, ObservedValue};
    /// use ringseal::{Config, info, testing::Capture};
    /// use std::sync::{Arc, Mutex};
    ///
    /// struct Amounts(Arc<Mutex<i64>>);
    /// impl EventObserver for Amounts {
    ///     fn wants(&mut self, site: &ObservedSite<'_>) -> bool {
    ///         site.name == "paid"
    ///     }
    ///     fn observe(&mut self, event: &ObservedEvent<'_>) {
    ///         if let Some(ObservedValue::Signed(amount)) = event.get("amount") {
    ///             *self.0.lock().unwrap() += amount;
    ///         }
    ///     }
    /// }
    ///
    /// let sum = Arc::new(Mutex::new(0));
    /// let config = Config::new().event_observer(Amounts(Arc::clone(&sum)));
    /// let (engine, _capture) = Capture::start_with(config);
    /// info!(engine, "paid", amount = 3_i64);
    /// engine.flush().unwrap();
    /// assert_eq!(*sum.lock().unwrap(), 3);
    /// ```
    #[must_use]
    pub fn event_observer(mut self, observer: impl EventObserver + 'static) -> Self {
        self.observing.set_observer(Box::new(observer));
        self
    }

    /// Keeps a field of events out of all lines, although the observer sees it. Applies to the fields of the event, not
    /// to those bound to a logger or of a context, and to events that are recovered from a killed run as well.
    ///
    /// ```
    /// use ringseal::{Config, info, testing::Capture};
    /// let (engine, capture) = Capture::start_with(Config::new().unwritten_field("_metrics"));
    /// info!(engine, "paid", amount = 3, _metrics = 5);
    /// assert!(capture.event("paid").get("_metrics").is_none());
    /// ```
    #[must_use]
    pub fn unwritten_field(mut self, key: &str) -> Self {
        self.observing.hide(key);
        self
    }

    /// Reports each rotation of an output's file in the log, as the event `log_rotation` with `stream` (`app`),
    /// `old_file`, `new_file`, `reason` (`size`, `time` or `both`) and `file_size_bytes`. Default: not.
    ///
    /// A rotation is reported with the next event of the program, because a report alone could rotate a file again. At
    /// most 64 wait for it; more are reported on standard error. Files of [`Output::custom`](crate::Output::custom)
    /// are not reported.
    ///
    /// ```
    /// use ringseal::{Config, Output, sink::file::FileConfig};
    /// let file = FileConfig::new("/var/log/shop/app.log").rotate_bytes_max(64 << 20);
    /// let config = Config::new().output(Output::file(file)).report_rotations(true);
    /// ```
    #[must_use]
    pub fn report_rotations(mut self, is_reported: bool) -> Self {
        self.rotations.set_reported(is_reported);
        self
    }

    /// Calls a function at each rotation of an output's file: to upload the sealed segment, say.
    ///
    /// It runs on a thread of the file and delays its next rotation; a panic in it counts as an error of the
    /// file. The sealed segment may be
    /// compressed or removed soon afterwards. Functions are called in the order in which they are configured.
    ///
    /// ```
    /// use ringseal::Config;
    /// let config = Config::new().file("/var/log/shop/app.log").on_rotation(|rotation| {
    ///     let _path = &rotation.sealed;
    /// });
    /// ```
    #[must_use]
    pub fn on_rotation(mut self, hook: impl Fn(&Rotation) + Send + Sync + 'static) -> Self {
        self.rotations.add_hook(Box::new(hook));
        self
    }
}
