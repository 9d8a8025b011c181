//! Paths of secrets in KV version 2, with and without `/data/`.
use crate::error::VaultError;

/// The path of the API: `/v1/mount/data/name`.
///
/// A path whose second or a later segment is `data` is used as it is. Otherwise the first segment is the mount, and
/// `data` is inserted after it. So a mount that contains `/` needs the form with `data`.
pub(crate) fn api_path(variable: &'static str, path: &str) -> Result<String, VaultError> {
    let wrong = |found: &str| VaultError::Setting {
        variable,
        expected: "mount/data/name or mount/name of a secret of KV version 2",
        found: found.to_owned(),
    };
    let trimmed = path.trim().trim_matches('/');
    let trimmed = trimmed.strip_prefix("v1/").unwrap_or(trimmed);
    let segments: Vec<&str> = trimmed.split('/').collect();
    if segments.iter().any(|segment| segment.is_empty() || matches!(*segment, "." | "..")) {
        return Err(wrong("an empty segment, `.` or `..`"));
    }
    let (Some((mount, rest)), true) = (segments.split_first(), segments.len() > 1) else {
        return Err(wrong("one segment"));
    };
    let has_data = rest.iter().rev().skip(1).any(|segment| *segment == "data");
    let mut out = "/v1/".to_owned();
    encode(mount, &mut out);
    if !has_data {
        out.push_str("/data");
    }
    for segment in rest {
        out.push('/');
        encode(segment, &mut out);
    }
    Ok(out)
}

/// The path of the login of this AppRole mount.
pub(crate) fn login_path(mount: &str) -> Result<String, VaultError> {
    let mount = mount.trim().trim_matches('/');
    let mut out = "/v1/auth".to_owned();
    for segment in mount.split('/') {
        if segment.is_empty() || matches!(segment, "." | "..") {
            return Err(VaultError::Setting {
                variable: "PII_VAULT_AUTH_MOUNT",
                expected: "the path of an AppRole mount, as approle",
                found: "an empty segment, `.` or `..`".to_owned(),
            });
        }
        out.push('/');
        encode(segment, &mut out);
    }
    out.push_str("/login");
    Ok(out)
}

/// Percent-encodes all bytes that are not unreserved (RFC 3986).
fn encode(segment: &str, out: &mut String) {
    for byte in segment.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_data_once() {
        for (path, expected) in [
            ("secret/data/platform/pii/token-keyset", "/v1/secret/data/platform/pii/token-keyset"),
            ("secret/platform/pii/token-keyset", "/v1/secret/data/platform/pii/token-keyset"),
            ("/secret/tk/", "/v1/secret/data/tk"),
            ("v1/secret/data/tk", "/v1/secret/data/tk"),
            ("team/kv/data/tk", "/v1/team/kv/data/tk"),
            ("secret/data", "/v1/secret/data/data"),
            ("secret/a b?c#d", "/v1/secret/data/a%20b%3Fc%23d"),
        ] {
            assert_eq!(api_path("X", path).expect(path), expected);
        }
        for path in ["", "/", "secret", "secret//x", "secret/../sys/x", "./x"] {
            assert!(api_path("X", path).is_err(), "{path}");
        }
        assert_eq!(login_path("approle").expect("valid"), "/v1/auth/approle/login");
        assert_eq!(login_path("/team/roles/").expect("valid"), "/v1/auth/team/roles/login");
        assert!(login_path("../sys").is_err() && login_path("").is_err());
    }
}
