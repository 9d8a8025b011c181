//! Text that must be masked: one table per detector, each with text and expected result.

use super::super::provider_table::How;
use super::*;

fn check(table: &[(&str, &str)]) {
    let mut redactor = standard();
    for &(text, want) in table {
        assert_eq!(plain(&mut redactor, text), want, "from {text:?}");
    }
}

#[test]
fn email_addresses_are_masked() {
    check(&[
        ("sent to ann@example.com", "sent to <email>"),
        ("<ann.o'neil+tag@mail.example.co.uk>", "<ann.o'<email>>"),
        ("From: M.Rios@guerra.io relay=ok", "From: <email> relay=ok"),
        ("q=ann%40example.org&lang=en", "q=<email>&lang=en"),
        ("to%3Dann%40example.org", "to%3D<email>"),
        ("mail ann@xn--bcher-kva.xn--p1ai now", "mail <email> now"),
        ("ann@example.com.", "<email>."),
        ("ANN@EXAMPLE.COM,bob@example.com", "<email>,<email>"),
    ]);
}

#[test]
fn telephone_numbers_are_masked() {
    check(&[
        ("caller +86 133 1415 7670 queued", "caller <phone> queued"),
        ("otp sent to +1-245-731-7945", "otp sent to <phone>"),
        ("at +44 (0)20 7946 0958.", "at <phone>."),
        ("289.341.1970 did not answer", "<phone> did not answer"),
        ("(784)237-1257 x7457 busy", "<phone> busy"),
        ("1-800-530-7316", "<phone>"),
        ("sms delivery failed: 030 141072 (carrier)", "sms delivery failed: <phone> (carrier)"),
        ("customer phone 34 41 23 45 verified", "customer phone <phone> verified"),
        ("tel 8 (912) 345-67-89", "tel <phone>"),
        ("contact=+34-810-11-69-63", "contact=<phone>"),
        ("call me at 2976865163", "call me at <phone>"),
    ]);
}

#[test]
fn card_numbers_are_masked() {
    check(&[
        ("charge 4440715623561779 declined", "charge <card> declined"),
        ("4985 4424 6595 9687 tokenised", "<card> tokenised"),
        ("paying with 4422-9116-3063-1653", "paying with <card>"),
        ("amex 3782 822463 10005", "amex <card>"),
        ("diners 3622 720627 1667", "diners <card>"),
        ("card 4222222222222 ok", "card <card> ok"),
    ]);
}

#[test]
fn identity_and_account_numbers_are_masked() {
    check(&[
        ("lookup 733-55-8313 returned 1", "lookup <ssn> returned 1"),
        ("social security 646503991", "social security <ssn>"),
        ("ssn: 312 63 6009 matched", "ssn: <ssn> matched"),
        ("debit GB54 RYFX 3747 8859 9524 88 ok", "debit <iban> ok"),
        ("IBAN NO9451596183349 ok", "IBAN <iban> ok"),
        ("to FR65 1149 9215 8011 5987 1H4B A60.", "to FR65 1149 9215 8011 5987 1H4B A60."),
    ]);
}

#[test]
fn web_tokens_and_authorization_are_masked() {
    let jwt =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI2NjgzNzMifQ.TUhZAjP6tyVsoAPeGAcTRrxt";
    check(&[
        (&format!("decoded {jwt} ok"), "decoded <jwt> ok"),
        (&format!("Bearer {jwt}"), "Bearer <jwt>"),
        ("got Bearer abcdef0123456789wxyz back", "got Bearer ****wxyz back"),
        ("got bearer abcdef0123456789wxyz", "got bearer ****wxyz"),
        ("Authorization: Bearer abcdef0123456789wxyz", "Authorization: Bearer ****wxyz"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ****"),
        ("header Basic dXNlcjpwYXNz", "header Basic ****"),
        (
            "Proxy-Authorization: Negotiate abcdef0123456789",
            "Proxy-Authorization: Negotiate ****6789",
        ),
        ("authorization=0123456789abc", "authorization=***REDACTED***"),
    ]);
}

#[test]
fn only_the_password_in_a_url_is_masked() {
    check(&[
        ("postgres://app:pa55@db.example.com:5432/x", "postgres://app:****@db.example.com:5432/x"),
        ("redis://:s3cr3t@10.0.0.1:6379", "redis://:****@10.0.0.1:6379"),
        ("amqp://u:p@ss@mq/vhost", "amqp://u:****@mq/vhost"),
        ("https://u:p@[::1]:80/", "https://u:****@[::1]:80/"),
    ]);
}

#[test]
fn keys_in_prose_are_decided_like_structured_keys() {
    check(&[
        ("validation failed: pwd=FyUW7cJ8G", "validation failed: pwd=***REDACTED***"),
        ("args=password=P$b95Twh", "args=password=***REDACTED***"),
        ("--password=hunter2 --host=x", "--password=***REDACTED*** --host=x"),
        (
            "?page=2&refresh_token=7C08a0Fg6D6O&lang=en",
            "?page=2&refresh_token=***REDACTED***&lang=en",
        ),
        ("{'api_key': 'ipc9tUZiyuy0f8e3'}", "{'api_key': '***REDACTED***'}"),
        (r#"{\"secret\": \"dDK3ztWTIn5a\"}"#, r#"{\"secret\": \"***REDACTED***\"}"#),
        (r#"password="a \" quote""#, r#"password="***REDACTED***""#),
        ("ctx {first_name=徐宁}, ok=true", "ctx {first_name=<name>}, ok=true"),
        ("customer name: Lauren Verwoert", "customer name: <name>"),
        ("shipping address: 42329 Powell Branch, South", "shipping address: <address>"),
        ("ctx {phone: (370) 930-8049}, ok=true", "ctx {phone: <phone>}, ok=true"),
        ("home_phone=%2B44%2020%207976%209327&x=1", "home_phone=<phone>&x=1"),
        ("Set-Cookie: sid=abc123; Path=/; HttpOnly", "Set-Cookie: ***REDACTED***"),
        ("passwords=['a1b2', 'c3d4'] done", "passwords=[***REDACTED***] done"),
        ("password=$p0ABi4mJ retry=1", "password=***REDACTED*** retry=1"),
        ("pwd: %R9Xit9H retry=1", "pwd: ***REDACTED*** retry=1"),
        ("using api key s5NZhfpFcH5wl7gDcws1P2SUDSWit2rp", "using api key ***REDACTED***"),
        ("login failed with password hunter2", "login failed with password ***REDACTED***"),
    ]);
}

#[test]
fn short_secrets_of_letters_and_digits_are_masked() {
    check(&[
        ("secret=hunter2", "secret=***REDACTED***"),
        ("secret: hunter2", "secret: ***REDACTED***"),
        ("token=a1b2c3 auth_token: x7k2p", "token=***REDACTED*** auth_token: ***REDACTED***"),
        ("login with api_key=abc123 ok", "login with api_key=***REDACTED*** ok"),
        ("http://h/?token=abc12&x=1", "http://h/?token=***REDACTED***&x=1"),
        ("db_pw=hunter2 pw: Hunter2!", "db_pw=***REDACTED*** pw: ***REDACTED***"),
    ]);
}

#[test]
fn provider_tokens_are_masked() {
    let rules = Rules::standard();
    let mut redactor = standard();
    for provider in &rules.providers {
        let literal = String::from_utf8_lossy(&provider.literal);
        for len in [provider.body_min, provider.body_max.min(600)] {
            let mut body = if provider.how == How::Drawn { drawn_body } else { random_body }(
                provider.alphabet,
                usize::from(len),
            );
            if provider.how == How::Uuid {
                for i in [8, 13, 18, 23] {
                    body.replace_range(i..=i, "-");
                }
            }
            let text = format!("value {literal}{body} in 12ms");
            let got = plain(&mut redactor, &text);
            assert!(!got.contains(&body), "{literal} {len}: {got}");
        }
    }
}

/// A body of `alphabet` without words.
fn drawn_body(alphabet: super::super::bytes::ByteSet, len: usize) -> String {
    let all = "7kq2Xw9zjV4bd8Fhp3Rt6nm5Gc";
    all.chars().cycle().filter(|&c| alphabet.has(c as u8)).take(len).collect()
}

/// A body of `alphabet`, letters and digits at its ends, with many different characters.
fn random_body(alphabet: super::super::bytes::ByteSet, len: usize) -> String {
    let all: Vec<u8> = (33..127).filter(|&b| alphabet.has(b)).collect();
    let plain: Vec<u8> = all.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    (0..len)
        .map(|i| {
            let from = if i == 0 || i + 1 == len { &plain } else { &all };
            char::from(from[(i * 7 + i / 5 + 3) % from.len()])
        })
        .collect()
}

#[test]
fn credentials_without_a_literal_are_masked() {
    let body = "abcdefghij0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij0123456789";
    let hex = "0123456789abcdef0123456789abcdef";
    for text in [
        format!("8001234567:A{}", &body[..34]),
        format!("MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.{}", &body[..27]),
        format!("https://discord.com/api/webhooks/123456789012345678/{}", &body[..64]),
        format!("{hex}-us12"),
        format!("abcdefghij0123.atlasv1.{}", &body[..62]),
        "L0l8Q~yH9B7EK2A4xo4nFwPnLmWXG8Uv4WwlJ918".to_owned(),
        format!("AccountKey={}==;EndpointSuffix=x", &body[..64]),
        format!("?sv=1&sig={}%3D", &body[..44]),
        format!("access_token$production$0123456789abcdef${hex}"),
        format!("$2b$12${}", &body[..53]),
        format!("$6$rounds=5000$saltsalt${}", "x1".repeat(43)),
        format!("$argon2id$v=19$m=65536,t=3,p=4${}${}", &body[..22], &body[..43]),
        format!("session {hex}"),
        format!("auth={hex}"),
    ] {
        let text = format!("got {text} from env");
        let got = plain(&mut standard(), &text);
        assert!(got.contains('<') || got.contains("***"), "{text} became {got}");
    }
}

#[test]
fn multi_line_and_unfinished_private_keys_are_masked() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n";
    for kind in ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "] {
        let key =
            format!("-----BEGIN {kind}PRIVATE KEY-----\n{body}-----END {kind}PRIVATE KEY-----");
        assert_eq!(plain(&mut standard(), &format!("key {key} ok")), "key <private_key> ok");
        let open = format!("-----BEGIN {kind}PRIVATE KEY-----\n{body}");
        assert_eq!(plain(&mut standard(), &open), "<private_key>");
    }
    let pgp =
        format!("-----BEGIN PGP PRIVATE KEY BLOCK-----\n{body}-----END PGP PRIVATE KEY BLOCK-----");
    assert_eq!(plain(&mut standard(), &pgp), "<private_key>");
}

#[test]
fn json_keys_in_strings_are_redacted_by_content() {
    for (given, expected) in [
        (r#"{"ann@example.com":1}"#, r#"{"<email>":1}"#),
        (
            r#"[{"a":{"ann\u0040example.com":{"b":"ann@example.com"}}}]"#,
            r#"[{"a":{"<email>":{"b":"<email>"}}}]"#,
        ),
        (r#"{"password":"x1y2z3","note":"n"}"#, r#"{"password":"***REDACTED***","note":"n"}"#),
    ] {
        assert_eq!(plain(&mut standard(), given), expected);
        assert_eq!(plain(&mut standard(), expected), expected, "twice changes nothing");
    }
}

#[test]
fn json_inside_strings_is_walked_with_its_keys() {
    check(&[
        (r#"{"id": 1, "api_key": "x9"}"#, r#"{"id": 1, "api_key": "***REDACTED***"}"#),
        (r#"{"emails":["a@b.io","c"],"n":1}"#, r#"{"emails":["<email>","<email>"],"n":1}"#),
        (r#"{"pin": 1234, "ok": true}"#, r#"{"pin": "***REDACTED***", "ok": true}"#),
        (r#"{"ssn": 123456789}"#, r#"{"ssn": "<ssn>"}"#),
        (r#"{"tokens": 1500, "max_tokens": 4096}"#, r#"{"tokens": 1500, "max_tokens": 4096}"#),
        (r#"{"x": 4111111111111111}"#, r#"{"x": 4111111111111111}"#),
        (r#"{"pan": 4111111111111111}"#, r#"{"pan": "<card>"}"#),
        (r#"{"msg":"ann\u0040b.io \"q\""}"#, r#"{"msg":"<email> \"q\""}"#),
        (r#"{"raw":"{\"pwd\":\"s3\"}"}"#, r#"{"raw":"{\"pwd\":\"***REDACTED***\"}"}"#),
        (
            r#"{"service":{"name":"shop"},"customer":{"name":"Jo"}}"#,
            r#"{"service":{"name":"shop"},"customer":{"name":"<name>"}}"#,
        ),
        (r#"[{"password":null},{"password":""}]"#, r#"[{"password":null},{"password":""}]"#),
        (
            r#"{"ParameterKey":"DbPassword","ParameterValue":"x1"}"#,
            r#"{"ParameterKey":"DbPassword","ParameterValue":"***REDACTED***"}"#,
        ),
        (
            r#"{"name":"db_password","type":"string","default":"x1"}"#,
            r#"{"name":"db_password","type":"string","default":"***REDACTED***"}"#,
        ),
        (
            r#"{"Name":"/prod/db/password","Type":"SecureString","Value":"x1"}"#,
            r#"{"Name":"/prod/db/password","Type":"SecureString","Value":"***REDACTED***"}"#,
        ),
        (
            r#"{"password":{"type":"string","minLength":8}}"#,
            r#"{"password":{"type":"string","minLength":8}}"#,
        ),
        (r#"{"Name":"/prod/db/host","Value":"db1"}"#, r#"{"Name":"/prod/db/host","Value":"db1"}"#),
        (
            r#"{"OptionName":"Port","OptionValue":"5432"}"#,
            r#"{"OptionName":"Port","OptionValue":"5432"}"#,
        ),
    ]);
}
