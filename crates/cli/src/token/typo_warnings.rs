//! Warnings about arguments that are valid but make tokens which never match any others.
use ringseal_redact::token::FieldType;

use super::Values;
use crate::console::write_stderr;

/// Writes a warning for each argument that is probably a mistake.
pub(super) fn warn(args: &Values) {
    let field = args.field.as_str();
    if let Some(near) = near_type(field) {
        write_stderr(format_args!(
            "--type {field} is not a known type and is used as a new one; its tokens never match \
             those of {near}"
        ));
    }
    let is_set = std::env::var_os("PII_ENV").is_some_and(|name| !name.is_empty());
    if args.env.is_none() && !is_set {
        write_stderr(
            "neither --env nor PII_ENV is given: the environment is `unknown`, and its tokens are \
             never match those of another",
        );
    }
}

/// The known type that `field` is a likely misspelling of.
fn near_type(field: &str) -> Option<&'static str> {
    let FieldType::Named(name) = FieldType::new(field) else { return None };
    let name = name.to_lowercase();
    ["email", "phone", "generic"].into_iter().find(|known| strsim::osa_distance(&name, known) <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_known_types_are_noticed() {
        let cases = [
            ("email", None),
            ("phone", None),
            ("generic", None),
            ("emial", Some("email")),
            ("Email", Some("email")),
            ("e-mail", Some("email")),
            ("mail", Some("email")),
            ("phnoe", Some("phone")),
            ("phones", Some("phone")),
            ("gender", None),
            ("generics", Some("generic")),
            ("badge", None),
            ("name", None),
            ("iban", None),
            ("", None),
        ];
        for (field, near) in cases {
            assert_eq!(near_type(field), near, "{field}");
        }
    }
}
