//! Outcomes that are expected in a healthy service, by the words of an event's name and its status.
use super::event::{Field, Form};
use crate::rust_source::tokens;

/// Words in a row that mean an expected outcome.
const EXPECTED: &[&[&str]] = &[
    &["not", "found"],
    &["not", "configured"],
    &["config", "missing"],
    &["config", "invalid"],
    &["configuration", "missing"],
    &["configuration", "invalid"],
    &["settings", "missing"],
    &["settings", "invalid"],
    &["missing", "config"],
    &["missing", "configuration"],
    &["invalid", "config"],
    &["invalid", "configuration"],
    &["misconfigured"],
    &["retrying"],
    &["will", "retry"],
    &["retry", "scheduled"],
    &["auth", "failed"],
    &["authentication", "failed"],
    &["login", "failed"],
    &["invalid", "credentials"],
    &["unauthorized"],
    &["forbidden"],
    &["access", "denied"],
    &["permission", "denied"],
];

/// The keys of HTTP statuses.
const STATUS_KEYS: &[&str] =
    &["status", "status_code", "http.status", "http.status_code", "http.response.status_code"];

/// What makes the event an expected one, or `None`.
pub fn reason(name: &str, fields: &[Field]) -> Option<String> {
    let lower = name.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let found = EXPECTED.iter().find(|row| words.windows(row.len()).any(|window| window == **row));
    if let Some(row) = found {
        return Some(format!("`{}`", row.join(" ")));
    }
    fields.iter().find_map(|field| {
        let status: u16 = tokens::text(&field.value).parse().ok()?;
        let is_status = STATUS_KEYS.contains(&field.key.as_str()) && field.form == Form::Plain;
        (is_status && matches!(status, 401 | 403 | 404)).then(|| format!("status {status}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_expected_outcomes() {
        for name in
            ["pg_codes_not_found", "LOGIN_FAILED", "request.retrying", "Invalid credentials"]
        {
            assert!(reason(name, &[]).is_some(), "{name}");
        }
        for name in ["retries_exhausted", "upload_failed", "not_foundation", "llm_invalid_json"] {
            assert!(reason(name, &[]).is_none(), "{name}");
        }
    }
}
