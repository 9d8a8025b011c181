//! Documents that follow from the table. A test compares them with the files of the repository.
use std::fmt::Write as _;

use crate::environment::Environment;
use crate::explain::json;
use crate::table::{Kind, Reload, SETTINGS, Setting};

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text); // A `String` takes every text.
}

fn kind_in_words(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".into(),
        Kind::Path => "path".into(),
        Kind::Switch => "`true` or `false`".into(),
        Kind::Number { min, max } => format!("{min} to {max}"),
        Kind::Bytes => "bytes, as `10 MiB`".into(),
        Kind::Offset => "`Z` or an offset, as `+02:00`".into(),
        Kind::Word(words) => {
            words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        }
        Kind::Engine(text) => text.replace('|', "\\|"),
    }
}

/// The page with all settings, in Markdown.
pub fn settings_page() -> String {
    let mut page = String::from(
        "# Settings\n\n<!-- Written by `cargo test -p ringseal-config --test documents` with \
         RINGSEAL_UPDATE_DOCUMENTS=1. -->\n\nWhere a setting has no value, what follows is in the column `default`. \
         [configuration.md](configuration.md#files-env-and-the-environment)\ndescribes the sources. A setting without \
         `yes` in the last column needs a restart.\n\n| setting | variable | value | default | meaning | reload |\n\
         |---|---|---|---|---|---|\n",
    );
    for Setting {
        path, variable, kind, default, otherwise, reload, doc, is_secret, also, ..
    } in SETTINGS
    {
        let default = default.map_or_else(|| (*otherwise).to_owned(), |value| format!("`{value}`"));
        let reload = match reload {
            Reload::Yes => "yes",
            Reload::No(_) => "",
        };
        let secret = if *is_secret { " Its value is never shown." } else { "" };
        let also: Vec<String> = also.iter().map(|name| format!("`{name}`")).collect();
        let also =
            if also.is_empty() { String::new() } else { format!(" Also {}.", also.join(", ")) };
        let kind = kind_in_words(*kind);
        push(
            &mut page,
            format_args!(
                "| `{path}` | `{variable}` | {kind} | {default} | {doc}{secret}{also} | {reload} |\n"
            ),
        );
    }
    page.push_str("\n## Profiles\n\n| environment | changes |\n|---|---|\n");
    for environment in Environment::ALL {
        let changes: Vec<String> = environment
            .profile()
            .iter()
            .map(|(path, value)| format!("`{path}` = `{value}`"))
            .collect();
        push(&mut page, format_args!("| `{environment}` | {} |\n", changes.join(", ")));
    }
    page.push_str("\n## What a running engine does not take\n\n| settings | why |\n|---|---|\n");
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for setting in SETTINGS {
        let Reload::No(reason) = setting.reload else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, paths)) => paths.push(setting.path),
            None => reasons.push((reason, vec![setting.path])),
        }
    }
    for (reason, paths) in reasons {
        let paths: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
        push(&mut page, format_args!("| {} | {reason} |\n", paths.join(", ")));
    }
    page
}

/// An example of a `.env` file, in which everything is a comment.
pub fn dotenv_example() -> String {
    let mut text =
        String::from("# Copy to .env. A variable of the environment wins over one of this file.\n");
    for Setting { variable, doc, default, otherwise, example, .. } in SETTINGS {
        let default = default.unwrap_or(otherwise);
        push(
            &mut text,
            format_args!("\n# {doc}\n# Default: {default}\n# {variable}={}\n", quoted(example)),
        );
    }
    text
}

/// A value of `.env` in quotes if it needs them.
fn quoted(value: &str) -> String {
    match value.contains(['#', ' ', '"', '\'']) {
        true => format!("'{value}'"),
        false => value.to_owned(),
    }
}

/// An example of a configuration file, in which everything is a comment.
pub fn yaml_example() -> String {
    let mut text = String::from(
        "# Settings of ringseal. Values of .env, of the environment and of code win over those of this file.\n\
         # `ringseal explain --config configs/observability.yaml` shows what is in force, and why.\n",
    );
    let mut open: Vec<&str> = Vec::new();
    for Setting { path, doc, example, .. } in SETTINGS {
        let parts: Vec<&str> = path.split('.').collect();
        let (sections, key) = parts.split_at(parts.len() - 1);
        let common = open.iter().zip(sections).take_while(|(one, other)| one == other).count();
        open.truncate(common);
        for section in &sections[common..] {
            push(&mut text, format_args!("{}{section}:\n", "  ".repeat(open.len())));
            open.push(section);
        }
        let indent = "  ".repeat(open.len());
        let example = if example.contains([':', '#', '*', ',']) {
            format!("\"{example}\"")
        } else {
            (*example).into()
        };
        push(&mut text, format_args!("{indent}# {doc}\n{indent}# {}: {example}\n", key[0]));
    }
    text
}

/// The JSON Schema (draft 2020-12) of configuration files.
pub fn json_schema() -> String {
    let mut root = Section::default();
    for setting in SETTINGS {
        for path in setting.paths() {
            root.add(&path.split('.').collect::<Vec<_>>(), setting);
        }
    }
    let mut out =
        String::from("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n");
    out.push_str("  \"title\": \"Settings of ringseal\",\n");
    root.members(&mut out, 1, true);
    out.push_str("\n}\n");
    out
}

#[derive(Default)]
struct Section {
    entries: Vec<(&'static str, Entry)>,
}

enum Entry {
    Setting(&'static Setting),
    Section(Section),
}

impl Section {
    fn add(&mut self, path: &[&'static str], setting: &'static Setting) {
        let [first, rest @ ..] = path else { return };
        if rest.is_empty() {
            return self.entries.push((first, Entry::Setting(setting)));
        }
        let known = self.entries.iter_mut().find(|(key, _)| key == first);
        if let Some((_, Entry::Section(section))) = known {
            return section.add(rest, setting);
        }
        let mut section = Section::default();
        section.add(rest, setting);
        self.entries.push((first, Entry::Section(section)));
    }

    /// The members of the schema of a map. Other keys are those of other programs at the root only.
    fn members(&self, out: &mut String, depth: usize, is_root: bool) {
        let indent = "  ".repeat(depth);
        push(out, format_args!("{indent}\"type\": [\"object\", \"null\"],\n"));
        push(out, format_args!("{indent}\"additionalProperties\": {is_root},\n"));
        push(out, format_args!("{indent}\"properties\": {{\n"));
        for (index, (key, entry)) in self.entries.iter().enumerate() {
            push(out, format_args!("{indent}  {}: {{\n", json(key)));
            match entry {
                Entry::Section(section) => section.members(out, depth + 2, false),
                Entry::Setting(setting) => setting_schema(out, setting, &"  ".repeat(depth + 2)),
            }
            let comma = if index + 1 == self.entries.len() { "" } else { "," };
            push(out, format_args!("\n{indent}  }}{comma}\n"));
        }
        push(out, format_args!("{indent}}}"));
    }
}

fn setting_schema(out: &mut String, setting: &Setting, indent: &str) {
    push(out, format_args!("{indent}\"description\": {},\n", json(setting.doc)));
    if let Some(default) = setting.default {
        push(out, format_args!("{indent}\"default\": {},\n", json(default)));
    }
    let kind = match setting.kind {
        Kind::Text | Kind::Path | Kind::Offset => {
            "\"type\": [\"string\", \"number\", \"null\"]".to_owned()
        }
        Kind::Switch => "\"type\": [\"boolean\", \"integer\", \"string\", \"null\"]".to_owned(),
        Kind::Number { min, max } => format!(
            "\"type\": [\"integer\", \"string\", \"null\"],\n{indent}\"minimum\": {min},\n{indent}\"maximum\": {max}"
        ),
        Kind::Bytes => {
            format!("\"type\": [\"integer\", \"string\", \"null\"],\n{indent}\"minimum\": 0")
        }
        Kind::Word(words) => {
            // Words are taken in any case.
            let any_case = |word: &&str| {
                let letter = |c: char| match c.is_ascii_alphabetic() {
                    true => format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase()),
                    false => c.to_string(),
                };
                word.chars().map(letter).collect::<String>()
            };
            let pattern = words.iter().map(any_case).collect::<Vec<_>>().join("|");
            let pattern = json(&format!("^\\s*({pattern})?\\s*$"));
            format!("\"type\": [\"string\", \"null\"],\n{indent}\"pattern\": {pattern}")
        }
        Kind::Engine(_) => format!(
            "\"type\": [\"string\", \"number\", \"array\", \"null\"],\n{indent}\"items\": {{ \"type\": [\"string\", \
             \"number\"] }}"
        ),
    };
    push(out, format_args!("{indent}{kind}"));
}
