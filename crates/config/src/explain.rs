//! What each setting is, where from, and what that value shadows. Secrets are masked.
use std::fmt;

use crate::compose::{Candidate, Composed};
use crate::error::{Shown, without_password};
use crate::source::{Place, Source};
use crate::table::{Reload, Setting};

/// What is shown of a secret.
const MASK: &str = "***";

/// The table of a configuration, as text ([`fmt::Display`]) and as JSON.
#[derive(Debug, Clone, Copy)]
pub struct Explanation<'a> {
    composed: &'a Composed,
    /// Whether settings that have their defaults are left out.
    is_short: bool,
}

impl Composed {
    /// All settings, each with its value, the source of it, and what it shadows.
    ///
    /// ```
    /// use ringseal_config::Composer;
    /// let composed = Composer::new().set("log.level", "warn").compose()?;
    /// let text = composed.explain().to_string();
    /// assert!(text.contains("log.level"));
    /// # Ok::<(), ringseal_config::ConfigError>(())
    /// ```
    pub fn explain(&self) -> Explanation<'_> {
        Explanation { composed: self, is_short: false }
    }
}

/// The environment and the values, without secrets.
impl fmt::Debug for Composed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.candidates().filter_map(|(setting, candidates)| {
            Some((setting.path, value_of(setting, candidates.first()?)))
        });
        f.debug_map().entries(values).finish()
    }
}

impl Explanation<'_> {
    /// Leaves out settings that have their defaults.
    #[must_use]
    pub fn without_defaults(self) -> Self {
        Self { is_short: true, ..self }
    }

    fn rows(&self) -> impl Iterator<Item = (&'static Setting, &[Candidate])> {
        let is_short = self.is_short;
        self.composed.candidates().filter(move |(_, candidates)| {
            let chosen = candidates.first().map(|chosen| &chosen.source);
            !is_short || chosen.is_some_and(|source| *source != Source::Default)
        })
    }

    /// A JSON array with an object for each setting: `setting`, `variable`, `value`, `source`, `name`, `file`, `line`,
    /// `column`, `reloadable`, and `shadows`, a list of the same without the first two.
    pub fn to_json(&self) -> String {
        let rows: Vec<String> = self
            .rows()
            .map(|(setting, candidates)| {
                let mut members = vec![
                    format!("\"setting\":{}", json(setting.path)),
                    format!("\"variable\":{}", json(setting.variable)),
                ];
                match candidates.first() {
                    Some(chosen) => members.extend(of_candidate(setting, chosen)),
                    None => members.push("\"value\":null".into()),
                }
                members.push(format!("\"reloadable\":{}", setting.reload == Reload::Yes));
                let shadows = candidates.iter().skip(1);
                let shadows =
                    shadows.map(|one| format!("{{{}}}", of_candidate(setting, one).join(",")));
                members.push(format!("\"shadows\":[{}]", shadows.collect::<Vec<_>>().join(",")));
                format!("{{{}}}", members.join(","))
            })
            .collect();
        format!("[{}]", rows.join(",\n"))
    }
}

/// As `log.level = debug   .env:3:11 LOG_LEVEL   (shadows observability.yaml:7:10 info; default info)`.
impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<[String; 4]> = self.rows().map(row).collect();
        let width = |column: usize| {
            rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
        };
        let widths = [width(0), width(1).min(40), width(2).min(48)];
        for [path, value, source, shadowed] in &rows {
            let [first, second, third] = widths;
            let line = format!("{path:first$} = {value:second$}  {source:third$}  {shadowed}");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn row((setting, candidates): (&'static Setting, &[Candidate])) -> [String; 4] {
    let Some(chosen) = candidates.first() else {
        return [
            setting.path.into(),
            format!("({})", setting.otherwise),
            "default".into(),
            String::new(),
        ];
    };
    let shadowed: Vec<String> = candidates[1..]
        .iter()
        .map(|one| format!("{} {}", one.source, value_of(setting, one)))
        .collect();
    let shadowed = match shadowed.is_empty() {
        true => String::new(),
        false => format!("(shadows {})", shadowed.join("; ")),
    };
    let source = match chosen.source {
        Source::Dotenv(_) | Source::Environment => {
            format!("{} {}", chosen.source, chosen.name)
        }
        _ => chosen.source.to_string(),
    };
    [setting.path.into(), value_of(setting, chosen), source, shadowed]
}

/// A value on one line.
fn value_of(setting: &Setting, candidate: &Candidate) -> String {
    if setting.is_secret {
        return MASK.into();
    }
    let value = &*without_password(candidate.value.trim());
    let is_plain = value.chars().all(|c| !c.is_control()) && value.chars().count() <= 80;
    if is_plain { value.to_owned() } else { Shown(value).to_string() }
}

fn of_candidate(setting: &Setting, candidate: &Candidate) -> Vec<String> {
    let value = without_password(if setting.is_secret { MASK } else { candidate.value.trim() });
    let mut members = vec![
        format!("\"value\":{}", json(&value)),
        format!("\"source\":{}", json(candidate.source.as_str())),
    ];
    match &candidate.source {
        Source::Profile(environment) => {
            members.push(format!("\"name\":{}", json(environment.as_str())))
        }
        Source::Environment => members.push(format!("\"name\":{}", json(candidate.name))),
        _ => {}
    }
    if let Some(Place { file, line, column }) = candidate.source.place() {
        members.push(format!("\"file\":{}", json(&file.display().to_string())));
        members.push(format!("\"line\":{line},\"column\":{column}"));
    }
    members
}

/// A JSON string.
pub(crate) fn json(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
