//! The table of all settings. Everything else follows from it: the readers, `explain`, the documents, the schema.
//!
//! Constant data; nothing here reads or allocates.

/// What a setting's text must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Any text that is not blank.
    Text,
    /// A path of a file or a directory.
    Path,
    /// `true`, `1`, `yes` or `on`, or `false`, `0`, `no` or `off`, in any case.
    Switch,
    /// A whole number between these, both included.
    Number {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// A number of bytes: `10485760`, `10 MiB`, `1GB`.
    Bytes,
    /// A distance from UTC: `Z`, `+02:00`, `-0330`, `+2`.
    Offset,
    /// One of these words, in any case.
    Word(&'static [&'static str]),
    /// A text that the engine reads, such as `info,hyper=warn`; in a file also a list.
    Engine(&'static str),
}

/// Whether a running engine takes another value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reload {
    /// It does.
    Yes,
    /// It does not, for this reason.
    No(&'static str),
}

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// The path in files, with dots.
    pub path: &'static str,
    /// The variable, in the environment and in `.env`.
    pub variable: &'static str,
    /// What it must be.
    pub kind: Kind,
    /// The value without any source; `None` if the setting is off or depends on the program.
    pub default: Option<&'static str>,
    /// What follows if there is no default.
    pub otherwise: &'static str,
    /// Other names: paths with small letters, variables with capital ones.
    pub also: &'static [&'static str],
    /// A value for examples.
    pub example: &'static str,
    /// Whether its value is shown nowhere.
    pub is_secret: bool,
    /// Whether a running engine takes another value.
    pub reload: Reload,
    /// What it does.
    pub doc: &'static str,
}

const OUTPUTS: Reload = Reload::No("outputs are opened when the engine starts");
const LINES: Reload = Reload::No("the writer makes its line formats when the engine starts");
const SERVICE: Reload = Reload::No("the fields of every line are rendered when the engine starts");
const RINGS: Reload = Reload::No("rings are made when the engine starts");
const AUDIT: Reload = Reload::No("the audit log is opened when the engine starts");
const KEYS: Reload =
    Reload::No("keysets are opened when the engine starts, and reread by themselves");

macro_rules! settings {
    ($(
        $path:literal $variable:literal $kind:expr, $default:expr, $otherwise:literal, $example:literal, $reload:expr,
        $doc:literal $(, $secret:ident)? $(=> $also:expr)?;
    )+) => {
        &[$(Setting {
            path: $path,
            variable: $variable,
            kind: $kind,
            default: $default,
            otherwise: $otherwise,
            also: settings!(@also $($also)?),
            example: $example,
            is_secret: settings!(@secret $($secret)?),
            reload: $reload,
            doc: $doc,
        }),+]
    };
    (@secret secret) => { true };
    (@secret) => { false };
    (@also $also:expr) => { $also };
    (@also) => { &[] };
}

/// All settings, in the order of the documents.
pub const SETTINGS: &[Setting] = settings! {
    "environment" "ENVIRONMENT" Kind::Word(crate::environment::NAMES), Some("development"), "", "production", SERVICE,
        "The environment, which chooses the profile of defaults; it is also in the lines.";
    "service.project" "PROJECT_NAME" Kind::Text, Some("connect"), "", "shop", SERVICE,
        "The project: `project.name` in lines of the format `ecs`.";
    "service.type" "SERVICE_TYPE" Kind::Text, None, "`rq` or `celery` if the program's arguments say so, else `app`",
        "app", SERVICE,
        "What kind of process it is: `service.name` in lines of the format `ecs`.";
    "service.version" "APP_VERSION" Kind::Text, Some("0.0.0"), "", "1.4.2", SERVICE,
        "The version of the service: `service.version` in lines of the format `ecs`.";
    "service.instance" "SERVICE_INSTANCE" Kind::Text, None, "the name of the host", "shop-1", SERVICE,
        "The instance of the service, in the entries of the audit log." => &["INSTANCE_ID"];
    "log.level" "LOG_LEVEL" Kind::Engine("a level, or directives such as info,hyper=warn"), Some("info"), "", "info",
        Reload::Yes, "Which events are logged, by target.";
    "log.quiet_targets" "LOG_QUIET_TARGETS" Kind::Engine("names of lists, none, or target=level"),
        Some("dependencies"), "", "dependencies", Reload::Yes,
        "Libraries that are at warn unless `log.level` names them.";
    "log.format" "LOG_FORMAT" Kind::Engine("json, console, ecs or another format"), Some("json"), "", "json", LINES,
        "The format of lines.";
    "log.handler" "LOG_HANDLER" Kind::Word(&["console", "file", "dual", "rotating"]), Some("console"), "", "dual",
        OUTPUTS, "Where lines go: standard output, a file that never rotates, standard output and a rotating file, or a \
        rotating file.";
    "log.sink" "LOG_SINK" Kind::Engine("stdout, stderr or file:PATH, or one of them after only:"), None,
        "what `log.handler` says", "only:stderr", OUTPUTS,
        "A further output; after `only:`, it takes the place of the others.";
    "log.app_log" "LOG_APP_LOG" Kind::Path, Some("logs/app.log"), "", "/var/log/shop/app.log", OUTPUTS,
        "The file of the handlers `file`, `dual` and `rotating`.";
    "log.color" "LOG_COLOR" Kind::Switch, None, "on a terminal, unless NO_COLOR is set", "true", LINES,
        "Colours of the formats that are text.";
    "log.include_stack" "LOG_INCLUDE_STACK" Kind::Switch, Some("false"), "", "false", LINES,
        "A stack trace in every event; slow, for debugging.";
    "log.sort_keys" "LOG_JSON_SORT_KEYS" Kind::Switch, Some("false"), "", "false", LINES,
        "Sorted keys, for comparing lines.";
    "log.schema_version" "LOG_EVENT_SCHEMA_VERSION" Kind::Number { min: 0, max: u32::MAX as u64 }, Some("1"), "", "2",
        LINES, "The version of the events' fields.";
    "log.rotation.max_bytes" "LOG_ROTATION_MAX_BYTES" Kind::Bytes, Some("10485760"), "", "64 MiB", OUTPUTS,
        "The size at which a file is sealed; 0 for no limit.";
    "log.rotation.backup_count" "LOG_ROTATION_BACKUPS" Kind::Number { min: 0, max: 1_000_000 }, Some("5"),
        "1 GiB of them, or 5 % of the file system if that is less", "5", OUTPUTS,
        "How many sealed files are kept. If a setting of `log.retention` is set and this one is not, no number: 1 GiB, or \
        5 % of the file system if that is less." => &["log.rotation.backups", "LOG_ROTATION_BACKUP_COUNT"];
    "log.rotation.when" "LOG_ROTATION_WHEN" Kind::Word(&["midnight", "hourly", "never"]), Some("midnight"), "",
        "midnight", OUTPUTS, "When a file is sealed besides, by `log.rotation.utc_offset`.";
    "log.rotation.utc_offset" "LOG_ROTATION_UTC_OFFSET" Kind::Offset, Some("Z"), "", "+02:00", OUTPUTS,
        "What midnight and full hours are local to; a fixed offset, which does not follow daylight saving time.";
    "log.rotation.interval" "LOG_ROTATION_INTERVAL" Kind::Number { min: 1, max: 1_000 }, Some("1"), "", "1", OUTPUTS,
        "Every how many days or hours.";
    "log.rotation.compress" "LOG_ROTATION_COMPRESS" Kind::Switch, Some("false"), "", "true", OUTPUTS,
        "gzip of sealed files (crate feature `compress`).";
    "log.retention.hot_days" "LOG_RETENTION_HOT_DAYS" Kind::Number { min: 0, max: 36_500 }, Some("60"), "", "60",
        OUTPUTS, "How many days a sealed file stays plain if sealed files are compressed.";
    "log.retention.cold_days" "LOG_RETENTION_COLD_DAYS" Kind::Number { min: 1, max: 36_500 }, Some("365"), "", "365",
        OUTPUTS, "How many days after its last change, compression included, a sealed file is kept.";
    "log.redact.enabled" "LOG_REDACT" Kind::Switch, Some("true"), "", "true", Reload::Yes,
        "Whether secrets and personal data are masked.";
    "log.redact.profile" "LOG_REDACT_PROFILE" Kind::Word(&["default", "structlog", "ecs", "audit"]), Some("default"),
        "", "ecs", Reload::Yes, "What is written in place of what is masked.";
    "log.redact.presets" "LOG_REDACT_PRESETS" Kind::Engine("names of presets with commas"), Some("default"), "",
        "default,payments", Reload::Yes, "Lists of rules.";
    "log.redact.key_match" "LOG_REDACT_KEY_MATCH" Kind::Word(&["tokens", "substring"]), Some("tokens"), "", "tokens",
        Reload::Yes, "How keys are compared with those of the rules.";
    "log.redact.rules" "LOG_REDACT_RULES" Kind::Path, None, "none", "/etc/shop/redaction.toml", Reload::Yes,
        "A file with further rules (crate feature `rules-toml`).";
    "log.sample.success" "LOG_SAMPLE_SUCCESS" Kind::Engine("a share such as 0.01 or 1%"), None, "all", "0.01",
        Reload::Yes, "The share kept of events `…_SUCCESS` and `…_OK`.";
    "log.sample.levels" "LOG_SAMPLE_LEVELS" Kind::Engine("level=share with commas, or production"), None, "all",
        "debug=0.01,info=0.1", Reload::Yes, "Shares kept, by level.";
    "log.sample.targets" "LOG_SAMPLE_TARGETS" Kind::Engine("target=share with commas"), None, "all",
        "app::db=0.1,*=0.5", Reload::Yes, "Shares kept of debug and trace, by target.";
    "log.sample.limit" "LOG_SAMPLE_LIMIT" Kind::Engine("count/time, as in 100/1s"), None, "none", "100/1s",
        Reload::Yes, "Most events of one call site.";
    "log.ring_dir" "LOG_RING_DIR" Kind::Engine("auto, off or an absolute path"), Some("off"), "", "auto", RINGS,
        "Where rings are that survive a kill.";
    "log.audit_log" "LOG_AUDIT_LOG" Kind::Path, None, "no audit log", "/var/log/shop/audit", AUDIT,
        "The directory of the audit log, or its file `audit.log.jsonl` there (crate feature `audit`).";
    "log.audit.signing.enabled" "LOG_AUDIT_SIGNING" Kind::Switch, Some("false"), "", "true", AUDIT,
        "Whether the audit log is sealed with keys from `log.audit.signing.key`.";
    "log.audit.signing.key" "LOG_AUDIT_SIGNING_KEY" Kind::Path, None, "none", "/run/secrets/audit-keys", AUDIT,
        "The directory that `ringseal audit keygen` has made; never the key itself.", secret;
    "pii.provider" "PII_PROVIDER" Kind::Word(&["file", "vault"]), None, "no tokens", "file", KEYS,
        "Where the keys for tokens of personal data come from (crate features `tokens` and `vault`).";
    "pii.token_keyset_path" "PII_TOKEN_KEYSET_PATH" Kind::Path, None, "none", "/run/pii/token-keyset.json", KEYS,
        "The keyset that makes tokens.";
    "pii.reveal_keyset_path" "PII_REVEAL_KEYSET_PATH" Kind::Path, None, "none", "/run/pii/reveal-keyset.json", KEYS,
        "The keyset that reveals them, with `pii.access` `full`.";
    "pii.access" "PII_ACCESS" Kind::Word(&["tokenize", "full"]), None, "`tokenize`", "tokenize", KEYS,
        "What the keys may do.";
    "pii.env" "PII_ENV" Kind::Text, None, "`unknown`", "prod", KEYS,
        "The environment of the tokens, as it is: an alias would change every token.";
    "pii.refresh_seconds" "PII_REFRESH_SECONDS" Kind::Number { min: 1, max: 86_400 }, None, "300", "300", KEYS,
        "After how many seconds keysets are read again.";
    "pii.keyset_group_readable" "PII_KEYSET_GROUP_READABLE" Kind::Switch, None, "false", "true", KEYS,
        "Whether the group of the keyset files may read them.";
    "pii.vault.addr" "PII_VAULT_ADDR" Kind::Text, None, "none", "https://vault.example.com:8200", KEYS,
        "The server, for the provider `vault`.";
    "pii.vault.role_id_path" "PII_VAULT_ROLE_ID_PATH" Kind::Path, None, "none", "/run/pii/role-id", KEYS,
        "The file with the role id; read again at each login.";
    "pii.vault.secret_id_path" "PII_VAULT_SECRET_ID_PATH" Kind::Path, None, "none", "/run/pii/secret-id", KEYS,
        "The file with the secret id; read again at each login.";
    "pii.vault.token_keyset_path" "PII_VAULT_TOKEN_KEYSET_PATH" Kind::Text, None, "none",
        "secret/data/platform/pii/token-keyset", KEYS, "The keyset that makes tokens.";
    "pii.vault.reveal_keyset_path" "PII_VAULT_REVEAL_KEYSET_PATH" Kind::Text, None, "none",
        "secret/data/platform/pii/reveal-keyset", KEYS, "The keyset that reveals them, with `pii.access` `full`.";
    "pii.vault.cacert_path" "PII_VAULT_CACERT_PATH" Kind::Path, None, "the system's authorities", "/etc/pii/ca.pem",
        KEYS, "A PEM file with the authority to trust.";
    "pii.vault.timeout" "PII_VAULT_TIMEOUT" Kind::Number { min: 1, max: 300 }, None, "10", "10", KEYS,
        "How many seconds a request may take.";
    "pii.vault.namespace" "PII_VAULT_NAMESPACE" Kind::Text, None, "none", "team-a", KEYS, "The namespace.";
    "pii.vault.auth_mount" "PII_VAULT_AUTH_MOUNT" Kind::Text, None, "`approle`", "approle", KEYS,
        "Where AppRole is mounted.";
};

impl Setting {
    /// Its variables, the first one as the documents have it.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &'static str> {
        let others = self.also.iter().copied().filter(|name| !name.contains('.'));
        std::iter::once(self.variable).chain(others)
    }

    /// Its paths, the first one as the documents have it.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &'static str> {
        let others = self.also.iter().copied().filter(|name| name.contains('.'));
        std::iter::once(self.path).chain(others)
    }
}

/// The index of the setting with this path.
pub(crate) fn by_path(path: &str) -> Option<usize> {
    SETTINGS.iter().position(|setting| setting.paths().any(|known| known == path))
}

/// The index of the setting with this variable, and the variable.
pub(crate) fn by_variable(variable: &str) -> Option<(usize, &'static str)> {
    let named = |setting: &Setting| setting.variables().find(|known| *known == variable);
    SETTINGS.iter().enumerate().find_map(|(index, setting)| Some((index, named(setting)?)))
}

/// The variable that was probably meant by a name that is none: in another case, or with one or two letters wrong.
pub(crate) fn variable_like(name: &str) -> Option<&'static str> {
    if name.len() < 6 || name.len() > 64 || by_variable(name).is_some() {
        return None;
    }
    let (upper, typos_max) = (name.to_ascii_uppercase(), if name.len() < 12 { 1 } else { 2 });
    let typos = |known: &str| strsim::damerau_levenshtein(known, &upper);
    // Each letter too many or too few is a wrong one.
    let has_length = |known: &&str| known.len().abs_diff(name.len()) <= typos_max;
    let all = SETTINGS.iter().flat_map(Setting::variables).filter(has_length);
    let near = all.map(|known| (typos(known), known)).filter(|(typos, _)| *typos <= typos_max);
    near.min_by_key(|(typos, _)| *typos).map(|(_, known)| known)
}

/// The sections of files that belong to the table: others are those of other programs.
pub(crate) fn is_own_section(key: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.path.split('.').next() == Some(key))
}

/// The section that was probably meant by a key in another case.
pub(crate) fn section_like(key: &str) -> Option<&'static str> {
    let sections = SETTINGS.iter().filter_map(|setting| setting.path.split('.').next());
    sections.filter(|section| *section != key).find(|section| section.eq_ignore_ascii_case(key))
}

/// Whether a key at the root of a file, with dots or without, is about the table.
#[cfg_attr(not(feature = "toml"), expect(dead_code, reason = "no format"))]
pub(crate) fn is_looked_at(key: &str) -> bool {
    let first = key.split('.').next().unwrap_or_default();
    is_own_section(first) || section_like(first).is_some()
}

/// Whether it is the path of a section.
pub(crate) fn is_section(path: &str) -> bool {
    SETTINGS
        .iter()
        .any(|setting| setting.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// The path that is written most like this one.
pub(crate) fn nearest(path: &str) -> Option<&'static str> {
    if path.len() > 128 {
        return None;
    }
    let path = &path.to_ascii_lowercase();
    let likeness = |setting: &Setting| strsim::jaro_winkler(setting.path, path);
    let best = SETTINGS.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let is_like = strsim::jaro_winkler(&last(best.path), &last(path)) >= 0.75;
    (is_like && likeness(best) >= 0.85).then_some(best.path)
}
