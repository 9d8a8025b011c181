//! The words that connect a key with a drawn value, all in lower case. Lists only: nothing runs here.

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
