//! Values that are arguments of calls, or wrapped without a key.

use super::check;

#[test]
fn newtypes_without_a_key_are_masked() {
    check(&[
        ("structure of a secret", r#"Login("otto", Secret { inner: "«Apfel!Mus7»" })"#),
        ("password", r#"Password("«hunter2»")"#),
        ("in a call", r#"login(Password("«hunter2»"))"#),
        ("secret", r#"Secret("«k9QzL2mXq8Zr»")"#),
        ("token", r#"Token("«k9QzL2mXq8Zr4TwY12»")"#),
        ("api key", r#"using ApiKey("«k9QzL2mXq8Zr4TwY12»") now"#),
        ("compound", r#"DbPassword("«hunter2x»")"#),
        ("in an option", r#"Some(Password("«hunter2»"))"#),
        ("in a list", r#"[Password("«hunter2»"), Password("«hunter3»")]"#),
        ("secret string", r#"SecretString("«k9QzL2mXq8Zr»")"#),
        ("constructor of a secret string", r#"SecretString::from("«k9QzL2mXq8Zr»")"#),
        ("pydantic", "SecretStr('«k9QzL2mXq8Zr»')"),
        ("path", r#"auth::Password("«hunter2»")"#),
        ("constructor", r#"Password::new("«hunter2»")"#),
        ("field", r#"Password { value: "«hunter2»" }"#),
        ("raw string", r###"Password(r#"«hun"ter2»"#)"###),
        ("bytes", r#"Secret(b"«k9QzL2mXq8Zr»")"#),
    ]);
}

#[test]
fn arguments_of_setters_are_masked() {
    check(&[
        ("java setter", r#"config.setPassword("«hunter2»");"#),
        ("builder", r#"Client.builder().password("«hunter2»").build()"#),
        ("go option", r#"client.New(WithPassword("«hunter2x»"), WithUser("bob"))"#),
        ("with", r#".with_password("«correct-horse»")"#),
        ("api key", r#".setApiKey("«k9QzL2mXq8Zr4TwY12»")"#),
        ("property", r#"System.setProperty("db.password", "«hunter2secret»")"#),
        ("put", r#"props.put("password", "«hunter2secret»");"#),
        ("header", r#"request.addHeader("X-Api-Key", "«k9QzL2mXq8Zr4TwY12»");"#),
        ("environment", r#"os.Setenv("DB_PASSWORD", "«hunter2secret»")"#),
        ("php", r#"define('DB_PASSWORD', '«hunter2secret»');"#),
        ("php environment", r#"env('DB_PASSWORD', '«hunter2secret»')"#),
        ("new", r#"new PasswordCredential("«hunter2secret»")"#),
        ("single quotes", "user.set_password('«hunter2»')"),
        ("backticks", "client.setPassword(`«hunter2x»`)"),
        ("space", r#"setPassword( "«hunter2»" )"#),
        ("token", r#"client.setAuthToken("«k9QzL2mXq8Zr4TwY12»")"#),
    ]);
}

#[test]
fn calls_without_values_stay() {
    check(&[
        ("structure of a word", r#"Token { kind: Ident, text: "foo1bar" }"#),
        ("structure with a name", r#"Secret { name: "db-credentials", keys: 2 }"#),
        ("getter", r#"getPassword("database")"#),
        ("field of a form", r#"form.password("password")"#),
        ("prompt", r#"getpass.getpass("Enter password: ")"#),
        ("property", r#"System.getProperty("db.password", "")"#),
        ("environment", r#"os.environ.get("DB_PASSWORD")"#),
        ("lexer", r#"Token("identifier")"#),
        ("parser", r#"expect_token("comma")"#),
        ("message", r#"InvalidPassword("must contain a digit")"#),
        ("error", r#"BadToken("expired")"#),
        ("name of a secret", r#"readSecret("database/creds/app")"#),
        ("empty", r#"Password("")"#),
        ("secrecy", "Secret([REDACTED alloc::string::String])"),
        ("secrecy 0.10", "SecretBox<str>([REDACTED])"),
        ("masked", r#"Password("***")"#),
        ("variable", "setPassword(password)"),
        ("placeholder", r#"setPassword("${DB_PASSWORD}")"#),
        ("type", "fn set_password(password: &str) -> Result<(), Error>"),
        ("plain name", r#"Tokenizer("k9QzL2mXq8Zr4TwY12")"#),
        ("macro", r#"assert_eq!(token, Token::Ident("foo"))"#),
        ("count", r#"max_tokens("4096")"#),
    ]);
}
