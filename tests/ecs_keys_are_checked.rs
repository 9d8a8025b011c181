//! With `--cfg ringseal_ecs`, flat values under the names of ECS objects are compile errors that name the key.
//! `trybuild` removes the flag, so the compiler is called directly.
use std::path::Path;
use std::process::Command;

/// The declaration of a typed event with these fields.
macro_rules! typed {
    ($fields:literal) => {
        concat!(
            "domain_events! { event Seen = \"USER_SEEN_OK\", Info, version 1 { ",
            $fields,
            " } }"
        )
    };
}

/// The calls, and what the error of each says; `None` where it compiles.
const CALLS: &[(&str, Option<&str>)] = &[
    ("error!(\"failed\", error = \"x\")", Some("the key `error` names")),
    ("error!(\"failed\", error = %err)", Some("the key `error` names")),
    ("error!(\"failed\", error = ?err)", Some("the key `error` names")),
    ("info!(\"seen\", user = \"ada\")", Some("the key `user` names")),
    ("info!(\"seen\", user)", Some("the key `user` names")),
    ("info!(\"seen\", %url)", Some("the key `url` names")),
    ("info!(\"seen\", a = 1, http = 7)", Some("the key `http` names")),
    ("info!(\"seen\", user_agent = String::new())", Some("the key `user_agent` names")),
    ("info!(\"seen\", data_stream = \"x\")", Some("the key `data_stream` names")),
    ("info!(\"seen\", dll = \"x\")", Some("the key `dll` names")),
    ("info!(\"seen\", orchestrator = \"x\")", Some("the key `orchestrator` names")),
    ("info!(\"seen\", package = \"x\")", Some("the key `package` names")),
    ("info!(\"seen\", registry = \"x\")", Some("the key `registry` names")),
    ("info!(\"seen\", related = \"x\")", Some("the key `related` names")),
    ("info!(\"seen\", vulnerability = \"x\")", Some("the key `vulnerability` names")),
    ("info!(\"seen\", \"data_stream\" = \"x\")", Some("this quoted key names")),
    ("let _ = fields! { service = 1 }", Some("the key `service` names")),
    ("info!(\"seen\", \"host\" = \"h1\")", Some("this quoted key names")),
    ("error!(\"failed\", error = &err)", None),
    ("error!(\"failed\", error = err)", None),
    ("info!(\"seen\", user.id = 42, url.path = %url, users = 1, match = 2)", None),
    ("info!(\"seen\", agent = Map(&[(\"name\", &\"curl\")]))", None),
    ("info!(\"seen\", package.name = \"x\", packages = 2, dll.path = %url)", None),
    ("info!(\"seen\", \"retry count\" = 3)", None),
    (typed!("user: &'static str;"), Some("the key `user` names")),
    (typed!("place as \"host\": u8;"), Some("this quoted key names")),
    (typed!("user.id: u64; error: Map<'static>;"), None),
];

#[test]
fn flat_values_are_refused_by_name() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ecs");
    std::fs::create_dir_all(dir.join("src")).unwrap();
    let engine = env!("CARGO_MANIFEST_DIR");
    let manifest = format!(
        "[package]\nname = \"calls\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nringseal = {{ path = {engine:?} }}\n\n[workspace]\n"
    );
    std::fs::write(dir.join("Cargo.toml"), manifest).unwrap();
    std::fs::copy(Path::new(engine).join("Cargo.lock"), dir.join("Cargo.lock")).unwrap();
    let mut source = "use ringseal::{domain_events, error, fields, info, value::Map};\n".to_owned();
    for (index, (call, _)) in CALLS.iter().enumerate() {
        source += &format!(
            "pub fn call_{index}(user: &str, url: &str, err: std::fmt::Error) {{ {call}; }}\n"
        );
    }
    std::fs::write(dir.join("src/lib.rs"), format!("#![allow(unused)]\n{source}")).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["check", "--offline", "--message-format", "short"]).current_dir(&dir);
    cargo.env("CARGO_TARGET_DIR", dir.join("target")).env("RUSTFLAGS", "--cfg ringseal_ecs");
    let output = cargo.env_remove("CARGO_ENCODED_RUSTFLAGS").output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{text}");
    for (index, (call, expected)) in CALLS.iter().enumerate() {
        // Two lines precede the first call.
        let place = format!("src/lib.rs:{}:", index + 3);
        let errors: Vec<&str> = text.lines().filter(|line| line.starts_with(&place)).collect();
        match expected {
            Some(expected) => {
                // A typed event is logged in several places: valid, degraded, and without rules.
                let is_once = errors.len() == 1 || call.starts_with("domain_events!");
                let is_it = |error: &&str| error.contains(expected);
                assert!(
                    is_once && !errors.is_empty() && errors.iter().all(is_it),
                    "{call}: {errors:?}\n{text}"
                )
            }
            None => assert!(errors.is_empty(), "{call}: {errors:?}"),
        }
    }
}
