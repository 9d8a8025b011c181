//! Values in wrappers: all of the value is masked, and nothing of it stays beside the mask.

use super::*;

/// A name, a text, and what it becomes.
type Row = (&'static str, &'static str, &'static str);

fn check(rows: &[Row]) {
    let mut wrong = Vec::new();
    for (name, text, want) in rows {
        let once = plain(&mut standard(), text);
        let twice = plain(&mut standard(), &once);
        if once != *want || twice != once {
            wrong.push(format!(
                "{name}\n   text {text}\n   want {want}\n   once {once}\n  twice {twice}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

/// Rows whose text stays as it is.
fn stays(rows: &[(&'static str, &'static str)]) {
    let rows: Vec<Row> = rows.iter().map(|&(name, text)| (name, text, text)).collect();
    check(&rows);
}

#[test]
fn rust_wrappers_are_masked_whole() {
    check(&[
        ("option", r#"password: Some("hunter2x")"#, "password: ***REDACTED***"),
        (
            "option in a struct",
            r#"C { password: Some("hunter2x"), n: 3 }"#,
            "C { password: ***REDACTED***, n: 3 }",
        ),
        ("token in an option", r#"C { token: Some("k9QzL2mXq8") }"#, "C { token: ***REDACTED*** }"),
        ("result", r#"secret: Ok("k9QzL2mXq8")"#, "secret: ***REDACTED***"),
        ("newtype", r#"password: Password("hunter2")"#, "password: ***REDACTED***"),
        (
            "newtype in an option",
            r#"password: Some(Password("hunter2"))"#,
            "password: ***REDACTED***",
        ),
        (
            "struct",
            r#"password: Secret { value: "hunter2" }, n: 1"#,
            "password: ***REDACTED***, n: 1",
        ),
        (
            "struct with numbers",
            r#"api_key: Key { id: 7, text: "k9QzL2mXq8" }"#,
            "api_key: ***REDACTED***",
        ),
        ("cow", r#"password: Cow::Borrowed("hunter2")"#, "password: ***REDACTED***"),
        ("cow's variant", r#"password: Owned("hunter2")"#, "password: ***REDACTED***"),
        ("json value", r#"password: String("hunter2")"#, "password: ***REDACTED***"),
        ("json map", r#"password: Object {"a": String("hunter2")}"#, "password: ***REDACTED***"),
        (
            "json list",
            r#"password: Array [String("a b"), String("c")]"#,
            "password: ***REDACTED***",
        ),
        (
            "generics",
            r#"password: SecretBox<alloc::string::String>("hunter2")"#,
            "password: ***REDACTED***",
        ),
        ("bytes", r#"password: b"hunter2""#, r#"password: b"***REDACTED***""#),
        ("bytes in an option", r#"password: Some(b"hun\x00ter2")"#, "password: ***REDACTED***"),
        (
            "raw string",
            r##"password: r#"hun"ter2"#, n: 1"##,
            r##"password: r#"***REDACTED***"#, n: 1"##,
        ),
        ("reference", r#"password: &"hunter2""#, r#"password: &"***REDACTED***""#),
        ("list in an option", r#"password: Some(["hunter2", "b"])"#, "password: ***REDACTED***"),
        (
            "numbers of bytes",
            "L { secret: [104, 117, 110, 116], n: 1 }",
            "L { secret: [***REDACTED***], n: 1 }",
        ),
        ("vector macro", r#"password = vec!["hunter2"];"#, "password = ***REDACTED***;"),
        ("display in an option", "password: Some(hunter2)", "password: ***REDACTED***"),
        ("words in an option", "password: Some(correct horse)", "password: ***REDACTED***"),
        (
            "fields without quotes",
            "password: Secret { value: hunter2x }",
            "password: ***REDACTED***",
        ),
        ("equals", r#"password=Some("hunter2x") n=1"#, "password=***REDACTED*** n=1"),
        ("arrow", r#"password => Some("hunter2x"), n"#, "password => ***REDACTED***, n"),
        (
            "quoted key",
            r#"x {"password": Some("hunter2x")} y"#,
            r#"x {"password": ***REDACTED***} y"#,
        ),
        (
            "several lines",
            "password: Some(\n    \"hunter2x\",\n),\nn: 1",
            "password: ***REDACTED***,\nn: 1",
        ),
        (
            "two fields",
            r#"P { password: Some("a b"), secret: Some("k9QzL2mX") }"#,
            "P { password: ***REDACTED***, secret: ***REDACTED*** }",
        ),
    ]);
}

#[test]
fn brackets_in_quotes_do_not_end_values() {
    check(&[
        (
            "bracket in a string",
            r#"password: Some("hun)ter2"), n: 1"#,
            "password: ***REDACTED***, n: 1",
        ),
        (
            "quote in a string",
            r#"password: Some("hun\"t)er2"), n: 1"#,
            "password: ***REDACTED***, n: 1",
        ),
        (
            "backslash at the end",
            r#"password: Some("hunter2\\"), n: 1"#,
            "password: ***REDACTED***, n: 1",
        ),
        (
            "bracket in a list",
            r#"passwords: ["hun]ter2", "b"], n"#,
            "passwords: [***REDACTED***], n",
        ),
        (
            "lists in a list",
            r#"passwords: [["hunter2"], ["b"]], n"#,
            "passwords: [***REDACTED***], n",
        ),
        ("tuple", r#"password: ("hunter2", "b"), n"#, "password: (***REDACTED***), n"),
        (
            "map",
            r#"x password: {"current": "hunter2", "new": "b}c"}, n"#,
            "x password: {***REDACTED***}, n",
        ),
        (
            "map in single quotes",
            "x credentials: {'user': 'ann', 'key': 'k9QzL2mXq8'}, n",
            "x credentials: {***REDACTED***}, n",
        ),
        ("apostrophe", r#"password: Some("don't"), n: 1"#, "password: ***REDACTED***, n: 1"),
        (
            "escaped once",
            r#"m="C { password: Some(\"hun)ter2\") }" n=1"#,
            r#"m="C { password: ***REDACTED*** }" n=1"#,
        ),
        (
            "escaped quote in an escaped text",
            r#"m="password: Some(\"hun\\\"ter2\")" n=1"#,
            r#"m="password: ***REDACTED***" n=1"#,
        ),
        (
            "escaped backslash in an escaped text",
            r#"m="password: Some(\"hunter2\\\\\")" n=1"#,
            r#"m="password: ***REDACTED***" n=1"#,
        ),
    ]);
}

#[test]
fn unbalanced_values_are_masked_to_the_line_end() {
    check(&[
        ("no bracket", r#"password: Some("hunter2" and more"#, "password: ***REDACTED***"),
        ("no quote", r#"password: Some("hunter2"#, "password: ***REDACTED***"),
        ("no quote after bytes", "password=b'hunter2 x", "password=b'***REDACTED***"),
        ("wrong bracket", r#"password: Some("hunter2"], x"#, "password: ***REDACTED***"),
        ("next line", "password: Some(\"hunter2\nuser: ann", "password: ***REDACTED***\nuser: ann"),
        (
            "next line after a carriage return",
            "password: Some(\"hunter2\r\nuser: ann",
            "password: ***REDACTED***\r\nuser: ann",
        ),
        ("list", r#"passwords: ["hunter2", "b"#, "passwords: [***REDACTED***"),
        (
            "end of the outer string",
            r#"m="password: Some(\"hunter2" n=1"#,
            r#"m="password: ***REDACTED***" n=1"#,
        ),
    ]);
}

#[test]
fn python_wrappers_are_masked() {
    check(&[
        ("bytes", "password=b'hunter2'", "password=b'***REDACTED***'"),
        ("unicode", "password=u'hunter2'", "password=u'***REDACTED***'"),
        ("raw bytes", "password=rb'hunter2'", "password=rb'***REDACTED***'"),
        (
            "bytes in a map",
            "{'password': b'hunter2', 'n': 1}x",
            "{'password': b'***REDACTED***', 'n': 1}x",
        ),
        (
            "pydantic",
            "Settings(password=SecretStr('hunter2'), n=1)",
            "Settings(password=***REDACTED***, n=1)",
        ),
        ("keyword argument", "password=Secret(value='hunter2')", "password=***REDACTED***"),
        ("list", "tokens=['k9QzL2mXq8', 'b'] n=1", "tokens=[***REDACTED***] n=1"),
        ("verbatim string", r#"password=@"hunter2" n=1"#, r#"password=@"***REDACTED***" n=1"#),
        ("angle brackets", "password=<Hx92kd81LmN4> n=1", "password=***REDACTED*** n=1"),
        ("constructor", r#"password = new Password("hunter2");"#, "password = ***REDACTED***;"),
        (
            "argument without quotes",
            r#"password=encode(hunter2x, "") n=1"#,
            "password=***REDACTED*** n=1",
        ),
        ("call", r#"password = hash("hunter2x")"#, "password = ***REDACTED***"),
    ]);
}

#[test]
fn personal_data_is_masked_within_its_wrapper() {
    check(&[
        ("e-mail", r#"email: Some("ann@example.com"), n"#, r#"email: Some("<email>"), n"#),
        ("name", r#"customer_name: Some("Ann Lee"), n"#, r#"customer_name: Some("<name>"), n"#),
        ("telephone", r#"phone: Some("4025551212")"#, r#"phone: Some("<phone>")"#),
        ("ssn", r#"ssn: Some("123456789")"#, r#"ssn: Some("<ssn>")"#),
        ("card", r#"card_number: Some("4111111111111111")"#, r#"card_number: Some("<card>")"#),
        (
            "authorization",
            r#"authorization: Some("Bearer abcdef0123456789wxyz")"#,
            r#"authorization: Some("Bearer ****wxyz")"#,
        ),
    ]);
}

#[test]
fn absent_and_masked_values_stay() {
    stays(&[
        ("none", "C { password: None, n: 1 }"),
        ("none in an option", "C { password: Some(None) }"),
        ("empty text", r#"C { password: Some("") }"#),
        ("empty bytes", "password=b''"),
        ("empty list", "C { password: [], n: 1 }"),
        ("empty map", "C { password: {} }"),
        ("empty tuple", "C { password: () }"),
        ("empty strings", r#"C { password: ("", "") }"#),
        ("secrecy 0.10", "C { password: SecretBox<str>([REDACTED]) }"),
        (
            "secrecy 0.10 with a path",
            "C { password: SecretBox<alloc::string::String>([REDACTED]), n: 1 }",
        ),
        ("secrecy 0.8", "C { password: Secret([REDACTED alloc::string::String]) }"),
        ("secrecy in an option", "C { password: Some(Secret([REDACTED])) }"),
        ("redacted field", "C { password: Secret { value: [REDACTED] } }"),
        ("hidden fields", "C { password: Secret { .. } }"),
        ("pydantic", "password=SecretStr('**********')"),
        ("filtered", "password=[FILTERED]"),
        ("filtered text", r#"password: Some("[FILTERED]")"#),
        ("own mask", r#"password: Some("***REDACTED***")"#),
        ("own mask in a list", "password: [***REDACTED***]"),
        ("null in a json value", "password: Some(Null)"),
    ]);
}

#[test]
fn code_and_prose_stay() {
    stays(&[
        ("plain key", r#"user: Some("hunter2x")"#),
        ("plain key with bytes", "path=b'hunter2x'"),
        ("plain key with a list", r#"names_of: ["hunter2x"], monkeys: ("a1b2c3d4")"#),
        ("lexer", r#"unexpected token: Ident("foo")"#),
        ("lexer with a long word", r#"unexpected token: Ident("application_name")"#),
        ("lexer's keyword", r#"expected token: Keyword("function"), found x"#),
        ("counts", "tokens: [15, 3, 7, 9]"),
        ("count in an option", "tokens: Some(1500)"),
        ("max tokens", "max_tokens: Some(4096)"),
        ("call of a parser", r#"token = parse("identifier")"#),
        ("quotation", "token = quote!(#inner)"),
        ("environment", r#"password = os.getenv("DB_PASSWORD")"#),
        ("environment of rust", r#"password = std::env::var("DB_PASSWORD")?;"#),
        ("placeholder", "password=<password>"),
        ("placeholder with a number", "password=<sha256>"),
        ("prompt", r#"password = input("Enter password: ")"#),
        ("message", r#"password: { type: String, required: [true, "Password is required"] }"#),
        ("call without arguments", "password = getpass.getpass()"),
        ("template", r#"password={{ lookup("pw1234") }}"#),
        ("type", "password: Option<String>,"),
        ("argument with a lifetime", "fn to(mut self, address: &'a str) -> Self {"),
        ("type with a lifetime", "token: Option<&'static str>, name: &'a str"),
        ("harmless companion", r#"password_policy: Some("hunter2x")"#),
        ("boolean", "password: Some(true)"),
        ("sentence", "invalid token (see \"usage\")"),
    ]);
}

#[test]
fn a_cut_value_leaves_no_half() {
    for text in
        [r#"password: Some("hu"#, r#"token: Some("k9"#, "secret=b'k9", r#"passwords: ["a", "b"#]
    {
        let mut out = Vec::new();
        let outcome = standard().value(KeyClass::Plain, text.as_bytes(), true, &mut out);
        assert_eq!(outcome, RedactOutcome::Replaced, "{text}");
        let out = String::from_utf8(out).unwrap();
        assert!(out.ends_with("***REDACTED***"), "{text} became {out}");
    }
}

#[test]
fn many_open_wrappers_are_read_in_linear_time() {
    for part in
        ["password: Some(", "password: [", "secret={\"", "token: (b'", "password: Some(\"\" "]
    {
        let text = part.repeat(1 << 14);
        let mut out = Vec::new();
        let before = std::time::Instant::now();
        let _ = standard().value(KeyClass::Plain, text.as_bytes(), false, &mut out);
        assert!(before.elapsed().as_secs() < 10, "{part}");
    }
}

/// The number of a key is not its word: a text in which the same digit and a space occur is no sentence about the key.
#[test]
fn numbered_keys_govern_as_others_do() {
    check(&[
        (
            "json in text",
            r#"got {"password2":{"region":"Zq12kL, mN9x"},"n":1} from peer"#,
            r#"got {"password2":{***REDACTED***},"n":1} from peer"#,
        ),
        (
            "after another one",
            r#"got {"client_secret":{"a":"Zq9kLmN"},"client_secret2":{"a":"Zq2kL mN2"}} from"#,
            r#"got {"client_secret":{***REDACTED***},"client_secret2":{***REDACTED***}} from"#,
        ),
        (
            "number apart",
            r#"got {"password_2":{"a":"Zq 2kL"}} x"#,
            r#"got {"password_2":{***REDACTED***}} x"#,
        ),
        ("python", "{'credentials1': {'a': 'Zq1kL mN1'}}", "{'credentials1': {***REDACTED***}}"),
        ("tuple", r#"dbPassword1=("Zq1 mN9x",)"#, "dbPassword1=(***REDACTED***)"),
        ("call", r#"pwd1 = Inner("x1 y9Kq 1")"#, "pwd1 = ***REDACTED***"),
        ("two digits", r#"user_passwd12: {"a":"Zq12 k 12"}"#, "user_passwd12: {***REDACTED***}"),
        ("bytes", "secret_2: [104, 117, 110, 116, 101]", "secret_2: [***REDACTED***]"),
        ("word and number", "client_secret2=page2 x", "client_secret2=***REDACTED*** x"),
        (
            "the key's word inside of another word",
            r#"got {"pwd":{"a":"Zq xpwd9 kL"}} from"#,
            r#"got {"pwd":{***REDACTED***}} from"#,
        ),
    ]);
    stays(&[
        ("a prompt", r#"password2 = input("Enter password: ")"#),
        ("a label", r#"got {"password2":{"label":"The password again"}} x"#),
    ]);
}
