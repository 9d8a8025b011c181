//! An OpenBao server in memory, with a policy, an AppRole and keysets, driven through its own API.
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ringseal_http::{Client, Limits, Origin, Request};
use ringseal_redact::token::KeysetKind;
use ringseal_vault::VaultConfig;
use tempfile::TempDir;

/// What no output may contain.
pub struct Secrets {
    pub token_key: &'static str,
    pub reveal_key: &'static str,
    pub next_key: &'static str,
    pub wrong_secret_id: &'static str,
}

pub const SECRETS: Secrets = Secrets {
    token_key: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    reveal_key: "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8",
    next_key: "MjM0NTY3ODk6Ozw9Pj9AQUJDREVGR0hJSktMTU5PUFE",
    wrong_secret_id: "0bad5ec7-0bad-5ec7-0bad-5ec70bad5ec7",
};

const ROOT: &str = "root-token-of-the-test";

/// Fails if the text contains a secret or a part of one.
#[track_caller]
pub fn no_secret(text: &str) {
    let Secrets { token_key, reveal_key, next_key, wrong_secret_id } = SECRETS;
    let all = [token_key, reveal_key, next_key, wrong_secret_id, ROOT];
    for secret in all {
        for part in secret.as_bytes().windows(10) {
            let part = std::str::from_utf8(part).expect("ASCII");
            assert!(!text.contains(part), "`{part}` in: {text}");
        }
    }
    for prefix in ["hvs.", "\"s.", " s.", "hvb."] {
        assert!(!text.contains(prefix), "a token in: {text}");
    }
}

/// The text of a keyset.
pub fn keyset(kind: KeysetKind, kid: &str, key: &str) -> String {
    let alg = kind.alg();
    format!(
        r#"{{"schema_version":1,"primary_kid":"{kid}","keys":{{"{kid}":{{"alg":"{alg}","key_b64":"{key}"}}}}}}"#
    )
}

pub struct Bao {
    child: Child,
    dir: TempDir,
    origin: Origin,
    client: Client,
    ca_file: Option<PathBuf>,
}

impl Drop for Bao {
    fn drop(&mut self) {
        self.end();
    }
}

/// The program, if it runs.
fn program(test: &str) -> Option<PathBuf> {
    let program =
        std::env::var_os("RINGSEAL_BAO").map_or_else(|| PathBuf::from("bao"), PathBuf::from);
    let found =
        Command::new(&program).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) {
        return Some(program);
    }
    println!("skipped: {test}: {} does not run (set RINGSEAL_BAO)", program.display());
    None
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port()
}

impl Bao {
    /// A server without TLS; `None` if there is no program, which is printed.
    pub fn start(test: &str) -> Option<Bao> {
        let program = program(test)?;
        Some(Bao::try_start(&program, false))
    }

    /// A server with a certificate of its own authority.
    pub fn start_tls(test: &str) -> Option<Bao> {
        let program = program(test)?;
        Some(Bao::try_start(&program, true))
    }

    /// Another process may take the port first: then the next one is tried.
    fn try_start(program: &Path, is_tls: bool) -> Bao {
        let started = (0..5).find_map(|_| {
            let mut bao = Bao::spawn(program, is_tls);
            bao.is_ready().then_some(bao)
        });
        let bao = started.expect("OpenBao does not answer");
        bao.set_up();
        bao
    }

    fn spawn(program: &Path, is_tls: bool) -> Bao {
        let dir = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let mut command = Command::new(program);
        command.args(["server", "-dev", "-dev-no-store-token"]);
        command.arg(format!("-dev-root-token-id={ROOT}"));
        command.arg(format!("-dev-listen-address=127.0.0.1:{port}"));
        if is_tls {
            command.arg("-dev-tls").arg(format!("-dev-tls-cert-dir={}", dir.path().display()));
        }
        command.env("HOME", dir.path()).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("OpenBao");
        let scheme = if is_tls { "https" } else { "http" };
        let origin = Origin::parse(&format!("{scheme}://127.0.0.1:{port}")).expect("an origin");
        let client = Client::new(Limits::default());
        Bao { child, dir, origin, client, ca_file: None }
    }

    fn is_ready(&mut self) -> bool {
        let limit = Instant::now() + Duration::from_secs(60);
        while Instant::now() < limit {
            if self.child.try_wait().expect("the child").is_some() {
                return false;
            }
            if self.origin.is_tls() && self.ca_file.is_none() {
                let file = std::fs::read_dir(self.dir.path()).expect("the directory").flatten();
                let is_authority = |path: &PathBuf| path.to_string_lossy().ends_with("ca.pem");
                self.ca_file = file.map(|entry| entry.path()).find(is_authority);
                if let Some(file) = &self.ca_file
                    && let Ok(client) = Client::with_ca_file(Limits::default(), file)
                {
                    self.client = client;
                } else {
                    self.ca_file = None;
                }
            }
            let request = Request::new("GET", "/v1/secret/config").expect("a request");
            let request = request.secret_header("X-Vault-Token", ROOT).expect("a header");
            if self
                .client
                .send(&self.origin, &request)
                .is_ok_and(|response| response.status() == 200)
            {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// The steps of docs/vault.md.
    fn set_up(&self) {
        let policy = r#"{"policy":"path \"secret/data/pii/*\" { capabilities = [\"read\"] }"}"#;
        self.post("/v1/sys/policies/acl/pii", policy);
        self.post("/v1/sys/auth/approle", r#"{"type":"approle"}"#);
        let role = r#"{"token_policies":"pii","token_ttl":"1h","token_no_default_policy":true}"#;
        self.post("/v1/auth/approle/role/app", role);
        self.put_keyset("tokens", &keyset(KeysetKind::Token, "tk1", SECRETS.token_key));
        self.put_keyset("reveal", &keyset(KeysetKind::Reveal, "rk1", SECRETS.reveal_key));
        self.write_credentials();
    }

    fn send(&self, method: &str, path: &str, body: &str) -> String {
        let request = Request::new(method, path).expect("a request");
        let request = request.secret_header("X-Vault-Token", ROOT).expect("a header");
        let request = if body.is_empty() { request } else { request.body(body) };
        let response = self.client.send(&self.origin, &request).expect("a response");
        let text = String::from_utf8_lossy(response.body()).into_owned();
        assert!(response.is_success(), "{method} {path}: {} {text}", response.status());
        text
    }

    pub fn post(&self, path: &str, body: &str) -> String {
        self.send("POST", path, body)
    }

    pub fn put_keyset(&self, name: &str, text: &str) {
        let text = text.replace('"', "\\\"");
        let body = format!(r#"{{"data":{{"keyset":"{text}"}}}}"#);
        self.post(&format!("/v1/secret/data/pii/{name}"), &body);
    }

    /// The text of a field of a response without escapes.
    fn field(text: &str, name: &str) -> String {
        let (_, rest) = text.split_once(&format!("\"{name}\":\"")).expect("the field");
        rest.split('"').next().expect("a text").to_owned()
    }

    /// Writes the role id and a new secret id, which ends with a line feed as most programs write it.
    pub fn write_credentials(&self) {
        let role = self.send("GET", "/v1/auth/approle/role/app/role-id", "");
        self.write("role-id", &Bao::field(&role, "role_id"));
        let secret = self.post("/v1/auth/approle/role/app/secret-id", "{}");
        self.write("secret-id", &format!("{}\n", Bao::field(&secret, "secret_id")));
    }

    /// Writes a new secret id and destroys the old one.
    pub fn replace_secret_id(&self) {
        let old = std::fs::read_to_string(self.dir.path().join("secret-id")).expect("the file");
        self.write_credentials();
        let body = format!(r#"{{"secret_id":"{}"}}"#, old.trim());
        self.post("/v1/auth/approle/role/app/secret-id/destroy", &body);
    }

    /// Writes a file with mode 0600 beside the server's.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let file = self.dir.path().join(name);
        std::fs::write(&file, text).expect("a file");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).expect("permissions");
        file
    }

    /// Settings for this server.
    pub fn config(&self, token_keyset: &str) -> VaultConfig {
        let (role, secret) = (self.dir.path().join("role-id"), self.dir.path().join("secret-id"));
        let config = VaultConfig::new(&self.origin.to_string(), token_keyset).env("prod");
        let config = config.app_role(role, secret).timeout(Duration::from_secs(30));
        match &self.ca_file {
            Some(file) => config.ca_file(file),
            None => config,
        }
    }

    /// The certificate of an authority that has not signed the server's.
    pub fn other_authority(&self) -> String {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.self_signed(&key).expect("a certificate").pem()
    }

    /// Ends the server.
    pub fn end(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
