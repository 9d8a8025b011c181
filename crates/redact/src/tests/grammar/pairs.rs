//! Keys and values that a comma connects.

use super::check;

#[test]
fn pairs_of_rust_debug_output_are_masked() {
    check(&[
        ("tuple", r#"("password", "«hunter2x»")"#),
        (
            "vector of pairs",
            r#"[("password", "«hunter2x»"), ("x-api-key", "«k9QzL2mXq8Zr4TwY12»")]"#,
        ),
        (
            "headers",
            r#"headers: [("host", "h"), ("authorization", "Bearer «k9QzL2mXq8Zr4TwY12¦****wY12»")]"#,
        ),
        ("compound key", r#"vars: [("DB_PASSWORD", "«correct-horse»"), ("HOME", "/root")]"#),
        ("option", r#"("password", «Some("hunter2x")»)"#),
        ("json value", r#"[("password", «String("hunter2x")»)]"#),
        ("value of bytes", r#"("x-api-key", b"«k9QzL2mXq8Zr4TwY12»")"#),
        ("owned key", r#"[(String("api_key"), «String("k9QzL2mXq8Zr4TwY12")»)]"#),
        (
            "pretty",
            "[\n    (\n        \"password\",\n        \"«hunter2x»\",\n    ),\n    (\n        \"user\",\n        \"bob\",\n    ),\n]",
        ),
        ("escaped", r#"got {"msg": "[(\"password\", \"«hunter2x»\")]", x"#),
        ("quote in the value", r#"("password", "«hun\"ter2»") n=1"#),
        ("bracket in the value", r#"("password", "«hun)ter2»") n=1"#),
        ("tuple of three", r#"("password", "«hunter2x»", true)"#),
        ("passphrase of words", r#"("passphrase", "«correct horse battery»")"#),
    ]);
}

#[test]
fn pairs_of_python_output_are_masked() {
    check(&[
        (
            "name and value",
            "env: [{name: DB_PASSWORD, value: «H0ch!wald»}, {name: TZ, value: UTC}]",
        ),
        (
            "name and value, quoted",
            r#""query":[{"name":"access_token","value":"«at81QmLz02xTv»"},{"name":"v","value":"2"}]"#,
        ),
        ("part of a form", "form-data; name=\"password\"\r\n\r\n«Z1eg3n!x»\r\n--b"),
        ("map without quotes", "password: {«current: hunter2x, next: x9!»}, n: 1"),
        ("tuples", "[('x-api-key', '«8sPq2LmN5vX7yZ0k»'), ('host', 'h')]"),
        ("tuple", "('password', '«hunter2»')"),
        ("list", "['password', '«hunter2x»']"),
        ("list of lists", "[['user', 'bob'], ['password', '«hunter2x»']]"),
        ("bytes", "(b'x-api-key', b'«8sPq2LmN5vX7yZ0k»')"),
        (
            "headers of bytes",
            "[(b'host', b'h'), (b'authorization', b'Bearer «8sPq2LmN5vX7yZ0k¦****yZ0k»')]",
        ),
        ("unicode", "(u'password', u'«hunter2»')"),
        ("raw header list", "['Host', 'h', 'X-Api-Key', '«8sPq2LmN5vX7yZ0k»', 'Accept', '*/*']"),
        ("ordered map", "OrderedDict([('user', 'bob'), ('password', '«hunter2x»')])"),
        ("no space", "('secret_key','«8sPq2LmN5vX7yZ0k»')"),
        ("java script", "[ [ 'password', '«hunter2x»' ], [ 'n', 1 ] ]"),
        ("elixir", "{:password, \"«hunter2x»\"}"),
        ("erlang", "[{user,bob},{password,<<\"«hunter2x»\">>}]"),
        ("map of java script", "Map(2) { 'password' => '«hunter2x»', 'user' => 'bob' }"),
    ]);
}

#[test]
fn lists_of_words_stay() {
    check(&[
        ("schema", "password: {type: string, minLength: 8}"),
        ("name without a value", "env: [{name: DB_PASSWORD, valueFrom: x}]"),
        ("field names", r#"["password", "token", "secret"]"#),
        ("two field names", r#"("username", "password")"#),
        ("fields of a form", r#"("password", "text")"#),
        ("fields in a set", r#"{"password", "email"}"#),
        ("list that ends with a key", r#"["id", "name", "password"]"#),
        ("sensitive fields", r#"redact(["password", "apiKey", "ssn"])"#),
        ("translation", r#"t("password", "Enter your password")"#),
        ("message", r#"("password", "is required")"#),
        ("states", r#"("token", "expired")"#),
        ("lexer", r#"[("token", "identifier"), ("token", "comma")]"#),
        ("counts", r#"[("tokens", "15"), ("max_tokens", "4096")]"#),
        ("bytes of files", r#"[b"", b"SECRET", b"mac-v1 AAAA\n", b"x"]"#),
        ("label with a colon", "('password', 'Password:')"),
        ("row of sql", "INSERT INTO k (name, v) VALUES ('password', 'x')"),
        ("set of sql", "WHERE name IN ('password', 'x')"),
        ("harmless companion", r#"("password_policy", "strict-2024x")"#),
        ("none", r#"("password", None)"#),
        ("empty", r#"("password", "")"#),
        ("masked", r#"("password", "[REDACTED]")"#),
        ("plain keys", r#"[("x-request-id", "8sPq2LmN5vX7yZ0k"), ("monkey", "8sPq2LmN5vX7yZ0k")]"#),
    ]);
}
