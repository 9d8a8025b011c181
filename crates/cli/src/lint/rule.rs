//! The rules of `ringseal lint`: one table with the name, the reason and an example of each. Nothing is allocated.
use std::fmt;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    ForeignLogger,
    StaticName,
    FlatError,
    ErrorAsName,
    LogBeforeBind,
    BoundKeyRepeated,
    RootId,
    ErrorLevel,
    ReboundKey,
    NameStyle,
    UnnamedEvent,
    PrintMacro,
    SecretField,
    SecretLiteral,
    BadAllow,
    Unparsable,
}

/// What is known about a rule.
#[derive(Debug)]
pub struct Entry {
    pub rule: Rule,
    /// As arguments, comments and output have it.
    pub name: &'static str,
    /// One sentence: what it reports.
    pub summary: &'static str,
    /// Why that is a mistake.
    pub why: &'static str,
    /// An example that is reported, and one that is not.
    pub wrong: &'static str,
    pub right: &'static str,
}

impl Rule {
    /// The rule's entry in the table.
    pub fn entry(self) -> &'static Entry {
        RULES.iter().find(|entry| entry.rule == self).unwrap_or(&RULES[0])
    }

    /// The rule's name.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The rule of this name.
    pub fn from_name(name: &str) -> Option<Rule> {
        RULES.iter().find(|entry| entry.name == name).map(|entry| entry.rule)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// All rules.
pub const RULES: &[Entry] = &[
    Entry {
        rule: Rule::ForeignLogger,
        name: "foreign-logger",
        summary: "a file that logs with ringseal also logs with `log`, `tracing` or `slog`",
        why: "Without a bridge the second logger's events miss the context, the redaction and the format of the \
              others, and with one the names of one file have two styles. Use one interface in a file.",
        wrong: "use ringseal::info;\nlog::warn!(\"stock low\");",
        right: "use ringseal::{info, warn};\nwarn!(\"stock_low\");",
    },
    Entry {
        rule: Rule::StaticName,
        name: "static-name",
        summary: "the name of an event is not a constant",
        why: "A name with data in it is another name for each event: it cannot be searched for, counted or alerted \
              on, it hides the data from redaction by key, and sampling by name does not apply. Put data in fields.",
        wrong: "log::info!(\"payment of {amount} done\");",
        right: "info!(\"payment_processed\", amount);",
    },
    Entry {
        rule: Rule::FlatError,
        name: "flat-error",
        summary: "an error is logged as text",
        why: "Text under the key of an error loses type, causes and stack_hash, and Elasticsearch rejects it where \
              the schema has the object `error`. Log the error itself.",
        wrong: "error!(\"upload_failed\", error = %err);",
        right: "error!(\"upload_failed\", error = &err);",
    },
    Entry {
        rule: Rule::ErrorAsName,
        name: "error-as-name",
        summary: "an error is logged as the name of the event",
        why: "The text of an error is different each time and says nothing about what failed. Name the event, and log \
              the error as a field.",
        wrong: "log::error!(\"{err}\");",
        right: "error!(\"payment_failed\", error = &err);",
    },
    Entry {
        rule: Rule::LogBeforeBind,
        name: "log-before-bind",
        summary: "an event is logged before fields are bound that were already known",
        why: "The event lacks the fields, so a search for them does not find it. Bind parameters before the first \
              event of a function.",
        wrong: "fn receive(order_id: u64) {\n    info!(\"webhook_received\");\n    \
                Context::add(fields! { order_id });\n}",
        right: "fn receive(order_id: u64) {\n    Context::add(fields! { order_id });\n    \
                info!(\"webhook_received\");\n}",
    },
    Entry {
        rule: Rule::BoundKeyRepeated,
        name: "bound-key-repeated",
        summary: "an event repeats a field that is bound, with the same value",
        why: "Bound fields are in each event already. The repetition costs time and space, and hides which fields are \
              the event's own.",
        wrong: "let log = log.bind(fields! { order_id });\ninfo!(log, \"webhook_received\", order_id);",
        right: "let log = log.bind(fields! { order_id });\ninfo!(log, \"webhook_received\");",
    },
    Entry {
        rule: Rule::RootId,
        name: "root-id",
        summary: "an id of one service is not inside a namespace (profile ecs only)",
        why: "Services that share an index use the same id for different things. Only the ids of the schema and \
              session_id, merchant_id, trace_id, span_id, transaction_id, parent_span_id, request_id, correlation_id \
              and user_id are common; put others below the name of the service.",
        wrong: "info!(\"store_opened\", store_id);",
        right: "info!(\"store_opened\", keyloop.store_id = store_id);",
    },
    Entry {
        rule: Rule::ErrorLevel,
        name: "error-level",
        summary: "an expected outcome is logged as an error",
        why: "Errors wake people. A customer's configuration, a failed login, a 404 or an attempt that will be retried \
              needs nobody: log them at info, or at warn where a service degrades.",
        wrong: "error!(\"pg_codes_not_found\");",
        right: "info!(\"pg_codes_not_found\");",
    },
    Entry {
        rule: Rule::ReboundKey,
        name: "rebound-key",
        summary: "a field is bound again with the value that it has already",
        why: "Loggers and contexts pass their fields on, also to tasks that are spawned in the current context. Bind \
              only what is new.",
        wrong: "Context::add(fields! { store_id });\nlet log = log.bind(fields! { store_id });",
        right: "Context::add(fields! { store_id });\nlet log = log.bind(fields! { merchant });",
    },
    Entry {
        rule: Rule::NameStyle,
        name: "name-style",
        summary: "the name of an event does not have the form of the profile",
        why: "Names of one form can be guessed, searched and grouped. `--profile` chooses the form. Without one, names \
              of ringseal's events are lower-case words with `_` or dots between them, and those of others are not \
              checked.",
        wrong: "info!(\"Payment processed!\");",
        right: "info!(\"payment_processed\");",
    },
    Entry {
        rule: Rule::UnnamedEvent,
        name: "unnamed-event",
        summary: "an event has no name",
        why: "Events without a name cannot be told apart in the log.",
        wrong: "tracing::info!(amount = 100);",
        right: "tracing::info!(amount = 100, \"payment_processed\");",
    },
    Entry {
        rule: Rule::PrintMacro,
        name: "print-macro",
        summary: "`println!`, `print!`, `eprintln!` or `eprint!` in a library, or `dbg!` anywhere",
        why: "What a library prints has no level, time or context, passes no redaction, and cannot be switched off. \
              Programs, examples and build scripts may print; none should be delivered with `dbg!`.",
        wrong: "println!(\"user registered: {email}\");",
        right: "info!(\"user_registered\", user.id = id);",
    },
    Entry {
        rule: Rule::SecretField,
        name: "secret-field",
        summary: "a field's key names a secret",
        why: "Passwords, tokens, keys, cookies and authorization headers should not reach a logger at all. The \
              redactor masks them, so the field has no use either. Log whether there is one, its length, or an id.",
        wrong: "info!(\"user_logged_in\", password);",
        right: "info!(\"user_logged_in\", has_password = input.is_some());",
    },
    Entry {
        rule: Rule::SecretLiteral,
        name: "secret-literal",
        summary: "a constant in an event is a secret or personal data",
        why: "The redactor masks it in the log, but it is in the source, in the binary and in the history of the \
              repository. Remove it, and revoke it if it is real.",
        // In two parts: this file, too, is searched for secrets.
        wrong: concat!("info!(\"mail_sent\", to = \"ann@", "example.com\");"),
        right: "info!(\"mail_sent\", to = address);",
    },
    Entry {
        rule: Rule::BadAllow,
        name: "bad-allow",
        summary: "an allow comment has no reason, names no rule, or allows nothing",
        why: "An exception is worth as much as its reason. Comments that no longer have a finding hide the next one. \
              This rule cannot be allowed.",
        wrong: "// ringseal-lint: allow(print-macro)",
        right: "// ringseal-lint: allow(print-macro): the report is this function's purpose",
    },
    Entry {
        rule: Rule::Unparsable,
        name: "unparsable",
        summary: "a file is not Rust, or cannot be checked whole",
        why: "A file that is not checked must not look like one without findings. Its tokens are checked nevertheless \
              where its brackets and quotes are balanced.",
        wrong: "fn f( {",
        right: "fn f() {}",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_has_one_entry() {
        for entry in RULES {
            assert_eq!(Rule::from_name(entry.name), Some(entry.rule));
            assert_eq!(entry.rule.entry().name, entry.name);
        }
        assert_eq!(Rule::from_name("static_name"), None);
    }
}
