//! The audit logs beside the logs of a page, and whether they are intact.
use std::path::{Path, PathBuf};

use ringseal_audit::keys::load_verifier;
use ringseal_audit::system::OsStorage;
use ringseal_audit::verify::{VerifyOptions, VerifyOutcome};

use crate::audit::verify::verify_with_progress;
use crate::cat::{contains_audit_log, unix_nanos_now};
use crate::size::format_count;

/// One audit log.
#[derive(Debug)]
pub struct AuditState {
    /// Its directory.
    pub dir: PathBuf,
    /// `intact`, `TAMPERED`, `not checked`.
    pub result: &'static str,
    /// The reason, and what was checked.
    pub detail: String,
    /// Whether it was found intact.
    pub is_intact: bool,
}

/// The audit logs in and beside these paths, or in the named directory; each is verified if there is a key.
pub fn find(paths: &[PathBuf], named: Option<&Path>, key: Option<&Path>) -> Vec<AuditState> {
    let mut dirs: Vec<PathBuf> = Vec::new();
    let beside = paths.iter().filter(|path| path.as_os_str() != "-").flat_map(|path| {
        let parent = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        let parent = if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent };
        let dir = if path.is_dir() { path.clone() } else { parent };
        [dir.join("audit"), dir]
    });
    for dir in named.map(Path::to_path_buf).into_iter().chain(beside) {
        if contains_audit_log(&dir) && !dirs.contains(&dir) {
            dirs.push(dir);
        }
    }
    dirs.into_iter().map(|dir| check(dir, key)).collect()
}

fn check(dir: PathBuf, key: Option<&Path>) -> AuditState {
    let in_log = dir.join("audit.pub");
    let key = match key {
        Some(key) => key,
        None if in_log.is_file() => &in_log,
        None => {
            let detail = "no public key was given (--audit-key) or found beside it".into();
            return AuditState { dir, result: "not checked", detail, is_intact: false };
        }
    };
    let verifier = match load_verifier(&OsStorage, key) {
        Ok(verifier) => verifier,
        Err(error) => {
            let detail = format!("its public key cannot be read: {error}");
            return AuditState { dir, result: "not checked", detail, is_intact: false };
        }
    };
    let own_key = key.starts_with(&dir);
    let mut options = VerifyOptions::new(verifier);
    options.now_unix_nanos = Some(unix_nanos_now());
    let report = verify_with_progress(&dir, &options).report;
    let mut detail = format!(
        "{} entries in {} segments, {} checkpoints",
        format_count(report.entries),
        format_count(report.segments),
        format_count(report.checkpoints)
    );
    let found = report.first_bad.map(|bad| format!("{}: {}", bad.place.file, bad.detail));
    let warnings = report.warnings.iter().map(|warning| format!("warning: {warning}"));
    let own_key = own_key.then(|| "the key is from the log's own directory".to_owned());
    for more in found.into_iter().chain(report.problem).chain(warnings).chain(own_key) {
        detail.push_str("; ");
        detail.push_str(&more);
    }
    let (result, is_intact) = match report.outcome {
        VerifyOutcome::Intact => ("intact", true),
        VerifyOutcome::Unchecked => ("not checked", false),
        _ => ("TAMPERED", false),
    };
    AuditState { dir, result, detail, is_intact }
}
