//! The form of names that each format of lines has. Nothing is allocated.
use ringseal::events::expanded::{Names, fits};

/// Names of formats, as `LOG_FORMAT` has them, with the form of their events' names.
const PROFILES: &[(&str, Style)] = &[
    ("json", Style::Plain),
    ("console", Style::Plain),
    ("structlog", Style::NounVerb),
    ("stdlib-json", Style::SnakeCase),
    ("dashtam-dev", Style::Sentence),
    ("dashtam-ci", Style::Sentence),
    ("dashtam-cloudwatch", Style::Sentence),
    ("cloud-dog-json", Style::Dotted),
    ("cloud-dog-text", Style::Dotted),
    ("ecs", Style::SnakeCase),
];

/// A form of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// `payment_processed` or `payment.processed`.
    Plain,
    /// `TORRENT_BUILT_SUCCESS`.
    NounVerb,
    /// `features_written`.
    SnakeCase,
    /// `request.completed`.
    Dotted,
    /// `User registered`.
    Sentence,
}

/// A format and the form of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    name: &'static str,
    style: Style,
}

impl Default for Profile {
    fn default() -> Self {
        let (name, style) = PROFILES[0];
        Profile { name, style }
    }
}

impl Profile {
    /// The profile of this name.
    ///
    /// # Errors
    /// A text that lists the names.
    pub fn from_name(name: &str) -> Result<Profile, String> {
        let found = PROFILES.iter().find(|(known, _)| *known == name);
        found.map(|&(name, style)| Profile { name, style }).ok_or_else(|| {
            let names: Vec<&str> = PROFILES.iter().map(|(name, _)| *name).collect();
            format!("expected {}", names.join(", "))
        })
    }

    /// Whether ids of one service belong into a namespace.
    pub fn has_namespaces(self) -> bool {
        self.name == "ecs"
    }

    /// Whether events of other loggers have names of this form, too.
    pub fn governs_others(self) -> bool {
        self.style != Style::Plain
    }

    /// What the name should look like, or `None` if it does; with the project's own verbs and results.
    pub fn expected(self, name: &str, verbs: &[&str], results: &[&str]) -> Option<&'static str> {
        let fits = |names| fits(name, names, verbs, results);
        match self.style {
            Style::Plain if fits(Names::SnakeCase) || fits(Names::Dotted) => None,
            Style::Plain => Some(
                "at least two lower-case words with `_` or dots between them, as in payment_processed",
            ),
            Style::NounVerb if fits(Names::NounVerb) => None,
            Style::NounVerb => Some(
                "NOUN_VERB or NOUN_VERB_RESULT in capitals with the verb in the past, as in TORRENT_BUILT_SUCCESS \
                 (--verb and --result add words)",
            ),
            Style::SnakeCase if fits(Names::SnakeCase) => None,
            Style::SnakeCase => {
                Some("at least two lower-case words with `_` between them, as in features_written")
            }
            Style::Dotted if fits(Names::Dotted) => None,
            Style::Dotted => Some(
                "at least two lower-case words with dots between them, as in request.completed",
            ),
            Style::Sentence if is_sentence(name) => None,
            Style::Sentence => Some(
                "at least two words with a capital at the beginning and no point at the end, as in `User registered`",
            ),
        }
    }
}

fn is_sentence(name: &str) -> bool {
    name.starts_with(char::is_uppercase)
        && name.ends_with(char::is_alphanumeric)
        && name.split(' ').count() >= 2
        && name.split(' ').all(|word| !word.is_empty() && !word.contains('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_has_a_form_of_names() {
        for format in ringseal::Format::ALL {
            assert!(Profile::from_name(format.as_str()).is_ok(), "{format:?}");
        }
        let fits = |profile: &str, name| {
            Profile::from_name(profile).expect("a profile").expected(name, &["GO"], &[]).is_none()
        };
        assert!(fits("json", "payment_processed") && fits("json", "payment.processed"));
        assert!(!fits("json", "Payment processed") && !fits("json", "paid"));
        assert!(fits("structlog", "TORRENT_BUILT_SUCCESS") && fits("structlog", "CAR_GO"));
        assert!(!fits("structlog", "torrent_built") && !fits("structlog", "TORRENT_BUILD"));
        assert!(fits("ecs", "payment_created") && !fits("ecs", "payment.created"));
        assert!(fits("cloud-dog-text", "request.completed"));
        assert!(fits("dashtam-ci", "User registered"));
        assert!(!fits("dashtam-ci", "user registered") && !fits("dashtam-ci", "User registered."));
    }
}
