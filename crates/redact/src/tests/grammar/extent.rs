//! Where values end, and values that are none.

use super::check;

#[test]
fn values_end_before_the_next_key() {
    check(&[
        ("passphrase", "new_password=«correct horse battery» retry=1"),
        ("passphrase at the end", "passphrase=«correct horse battery staple»"),
        ("passphrase, next line", "password=«correct horse battery staple»\nuser=bob"),
        ("passphrase before a comma", "password=«correct horse», retry=1"),
        ("value and key", "password=«hunter2» retry=1"),
        ("value and words", "password=«hunter2» was tried, retry=1"),
        ("semicolon", "Password=«hunter2»;User Id=sa;"),
        ("braces", "pwd={«Pass;word12!»};uid=sa;"),
        ("next line", "DB_PASSWORD=«S3cr3tPa55»\nDATABASE_HOST=db1"),
        ("two lines", "secret: «k9QzL2mXq8»\nname: x"),
        ("written line break", r"DB_PASSWORD=«S3cr3tPa55»\nDATABASE_HOST=db1"),
        ("written carriage return", r"DB_PASSWORD=«S3cr3tPa55»\r\nDATABASE_HOST=db1"),
        ("written tab", r"password=«S3cr3tPa55»\tuser=bob"),
        (
            "empty, then a key",
            "GITHUB_API_KEY=\nDATABASE_HOST=db1.internal\nDB_PASSWORD=«S3cr3tPa55»",
        ),
        ("yaml", "password: «hunter2x9»\n  user: bob"),
        ("block", "password: |\n  «Wq7xK2mZ9pLt»\nother: 1"),
        ("block of lines", "secret: >-\n  «Wq7xK2mZ9pLt»\n  «vR8tYb3Nq6Zc»\nother: x1"),
        ("name and value", "- name: DB_PASSWORD\n  value: «Wq7xK2mZ9pLt»\n- name: X\n  value: y1"),
        ("name and value in quotes", "- name: \"DB_PASSWORD\"\n  value: \"«Wq7xK2mZ9pLt»\""),
        ("pipes", "password=«hunter2»|user=bob"),
    ]);
}

#[test]
fn empty_values_take_nothing() {
    check(&[
        ("next line", "GITHUB_API_KEY=\nDATABASE_HOST=db1"),
        ("written line break", r"GITHUB_API_KEY=\nDATABASE_HOST=db1"),
        ("spaces and next line", "password: \n  user: bob1234"),
        ("next pair", "password= user=bob1234"),
        ("next pair after a comma", "password=, user=bob1234"),
        ("query", "/l?password=&user=bob1234"),
        ("list", "secrets:\n- name1234\n- b"),
        ("yaml map", "password:\n  secretKeyRef:\n    name: db-1"),
        ("end", "password="),
        ("quotes", "password=\"\" user=bob1234"),
        ("carriage return", "DB_PASSWORD=\r\nHOST=db1234"),
        ("semicolon", "Password=;User Id=sa1234;"),
    ]);
}

#[test]
fn masks_of_others_stay_whole() {
    check(&[
        ("rails", "password=[FILTERED]"),
        ("rails map", r#"{"password"=>"[FILTERED]", "n"=>1}"#),
        ("stars", "password=**** n=1"),
        ("three stars", "password=*** n=1"),
        ("many stars", "password: ************ n=1"),
        ("angles", "password=<redacted> n=1"),
        ("x", "password=xxxxx n=1"),
        ("capital x", "password: XXXXXXXX n=1"),
        ("masked", "password=[MASKED] n=1"),
        ("word", "password=REDACTED n=1"),
        ("word in lower case", "password: redacted, n=1"),
        ("hidden", "password=(hidden) n=1"),
        ("removed", "password: <password removed> n=1"),
        ("bullets", "password: •••••••• n=1"),
        ("braces", "password={redacted} n=1"),
        ("stars and a word", "password=***MASKED*** n=1"),
        ("sanitized", "password=[SANITIZED] n=1"),
        ("filtered of sentry", "token=[Filtered] n=1"),
        ("scrubbed", "api_key=[scrubbed] n=1"),
        ("underscores", "secret=__REDACTED__ n=1"),
        ("percent", "password=%5BFILTERED%5D&n=1"),
        ("in a map", r#"{"password":"[FILTERED]","token":"****","secret":"REDACTED"}"#),
        ("header in a map", r#"{"Cookie":["REDACTED"],"authorization":"[redacted]"}"#),
        ("quoted stars", "password='******' n=1"),
        ("dashes", "password=------ n=1"),
    ]);
}

#[test]
fn directories_and_counters_are_no_secrets() {
    check(&[
        ("working directory", "PWD=/srv/app OLDPWD=/srv"),
        ("sudo", "sudo: bob : TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/bin/ls"),
        ("yaml", "pwd: /home/bob/projects"),
        ("quoted", r#"pwd="/home/bob""#),
        ("windows", r"pwd=C:\Users\bob"),
        ("home", "pwd: ~/src"),
        ("tests", "tests: pass=12 fail=0 skip=3"),
        ("tests with a colon", "pass: 12, fail: 0"),
        ("ratio", "loss=0.31 pass=2/10"),
        ("name of a pass", "render pass=shadow1 draw=12"),
        ("pin", "gpio pin=17 value=1"),
        ("pin of a led", "pin=4 led=on"),
        ("consent", "cookie=accepted consent=1"),
        ("worker", "auth: worker-3 started"),
        ("state of auth", "auth=ok user=bob"),
        ("expired", "token: expired"),
        ("none", "password: none, token: disabled, secret=required"),
        ("go test", "--- PASS: TestAuth/case_1 (0.00s)"),
        ("shell test", "PASS: tests/foo.sh"),
        ("words", "first pass: 3 errors"),
        ("enabled", "cookie=enabled auth=basic token=valid"),
        ("method", "auth=oidc cookie=rejected"),
        ("delta", "tokens=+1523 cookies=+3"),
    ]);
}

#[test]
fn code_that_names_secrets_stays() {
    check(&[
        ("reference", "password: &'static str,"),
        ("option", "token: Option<String>,"),
        ("parameter", "fn login(user: &str, password: &str) -> Result<Token, Error> {"),
        ("attribute", "password = args.password"),
        ("path", "password = self.config.db.password"),
        ("request", "const password = req.body.password;"),
        ("environment of python", r#"password=os.environ["DB_PASSWORD"]"#),
        ("environment of node", "password: process.env.DB_PASSWORD,"),
        ("variable", "password=$VAR"),
        ("variable in braces", "password=${VAR}"),
        ("format", "password=%s user=%s"),
        ("braces", "password={} user={}"),
        ("named braces", "password={password} user={user}"),
        ("itself", "password = password"),
        ("field", "password: password,"),
        ("typed", "password: string;"),
        ("python type", "password: str = None, token: Optional[str] = None"),
        ("type", "password: SecretString,"),
        ("character array", "char password[64];"),
        ("call", "token = get_token()"),
        ("call of an object", "password = getpass.getpass()"),
        ("powershell", "$password = $env:DB_PASSWORD"),
        ("template", "password: {{ .Values.db.password }}"),
        ("shell", "password=$(cat /run/secrets/db)"),
        ("batch", "password=%DB_PASSWORD%"),
        ("environment of go", "password := os.Getenv(\"DB_PASSWORD\")"),
        ("environment of ruby", "password: ENV['DB_PASSWORD']"),
        ("environment with a default", "password = os.environ.get('DB_PASSWORD')"),
        ("errors of a form", "{'password': ['This field is required.']} x"),
        ("awaited", "user.password = await hash(password, 10)"),
        ("rules of validation", "'password' => 'required|min:8',"),
        ("static call", "'password' => Hash::make($request->password),"),
        ("length", "password => password.length > 8"),
        ("list of php", "[password] => Array"),
        ("count", "passwords: 3"),
        (
            "object of javascript",
            "password: [object Object], token: [Function], secret: Symbol(x1)",
        ),
        ("error of go", "password: %!s(<nil>)"),
        ("method", "auth=password auth.method=token"),
        ("usage", "-p, --password=PASSWORD  the password"),
        ("place in a file", "panicked at src/password.rs:12:5 and token.py:120: x1"),
        ("element of a page", "password = document.getElementById"),
        ("arrow function", "password => validate(password)"),
    ]);
}

#[test]
fn short_lists_of_bytes_are_masked() {
    check(&[
        ("three", "E { secret: [«1, 2, 3»], n: 1 }"),
        ("two", "E { password: [«104, 117»], n: 1 }"),
        ("many", "L { secret: [«104, 117, 110, 116, 101, 114»], n: 1 }"),
        ("in a wrapper", "L { password: «Secret([104, 117, 110])», n: 1 }"),
        ("key", "session_key: [«23, 91, 200, 4, 77, 18, 250, 3»], cipher: Aes128"),
        ("numbers of a key", "signing_key: [300, 1, 2, 3, 4, 5, 6, 7]"),
        ("counts", "tokens: [15, 3, 7]"),
        ("sizes", "max_tokens: [1, 2, 3]"),
        ("empty", "secret: []"),
    ]);
}

#[test]
fn a_second_copy_of_a_value_is_masked() {
    check(&[
        (
            "quote in a list",
            "{'password': {«'r': 'Zq1k mN9x'»}, 'r': 'n', 'password': [«{'r': 'Z\"mN9x'}, \"4'm\"»]}",
        ),
        (
            "quoted and bare",
            "token='«9f8e7d6c5b4a39281706f5e4d3c2b1a0x»' retry with «9f8e7d6c5b4a39281706f5e4d3c2b1a0x»",
        ),
        ("before", "sent «hunter2secret» as password=«hunter2secret»"),
        ("three times", "password=«hunter2secret» x «hunter2secret», y (\"«hunter2secret»\")"),
        ("in a url", "api_key=«k9QzL2mXq8Zr» GET /x/«k9QzL2mXq8Zr»/y"),
        ("short values stay", "password=«hunter2» user hunter2 logged in"),
        ("words stay", "password=«administrator» user administrator logged in"),
        ("part of a word", "password=«hunter2letters» hunter2lettersx"),
    ]);
}
