//! Lists of arguments in texts.

use super::check;

#[test]
fn arguments_after_options_are_masked() {
    check(&[
        ("python", "run(['mysql', '--password', '«hunter2x»'])"),
        ("rust", r#"args: ["tool", "--password", "«hunter2x»", "-v"]"#),
        ("joined", r#"args: ["tool", "--password=«hunter2x»", "-v"]"#),
        ("mysql", r#"run ["mysql", "-u", "root", "-p«hunter2x»"]"#),
        ("redis", r#"exec: ["redis-cli", "-a", "«hunter2x»", "ping"]"#),
        ("sshpass", "['sshpass', '-p', '«hunter2x»', 'ssh', 'h']"),
        ("curl", "['curl', '-u', 'bob:«hunter2x»', 'https://h/x']"),
        ("command of rust", r#"Command { "mysql" "-u" "root" "-p«hunter2x»" }"#),
        ("docker file", r#"CMD ["redis-server", "--requirepass", "«hunter2x»"] #"#),
        ("token", r#"argv=["x","--token","«k9QzL2mXq8Zr4TwY12»"]"#),
        ("one dash", r#"args=["-password", "«hunter2x»"]"#),
    ]);
}

#[test]
fn arguments_without_secrets_stay() {
    check(&[
        ("next option", r#"["tool", "--password", "--verbose"]"#),
        ("ports", r#"["docker", "run", "-p", "80:80"]"#),
        ("names of options", "add_argument('--password', '-p', help='x')"),
        ("asked", r#"run ["mysql", "-u", "root", "-p"]"#),
        ("file", r#"["tool", "--password-file", "/run/x1"]"#),
        ("masked", r#"["tool", "--password", "****"]"#),
    ]);
}
