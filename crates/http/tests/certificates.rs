//! The client against servers with good and bad certificates.
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use ringseal_http::{
    CertificateProblem, Client, Error, ErrorKind, Limits, Origin, Phase, Request, Response,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

/// A server's certificate for this name, valid from and to these years.
fn server_config(authority: &Authority, name: &str, years: (i32, i32)) -> Arc<ServerConfig> {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
    let certificate = params.signed_by(&key, authority).expect("a certificate");
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = builder.expect("versions").with_no_client_auth().with_single_cert(chain, key);
    Arc::new(config.expect("a configuration"))
}

/// Answers `requests` requests on one connection.
fn serve(
    config: Arc<ServerConfig>,
    requests: usize,
    answer: &'static str,
) -> (Origin, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let thread = std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().expect("a connection");
        tcp.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        let mut tls = ServerConnection::new(config).expect("a connection");
        let mut stream = Stream::new(&mut tls, &mut tcp);
        for _ in 0..requests {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                match stream.read(&mut byte) {
                    Ok(1) => head.push(byte[0]),
                    _ => return,
                }
            }
            let _ = stream.write_all(answer.as_bytes());
            let _ = stream.flush();
        }
    });
    (Origin::parse(&format!("https://localhost:{port}")).expect("an origin"), thread)
}

fn client(dir: &Path, authority: &Authority) -> Client {
    let file = dir.join("ca.pem");
    std::fs::write(&file, authority.pem()).expect("a file");
    let limits = Limits {
        timeout: Duration::from_secs(60),
        connect_timeout: Duration::from_secs(60),
        ..Limits::default()
    };
    Client::with_ca_file(limits, &file).expect("a client")
}

fn get(client: &Client, origin: &Origin) -> Result<Response, Error> {
    client.send(origin, &Request::new("GET", "/").expect("a request"))
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn a_trusted_server_is_reused() {
    let (dir, authority) = (tempfile::tempdir().expect("a directory"), authority("a"));
    let (origin, server) = serve(server_config(&authority, "localhost", (2020, 2090)), 2, OK);
    let client = client(dir.path(), &authority);
    for _ in 0..2 {
        assert_eq!(get(&client, &origin).expect("a response").body(), b"ok");
    }
    server.join().expect("one connection for both");
}

#[test]
fn each_bad_certificate_has_its_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let (trusted, other, namesake) = (authority("a"), authority("b"), authority("a"));
    use CertificateProblem::{Expired, NotYetValid, UnknownAuthority, WrongName};
    for (config, expected) in [
        (server_config(&other, "localhost", (2020, 2090)), UnknownAuthority),
        (server_config(&namesake, "localhost", (2020, 2090)), UnknownAuthority),
        (server_config(&trusted, "other.example", (2020, 2090)), WrongName),
        (server_config(&trusted, "localhost", (2010, 2011)), Expired),
        (server_config(&trusted, "localhost", (2085, 2090)), NotYetValid),
    ] {
        let (origin, server) = serve(config, 1, OK);
        let error = get(&client(dir.path(), &trusted), &origin).expect_err("a bad certificate");
        let found = match error.kind() {
            ErrorKind::Certificate(found) => *found,
            other => panic!("{expected:?}: {other:?}"),
        };
        assert_eq!((found, error.phase()), (expected, Phase::Tls));
        assert!(!error.may_have_been_processed());
        server.join().expect("the server");
    }
}

#[test]
fn a_body_cut_inside_tls_is_an_error() {
    let (dir, authority) = (tempfile::tempdir().expect("a directory"), authority("a"));
    let cut = "HTTP/1.1 200 OK\r\n\r\nhalf of a";
    let (origin, server) = serve(server_config(&authority, "localhost", (2020, 2090)), 1, cut);
    // The server closes the socket without the end of TLS: someone else may have cut the body.
    let error = get(&client(dir.path(), &authority), &origin).expect_err("a cut body");
    assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
    server.join().expect("the server");
}

#[test]
fn a_server_without_tls_is_reported() {
    let (dir, authority) = (tempfile::tempdir().expect("a directory"), authority("a"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().expect("a connection");
        let _ = tcp.read(&mut [0; 1024]);
        let _ = tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let origin = Origin::parse(&format!("https://localhost:{port}")).expect("an origin");
    let error = get(&client(dir.path(), &authority), &origin).expect_err("no TLS");
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
    server.join().expect("the server");
}

#[test]
fn files_without_certificates_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("ca.pem");
    let key = KeyPair::generate().expect("a key").serialize_pem();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (text, expected) in
        [("", "no certificate"), (key.as_str(), "no certificate"), (broken, "malformed")]
    {
        std::fs::write(&file, text).expect("a file");
        let error = Client::with_ca_file(Limits::default(), &file).expect_err(expected).to_string();
        assert!(error.contains(expected) && error.contains("ca.pem"), "{error}");
    }
    let none = Client::with_ca_file(Limits::default(), dir.path().join("none.pem"));
    assert!(none.expect_err("no file").to_string().contains("none.pem"));
}
