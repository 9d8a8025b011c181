//! `ringseal audit timestamp`, with `openssl` as the authority.
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Fixture, append, run};

fn openssl(dir: &Path, arguments: &str) -> bool {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(dir).output();
    match output {
        Ok(output) => output.status.success(),
        Err(error) => {
            println!("skipped: openssl does not run: {error}");
            false
        }
    }
}

const CNF: &str = "[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=v3\n[dn]\nCN=Test TSA\n\
    [v3]\nextendedKeyUsage=critical,timeStamping\nbasicConstraints=critical,CA:true\n\
    [tsa]\ndefault_tsa=a\n[a]\nserial=serial\nsigner_cert=cert\nsigner_key=key\n\
    signer_digest=sha256\ndefault_policy=1.2.3.4.1\ndigests=sha256\n";

#[test]
fn timestamp_requests_are_never_overwritten() {
    let fixture = Fixture::with_three_segments();
    let dir = fixture.path();
    for out in [&["--out", "shop.tsq"][..], &[]] {
        let request = [&["audit", "timestamp", "request", "log"], out].concat();
        let (_, err) = run(dir, &request, 0);
        let path = err.lines().find_map(|line| line.strip_prefix("written to  ")).expect("it");
        let first = fs::read(dir.join(path)).expect("a request");
        let (_, err) = run(dir, &request, 2);
        assert!(err.contains(&format!("{path} exists; requests are never overwritten")), "{err}");
        assert_eq!(fs::read(dir.join(path)).expect("a request"), first);
    }
    // A rejected request leaves no temporary file.
    let names = fs::read_dir(dir).expect("a directory");
    assert!(names.flatten().all(|e| !e.file_name().to_string_lossy().starts_with(".tmp")));
}

#[test]
fn a_timestamp_matches_one_checkpoint_of_its_log() {
    let fixture = Fixture::with_three_segments();
    let dir = fixture.path();
    fs::write(dir.join("cnf"), CNF).expect("disk space");
    fs::write(dir.join("serial"), "01\n").expect("disk space");
    let made = "req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 2 -config cnf";
    if !openssl(dir, made) {
        return;
    }
    let stamp = |request: &str, answer: &str| {
        assert!(openssl(dir, &format!("ts -reply -config cnf -queryfile {request} -out {answer}")));
    };
    run(dir, &["audit", "timestamp", "request", "log", "--out", "one.tsq"], 0);
    stamp("one.tsq", "one.tsr");
    let check = ["audit", "timestamp", "check", "log", "one.tsr", "--request", "one.tsq"];
    let (out, _) = run(dir, &check, 0);
    assert!(out.starts_with("imprint matches; signature not checked here\n"), "{out}");
    // The printed command checks the signature.
    let line = out.lines().find_map(|line| line.strip_prefix("signature   openssl ")).expect("it");
    assert!(openssl(dir, &line.replace("AUTHORITY.pem", "cert")));

    // The log grows: an older stamp is still valid, and a newer request does not match it.
    fixture.write(|log| append(log, 5));
    run(dir, &check, 0);
    run(dir, &["audit", "timestamp", "request", "log", "--out", "two.tsq"], 0);
    stamp("two.tsq", "two.tsr");
    let other = ["audit", "timestamp", "check", "log", "two.tsr", "--request", "one.tsq"];
    run(dir, &other, 1);
    run(dir, &["audit", "timestamp", "check", "log", "two.tsr", "--key", "keys/audit.pub"], 0);

    run(dir, &["audit", "keygen", "--dir", "other", "--origin", "shop/audit"], 0);
    let other = ["audit", "timestamp", "check", "log", "two.tsr", "--key", "other/audit.pub"];
    let (_, err) = run(dir, &other, 1);
    assert!(err.contains("this log is not signed by this key"), "{err}");

    // Another log with the same name has none of these checkpoints.
    let stranger = Fixture::with_three_segments();
    for name in ["one.tsr", "two.tsr"] {
        fs::copy(dir.join(name), stranger.path().join(name)).expect("disk space");
        let check = ["audit", "timestamp", "check", "log", name];
        let (_, err) = run(stranger.path(), &check, 1);
        assert!(err.contains("not that of a checkpoint of this log"), "{err}");
    }
    fs::write(dir.join("bad.tsr"), b"0").expect("disk space");
    run(dir, &["audit", "timestamp", "check", "log", "bad.tsr"], 2);
    run(dir, &["audit", "timestamp", "check", "log", "nothing.tsr"], 2);
    run(dir, &["audit", "timestamp", "request", "nowhere"], 2);
}
