//! The options of the layout `ecs`.

/// Options of lines in the Elastic Common Schema 1.12 ([`Format::Ecs`](crate::Format::Ecs)).
///
/// ```
/// use ringseal::{Config, EcsOptions};
/// let options = EcsOptions::new()
///     .service("pay", env!("CARGO_PKG_VERSION"))
///     .environment("production")
///     .project("keyloop")
///     .root_object("booking");
/// let config = Config::new().ecs(options);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "options do nothing until `Config::ecs` takes them"]
pub struct EcsOptions {
    /// Path and text of the members that describe the service, in their order.
    pub(super) service: Vec<(&'static str, String)>,
    pub(super) root_objects: Vec<String>,
    pub(super) root_fields: Vec<String>,
    pub(super) has_call_site: bool,
    pub(super) order: EcsOrder,
}

/// The order of the members with which a line starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum EcsOrder {
    /// `@timestamp`, `log.level`, `message`, `ecs.version`, `log.logger`: the order of the specification of ECS
    /// loggers.
    #[default]
    Specification,
    /// `@timestamp`, `ecs.version`, `message`, `log.level`, `log.logger`: the order of the Python package ecsctx.
    Ecsctx,
}

/// The paths of the service's members.
const SERVICE: [&str; 5] =
    ["service.name", "service.version", "service.environment", "project.name", "event.dataset"];

impl Default for EcsOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl EcsOptions {
    /// No service; the root objects `project` and `payment`; the root fields `session_id`, `merchant_id` and `view`.
    pub fn new() -> Self {
        Self {
            service: Vec::new(),
            root_objects: ["project", "payment"].map(String::from).into(),
            root_fields: ["session_id", "merchant_id", "view"].map(String::from).into(),
            has_call_site: false,
            order: EcsOrder::default(),
        }
    }

    /// `service.name` and `service.version`.
    pub fn service(self, name: &str, version: &str) -> Self {
        self.with("service.name", name).with("service.version", version)
    }

    /// `service.environment`.
    pub fn environment(self, name: &str) -> Self {
        self.with("service.environment", name)
    }

    /// `project.name`.
    pub fn project(self, name: &str) -> Self {
        self.with("project.name", name)
    }

    /// `event.dataset`. Default: none.
    ///
    /// Elasticsearch takes it as a part of the name of a data stream: at most 100 bytes, no upper case, no `-`. Any
    /// other name is an error at start.
    pub fn dataset(self, name: &str) -> Self {
        self.with("event.dataset", name)
    }

    /// Keeps an object of this name at the root of a line, with its members. All other keys that are not part of the
    /// schema are written below `extra`.
    pub fn root_object(mut self, name: &str) -> Self {
        self.root_objects.push(name.into());
        self
    }

    /// Keeps a single value of this key at the root of a line.
    pub fn root_field(mut self, key: &str) -> Self {
        self.root_fields.push(key.into());
        self
    }

    /// Writes `log.origin.file.name` and `log.origin.file.line`. Default false.
    pub fn call_site(mut self, is_on: bool) -> Self {
        self.has_call_site = is_on;
        self
    }

    /// The order of the first members of a line. Default: that of the specification.
    pub fn order(mut self, order: EcsOrder) -> Self {
        self.order = order;
        self
    }

    fn with(mut self, path: &'static str, text: &str) -> Self {
        self.service.retain(|(other, _)| *other != path);
        if !text.is_empty() {
            self.service.push((path, text.into()));
        }
        let place = |path: &str| SERVICE.iter().position(|other| *other == path);
        self.service.sort_by_key(|(path, _)| place(path));
        self
    }

    /// Name, expectation and value of the first option with which lines would not be as expected.
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str, String)> {
        for name in self.root_objects.iter().chain(&self.root_fields) {
            if name.is_empty() || name.contains('.') || is_taken(name) {
                let expected = "a key without dots that neither the schema nor the layout uses";
                return Err(("ecs root", expected, name.clone()));
            }
        }
        let dataset = self.service.iter().find(|(path, _)| *path == "event.dataset");
        match dataset {
            Some((_, name)) if !is_dataset(name) => {
                let expected = "the name of a data set: at most 100 bytes, no upper case, none of -\\/*?\"<>| ,#:";
                Err(("ecs dataset", expected, name.clone()))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a line has members of this name for another reason.
fn is_taken(name: &str) -> bool {
    super::rules::is_schema_root(name.as_bytes())
        || matches!(
            name,
            "@timestamp"
                | "message"
                | "labels"
                | "tags"
                | "extra"
                | "payload"
                | "headers"
                | "sample_rate"
        )
}

/// Whether Elasticsearch accepts the name in that of a data stream.
fn is_dataset(name: &str) -> bool {
    let is_refused = |c: char| c.is_uppercase() || c.is_control() || "-\\/*?\"<>| ,#:".contains(c);
    (1..=100).contains(&name.len()) && !name.contains(is_refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_elasticsearch_refuses_are_refused() {
        for (options, is_fine) in [
            (EcsOptions::new(), true),
            (EcsOptions::new().dataset("logs_pay"), true),
            (EcsOptions::new().dataset("event-backend"), false),
            (EcsOptions::new().dataset("Pay"), false),
            (EcsOptions::new().dataset(&"x".repeat(101)), false),
            (EcsOptions::new().root_object("booking"), true),
            (EcsOptions::new().root_object("user"), false),
            (EcsOptions::new().root_object("a.b"), false),
            (EcsOptions::new().root_field("extra"), false),
            (EcsOptions::new().root_field(""), false),
        ] {
            assert_eq!(options.check().is_ok(), is_fine, "{options:?}");
        }
    }
}
