//! The redactor's promises: budgets, cuts, profiles, counters, own rules, tokens.

use super::super::sign_memo::SignMemo;
use super::*;

fn cut(input: &str) -> String {
    let mut out = Vec::new();
    match standard().value(KeyClass::Plain, input.as_bytes(), true, &mut out) {
        RedactOutcome::Clean => input.to_owned(),
        RedactOutcome::Replaced => String::from_utf8(out).unwrap(),
    }
}

#[test]
fn half_a_secret_is_masked_after_a_cut() {
    let jwt =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI2NjgzNzMifQ.TUhZAjP6tyVsoAPeGAcTRrxt";
    let secrets: &[(&str, &str, usize)] = &[
        // Prefix, secret, and the number of its bytes that may be visible before it is recognised.
        ("key is ", "ghp_0123456789abcdefghijABCDEFGHIJ012345", 5),
        ("key is ", "AKIA1234567890ABCDEF", 4),
        ("got ", jwt, 15),
        ("card ", "4111111111111111", 5),
        ("card ", "4111 1111 1111 1111", 6),
        ("ssn ", "733-55-8313", 6),
        ("tel ", "+1 402-555-1212", 3),
        ("to ", "DE89370400440532013000", 4),
        ("auth Bearer ", "abcdef0123456789wxyz", 0),
        ("password=", "correct horse", 0),
        ("db postgres://app:", "pa55w0rd", 0),
        ("-----BEGIN RSA PRIVATE KEY-----\n", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", 0),
        ("hash ", "$2b$12$abcdefghijklmnopqrstuvABCDEFGHIJKLMNOPQRSTUVWXYZ012345", 7),
    ];
    for &(prefix, secret, seen) in secrets {
        for len in 1..=secret.len() {
            let text = format!("{prefix}{}", &secret[..len]);
            let got = cut(&text);
            let left = secret[..len]
                .char_indices()
                .map(|(i, _)| i)
                .chain([len])
                .filter(|&n| got.strip_prefix(prefix).unwrap_or(&got).contains(&secret[..n]))
                .max()
                .unwrap_or(0);
            assert!(left <= seen, "{text:?} became {got:?}");
        }
    }
    assert_eq!(cut("sent to ann@exam"), "sent to <email>");
    assert_eq!(cut("sent to ann@"), "sent to <email>");
    assert_eq!(cut("listening on http://localhost:80"), "listening on http://localhost:80");
    assert_eq!(
        cut("an ordinary sentence that was cut in the mid"),
        "an ordinary sentence that was cut in the mid"
    );
}

#[test]
fn a_cut_user_literal_is_masked() {
    let set = RuleSet {
        literals: vec![LiteralRule { name: "db".into(), text: b"correct-horse".to_vec() }],
        ..RuleSet::default()
    };
    for len in 4..=13 {
        let text = format!("it is {}", &"correct-horse"[..len]);
        let mut out = Vec::new();
        let outcome = with(&set).value(KeyClass::Plain, text.as_bytes(), true, &mut out);
        assert_eq!(outcome, RedactOutcome::Replaced, "{text}");
        assert!(!String::from_utf8_lossy(&out).contains("corr"), "{text}");
    }
}

#[test]
fn values_under_sensitive_keys_are_replaced_whole() {
    let mut redactor = standard();
    for (class, value, want) in [
        (KeyClass::Password, "hunter2", "***REDACTED***"),
        (KeyClass::Password, "", ""),
        (KeyClass::Token, "null", "null"),
        (KeyClass::Token, "Bearer abcdef0123456789wxyz", "Bearer ****wxyz"),
        (KeyClass::Auth, "Bearer abcdef0123456789wxyz", "Bearer ****wxyz"),
        (KeyClass::Auth, "Basic dXNlcjpwYXNz", "Basic ****"),
        (KeyClass::Auth, "Digest username=\"ann\", response=\"0123456789abcdef\"", "Digest ****"),
        (KeyClass::Auth, "s3cr3t", "***REDACTED***"),
        (KeyClass::Email, "ann@example.com", "<email>"),
        (KeyClass::Phone, "12345", "<phone>"),
        (KeyClass::Name, "Jo", "<name>"),
        (KeyClass::Address, "10.0.0.1:8080", "10.0.0.1:8080"),
        (KeyClass::Address, "1 Main St", "<address>"),
        (KeyClass::Ssn, "<ssn>", "<ssn>"),
        (KeyClass::Card, "****1111", "****1111"),
    ] {
        let mut out = Vec::new();
        let got = match redactor.value(class, value.as_bytes(), false, &mut out) {
            RedactOutcome::Clean => value.to_owned(),
            RedactOutcome::Replaced => String::from_utf8(out).unwrap(),
        };
        assert_eq!(got, want, "{class:?} {value:?}");
    }
}

#[test]
fn numbers_are_masked_unless_they_are_counts() {
    let mut redactor = standard();
    for (class, text, replaced) in [
        (KeyClass::Ssn, "123456789", true),
        (KeyClass::Card, "4111111111111111", true),
        (KeyClass::Phone, "-12345678", true),
        (KeyClass::Password, "1234", true),
        (KeyClass::Password, "12", false),
        (KeyClass::Token, "1234567890", false),
        (KeyClass::Ssn, "12.5", false),
        (KeyClass::Name, "1234567", false),
        (KeyClass::Plain, "4111111111111111", false),
        (KeyClass::Plain, "4111111111111112", false),
        (KeyClass::Plain, "1718857800123", false),
    ] {
        let outcome = redactor.number(class, text.as_bytes(), &mut Vec::new());
        assert_eq!(outcome == RedactOutcome::Replaced, replaced, "{class:?} {text}");
    }
}

#[test]
fn profiles_change_what_is_written() {
    let texts = ["ann@example.com", "ssn 733-55-8313", "password=hunter2 x"];
    for (profile, want) in [
        (Profile::Default, ["<email>", "ssn <ssn>", "password=***REDACTED*** x"]),
        (Profile::Ecs, ["[PII_REDACTED]", "ssn [PII_REDACTED]", "password=***REDACTED*** x"]),
        (Profile::Audit, ["***REDACTED***", "ssn ***REDACTED***", "password=***REDACTED*** x"]),
    ] {
        let mut redactor = with(&RuleSet { profile, ..RuleSet::default() });
        assert_eq!(texts.map(|t| plain(&mut redactor, t)), want, "{profile:?}");
    }
    let mut redactor = with(&RuleSet { profile: Profile::Structlog, ..RuleSet::default() });
    for (class, want) in [
        (KeyClass::Email, "<email>"),
        (KeyClass::Phone, "<phone>"),
        (KeyClass::Token, "<token>"),
        (KeyClass::Password, "<redacted>"),
        (KeyClass::Name, "<redacted>"),
    ] {
        let mut out = Vec::new();
        assert_eq!(redactor.value(class, b"something", false, &mut out), RedactOutcome::Replaced);
        assert_eq!(out, want.as_bytes());
    }
}

#[test]
fn the_ecs_profile_writes_tokens_with_a_key() {
    let set = RuleSet { profile: Profile::Ecs, ..RuleSet::default() };
    let tokenizer = Arc::new(HmacTokenizer::new(&[7; 32], "prod"));
    let email = tokenizer.email("ann@example.com");
    let mut redactor = with(&set).with_tokenizer(tokenizer.clone());
    let prose = plain(&mut redactor, "sent to Ann@Example.com, pwd=hunter2");
    assert_eq!(prose, format!("sent to {email}, pwd=***REDACTED***"));
    assert_eq!(plain(&mut redactor, &prose), prose, "a token is unchanged");
    let mut out = Vec::new();
    let outcome = redactor.value(KeyClass::Email, b" ann@example.com", false, &mut out);
    assert_eq!((outcome, out), (RedactOutcome::Replaced, email.clone().into_bytes()));
    let json = plain(&mut redactor, r#"{"email":"ann@example.com","phone":4025551212}"#);
    let phone = tokenizer.phone("4025551212");
    assert_eq!(json, format!(r#"{{"email":"{email}","phone":"{phone}"}}"#));
    assert_eq!(plain(&mut redactor, &json), json);
}

#[test]
fn payments_tokenize_only_accounts_and_addresses() {
    let set = RuleSet { presets: vec![Preset::Payments], ..RuleSet::default() };
    let tokenizer = Arc::new(HmacTokenizer::new(&[7; 32], "prod"));
    let (email, iban) = (tokenizer.email("a@b.io"), tokenizer.generic("NO9451596183349"));
    let mut redactor = with(&set).with_tokenizer(tokenizer);
    assert_eq!(
        plain(&mut redactor, "a@b.io NO9451596183349 ssn 733-55-8313"),
        format!("{email} {iban} ssn <ssn>")
    );
}

#[test]
fn presets_compose_and_payments_keep_card_digits() {
    let mut redactor = with(&RuleSet { presets: vec![Preset::Payments], ..RuleSet::default() });
    assert_eq!(plain(&mut redactor, "card 4111 1111 1111 1111 ok"), "card ****1111 ok");
    assert_eq!(plain(&mut redactor, "card ****1111 ok"), "card ****1111 ok");
    let mut redactor = with(&RuleSet { presets: vec![Preset::FileTools], ..RuleSet::default() });
    assert_eq!(
        plain(&mut redactor, "ann@example.com pwd=hunter2"),
        "ann@example.com pwd=***REDACTED***"
    );
    let both = vec![Preset::FileTools, Preset::Default];
    let mut redactor = with(&RuleSet { presets: both, ..RuleSet::default() });
    assert_eq!(plain(&mut redactor, "ann@example.com"), "<email>");
    let mut redactor = with(&RuleSet { presets: vec![Preset::Strict], ..RuleSet::default() });
    assert_eq!(plain(&mut redactor, "from 10.1.2.3 ok"), "from 10.1.2.<ip> ok");
    assert_eq!(plain(&mut redactor, "mac 00:1a:2b:3c:4d:5e"), "mac <mac>");
    assert_eq!(plain(&mut redactor, "got 402 555 1212 ok"), "got <phone> ok");
    assert_eq!(plain(&mut redactor, "got 015-66-1513 and 06 72 35 39 87"), "got <ssn> and <phone>");
    assert_eq!(plain(&mut redactor, "ann, 1984-03-12, and (3.12.1984)"), "ann, <dob>, and (<dob>)");
    for other in ["at 1984-03-12 10:20:30 up", "1984-03-12T10:20", "/1984/03/12/", "on 2024-07-12"]
    {
        assert_eq!(plain(&mut redactor, other), other);
    }
}

#[test]
fn hits_are_counted_by_rule() {
    let mut redactor = standard();
    let _ = plain(
        &mut redactor,
        "ann@example.com and bob@example.com, ghp_0123456789abcdefghijABCDEFGHIJ012345",
    );
    let rules = Arc::clone(redactor.rules());
    let count = |name: &str| {
        let rule = (0..rules.rule_count()).find(|&i| rules.rule_name(i) == Some(name)).unwrap();
        redactor.counts()[rule]
    };
    assert_eq!((count("email"), count("token:ghp_"), count("card")), (2, 1, 0));
}

#[test]
fn the_rules_hash_does_not_reveal_literals() {
    let hash = |set: &RuleSet| Rules::compile(set).unwrap().hash();
    let literal = |text: &[u8]| RuleSet {
        literals: vec![LiteralRule { name: "db".into(), text: text.to_vec() }],
        ..RuleSet::default()
    };
    let standard = hash(&RuleSet::default());
    assert_eq!(standard, hash(&RuleSet::default()));
    assert_ne!(standard, hash(&RuleSet { profile: Profile::Audit, ..RuleSet::default() }));
    assert_ne!(hash(&literal(b"hunter2")), hash(&literal(b"hunter3")));
    assert!(
        !format!("{:?}", Rules::compile(&literal(b"hunter2")).unwrap_err_or_names())
            .contains("hunter2")
    );
}

trait Names {
    fn unwrap_err_or_names(self) -> Vec<String>;
}

impl Names for Result<Rules, RuleError> {
    fn unwrap_err_or_names(self) -> Vec<String> {
        match self {
            Ok(rules) => (0..rules.rule_count())
                .filter_map(|i| rules.rule_name(i).map(str::to_owned))
                .collect(),
            Err(error) => vec![error.to_string()],
        }
    }
}

#[test]
fn bad_rules_are_refused_by_name() {
    let literal = |text: &str| RuleSet {
        literals: vec![LiteralRule { name: "db".into(), text: text.into() }],
        ..RuleSet::default()
    };
    let token = |literal: &str, alphabet: &str, body_min, body_max| RuleSet {
        tokens: vec![TokenRule {
            name: "acme".into(),
            literal: literal.into(),
            alphabet: alphabet.into(),
            body_min,
            body_max,
        }],
        ..RuleSet::default()
    };
    for (set, want) in [
        (literal("abc"), "literals.db: expected 4 bytes or more, found 3"),
        (literal("REDACTED"), "literals.db: expected no part of a mask, found one"),
        (token("ac", "a-z", 20, 20), "tokens.acme: expected a literal of 3 bytes or more, found 2"),
        (
            token("acme_", "a-z ", 20, 20),
            "tokens.acme: expected an alphabet within `+` to `~`, found byte 0x20",
        ),
        (token("acme_", "a-z", 21, 20), "tokens.acme: body_min is 21, above body_max 20"),
        (
            token("acme_", "a-z", 5, 20),
            "tokens.acme: expected literal and body of 16 bytes or more together",
        ),
    ] {
        let error = Rules::compile(&set).unwrap_err().to_string();
        assert!(error.ends_with(want), "{error}");
    }
}

#[test]
fn user_tokens_and_literals_are_found() {
    let set = RuleSet {
        tokens: vec![TokenRule {
            name: "acme".into(),
            literal: "acme_".into(),
            alphabet: "a-z0-9".into(),
            body_min: 20,
            body_max: 20,
        }],
        literals: vec![LiteralRule { name: "db".into(), text: b"tr0ub4dor&3".to_vec() }],
        ..RuleSet::default()
    };
    let mut redactor = with(&set);
    assert_eq!(plain(&mut redactor, "got acme_0123456789abcdefghij."), "got <token>.");
    assert_eq!(plain(&mut redactor, "xxtr0ub4dor&3yy"), "xx***REDACTED***yy");
}

#[test]
fn adversarial_text_costs_bounded_work() {
    use super::super::hits::{Finder, WORK_MIN, WORK_PER_BYTE};
    let n = 60_000;
    for unit in [
        "a@",
        "@",
        "1",
        "1 ",
        "1-",
        "+1",
        "(1)",
        "password=",
        "password=a",
        "token:",
        "token:a ",
        "name:a ",
        "eyJ.",
        "eyJa.",
        "://",
        "a://b:",
        "$6$",
        "$6$a$",
        "$krb5ab$",
        "-----BEGIN ",
        "bearer a",
        "Basic a",
        "-----BEGIN PRIVATE KEY-----",
        "-----END ",
        "\"a\":",
        "'password',",
        "('password', '",
        "password,",
        "(password,",
        "(password) VALUES (",
        "(password) VALUES ('a'), ",
        "password \"",
        "password for a ",
        "password is ",
        "setPassword(\"",
        "Password {",
        "<password>",
        "<password a='",
        "<password>a<b>",
        "key=\"password\" ",
        "IDENTIFIED BY ",
        "identified by '",
        "--password ",
        "--password 'a",
        " -p",
        "mysql -p",
        "\"-p\",",
        "net use /user:",
        "htpasswd -b ",
        "a/b@",
        "a:1234:a:a:a",
        "password\x1b[0m",
        "password%3D",
        "password = a ",
        "password: |\n ",
        "password=a b ",
        "| password | ",
        "&quot;password&quot;:&quot;",
        "[",
        "{",
        "a{",
        "hvs.",
        "AC",
        "sk-",
        "pat",
        "ghp_",
        "a.",
        "a-",
        "0a",
        "GB29",
        "GB29 ",
        "phone ",
        "phone 1",
        "card 4",
        "x",
        " ",
        "\\",
        "%40",
        "a%40",
        "first_name=a a=",
        "address: a, ",
        "key=[\"a",
        "password=[\"",
        "token is ",
        ".atlasv1.",
    ] {
        let text = unit.repeat(n / unit.len());
        for cut in [false, true] {
            let rules = Rules::standard();
            let mut hits = Vec::new();
            let mut finder = Finder::new(&rules, text.as_bytes(), cut, &mut hits);
            super::super::scan_value::scan_value(&mut finder, &mut SignMemo::new());
            let bound = WORK_MIN + (WORK_PER_BYTE + 8) * text.len() as u64;
            assert!(finder.work() <= bound, "{unit:?} cost {}", finder.work());
        }
        let mut out = Vec::new();
        let _ = standard().value(KeyClass::Plain, text.as_bytes(), false, &mut out);
    }
}

#[test]
fn a_key_with_a_digit_is_no_time() {
    let mut redactor = standard();
    for text in ["Authorization2:2221-9088-2057-6984", "with 'Authorization2:2221-9088-2057'"] {
        assert!(!plain(&mut redactor, text).contains("9088"), "{text}");
    }
    assert_eq!(plain(&mut redactor, "at 21:12 token2"), "at 21:12 token2");
}

#[test]
fn long_words_without_digits_are_read() {
    let line = "qLbXyTnvRkLwsPjZmQehGfDaUoCiVxNtYbKlMpOzRgSdWqEjHuFnIcAqbXyTnvRk";
    let text = format!("{line}\n-----END PRIVATE KEY-----");
    assert!(!plain(&mut standard(), &text).contains(line));
}

#[test]
fn too_deep_json_is_masked_and_counted() {
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    let mut redactor = standard();
    assert_eq!(plain(&mut redactor, &deep), "***REDACTED***");
    let ok = format!("{}{}", "[".repeat(64), "]".repeat(64));
    assert_eq!(plain(&mut redactor, &ok), ok);
    assert_eq!(redactor.counts()[1], 1, "counted as `depth`");
}

#[test]
fn steady_state_keeps_its_buffers() {
    let mut redactor = standard();
    let mut out = Vec::with_capacity(4096);
    let text =
        r#"{"a":"ann\u0040example.com","b":["pwd=hunter2"],"c":"{\"d\":\"bob@example.com\"}"}"#;
    let _ = redactor.value(KeyClass::Plain, text.as_bytes(), false, &mut out);
    let before = (out.as_ptr(), out.capacity());
    for _ in 0..100 {
        out.clear();
        let _ = redactor.value(KeyClass::Plain, text.as_bytes(), false, &mut out);
    }
    assert_eq!(before, (out.as_ptr(), out.capacity()));
}

#[test]
fn copies_in_json_are_masked() {
    for (input, want) in [
        (
            r#"{"msg":"login Hx92kd81LmN4 failed","password":"Hx92kd81LmN4"}"#,
            r#"{"msg":"login ***REDACTED*** failed","password":"***REDACTED***"}"#,
        ),
        (
            r#"{"url":"/x?token=Hx92kd81LmN4","cache":["Hx92kd81LmN4"]}"#,
            r#"{"url":"/x?token=***REDACTED***","cache":["***REDACTED***"]}"#,
        ),
        (
            r#"{"payer_name":"Ann Lee","note":"from Ann Lee, Ann Leeds"}"#,
            r#"{"payer_name":"<name>","note":"from <name>, Ann Leeds"}"#,
        ),
        (
            r#"{"inner":"{"password":"Hx92kd81LmN4"}","msg":"was Hx92kd81LmN4"}"#,
            r#"{"inner":"{"password":"***REDACTED***"}","msg":"was ***REDACTED***"}"#,
        ),
    ] {
        assert_eq!(plain(&mut standard(), input), want);
    }
    let mut redactor = standard();
    let _ = plain(&mut redactor, r#"{"password":"Hx92kd81LmN4"}"#);
    assert_eq!(plain(&mut redactor, "Hx92kd81LmN4"), "Hx92kd81LmN4", "values are independent");
}
