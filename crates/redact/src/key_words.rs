//! The words of the key decision, and what each of them means in a key.
//!
//! All words are lower case, singular, and without accents, as [`Tokens`](super::key_split::Tokens) writes them. The
//! lists of telling words are open; the list of harmless companions is closed. They are compiled into one table
//! ([`super::key_table`]); nothing here allocates.

use super::kind::KeyClass::{self, Address, Auth, Bank, Card, Cookie, Dob, Email, Name, Phone};
use super::kind::KeyClass::{Drawn, Password, Plain, Secret, Ssn, Token};

/// The word tells the class of the values, wherever it is in the key.
pub(crate) const TELLS: u32 = 1;
/// The word tells as the last one of several: `DB_PASS`, `redis_auth`.
pub(crate) const TELLS_LAST: u32 = 2;
/// The word takes a telling word before it back: `password_length`.
pub(crate) const HARMLESS: u32 = 4;
/// The word can be part of a word that is written together: `pgpassword`, `tokenhash`.
pub(crate) const PART: u32 = 8;
/// Personal data remains so with this word after it: `email_work`.
pub(crate) const NEUTRAL: u32 = 16;
/// Tokens are counted, paged or public with this word before them: `max_tokens`.
pub(crate) const COUNTS: u32 = 32;
/// The first word of a flag: `has_password`.
pub(crate) const ASKS: u32 = 64;
/// The word and `key` are a secret together: `api_key`.
pub(crate) const KEYED: u32 = 128;
/// A word for persons, before or above `name`.
pub(crate) const PERSON: u32 = 256;
/// A word for things: a `name` below it is not a person's.
pub(crate) const THING: u32 = 512;
/// An address with this word before it is not a postal one.
pub(crate) const MACHINE: u32 = 1024;
/// A part that can follow the telling word it is written together with: `tokenhash`.
pub(crate) const FOLLOWS: u32 = 2048;
/// Before `pass`, a round of work or a way through: `first_pass`, `low_pass`.
pub(crate) const ROUND: u32 = 4096;
/// Before `pin`, a contact of a chip: `led_pin`.
pub(crate) const WIRE: u32 = 16384;
/// Many tokens are counted with this word before them: `new_tokens`.
pub(crate) const COUNTS_MANY: u32 = 32768;
/// The word can be the second one of a pair of [`PAIRS`].
pub(crate) const PAIRED: u32 = 65536;
/// With this word before it, a signature is that of code: `method_signature`.
pub(crate) const CODE: u32 = 8192;

/// Words with the same meaning.
pub(crate) struct Group {
    pub(crate) is: u32,
    pub(crate) class: KeyClass,
    pub(crate) words: &'static [&'static str],
}

const fn group(is: u32, class: KeyClass, words: &'static [&'static str]) -> Group {
    Group { is, class, words }
}

/// All words. A word can be in several groups.
#[rustfmt::skip]
pub(crate) const GROUPS: &[Group] = &[
    group(TELLS | PART, Password, &[
        "password", "passwd", "passphrase", "passcode", "pwd", "passwort", "passwrd", "passwod", "psswd", "passkey",
        "pincode", "cvv", "cvc", "otp", "totp", "hotp", "kennwort", "mtan",
    ]),
    group(TELLS, Password, &[
        "puk", "losungswort", "geheimzahl", "wachtwoord", "motdepasse", "mdp",
        "contrasena", "contrasenia", "contrasenya", "contrasinal", "clave", "senha", "palavrapasse",
        "parola", "haslo", "heslo", "geslo", "lozinka", "zaporka", "sifre", "jelszo", "salasana",
        "losenord", "adgangskode", "passord", "kodeord", "lykilord", "slaptazodis", "parool", "parol", "katasandi",
        "matkhau", "nenosiri", "pasahitza", "fjalekalimi", 
        "пароль", "парола", "лозинка", "лозинката", "κωδικος", "κωδικός", "συνθηματικο", "συνθηματικό",
    ]),
    group(TELLS_LAST | PART, Password, &["pass", "pw", "pin"]),
    group(TELLS | PART, Secret, &[
        "secret", "credential", "creds", "psk", "privatekey", "privkey", "preshared", "connstr", "connstring",
        "signingkey", "encryptionkey", "masterkey", "secretkey", "accesskey",
    ]),
    group(TELLS, Secret, &[
        "cred", "geheim", "geheimnis", "segredo", "segreto", "secreto", "секрет", "samlresponse",
        "connectionstring",
    ]),
    group(TELLS | PART, Token, &[
        "token", "apikey", "apitoken", "jwt", "bearer", "accesstoken", "authtoken", "sessionid", "csrf", "xsrf",
        "sessid", "refreshtoken", "idtoken", "authkey",
    ]),
    group(TELLS, Token, &[
        "jeton", "jsessionid", "phpsessid", "sid", "signature", "токен", "csrfmiddlewaretoken",
        "appkey",
    ]),
    group(TELLS_LAST | PART, Token, &["auth"]),
    group(TELLS | PART, Cookie, &["cookie"]),
    group(TELLS, Auth, &["authorization", "authorisation"]),
    group(TELLS, Card, &["pan", "creditcard", "debitcard", "cardnumber", "ccnumber", "cardno", "ccnum", "kreditkarte"]),
    group(TELLS, Ssn, &[
        "ssn", "sin", "nino", "tin", "itin", "ein", "cpf", "cnpj", "aadhaar", "aadhar", "nif", "nie", "dni", "curp",
        "bsn", "pesel", "imei", "imsi", "vin", "mrn", "passport", "passportno", "passportnumber", "nhsnumber",
        "steuerid", "steuernummer", "ustid", "taxid", "vatid", "vatnumber", "nationalid", "idnumber", "licenseplate",
        "licenceplate", "kennzeichen", "numberplate", "personnummer", "fodselsnummer", "henkilotunnus", "hetu",
        "kimlik", "tckn", "codicefiscale", "cuit", "cuil", "cedula", "nric", "hkid", "mynumber", "rrn", "tfn", "egn",
        "oib", "jmbg", "emso", "cnp", "amka", "ahv", "insee", "reisepass", "pasaporte", "passaporto",
        "paszport", "socialsecuritynumber", "socialsecurity", "иин", "инн", "снилс", "паспорт", "身份证", "身份证号",
        "マイナンバー", "주민등록번호",
    ]),
    group(TELLS, Bank, &[
        "iban", "bic", "clabe", "ifsc", "bankaccount", "accountnumber", "kontonummer", "blz", "routingnumber",
        "sortcode", "银行卡号",
    ]),
    group(TELLS, Dob, &[
        "dob", "birthdate", "birthday", "dateofbirth", "geburtsdatum", "geburtstag", "geboortedatum", "naissance",
        "nacimiento", "nascimento", "nascita", "出生日期", "生年月日",
    ]),
    group(TELLS, Email, &["email", "emailaddress", "correo", "courriel", "邮箱", "メールアドレス"]),
    group(TELLS, Phone, &[
        "phone", "telephone", "tel", "mobile", "msisdn", "cellphone", "whatsapp", "fax", "phonenumber", "telefon",
        "telefono", "telefone", "handynummer", "mobilnummer", "rufnummer", "telefonnummer", "telefoonnummer",
        "celular", "movil", "cellulare", "телефон", "电话", "手机", "手机号", "電話番号", "전화번호",
    ]),
    group(TELLS, Address, &[
        "street", "postcode", "zipcode", "postalcode", "streetaddress", "strasse", "postleitzahl", "direccion",
        "endereco", "indirizzo", "adresse", "адрес", "地址", "住所", "latitude", "longitude",
    ]),
    group(TELLS, Name, &[
        "firstname", "lastname", "fullname", "surname", "forename", "cardholder", "recipient", "beneficiary",
        "beneficiaries", "payer", "payee", "vorname", "nachname", "apellido", "prenom", "cognome", "sobrenome",
        "nazwisko", "фамилия", "фио", "姓名", "氏名",
    ]),
    group(HARMLESS, Plain, &[
        "count", "counter", "length", "len", "size", "type", "id", "uid", "guid", "version", "verified",
        "changed", "policy", "policies", "present", "required", "enabled", "disabled", "valid", "validated",
        "expires", "expiry", "expiration", "expired", "expire", "expiring", "in", "at", "ms", "s", "sec", "second",
        "minute", "hour", "day", "duration", "ttl", "age", "provider", "template", "family", "status", "state",
        "index", "path", "file", "filename", "dir", "folder", "url", "uri", "link", "endpoint", "field", "format",
        "alg", "algo", "algorithm", "limit", "max", "min", "used", "remaining", "total", "usage", "country", "os",
        "method", "cycle", "tier", "kind", "class", "loaded", "rotated", "rotation", "rotator", "ago", "hint",
        "label", "prefix", "issuer", "audience", "scope", "source", "pos", "position", "offset", "bucket", "budget",
        "cost", "rate", "error", "reset", "name", "mode", "strength", "score", "rule", "regex", "pattern", "schema",
        "attempt", "retry", "retries", "tries", "failure", "failed", "success", "succeeded", "manager", "service",
        "store", "engine", "backend", "handler", "factory", "util", "helper", "domain", "realm", "ref", "reference",
        "arn", "page", "form", "screen", "event", "action", "created", "updated", "issued", "issuing", "modified",
        "deleted", "revoked", "date", "time", "timestamp", "ts", "since", "until", "by", "fingerprint",
        "thumbprint", "checksum", "consent", "banner", "jar", "secure", "samesite", "httponly", "authentication",
        "authenticator", "validator", "validation", "complexity", "requirement", "allowed",
        "supported", "available", "needed", "missing", "invalid", "found", "matched", "mismatch", "exists", "set",
        "unset", "empty", "null", "scanning", "scanner", "protection", "description", "title", "icon",
        "visibility", "visible", "prompt", "placeholder", "kdf", "iterations", "rounds", "charset", "encoding",
        "storage", "hits", "misses", "requests", "lifetime", "lifespan", "interval", "timeout",
        "grace", "budgeted", "accepted", "settings", "preferences", "support", "owner", "group", "generator",
        "parser", "lexer", "stream", "kinds", "level", "sum", "avg", "mean", "ratio", "percent", "quota", "latency",
        "purpose", "severity", "category", "feature", "flow", "grant", "broker", "exchange", "introspection",
        "endpoints", "operation", "operator", "controller", "delimiter", "separator", "limiter", "throttle", "per", "release", "reuse", "history",
    ]),
    group(PART, Plain, &[
        "count", "length", "len", "size", "type", "id", "version", "policy", "expiry", "expires", "expired", "ttl",
        "hint", "field", "name", "url", "path", "file", "reset", "required", "enabled", "valid", "status", "limit",
        "usage", "used", "manager", "service", "provider", "store", "verified", "changed", "invalid", "error",
    ]),
    group(PART, Plain, &[
        "benutzer", "nutzer", "datenbank", "netzwerk", "zugangs", "haupt", "kunden", "standard", "einmal",
        "db", "pg", "my", "ssh", "smtp", "imap", "ftp", "sftp", "ldap", "refresh", "access", "client", "user", "admin",
        "root", "old", "new", "store", "key", "app", "api", "auth", "login", "account", "master", "bind", "proxy",
        "redis", "mysql", "postgres", "postgresql", "mongo", "mongodb", "rabbitmq", "mq", "sql", "sudo", "become",
        "wifi", "wlan", "wpa", "web", "mail", "email", "http", "https", "current", "confirm", "repeat", "default",
        "temp", "tmp", "initial", "plain", "clear", "raw", "hashed", "encrypted", "enc", "decrypted", "bot", "device",
        "push", "csrf", "xsrf", "id", "session", "service", "server", "host", "guest", "member", "customer", "oauth",
        "bearer", "github", "gitlab", "slack", "aws", "azure", "gcp", "google", "stripe", "twilio", "private",
        "public", "shared", "secure", "trust", "truststore", "keystore", "cert", "ssl", "tls", "jwt", "sign", "signing",
        "encryption", "webhook", "consumer", "bucket", "storage", "sas", "vault", "consul", "docker", "registry",
        "npm", "pypi", "deploy", "ci", "test", "prod", "dev", "stage", "site", "share", "backup", "zip", "pdf",
        "archive", "unlock", "wallet", "bank", "card", "security", "verification", "middleware", "personal", "remember",
        "x", "sa", "sys", "system", "sysdba", "oracle", "jdbc", "odbc", "kafka", "elastic", "es", "influx", "grafana",
    ]),
    group(PART | FOLLOWS, Plain, &[
        "hash", "value", "text", "new", "old", "confirm", "confirmation", "repeat", "again", "salt", "plain", "string",
        "data", "prod", "dev", "test", "key", "str", "val", "enc", "encrypted", "current", "retype", "verify",
    ]),
    group(NEUTRAL, Plain, &[
        "home", "work", "office", "primary", "secondary", "main", "alt", "alternate", "alternative", "other", "old",
        "new", "current", "previous", "prev", "original", "orig", "raw", "plain", "clean", "normalized", "normalised",
        "full", "value", "val", "text", "str", "string", "number", "no", "num", "nr", "digits", "to", "from", "cc",
        "bcc", "reply", "confirm", "confirmation", "repeat", "again", "prod", "dev", "test", "last", "local",
        "international", "e", "formatted", "line", "lines", "private", "personal", "business", "real", "input",
    ]),
    group(COUNTS, Plain, &[
        "has", "is", "max", "min", "num", "total", "prompt", "completion", "input", "output", "n", "no", "cached",
        "reasoning", "used", "remaining", "require", "requires", "needs", "public", "next", "page", "continuation",
        "sync", "pagination", "prev", "previous", "bos", "eos", "pad", "unk", "sep", "cls", "mask", "special", "stop",
        "added", "audio", "image", "video", "context", "generated", "thinking", "prediction", "billed", "cache", "per",
        "estimated", "syntax", "unexpected", "expected", "cursor", "resume", "fencing", "nft", "lexer", "start", "end",
    ]),
    group(COUNTS_MANY, Plain, &[
        "accepted", "rejected", "number", "count", "avg", "average", "sum", "limit", "available", "consumed",
        "current", "budget", "burst", "completed", "sampled", "new", "read", "creation", "write", "missing", "text",
        "draft", "system", "user", "tool", "message", "document", "chunk", "response", "request",
    ]),
    group(ASKS, Plain, &[
        "has", "is", "num", "needs", "require", "requires", "can", "should", "must", "allow", "allows", "support",
        "supports", "contains", "missing", "min", "max", "no",
    ]),
    group(KEYED, Plain, &[
        "api", "access", "secret", "private", "signing", "encryption", "decryption", "master", "ssh", "auth",
        "account", "shared", "preshared", "session", "subscription", "license", "licence", "storage", "aes", "des",
        "rsa", "hmac", "app", "application", "admin", "client", "consumer", "server", "deploy", "webhook", "root",
        "crypto", "cipher", "cookie", "jwt", "token", "signature", "sign", "sas", "maps", "stripe", "firebase",
        "sendgrid", "mailgun", "twilio", "openai", "anthropic", "aws", "azure", "cloudflare", "datadog", "newrelic",
        "algolia", "github", "gitlab", "slack", "telegram", "paypal", "square", "razorpay", "braintree", "mailchimp",
        "postmark", "pagerduty", "sentry", "recovery", "backup", "unlock", "wallet", "wireguard", "wg", "tls", "ssl",
        "write", "instrumentation", "functions", "unseal", "symmetric", "pgp", "gpg", "hf", "huggingface", "gemini",
        "cohere", "mistral", "groq", "deepl", "mapbox", "rapidapi", "authorization", "psk", "wpa", "wep", "wifi",
        "security", "enc", "sym", "cle", "chave", "steam", "twitch", "discord", "twitter", "facebook",
    ]),
    // Services whose keys are secrets.
    group(KEYED, Plain, &[
        "ably", "abuseipdb", "adyen", "ahrefs", "airtable", "amplitude", "anypoint", "asana",
        "assemblyai", "bigcommerce", "binance", "bitbucket", "bitfinex", "bitly", "blocknative", "brevo", "bugsnag",
        "buildkite", "calendly", "censys", "chargebee", "circleci", "clearbit", "clickup", "cloudinary", "cloudsmith",
        "codecov", "coinbase", "contentful", "coveralls", "databricks", "deepgram", "digitalocean", "dropbox",
        "dynatrace", "easypost", "elevenlabs", "etherscan", "fastly", "foursquare", "fullcontact", "giphy",
        "graphhopper", "gumroad", "heroku", "hubspot", "infura", "instagram", "intercom", "ipinfo", "ipstack", "jfrog",
        "kickbox", "klarna", "langsmith", "linkedin", "linode", "loggly", "loginradius", "mailerlite", "mailjet",
        "mailmodo", "mandrill", "mattermost", "messagebird", "mixpanel", "mollie", "netlify", "newsapi", "nexmo",
        "nuget", "okta", "onesignal", "openweather", "openweathermap", "opsgenie", "perplexity", "pinecone", "plaid",
        "planetscale", "plivo", "pubnub", "pusher", "quickbooks", "recurly", "rollbar", "rubygems", "salesforce",
        "securitytrails", "semrush", "sendbird", "sendinblue", "shippo", "shodan", "shopify", "snyk", "sparkpost",
        "splunk", "spotify", "statuspage", "sumologic", "supabase", "telnyx", "tmdb", "tomtom", "transferwise",
        "trello", "typeform", "typesense", "unsplash", "urlscan", "vercel", "virustotal", "vonage", "wandb",
        "weatherapi", "webex", "woocommerce", "xero", "zendesk", "zenscrape", "zerobounce",
    ]),
    group(PERSON, Plain, &[
        "customer", "payer", "cardholder", "card", "billing", "shipping", "contact", "recipient", "beneficiary",
        "patient", "employee", "client", "member", "guest", "passenger", "student", "owner", "sender", "receiver",
        "first", "last", "full", "given", "family", "middle", "maiden", "sur", "legal", "buyer", "holder", "person",
        "father", "mother", "spouse", "applicant", "subscriber", "payee", "insured", "debtor", "creditor",
        "doctor", "physician", "attendee", "traveler", "traveller", "shopper",
    ]),
    group(THING, Plain, &[
        "service", "project", "host", "event", "span", "thread", "process", "file", "logger", "log", "agent", "cloud",
        "container", "observer", "organization", "rule", "url", "http", "server", "os", "device", "app", "module",
        "task", "job", "queue", "topic", "table", "metric", "pod", "node", "cluster", "namespace", "image", "view",
        "class", "function", "method", "faas", "deployment", "ecs", "datastream", "stream", "feature", "flag", "test",
        "step", "stage", "pipeline", "build", "branch", "repo", "repository", "volume", "secret", "configmap",
        "library", "package", "plugin", "runtime", "sdk", "scope", "resource", "interface", "domain", "region", "dns",
        "tls", "database", "db", "index", "bucket", "kubernetes", "k", "orchestrator", "dll", "origin", "tool",
        "metadata", "header", "variable", "param", "level", "exception", "error", "product", "company", "merchant",
    ]),
    group(MACHINE, Plain, &[
        "ip", "ipv", "mac", "bind", "listen", "remote", "memory", "mem", "server", "host", "peer", "local", "base",
        "start", "end", "bus", "device", "network", "net", "source", "destination", "dest", "src", "dst", "socket",
        "hw", "hardware", "contract", "page", "program", "physical", "virtual", "gateway", "http", "proxy", "client",
        "4", "6", "upstream", "target", "return", "fault", "phys", "virt", "wallet", "node", "multicast", "broadcast",
        "next", "router", "link", "request", "service", "backend", "frontend", "external", "internal", "advertise",
        "advertised", "cluster", "rpc", "grpc", "tcp", "udp", "dial", "metrics", "admin", "api", "public", "private",
        "pod", "instance", "vip", "nat", "bridge", "interface", "if", "eth", "lan", "wan", "port", "inet", "origin",
        "forwarded", "real", "load", "balancer", "leader", "follower", "replica", "worker", "master", "etcd", "redis",
        "mysql", "db", "database", "broker", "kafka", "stack", "heap", "instruction", "symbol", "function", "reloc",
        "entry", "map", "pci", "i2c", "usb", "token", "call", "jump", "frame", "trap", "dns",
        "controller", "agent", "http2", "https", "web", "debug", "pprof", "health", "conn", "connection", "endpoint",
    ]),
    group(ROUND, Plain, &[
        "first", "second", "third", "last", "next", "prev", "render", "shadow", "depth", "low", "high", "band", "all",
        "by", "com", "boarding", "season", "compiler", "opt", "optimization", "multi", "single", "two", "factor",
        "test", "tests", "build", "ci", "num", "n", "per", "each", "this", "lighting", "post", "pre", "forward",
        "backward", "light", "check", "checks", "must", "should", "will", "can", "did", "not", "final", "total",
        "train", "eval", "llvm", "fast", "slow", "scan", "sort", "merge", "epoch", "draw", "gpu", "compute", "failed",
        "mutual", "skip", "enable", "disable", "use", "without", "un",
    ]),
    group(WIRE, Plain, &[
        "gpio", "led", "clock", "reset", "output", "input", "interrupt", "irq", "data", "tx", "rx", "scl", "sda", "cs",
        "mosi", "miso", "sck", "power", "analog", "digital", "pwm", "relay", "sensor", "button", "motor", "i", "o",
        "io", "enable", "chip", "board", "map", "drop", "push", "set",
    ]),
    group(CODE, Plain, &[
        "prev", "previous", "bad", "method", "function", "func", "fn", "type", "call", "class", "interface", "trait", "template", "stack",
        "crash", "event", "error", "fault", "file", "magic", "time", "key", "virus", "malware", "attack", "rule",
        "heat", "alert", "threat", "detection", "exploit", "scan", "yara",
    ]),
];

/// Words in scripts without spaces: they are found anywhere in a word.
#[rustfmt::skip]
pub(crate) static RUN_WORDS: &[(&str, KeyClass)] = &[
    ("密码", Password), ("密碼", Password), ("口令", Password), ("パスワード", Password), ("暗証番号", Password),
    ("비밀번호", Password), ("암호", Password), ("รหัสผ่าน", Password), ("पासवर्ड", Password), ("পাসওয়ার্ড", Password),
    ("كلمة", Password), ("المرور", Password), ("גישה", Password), ("סיסמה", Password), ("סיסמא", Password),
    ("گذرواژه", Password), ("პაროლი", Password), ("գաղտնաբառ", Password), ("验证码", Password), ("驗證碼", Password),
    ("認証コード", Password), ("密钥", Secret), ("密鑰", Secret), ("私钥", Secret), ("秘密鍵", Secret), ("秘钥", Secret),
    ("令牌", Token), ("トークン", Token), ("토큰", Token), ("凭证", Secret), ("凭据", Secret),
];

/// Endings that take a word of [`RUN_WORDS`] back: length, type, count, policy, error, expiry, strength, link, hint,
/// state, time, rule, file, change.
#[rustfmt::skip]
pub(crate) static RUN_HARMLESS: &[&str] = &[
    "长度", "長度", "長さ", "类型", "類型", "種類", "数量", "次数", "回数", "策略", "错误", "過期", "过期", "强度", "ポリシー",
    "期限", "길이", "강도", "제한", "链接", "提示", "状态", "失败", "成功", "时间", "位数", "规则", "要求", "文件", "路径", "字段",
    "変更", "エラー", "設定", "変更日", "변경", "오류", "재설정",
];

/// Pairs of adjacent words that tell: any of the first list before any of the second.
pub(crate) struct Pairs {
    pub(crate) class: KeyClass,
    pub(crate) firsts: &'static [&'static str],
    pub(crate) lasts: &'static [&'static str],
}

const fn pairs(
    class: KeyClass,
    firsts: &'static [&'static str],
    lasts: &'static [&'static str],
) -> Pairs {
    Pairs { class, firsts, lasts }
}

/// All pairs, except those with `key` ([`KEYED`]) and `name` ([`PERSON`]).
#[rustfmt::skip]
pub(crate) const PAIRS: &[Pairs] = &[
    pairs(Password, &["pass"], &["word", "phrase", "code", "wd", "key"]),
    pairs(Password, &["pin"], &["code", "block", "number"]),
    pairs(Password, &["security", "secret"], &["code", "answer"]),
    pairs(Password, &[
        "verification", "recovery", "backup", "otp", "totp", "mfa", "sms", "fa", "login", "unlock", "scratch",
        "confirmation", "activation", "auth", "authentication", "reset",
    ], &["code"]),
    pairs(Password, &["recovery", "seed", "mnemonic", "backup", "secret"], &["phrase", "words"]),
    pairs(Password, &["palavra", "de"], &["passe"]),
    pairs(Password, &["kata"], &["sandi"]),
    pairs(Password, &["mat"], &["khau"]),
    pairs(Token, &["authorization", "oauth", "sso"], &["code"]),
    // Alone: a code of OAuth looks drawn.
    pairs(Drawn, &[""], &["code"]),
    pairs(Token, &["token"], &["hint"]),
    pairs(Token, &["code", "oauth", "pkce"], &["verifier"]),
    pairs(Token, &["client", "saml", "jwt", "user", "bearer"], &["assertion"]),
    pairs(Token, &["saml"], &["response"]),
    pairs(Token, &["session", "sess"], &["id"]),
    pairs(Token, &["sas"], &["url", "uri"]),
    pairs(Token, &[
        "github", "gitlab", "azure", "ado", "devops", "gh", "gl", "asana", "airtable", "bitbucket", "jira", "atlassian",
        "docker", "netlify", "sonar", "tableau", "vsts", "tfs", "figma", "linear", "snyk", "readonly", "personal",
    ], &["pat"]),
    pairs(Token, &["api"], &["schlussel", "schluessel", "sleutel"]),
    pairs(Token, &["cle", "clave", "chave", "chiave"], &["api"]),
    pairs(Secret, &["connection", "conn"], &["string", "str"]),
    pairs(Secret, &["password", "passwd", "pwd", "pass", "passwort"], &["hash", "digest", "salt"]),
    pairs(Secret, &["cle", "clave", "chave", "chiave"], &[
        "privee", "privada", "privata", "secreta", "secrete", "segreta",
    ]),
    pairs(Secret, &["key"], &["material", "pem"]),
    pairs(Secret, &["private"], &["pem", "jwk", "exponent"]),
    pairs(Secret, &["privater", "geheimer"], &["schlussel", "schluessel"]),
    pairs(Card, &["card", "cc"], &["number", "no", "num", "nr", "pan"]),
    pairs(Card, &["credit", "debit"], &["card"]),
    pairs(Card, &["karten"], &["nummer"]),
    pairs(Ssn, &["social"], &["security", "securitie", "insurance"]),
    pairs(Ssn, &[
        "security", "insurance", "passport", "nhs", "ni", "id", "identity", "identification", "vat", "tax", "medicare",
        "national", "personal", "fiscal", "citizen", "resident", "voter", "cpr", "steuer", "ausweis", "plate",
        "license", "licence", "licences", "drivers",
    ], &["number", "no", "num", "nr", "nummer"]),
    pairs(Ssn, &["national", "tax", "vat", "steuer", "ust", "fiscal", "citizen", "voter", "cpr", "emirates"], &["id"]),
    pairs(Ssn, &["national"], &["insurance"]),
    pairs(Ssn, &["license", "licence", "number"], &["plate"]),
    pairs(Ssn, &["driver", "drivers", "driving"], &["license", "licence"]),
    pairs(Ssn, &["codice"], &["fiscale"]),
    pairs(Ssn, &["partita"], &["iva"]),
    pairs(Bank, &["bank"], &["account"]),
    pairs(Bank, &["account", "acct", "routing", "konto"], &["number", "no", "num", "nr", "nummer"]),
    pairs(Bank, &["sort", "swift", "bic", "ifsc"], &["code"]),
    pairs(Dob, &["birth"], &["date", "day"]),
    pairs(Dob, &["of"], &["birth"]),
    pairs(Dob, &["geburts"], &["datum", "tag"]),
    pairs(Email, &["e"], &["mail"]),
    pairs(Email, &["email", "mail"], &["address", "addresse", "addr"]),
    pairs(Phone, &["phone", "telephone", "tel", "mobile", "cell", "contact", "fax", "handy", "whatsapp", "msisdn"], &[
        "number", "no", "num", "nr", "nummer",
    ]),
    pairs(Address, &["zip", "postal"], &["code"]),
    pairs(Address, &["street"], &["name"]),
    pairs(Address, &["address"], &["line"]),
];

/// The class of a key that contains one of the words of older loggers.
#[rustfmt::skip]
pub(crate) fn substring_class(key: &[u8]) -> KeyClass {
    const WORDS: [(&[u8], KeyClass); 17] = [
        (b"password", KeyClass::Password),
        (b"passwd", KeyClass::Password),
        (b"secret", KeyClass::Secret),
        (b"credential", KeyClass::Secret),
        (b"authorization", KeyClass::Auth),
        (b"api_key", KeyClass::Token),
        (b"apikey", KeyClass::Token),
        (b"token", KeyClass::Token),
        (b"email", KeyClass::Email),
        (b"phone", KeyClass::Phone),
        (b"mobile", KeyClass::Phone),
        (b"ssn", KeyClass::Ssn),
        (b"address", KeyClass::Address),
        (b"cardholder", KeyClass::Name),
        (b"name", KeyClass::Name),
        (b"key", KeyClass::Secret),
        (b"auth", KeyClass::Secret),
    ];
    let found = WORDS
        .iter()
        .find(|(word, _)| key.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word)));
    found.map_or(KeyClass::Plain, |&(_, class)| class)
}

/// Keys of the source documents that are never sensitive, whatever the other rules say, and the reserved members of an
/// audit log.
#[rustfmt::skip]
pub(crate) fn whitelist(key: &[u8]) -> bool {
    matches!(
        key,
        b"gateway_name" | b"vendor_name" | b"module_name" | b"func_name" | b"task_name"
        | b"service_name" | b"app_name" | b"project_name" | b"class_name" | b"method_name"
        | b"view_name" | b"username" | b"site_name" | b"domain_name" | b"bank_name"
        | b"display_name" | b"install_name" | b"installation_name" | b"event_name"
        | b"customer_id" | b"id" | b"pk" | b"_signature" | b"_prev_signature"
    )
}

/// Parents whose `key` is a secret: `{"api":{"key":…}}`.
#[rustfmt::skip]
pub(crate) fn is_secret_key_of(parent: &[u8]) -> bool {
    matches!(
        parent,
        b"api" | b"access" | b"secret" | b"private" | b"signing" | b"encryption" | b"license" | b"licence"
            | b"subscription" | b"hmac" | b"aes"
    )
}

/// Words for persons above `name` that are not persons before it: `user_name` is a login.
pub(crate) static USERS: &[&str] =
    &["user", "author", "committer", "assignee", "reviewer", "people", "human"];

/// Whether `word` is one of [`USERS`], or its plural.
pub(crate) fn is_user(word: &[u8]) -> bool {
    let singular = word.strip_suffix(b"s").unwrap_or(word);
    USERS.iter().any(|user| user.as_bytes() == word || user.as_bytes() == singular)
}

/// Words before `address:` in prose that make it a postal address.
#[rustfmt::skip]
pub(crate) fn lives_at(word: &[u8]) -> bool {
    matches!(
        word,
        b"shipping" | b"billing" | b"delivery" | b"home" | b"street" | b"postal" | b"mailing"
        | b"customer" | b"residential" | b"email" | b"mail" | b"invoice" | b"current"
        | b"permanent" | b"user" | b"patient" | b"recipient"
    )
}
