//! The requests to a server of Vault or OpenBao.
//!
//! Promises: role id and secret id are read from their files at each login. Secrets are overwritten after use and are
//! in no error. Blocks for two timeouts at most.
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use ringseal_http::{Client, Limits, Origin, Request, Response};
use zeroize::Zeroizing;

use crate::config::VaultConfig;
use crate::error::{Operation, VaultError};
use crate::session::{Login, Server};
use crate::{json, path};

/// Most bytes of a file with a role id or secret id.
const CREDENTIAL_BYTES_MAX: usize = 4096;

pub(crate) struct HttpServer {
    client: Client,
    origin: Origin,
    config: VaultConfig,
    login_path: String,
    token_path: String,
    reveal_path: Option<String>,
}

impl HttpServer {
    pub(crate) fn new(config: &VaultConfig) -> Result<HttpServer, VaultError> {
        let limits = Limits {
            timeout: config.timeout,
            connect_timeout: config.timeout,
            body_bytes_max: 2 << 20,
            idle_max: 1,
            ..Limits::default()
        };
        let reveal = config.reveal_keyset.as_ref();
        Ok(HttpServer {
            client: match &config.ca_file {
                Some(file) => Client::with_ca_file(limits, file)?,
                None => Client::new(limits),
            },
            origin: Origin::parse(&config.address)?,
            login_path: path::login_path(&config.auth_mount)?,
            token_path: path::api_path("PII_VAULT_TOKEN_KEYSET_PATH", &config.token_keyset)?,
            reveal_path: reveal
                .map(|reveal| path::api_path("PII_VAULT_REVEAL_KEYSET_PATH", reveal))
                .transpose()?,
            config: config.clone(),
        })
    }

    fn send(&self, operation: Operation, request: Request<'_>) -> Result<Response, VaultError> {
        let request = request.header("X-Vault-Request", "true")?;
        let request = match &self.config.namespace {
            Some(namespace) => request.header("X-Vault-Namespace", namespace)?,
            None => request,
        };
        let sent = self.client.send(&self.origin, &request);
        sent.map_err(|source| VaultError::Http { operation, source })
    }
}

/// The error of a status that means the same for each request.
fn failure(operation: Operation, status: u16) -> VaultError {
    match status {
        429 | 472 | 473 | 500..=599 => VaultError::Unavailable { operation, status },
        _ => VaultError::Status { operation, status },
    }
}

impl Server for HttpServer {
    fn login(&mut self) -> Result<Login, VaultError> {
        let operation = Operation::Login;
        let role_id = credential(&self.config.role_id)?;
        let secret_id = credential(&self.config.secret_id)?;
        let mut body = Vec::with_capacity(64 + 2 * (role_id.len() + secret_id.len()));
        body.extend_from_slice(b"{\"role_id\":");
        json::quote(&role_id, &mut body);
        body.extend_from_slice(b",\"secret_id\":");
        json::quote(&secret_id, &mut body);
        body.push(b'}');
        let request =
            Request::new("POST", &self.login_path)?.header("content-type", "application/json")?;
        let response = self.send(operation, request.body(body))?;
        match response.status() {
            200 => {}
            status @ (400 | 403) => return Err(VaultError::LoginRefused { status }),
            status => return Err(failure(operation, status)),
        }
        let token = json::text(response.body(), &["auth", "client_token"])
            .filter(|token| !token.is_empty());
        let token =
            token.ok_or(VaultError::Response { operation, expected: "auth.client_token" })?;
        let lease = json::number(response.body(), &["auth", "lease_duration"]);
        let lease =
            lease.ok_or(VaultError::Response { operation, expected: "auth.lease_duration" })?;
        Ok(Login { token, lease: (lease > 0).then(|| Duration::from_secs(lease)) })
    }

    fn read(&mut self, operation: Operation, token: &str) -> Result<Zeroizing<String>, VaultError> {
        let path = match (operation, &self.reveal_path) {
            (Operation::ReadRevealKeyset, Some(path)) => path,
            _ => &self.token_path,
        };
        let request = Request::new("GET", path)?.secret_header("X-Vault-Token", token)?;
        let response = self.send(operation, request)?;
        let path = || path.trim_start_matches("/v1/").to_owned();
        match response.status() {
            200 => {}
            403 => return Err(VaultError::Denied { operation, path: path() }),
            404 => return Err(VaultError::NotFound { operation, path: path() }),
            status => return Err(failure(operation, status)),
        }
        let keyset = json::text(response.body(), &["data", "data", "keyset"]);
        keyset.ok_or(VaultError::Response { operation, expected: "the text data.data.keyset" })
    }
}

/// The text of a file, without white space around it.
fn credential(path: &Path) -> Result<Zeroizing<String>, VaultError> {
    let expected = "one line of printable characters, at most 4096";
    let wrong = |source: Option<io::Error>| VaultError::Credential {
        file: path.display().to_string(),
        expected,
        source,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(CREDENTIAL_BYTES_MAX + 1));
    let file = File::open(path).map_err(|error| wrong(Some(error)))?;
    let mut bounded = file.take(CREDENTIAL_BYTES_MAX as u64 + 1);
    bounded.read_to_end(&mut bytes).map_err(|error| wrong(Some(error)))?;
    let text = bytes.trim_ascii();
    let is_line = text.iter().all(u8::is_ascii_graphic);
    if text.is_empty() || bytes.len() > CREDENTIAL_BYTES_MAX || !is_line {
        return Err(wrong(None));
    }
    Ok(Zeroizing::new(String::from_utf8_lossy(text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_one_line() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("secret-id");
        for text in ["5f1c-s3cret", "5f1c-s3cret\n", " 5f1c-s3cret\r\n\n"] {
            std::fs::write(&file, text).expect("a file");
            assert_eq!(credential(&file).expect("one line").as_str(), "5f1c-s3cret");
        }
        let long = "s3cret".repeat(1000);
        for text in ["", "\n", "s3cret s3cret", "s3cret\ns3cret", "s3cret\0", "s3crét", &long] {
            std::fs::write(&file, text).expect("a file");
            let error = credential(&file).expect_err("refused").to_string();
            assert!(error.contains("secret-id") && !error.contains("s3cr"), "{error}");
        }
        let none = credential(&dir.path().join("none")).expect_err("no file");
        assert!(none.to_string().contains("none: expected one line"), "{none}");
    }
}
