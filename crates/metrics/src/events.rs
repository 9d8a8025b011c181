//! Metrics from events: an observer of the engine that applies the rules.
//!
//! Promises: which rules a call site has is decided once, at its first event; other sites cost nothing. An event of a
//! site with rules allocates nothing once its series exist. Label values are the redacted ones, cut to 128 bytes.
//! An event that stands for several because of sampling counts that many times.
use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ringseal::Config;
use ringseal::observe::{EventObserver, ObservedEvent, ObservedMap, ObservedSite, ObservedValue};

use crate::family::{Family, Index};
use crate::rule::{Kind, LABELS_MAX, Rule, RuleError, RuleSet, is_reserved, stem, underscored};
use crate::text::Exposition;

/// The most bytes of a label value.
const LABEL_BYTES_MAX: usize = 128;
/// The most names that events can bring in their field of metrics.
const FIELD_NAMES_MAX: usize = 500;
/// The metric of the names that events bring.
const FIELD_FAMILY: &str = "ringseal_metrics_field";

/// What the writer's thread fills and a scrape reads.
#[derive(Debug)]
struct Shared {
    families: Vec<Family>,
    /// A series for each name that events bring, whose label is the name.
    by_name: Family,
    /// Finds series; the observer has it while it exists.
    finder: Mutex<Option<Finder>>,
    /// Values that are not numbers, are negative where a sum grows, or have names that cannot be used.
    refused: AtomicU64,
}

/// Finds the series of all metrics. There is one, so that a series is never made twice.
#[derive(Debug)]
struct Finder {
    indexes: Vec<Index>,
    by_name: Index,
}

/// The metrics that rules derive from events.
///
/// ```
/// use ringseal::{Config, Engine, Output, info, sink::memory::MemorySink};
/// use ringseal_metrics::{EventMetrics, Rule, RuleSet, TextFormat};
///
/// let rules = RuleSet::new().rule(Rule::counter("payments_total", "paid").label("currency"));
/// let metrics = EventMetrics::new(&rules)?;
/// let config = Config::new().output(Output::custom(MemorySink::new()));
/// let engine = Engine::start(metrics.install(config))?;
/// info!(engine, "paid", currency = "KWD");
/// engine.flush()?;
/// let text = ringseal_metrics::render(&engine, &metrics, TextFormat::Prometheus);
/// assert!(text.contains("payments_total{currency=\"KWD\"} 1\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct EventMetrics {
    shared: Arc<Shared>,
    rules: Arc<RuleSet>,
}

impl EventMetrics {
    /// Allocates the tables of the rules.
    pub fn new(rules: &RuleSet) -> Result<EventMetrics, RuleError> {
        rules.check()?;
        let family = |rule: &Rule| {
            let labels = rule.labels.iter().map(|label| label.name.clone()).collect();
            let texts = (rule.name.clone(), rule.help.clone());
            Family::new(texts, rule.kind, labels, rule.buckets.clone(), rule.series_max)
        };
        let names = (FIELD_FAMILY.to_owned(), String::new());
        let by_name =
            Family::new(names, Kind::Summary, vec!["name".into()], Vec::new(), FIELD_NAMES_MAX);
        let families = rules.rules.iter().map(family).collect();
        let indexes = rules.rules.iter().map(|rule| Index::new(rule.series_max)).collect();
        let finder = Finder { indexes, by_name: Index::new(FIELD_NAMES_MAX) };
        let finder = Mutex::new(Some(finder));
        let shared = Shared { families, by_name, finder, refused: AtomicU64::new(0) };
        Ok(EventMetrics { shared: Arc::new(shared), rules: Arc::new(rules.clone()) })
    }

    /// Makes an engine apply the rules. It replaces the configuration's observer of events. For one engine at a time: a
    /// second one measures nothing while the first one runs.
    #[must_use]
    pub fn install(&self, config: Config) -> Config {
        let config = match &self.rules.field {
            Some(key) if !self.rules.writes_field => config.unwritten_field(key),
            _ => config,
        };
        config.event_observer(self.observer())
    }

    /// The observer alone, for a program that passes events to others as well. While one exists, a further observer of
    /// the same metrics wants no event.
    pub fn observer(&self) -> impl EventObserver + use<> {
        Observer::new(self)
    }

    /// Metrics that have more combinations of label values than series, and the events that share one.
    pub fn overflows(&self) -> Vec<(String, u64)> {
        let families = self.shared.families.iter().chain([&self.shared.by_name]);
        // ORDER: relaxed; a sum that may be late.
        let counts = families.map(|one| (one.name.clone(), one.overflowed.load(Ordering::Relaxed)));
        counts.filter(|(_, events)| *events > 0).collect()
    }

    /// Values that were not measured: not numbers, negative in a counter, or with a name that cannot be used.
    pub fn refused(&self) -> u64 {
        // ORDER: relaxed; a sum that may be late.
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// The names of metrics that overflowed since the last call.
    pub(crate) fn take_new_overflows(&self) -> Vec<(String, usize)> {
        let families = self.shared.families.iter().chain([&self.shared.by_name]);
        let is_new = |family: &&Family| {
            // ORDER: relaxed; the flag only keeps a report from being repeated.
            family.overflowed.load(Ordering::Relaxed) > 0
                && !family.is_reported.swap(true, Ordering::Relaxed)
        };
        families.filter(is_new).map(|one| (one.name.clone(), one.series().count() - 1)).collect()
    }

    pub(crate) fn write(&self, out: &mut Exposition) {
        for family in &self.shared.families {
            out.family(family);
        }
        for series in self.shared.by_name.series() {
            let labels = &*series.labels;
            let name = labels.strip_prefix("name=\"").and_then(|rest| rest.strip_suffix('"'));
            // The series of the overflow has no name.
            if let Some(name) = name {
                out.head(name, "Values that events had in their field of metrics.", Kind::Summary);
                out.summary(name, "", series);
            }
        }
        let overflow = "ringseal_metrics_overflowed_events_total";
        out.head(overflow, "Events in a series that several label sets share.", Kind::Counter);
        for family in self.shared.families.iter().chain([&self.shared.by_name]) {
            // ORDER: relaxed; a sum that may be late.
            let events = family.overflowed.load(Ordering::Relaxed);
            out.labelled(overflow, &[("metric", &family.name)], events as f64);
        }
        let refused = "ringseal_metrics_refused_values_total";
        let help = "Values of events that could not be measured.";
        out.single(refused, help, Kind::Counter, self.refused() as f64);
    }
}

/// A rule at a call site: where its fields are.
#[derive(Debug, Clone)]
struct Bound {
    rule: usize,
    value: Place,
    labels: Vec<Place>,
}

/// Where a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At this position of the call site's keys.
    At(usize),
    /// Not among them: in a context, or in an event whose keys are known only at run time.
    ByKey,
}

/// What is done with the events of a site.
#[derive(Debug, Clone, Default)]
struct Plan {
    bounds: Vec<Bound>,
    /// The field of metrics.
    field: Option<Place>,
}

/// The observer.
struct Observer {
    shared: Arc<Shared>,
    rules: Arc<RuleSet>,
    factors: Vec<f64>,
    /// `None` if another observer has it.
    finder: Option<Finder>,
    reserved_stems: Vec<String>,
    /// Plans by call site id.
    plans: Vec<Option<Box<Plan>>>,
    /// Plans of events without a call site, by name.
    plans_by_name: HashMap<String, Plan>,
    /// The plan of events without a call site that no rule names.
    other_plan: Plan,
    key: Vec<u8>,
    text: String,
}

impl Observer {
    fn new(metrics: &EventMetrics) -> Observer {
        let rules = Arc::clone(&metrics.rules);
        let mut observer = Observer {
            shared: Arc::clone(&metrics.shared),
            factors: rules.rules.iter().map(Rule::factor).collect(),
            finder: metrics.shared.finder.lock().unwrap_or_else(PoisonError::into_inner).take(),
            reserved_stems: rules.rules.iter().map(|rule| stem(&rule.name).to_owned()).collect(),
            plans: Vec::new(),
            plans_by_name: HashMap::new(),
            other_plan: Plan {
                bounds: Vec::new(),
                field: rules.field.is_some().then_some(Place::ByKey),
            },
            key: Vec::with_capacity(LABELS_MAX * (LABEL_BYTES_MAX + 2)),
            text: String::with_capacity(LABEL_BYTES_MAX * 4),
            rules,
        };
        for rule in &metrics.rules.rules {
            let plan = observer.plan(&rule.event, &[]);
            observer.plans_by_name.insert(rule.event.clone(), plan);
        }
        observer
    }

    fn plan(&self, event: &str, keys: &[&str]) -> Plan {
        let place = |key: &str| match keys.iter().position(|own| *own == key) {
            Some(position) => Place::At(position),
            None => Place::ByKey,
        };
        let bind = |(index, rule): (usize, &Rule)| Bound {
            rule: index,
            value: rule.value.as_deref().map_or(Place::ByKey, place),
            labels: rule.labels.iter().map(|label| place(&label.key)).collect(),
        };
        let rules = self.rules.rules.iter().enumerate().filter(|(_, rule)| rule.event == event);
        let field = self.rules.field.as_deref().map(place);
        // A site without the field has none, and a run-time event may have it.
        let field = field.filter(|place| keys.is_empty() || *place != Place::ByKey);
        Plan { bounds: rules.map(bind).collect(), field }
    }
}

impl EventObserver for Observer {
    fn wants(&mut self, site: &ObservedSite<'_>) -> bool {
        if self.finder.is_none() {
            return false;
        }
        let Some(id) = site.id else {
            return self.rules.field.is_some() || self.plans_by_name.contains_key(site.name);
        };
        let mut plan = self.plan(site.name, site.keys);
        plan.field = plan.field.filter(|place| *place != Place::ByKey);
        if plan.bounds.is_empty() && plan.field.is_none() {
            return false;
        }
        let index = id as usize;
        if self.plans.len() <= index {
            self.plans.resize(index + 1, None);
        }
        self.plans[index] = Some(Box::new(plan));
        true
    }

    fn observe(&mut self, event: &ObservedEvent<'_>) {
        let Self { shared, rules, factors, finder, plans, key, text, .. } = self;
        let Some(finder) = finder else { return };
        let plan = match event.site_id() {
            Some(id) => plans.get(id as usize).and_then(Option::as_deref),
            None => self.plans_by_name.get(event.site().name).or(Some(&self.other_plan)),
        };
        let Some(plan) = plan else { return };
        for bound in &plan.bounds {
            let (rule, family) = (&rules.rules[bound.rule], &shared.families[bound.rule]);
            let Some(value) = value_of(event, rule, bound.value, factors[bound.rule]) else {
                // ORDER: relaxed; a sum.
                shared.refused.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            key.clear();
            for (label, place) in rule.labels.iter().zip(&bound.labels) {
                push_label(key, text, label_value(event, *place, &label.key));
            }
            let series = finder.indexes[bound.rule].find(family, key);
            family.record(series, value, event.weight());
            if rule.kind != Kind::Gauge
                && let Some(trace_id) = event.trace_id()
            {
                Family::note_trace(series, trace_id, value, event.unix_nanos());
            }
        }
        if let (Some(place), Some(field)) = (plan.field, rules.field.as_deref())
            && let Some(ObservedValue::Map(map)) = field_value(event, place, field)
        {
            self.measure_field(map, event.weight());
        }
    }
}

impl Observer {
    /// Measures the numbers that an event brings under their names.
    fn measure_field(&mut self, map: ObservedMap<'_>, weight: f64) {
        let Self { shared, key, text, finder, reserved_stems, .. } = self;
        let Some(finder) = finder else { return };
        for (name, value) in map.iter() {
            text.clear();
            underscored_into(name, text);
            let is_usable = !is_reserved(text)
                && !text.starts_with("__")
                && text.len() <= LABEL_BYTES_MAX
                && stem(text) == text.as_str()
                && !reserved_stems.iter().any(|taken| taken == text.as_str());
            match number(value, 1.0).filter(|number| is_usable && number.is_finite()) {
                Some(number) => {
                    key.clear();
                    push_text(key, text);
                    let series = finder.by_name.find(&shared.by_name, key);
                    shared.by_name.record(series, number, weight);
                }
                None => {
                    // ORDER: relaxed; a sum.
                    shared.refused.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        if let Some(finder) = self.finder.take() {
            let mut place = self.shared.finder.lock().unwrap_or_else(PoisonError::into_inner);
            *place = Some(finder);
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}

/// As [`underscored`], without an allocation.
fn underscored_into(name: &str, out: &mut String) {
    if name.len() > LABEL_BYTES_MAX {
        // Too long for a name: refused by its length.
        out.extend(std::iter::repeat_n('_', LABEL_BYTES_MAX + 1));
        return;
    }
    if name.starts_with(|first: char| first.is_ascii_digit()) || name.is_empty() {
        out.push('_');
    }
    out.extend(name.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }));
    debug_assert_eq!(*out, underscored(name));
}

/// The number that a rule measures. `None` if the field is missing, or is not a number that the metric can take.
#[inline]
fn value_of(event: &ObservedEvent<'_>, rule: &Rule, place: Place, factor: f64) -> Option<f64> {
    let Some(key) = rule.value.as_deref() else { return Some(1.0) };
    let value = number(field_value(event, place, key)?, factor)?;
    let is_usable = match rule.kind {
        Kind::Counter => value.is_finite() && value >= 0.0,
        Kind::Histogram | Kind::Summary => value.is_finite(),
        Kind::Gauge => true,
    };
    is_usable.then_some(value)
}

#[inline]
fn field_value<'e>(
    event: &ObservedEvent<'e>,
    place: Place,
    key: &str,
) -> Option<ObservedValue<'e>> {
    match place {
        Place::At(position) => event.at(position).or_else(|| event.get(key)),
        Place::ByKey => event.get(key),
    }
}

/// A label's value; the type of an error field serves as `error_type`.
#[inline]
fn label_value<'e>(
    event: &ObservedEvent<'e>,
    place: Place,
    key: &str,
) -> Option<ObservedValue<'e>> {
    let value = field_value(event, place, key);
    if value.is_none() && key == "error_type" {
        return event.get("error").filter(|error| matches!(error, ObservedValue::Error(_)));
    }
    value
}

#[inline]
fn number(value: ObservedValue<'_>, factor: f64) -> Option<f64> {
    Some(match value {
        ObservedValue::Signed(number) => number as f64 * factor,
        ObservedValue::Unsigned(number) => number as f64 * factor,
        ObservedValue::Float(number) => number * factor,
        ObservedValue::Seconds(seconds) => seconds,
        ObservedValue::Bool(truth) => f64::from(u8::from(truth)),
        _ => return None,
    })
}

/// Appends a label's value to the key of a series.
#[inline]
fn push_label(key: &mut Vec<u8>, text: &mut String, value: Option<ObservedValue<'_>>) {
    match value {
        Some(ObservedValue::Text(value) | ObservedValue::Error(value)) => push_text(key, value),
        Some(ObservedValue::Signed(number)) => push_text(key, itoa::Buffer::new().format(number)),
        Some(ObservedValue::Unsigned(number)) => push_text(key, itoa::Buffer::new().format(number)),
        Some(ObservedValue::Bool(true)) => push_text(key, "true"),
        Some(ObservedValue::Bool(false)) => push_text(key, "false"),
        Some(other) => {
            text.clear();
            // Writing to a `String` does not fail.
            let _ = match other {
                ObservedValue::Float(number) | ObservedValue::Seconds(number) => {
                    write!(text, "{number:?}")
                }
                ObservedValue::Ip(address) => write!(text, "{address}"),
                ObservedValue::Uuid(bytes) => write!(text, "{:032x}", u128::from_be_bytes(bytes)),
                _ => Ok(()),
            };
            push_text(key, text);
        }
        None => push_text(key, ""),
    }
}

#[inline]
fn push_text(key: &mut Vec<u8>, text: &str) {
    let mut end = text.len().min(LABEL_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    key.extend_from_slice(&(text.len() as u16).to_le_bytes());
    key.extend_from_slice(text.as_bytes());
}
