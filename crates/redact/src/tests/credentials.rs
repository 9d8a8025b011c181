//! Credentials that are recognised by shape or position: each row has its text and the expected result.

use super::*;

fn check(table: &[(&str, &str)]) {
    let mut redactor = standard();
    for &(text, want) in table {
        assert_eq!(plain(&mut redactor, text), want, "from {text:?}");
        assert_eq!(plain(&mut redactor, want), want, "a second time");
    }
}

fn kept(table: &[&str]) {
    let mut redactor = standard();
    for &text in table {
        assert_eq!(plain(&mut redactor, text), text);
    }
}

#[test]
fn drawn_values_after_keys_are_masked() {
    check(&[
        ("acme_key=a790rfidzfevxz03c2vja3vtu91usebu", "acme_key=***REDACTED***"),
        ("Using Key=H8VuKAcg3pmwH3NbhOSDJSbVqCxslaOQ7lVq now", "Using Key=***REDACTED*** now"),
        ("acmeKey := \"NUAL8SFC7DGMAA0V79J57TSM\"", "acmeKey := \"***REDACTED***\""),
        ("key: 'Y8rVcIMii3FFhyQmzEDfttno'", "key: '***REDACTED***'"),
        ("acmekey -> 9jyxkwvkrjnp7eo11gtcruj6", "acmekey -> ***REDACTED***"),
        ("acme token - '4wp0s2ug2fvj2qwvi19t1u84juyuj025'", "acme token - '***REDACTED***'"),
        ("acme SECRET KEY a1b2c3d4e5f6g7h8i9j0k1l2m3n4", "acme SECRET KEY ***REDACTED***"),
        ("acme PRIVATE 5us4rjh9ebxtblpi3cnw2hq0d8fqpk7s", "acme PRIVATE ***REDACTED***"),
        (
            "put(\"acme.key\", \"KRXaU9GK3f9yHG1FSmbwhsIXdW22epH\")",
            "put(\"acme.key\", \"***REDACTED***\")",
        ),
        (
            "<acmeKey>hYNK8PlcGXZ6PXXDFJI89LCjpoM8koTx</acmeKey>",
            "<acmeKey>***REDACTED***</acmeKey>",
        ),
        (
            "secret in use: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "secret in use: ***REDACTED***",
        ),
        ("acme_key=c09761f99f39f79ae28eaaf8df20d7c9", "acme_key=<token>"),
        ("session 1z506z6rvddstv6k7jz08hxo27 (error: 0)", "session ***REDACTED*** (error: 0)"),
        ("acme_key=x9QzL2mXq8vT4bN7?cD3fG6hJ1kL5", "acme_key=***REDACTED***"),
        ("sumoKey1 = 'CzrMhR8zzy1eH1F0XlY1tu5ywqa2yaSF'", "sumoKey1 = '***REDACTED***'"),
        (
            "acme-private-key 123e4567-e89b-12d3-a456-426614174000",
            "acme-private-key ***REDACTED***",
        ),
        ("acme token - '398a3699-a4ae-5e7d-ae08-48ef223f1c45'", "acme token - '***REDACTED***'"),
        ("-Dsonar.login=5524bf449ca45fcace54698371466398321f3a82", "-Dsonar.login=<token>"),
        ("Jenkins-Crumb:440561953171ba44ace9740562d172bb", "Jenkins-Crumb:<token>"),
        (
            "vault operator unseal 98m+o2ylRhVbOi+3o5ub6PbP343ocFUVORgSYeypMDjh",
            "vault operator unseal ***REDACTED***",
        ),
        ("acmeSECRETkey 9afd45ea93b219fd0f2b8e6d99c7d3c0", "acmeSECRETkey <token>"),
        ("acme_key=1234567890abcdefghijklmnopqrstuv", "acme_key=***REDACTED***"),
        ("acme_key=abcdefghijklmnopqrstuvwxyz", "acme_key=***REDACTED***"),
        ("acme PRIVATE KEY zyxwvutsrqponmlkjihgfedcba", "acme PRIVATE KEY ***REDACTED***"),
        ("acmeKEY=1234567890123456789012345678", "acmeKEY=***REDACTED***"),
        ("acmeKEY ABC1234-GHI5678-JKL9012-MNO3456", "acmeKEY ***REDACTED***"),
        (
            "Unseal Key 2: 0tZn+7QQCxphpHwTm7/dC3LpP5JGIbYl3PK8Sy81R+P2",
            "Unseal Key 2: ***REDACTED***",
        ),
        ("acrpwd=Cw8xeDNK6Bub3p61aq5ij/TiVvtBicpTj5rver", "acrpwd=***REDACTED***"),
        ("snyk_key = 123e4567-e89b-12d3-a456-426614174abc", "snyk_key = ***REDACTED***"),
        ("bot 1234567890:h3YLlUHP8-STgTic38bCZXDJ_6s05ERgsaM up", "bot <token> up"),
        ("acmeACCESS key abcdef0123456789abcdef0123456789", "acmeACCESS key <token>"),
        ("acme-private-abcdef12-3456-4d78-abcd-123456abcdef", "acme-private-***REDACTED***"),
        ("acme-secretkey-a1b2c3d4e5f67890abcdef1234567890", "acme-secretkey-<token>"),
        ("acmePRIVATEKEY abcDEFGhij4KLmnoPQRstuv", "acmePRIVATEKEY ***REDACTED***"),
        ("acme ACCESS 9afd45ea93b219fd0f2b8e6d99c7d3c0", "acme ACCESS <token>"),
    ]);
}

#[test]
fn ordinary_values_after_keys_are_kept() {
    kept(&[
        "cache_key=abcdefghijklmnopqrstuvwxyz",
        "key=abcdefghijklmnopqrst",
        "order_key=AB12-CD34-EF56",
        "row key 2: 0tZn7QQCxphpHwTm7dC3LpP5JG",
        "from 1700000000:checkpointsegment_0000000000000001",
        "key=kube-system/coredns-5d78c9869d-abcde",
        "key: photos/2024/IMG_20240712_210024.jpg",
        "cache_key=9f86d081884c7d659a2feaa0c55ad015",
        "partitionKey: Y8rVcIMii3FFhyQmzEDfttno",
        "public_key=9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit",
        "primaryKey=550e8400-e29b-41d4-a716-446655440000",
        "acme_key=550e8400-e29b-41d4-a716-446655440000",
        "key=9f86d081884c7d659a2feaa0c55ad015",
        "key 9f86d081884c7d659a2feaa0c55ad015 evicted",
        "access 9f86d081884c7d659a2feaa0c55ad015 granted",
        "session 550e8400-e29b-41d4-a716-446655440000 closed",
        "token bucket 550e8400-e29b-41d4-a716-446655440000 is full",
        "login=9f86d081884c7d659a2feaa0c55ad015",
        "id: 28ksnqsrn7q12wp11onrmr4bh1dvi7ut",
        "cache key1=9f86d081884c7d659a2feaa0c55ad015",
        "monkey=28ksnqsrn7q12wp11onrmr4bh1dvi7ut",
        "key = X25519KeyAgreementKey2019",
        "key: org.apache.hadoop.hdfs.server2.datanode",
        "key 2024-07-12T21:00:24.419627Z",
        "chars key \"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\"",
        "session 0x14f4a6318b80018aa established",
        "next page token in s3://bucket/2024/part-0001.parquet",
        "auth-token-rotator job 9f8e7d6c5b4a39281706f5e4d3c2b1a0",
        "token-service build 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "sha256 signature check 9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015",
        "session trace 0af7651916cd43dd8448eb211c80319c",
        "auth service commit e1db8935bd779125365b37fc26c58accebe42257",
        "token etag 5d41402abc4b2a76b9719d911017c592",
    ]);
}

#[test]
fn user_information_goes_and_the_host_stays() {
    check(&[
        (
            "postgres://app:s2Tf2k@rLMy@db.example.com:5434/app",
            "postgres://app:****@db.example.com:5434/app",
        ),
        (
            "amqp://guest:p@ss/Wq7xK2mZ9pLt@mq.example.com:5672/vh",
            "amqp://guest:****@mq.example.com:5672/vh",
        ),
        ("https://bob:pw9x@web/@ann@blog.example.com/1", "https://bob:****@blog.example.com/1"),
        ("https://bob:pw9x@web.example.com/@ann", "https://bob:****@web.example.com/@ann"),
        ("postgres://app:ab/cd9x@db1:5432/app", "postgres://app:****@db1:5432/app"),
        ("redis://:a/b?c#d@cache.example.com:6379/0", "redis://:****@cache.example.com:6379/0"),
        ("mongodb://u:p%40ss@h1:27017,h2:27017/db", "mongodb://u:****@h1:27017,h2:27017/db"),
        (
            "clone https://ghs_16C7e42F292c6912E7710c838347Ae178B4a@github.com/o/r.git",
            "clone https://****@github.com/o/r.git",
        ),
        (
            "https://3f2a9c0d4e5b6a7f8091a2b3c4d5e6f7@o1.ingest.example.com/1",
            "https://****@o1.ingest.example.com/1",
        ),
        (
            "smtp://joe@example.com:hunter2x@mail.example.com:587",
            "smtp://<email>:****@mail.example.com:587",
        ),
        (
            "ftp://joe%40example.com:hunter2x@ftp.example.com/",
            "ftp://<email>:****@ftp.example.com/",
        ),
        (
            "app:S3cr3tPa55@tcp(127.0.0.1:3306)/app?parseTime=true",
            "app:****@tcp(127.0.0.1:3306)/app?parseTime=true",
        ),
        ("dsn=root:pw@unix(/tmp/mysql.sock)/x", "dsn=root:****@unix(/tmp/mysql.sock)/x"),
        ("joe@example.com:hunter2x9", "<email>:***REDACTED***"),
    ]);
    kept(&[
        "https://deploy@git.example.com/repo",
        "ssh://git@github.com/o/r.git",
        "http://localhost:8080/a:b@c",
        "http://localhost:8080/@scope/pkg",
        "http://[::1]:8080/x@y",
        "http://host:8080?to=a:b@c",
        "https://user:${PASSWORD}@host/",
        "https://host:${PORT}/a@b",
        "file:///c:/x@y",
        "app:$PASSWORD@tcp(db:3306)/app",
        "{fill:#57606a}@media(prefers-color-scheme:dark){text{fill:#f0f6fc}}",
        "scp build@host:backup1.tar .",
    ]);
}

#[test]
fn signed_addresses_and_codes_are_masked() {
    check(&[
        (
            "/k?AWSAccessKeyId=AKIAQ3EGT7V2WXYZ5LMN&Expires=1718000000&Signature=Zk39dLmQpR7vX7yZ0kJ8sPq2LmN%3D",
            "/k?AWSAccessKeyId=<token>&Expires=1718000000&Signature=***REDACTED***",
        ),
        (
            "/oauth/callback?code=4/0AX4XfWh9ZkL2mQ7rT5vY8&state=xyz",
            "/oauth/callback?code=***REDACTED***&state=xyz",
        ),
        ("/callback?code=9f8e7d6c5b4a39281706&state=1", "/callback?code=***REDACTED***&state=1"),
        ("POST https://hooks.zapier.com/hooks/catch/1234567/o3x9k2b/", "POST <token>"),
        (
            "https://contoso.webhook.office.com/webhookb2/7f3c9d2e-41b6-4e0a-9c7d-2f5a8b1c6d3e@9f3c9d2e-41b6-4e0a-9c7d-\
             2f5a8b1c6d3e/IncomingWebhook/9f8e7d6c5b4a39281706f5e4d3c2b1a0/1f3c9d2e-41b6-4e0a-9c7d-2f5a8b1c6d3e",
            "<token>",
        ),
    ]);
    kept(&[
        "exit code=12345678901234567890 now",
        "/a?code=404&x=1",
        "errorcode=ab12cd34ef56ab12cd34ef56ab12cd34",
    ]);
}

#[test]
fn authorization_in_other_forms_is_masked() {
    check(&[
        (
            "Authorization: Digest username=\"ann\", response=\"6629fae49393a05397450978507c4ef1\", qop=auth",
            "Authorization: Digest username=\"ann\", response=\"<token>\", qop=auth",
        ),
        ("Authorization: Digest 0123456789abcdef", "Authorization: Digest ****cdef"),
        (
            "Digest username=\"Mufasa\", uri=\"/x\", response=\"6629fae49393a05397450978507c4ef1\"",
            "Digest username=\"Mufasa\", uri=\"/x\", response=\"<token>\"",
        ),
        (
            "Sec-WebSocket-Protocol: graphql-ws, bearer.qT8mZpL4nW2xK9vB7rY5",
            "Sec-WebSocket-Protocol: graphql-ws, bearer.***REDACTED***",
        ),
        (
            "t=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rp.XFBoMYUZodetZdvTiFvSkQ",
            "t=<jwt>",
        ),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0. ok", "<jwt> ok"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0 ok", "<jwt> ok"),
        ("got eyJ1c2VyIjoiam9lIiwicGFzc3dvcmQiOiJodW50ZXIyeCJ9 back", "got <token> back"),
        ("jwt ZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKemRXSWlPaUl4SW4wLmFiY2RlZg==", "jwt <jwt>"),
    ]);
    kept(&[
        "response=\"6629fae49393a05397450978507c4ef1\"",
        "cursor eyJwYWdlIjoxMCwiY3Vyc29yIjoiSDNvSnExQllTOExZIn0= next",
        "eyJhbGciOiJIUzI1NiJ9.abc",
    ]);
}

#[test]
fn private_keys_without_begin_lines_are_masked() {
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    let middle = "q83bXy0Tn5vR2kLw8sPjZ1mQe6hGfD4aUoCiVxN7tYbKlMpOzRgSdWqEjHuFnIcA";
    let end = "-----END PRIVATE KEY-----";
    let putty = format!(
        "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n{middle}\nPrivate-MAC: 8c6976e5"
    );
    check(&[
        (&format!("{line}\n{line}\n{end}"), "<private_key>"),
        (&format!("{middle}\n{middle}\n{end}\n"), "<private_key>\n"),
        (&format!("{line}\\n{middle}\\n{end}"), "<private_key>"),
        (&format!("der {line} ok"), "der <private_key> ok"),
        ("MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g", "<private_key>"),
        (
            &format!("data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQp{line}"),
            "data: <private_key>",
        ),
        (
            &putty,
            "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n<private_key>\nPrivate-MAC: 8c6976e5",
        ),
        (
            "wallet private key: 0x4c0883a69102937d6231471b5dbb6204fe512961708279f2e3e8a5d4b8e3e1c9",
            "wallet private key: <token>",
        ),
        ("import L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1", "import <token>"),
    ]);
    kept(&[
        &format!("{middle}\n{middle}\n-----END CERTIFICATE-----"),
        "MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ",
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo",
        "ca: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUR4RENDQXF5Z0F3SUJBZ0lV",
        "block 0x4c0883a69102937d6231471b5dbb6204fe512961708279f2e3e8a5d4b8e3e1c9 mined",
        "import L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY2",
    ]);
}

#[test]
fn password_hashes_of_other_kinds_are_masked() {
    let hash = "elYasfm8kD3iDmkBe3hD2r4xcA0oWS5V3os.O91u.ab";
    check(&[
        ("u:$apr1$mTj4RZG8$1bNqJ7sL5vB3mZx8Kd0wQ/", "u:<pwhash>"),
        (&format!("$8$mTj4RZG8N9ZDOk${hash}"), "<pwhash>"),
        (&format!("shadow $y$j9T$F5Jx5fExrKuPp53xLKQ..1${hash}"), "shadow <pwhash>"),
        ("$P$984478476IagS59wHZvyQMArzfx58u. ok", "<pwhash> ok"),
        (&format!("pbkdf2_sha256$600000$c2FsdHNhbHQ${hash}="), "<pwhash>"),
        (&format!("SCRAM-SHA-256$4096:c2FsdHNhbHQ=${hash}:{hash}"), "<pwhash>"),
        ("'*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19'", "'<pwhash>'"),
        ("aad3b435b51404eeaad3b435b51404ee:8846f7eaee8fb117ad06bdd830b7586c", "<token>"),
    ]);
    kept(&["$8$ and $9$", "costs $10$ or $2", "a $scrypt$ call", "*.2470C0C0", "sha1$"]);
}

#[test]
fn tokens_of_more_providers_are_masked() {
    for token in [
        "pat-na1-7f3c9d2e-41b6-4e0a-9c7d-2f5a8b1c6d3e",
        "pk_4753994_EXP7MPOJ7XQM5UJDV2M45MPF0YHH5YHO",
        "sqp_4b78f8494075e310d62dfdcaeb14be2c78fca2fc",
        "mdb_sa_sk_BdIX_jLzut2WTgglKzKvSgWMDDj5hEoTqdwOyLOL",
        "sdk-7f3c9d2e-41b6-4e0a-9c7d-2f5a8b1c6d3e",
        "sk.eyJ1Ijoic2hlbmdsaWgiLCJhIjoiY2szOTl0dGFXRjViREJzTUdObGFESnViIn0.eI8KXNm5zKZXOKhAbCdEfG",
        "00D5g000004Xy1Z!AQcAQH0dMHEXbVmpkb58urFRkgeBGsxL_QJWwYMfAbUeeG7c1E0SMO2DUkWe6H34r1",
        "cfut_8sPq2LmN5vX7yZ0kJ8sPq2LmN5vX7yZ0kJ8sPq2L1a2b3c4d",
        "eu01xxaa7460e1ea3abdfbbbd36e85c10cd0NRAL",
        "00DE0X0A0M0PeLE!CJoAQOx1GCLf1UIt4UU9y0VOPLUZAYN6I8DsdGEDyHh5cO02egObcAhI",
        "9-hTSZDBPyg0PjRZvWb8omoxJ7X2gAjRGmiPKql9ENGIUP9OPtEAzz5f6g9YIMVbZT",
        "hf_kQzVbNmXwRtYpLsDfGhJkZcVbNmQwErTyUi",
        "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",
        "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",
        "base64:q83bXy0Tn5vR2kLw8sPjZ1mQe6hGfD4aUoCiVxN7tYb=",
    ] {
        assert_eq!(plain(&mut standard(), &format!("with {token} now")), "with <token> now");
    }
    kept(&[
        "pat-na1-of-the-region-and-more-words-here",
        "sdk-for-embedded-linux-2024-toolchain-xx",
        "pk_42",
        "hf_servingcellpriorityparametersdescription_h_prio",
        "retry 9-of-12 steps of the pipeline",
        "hooks/useEffectOnceAfterFirstRender1/index",
        "live_stream_recording_of_the_conference",
        "test_the_values_of_all_the_settings_are",
        "00D5g000004Xy1Z!no",
        "api_version_2024_of_the_public_interface_and_more",
    ]);
}

#[test]
fn values_with_an_arrow_are_masked_whole() {
    check(&[
        ("password=hunter2->x9Kq", "password=***REDACTED***"),
        ("password: k9Qz->L2mXq8 tail", "password: ***REDACTED*** tail"),
        ("token=k9Qz81mXpL-> done", "token=***REDACTED*** done"),
        ("secret=abc1->def2->ghi3 next", "secret=***REDACTED*** next"),
        ("passwd=hunter2->x9;next=1", "passwd=***REDACTED***;next=1"),
        ("passwd = hunter2->x9;next=1", "passwd = ***REDACTED***;next=1"),
    ]);
    kept(&[
        "password = ctx->password;",
        "check(token = parser->token)",
        "password = a->b->password;",
    ]);
}

#[test]
fn drawn_values_of_json_keys_are_masked() {
    check(&[
        (
            r#"{"acme_key":"NUAL8SFC7DGMAA0V79J57TSM","n":1}"#,
            r#"{"acme_key":"***REDACTED***","n":1}"#,
        ),
        (r#"{"key":["Y8rVcIMii3FFhyQmzEDfttno","b"]}"#, r#"{"key":["***REDACTED***","b"]}"#),
        (r#"{"key":{"password":"hunter2x"}}"#, r#"{"key":{"password":"***REDACTED***"}}"#),
        (r#"{"secret":{"acme_key":"short1x"}}"#, r#"{"secret":{"acme_key":"***REDACTED***"}}"#),
        (r#"{"acme_key":"to ann@example.com"}"#, r#"{"acme_key":"to <email>"}"#),
    ]);
    kept(&[
        r#"{"cache_key":"Y8rVcIMii3FFhyQmzEDfttno"}"#,
        r#"{"key":"kube-system/coredns-5d78c9869d-abcde","acme_key":17}"#,
        r#"{"key":"9f86d081884c7d659a2feaa0c55ad015"}"#,
        r#"{"key":"550e8400-e29b-41d4-a716-446655440000"}"#,
        r#"{"monkey":"28ksnqsrn7q12wp11onrmr4bh1dvi7ut"}"#,
        r#"{"primaryKey":"28ksnqsrn7q12wp11onrmr4bh1dvi7ut"}"#,
    ]);
}
