//! The words that detectors compare, all in lower case: of keys before drawn values, of code, of sentences. The words
//! of the key decision are in [`crate::key_words`]. Lists only: nothing runs here.

/// Words whose values are secret if they look like keys.
#[rustfmt::skip]
pub(super) const SECRETS: &[&[u8]] = &[
    b"token", b"secret", b"apikey", b"credential", b"auth", b"bearer", b"password", b"passwd", b"passphrase",
    b"pwd", b"jwt", b"session", b"signature", b"sig", b"hmac", b"authorization", b"cookie", b"crumb",
];

/// Words that name a secret before a sign, and otherwise only before drawn values.
#[rustfmt::skip]
pub(super) const SOMETIMES: &[&[u8]] = &[
    b"private", b"access", b"pat", b"pass", b"license", b"licence", b"api", b"key", b"response", b"code", b"policy",
    b"unseal", b"login", b"reporter_id",
];

/// Those whose UUIDs are identifiers.
#[rustfmt::skip]
pub(super) const SESSIONS: &[&[u8]] = &[
    b"session", b"signature", b"sig", b"auth", b"authorization", b"cookie", b"jwt", b"hmac",
];

/// Words before `key` that make it a secret.
#[rustfmt::skip]
pub(super) const KEY_PAIRS: &[&[u8]] = &[
    b"api", b"secret", b"private", b"access", b"encryption", b"signing", b"auth",
];

/// Words between a key and its value that do not change what it says.
#[rustfmt::skip]
pub(super) const SMALL: &[&[u8]] = &[
    b"is", b"was", b"of", b"in", b"use", b"used", b"value", b"to", b"now", b"the", b"string",
];

/// Words before `key` that make it one for a service.
#[rustfmt::skip]
pub(super) const USES: &[&[u8]] = &[b"using", b"your", b"my", b"our"];

/// Words before `key` that make it the key of a map, a table or a thing.
#[rustfmt::skip]
pub(super) const HARMLESS_KEYS: &[&[u8]] = &[
    b"public", b"pub", b"cache", b"primary", b"partition", b"sort", b"foreign", b"shard", b"sharding", b"hash",
    b"range", b"row", b"column", b"map", b"object", b"bucket", b"index", b"idx", b"natural", b"schema", b"sequence",
    b"routing", b"message", b"event", b"group", b"grouping", b"dedup", b"deduplication", b"idempotency", b"lock",
    b"lookup", b"join", b"unique", b"composite", b"surrogate", b"query", b"trace", b"span", b"metric", b"config",
    b"setting", b"translation", b"locale", b"host", b"registry", b"redis", b"memcache", b"test", b"node", b"task",
    b"job", b"issue", b"project", b"file", b"document", b"doc", b"record", b"item", b"entity", b"product", b"order",
    b"state", b"dict", b"param", b"field", b"property", b"attribute", b"resource", b"template", b"image", b"layer",
    b"build", b"gpg", b"pgp", b"verification", b"fingerprint", b"request", b"dataset", b"table", b"segment",
    b"block", b"topic", b"queue", b"label", b"tag", b"ordering", b"hot", b"arrow", b"any", b"min",
    b"max", b"start", b"end", b"first", b"last", b"next", b"prev", b"s3", b"path", b"page", b"etag", b"correlation",
    b"tenant",
];

/// Words before the other words that make them numbers or names.
#[rustfmt::skip]
pub(super) const COUNTED: &[&[u8]] = &[
    b"next", b"page", b"continuation", b"pagination", b"sync", b"public", b"csp", b"random",
];

/// Words that end in the letters of `key`.
#[rustfmt::skip]
pub(super) const NOT_KEYS: &[&[u8]] = &[
    b"monkey", b"turkey", b"hockey", b"jockey", b"donkey", b"whiskey", b"lackey", b"passkey",
];

/// Objects whose members hold what a program was given.
#[rustfmt::skip]
pub(super) const OBJECTS: &[&[u8]] = &[
    b"self", b"this", b"args", b"argv", b"config", b"cfg", b"conf", b"settings", b"req",
    b"request", b"opts", b"options", b"params", b"env", b"process", b"ctx", b"context", b"data",
    b"body", b"user", b"props", b"secrets", b"credentials", b"creds", b"app", b"os", b"sys",
    b"input", b"form", b"event", b"var", b"local", b"module", b"state", b"session", b"kwargs",
    b"values", b"vars", b"resource", b"aws_secretsmanager_secret_version", b"account", b"auth", b"client", b"db",
    b"document", b"window", b"element", b"target", b"res", b"response", b"result", b"json", b"string", b"crypto",
];

/// Names of fields and words for their types, as they occur beside the names of secrets.
#[rustfmt::skip]
pub(super) const FIELDS: &[&[u8]] = &[
    b"user", b"username", b"login", b"name", b"id", b"host", b"hostname", b"url", b"type",
    b"text", b"string", b"required", b"optional", b"value", b"key", b"varchar", b"char", b"int",
    b"number", b"boolean", b"object", b"array", b"database", b"port", b"email", b"mail", b"phone",
    b"hidden", b"input", b"field", b"label", b"placeholder", b"min", b"max", b"confirm",
    b"confirmation", b"repeat", b"sensitive", b"file", b"path", b"default", b"submit", b"comma",
    b"identifier", b"keyword", b"punctuation", b"nonce", b"scope",
];

/// Words that sentences have and passphrases hardly.
#[rustfmt::skip]
pub(super) const MESSAGE_WORDS: &[&[u8]] = &[
    b"must", b"is", b"are", b"be", b"cannot", b"can't", b"not", b"required", b"should", b"invalid",
    b"your", b"the", b"enter", b"please", b"contain", b"contains", b"least", b"too", b"has",
    b"been", b"expired", b"incorrect", b"wrong", b"failed", b"missing", b"does", b"doesn't",
    b"don't", b"match", b"characters", b"length", b"of", b"for", b"with", b"was", b"reset",
    b"change", b"changed", b"forgot", b"new", b"confirm", b"found", b"field", b"this",
];

/// Names that lexers give to the words of a program.
#[rustfmt::skip]
pub(super) const LEXICAL: &[&[u8]] = &[
    b"ident", b"identifier", b"keyword", b"punct", b"punctuator", b"symbol", b"operator", b"literal", b"lit", b"str",
    b"word", b"name", b"op", b"text",
];

/// Calls whose argument is the name of a variable of the environment.
pub(super) const ENVIRONMENT: &[&[u8]] = &[b"getenv", b"env", b"var", b"get_env", b"environ"];

/// Words of a sentence that reports an error about a key.
#[rustfmt::skip]
pub(super) const ERRORS: &[&[u8]] = &[
    b"invalid", b"wrong", b"incorrect", b"bad", b"missing", b"unknown", b"failed", b"rejected", b"or",
    b"and", b"without", b"no", b"expired",
];

/// Words in the names of calls that ask for something or report it.
#[rustfmt::skip]
pub(super) const QUESTIONS: &[&[u8]] = &[
    b"get", b"read", b"load", b"fetch", b"lookup", b"has", b"is", b"need", b"list", b"delete", b"remove",
    b"parse", b"expect", b"unexpected", b"missing", b"no", b"find", b"describe", b"label", b"error", b"prompt", b"ask",
];
