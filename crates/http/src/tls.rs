//! TLS: trusted roots, and which errors mean what.
//!
//! Promises: the cryptography is that of `ring`; TLS 1.2 and 1.3. Certificates are always checked; there is no switch.
//! Nothing of a connection is logged, and keys are never exported.
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};

use crate::error::{CertificateProblem, ErrorKind, SetupError};

/// Most bytes of a file of certificates.
const CA_BYTES_MAX: u64 = 1 << 20;

/// Trusts the certificates of this PEM file alone.
pub(crate) fn from_file(path: &Path) -> Result<Arc<ClientConfig>, SetupError> {
    let wrong =
        |problem: String| SetupError::Certificates { file: path.display().to_string(), problem };
    let len = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if len > CA_BYTES_MAX {
        return Err(wrong(format!("{len} bytes, more than {CA_BYTES_MAX}")));
    }
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for (number, found) in (1..).zip(CertificateDer::pem_slice_iter(&pem)) {
        let certificate = found.map_err(|_| wrong(format!("malformed PEM in section {number}")))?;
        let added = roots.add(certificate);
        added.map_err(|_| wrong(format!("a malformed certificate in section {number}")))?;
    }
    if roots.is_empty() {
        return Err(wrong("no certificate".to_owned()));
    }
    config(roots).map_err(wrong)
}

/// Trusts the roots of the system. Single certificates that cannot be used are ignored, as long as one can.
pub(crate) fn from_system() -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    let (added, _) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        return Err(
            "this system has no trusted roots: set the file of the authority's certificate"
                .to_owned(),
        );
    }
    config(roots)
}

fn config(roots: RootCertStore) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The kind of an error of a handshake or a connection.
pub(crate) fn classify(error: io::Error) -> ErrorKind {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        None => ErrorKind::Io(error),
        Some(rustls::Error::InvalidCertificate(problem)) => ErrorKind::Certificate(match problem {
            // A signature that does not verify is that of another authority of the same name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                CertificateProblem::UnknownAuthority
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                CertificateProblem::WrongName
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                CertificateProblem::Expired
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                CertificateProblem::NotYetValid
            }
            CertificateError::Revoked => CertificateProblem::Revoked,
            _ => CertificateProblem::Other,
        }),
        Some(rustls::Error::InvalidMessage(_)) => {
            ErrorKind::Tls("the server does not speak TLS on this port".to_owned())
        }
        Some(other) => ErrorKind::Tls(other.to_string()),
    }
}
