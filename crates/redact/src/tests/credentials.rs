//! Credentials that are recognised by shape or position: each row has its text and the expected result.

use super::*;

fn check(table: &[(&str, &str)]) {
    let mut redactor = standard();
    for &(text, want) in table {
        assert_eq!(plain(&mut redactor, text), want, "from {text:?}");
        assert_eq!(plain(&mut redactor, want), want, "a second time");
    }
}

fn kept(table: &[&str]) {
    let mut redactor = standard();
    for &text in table {
        assert_eq!(plain(&mut redactor, text), text);
    }
}

#[test]
fn drawn_values_after_keys_are_masked() {
    check(&[
        ("acme_key=a790rfidzfevxz03c2vja3vtu91usebu", "acme_key=***REDACTED***"),
        ("Using Key=H8VuKAcg3pmwH3NbhOSDJSbVqCxslaOQ7lVq now", "Using Key=***REDACTED*** now"),
        ("acmeKey := \"NUAL8SFC7DGMAA0V79J57TSM\"", "acmeKey := \"***REDACTED***\""),
        ("key: 'Y8rVcIMii3FFhyQmzEDfttno'", "key: '***REDACTED***'"),
        ("acmekey -> 9jyxkwvkrjnp7eo11gtcruj6", "acmekey -> ***REDACTED***"),
        ("acme token - '4wp0s2ug2fvj2qwvi19t1u84juyuj025'", "acme token - '***REDACTED***'"),
        ("acme SECRET KEY a1b2c3d4e5f6g7h8i9j0k1l2m3n4", "acme SECRET KEY ***REDACTED***"),
        ("acme PRIVATE 5us4rjh9ebxtblpi3cnw2hq0d8fqpk7s", "acme PRIVATE ***REDACTED***"),
        (
            "put(\"acme.key\", \"KRXaU9GK3f9yHG1FSmbwhsIXdW22epH\")",
            "put(\"acme.key\", \"***REDACTED***\")",
        ),
        (
            "<acmeKey>hYNK8PlcGXZ6PXXDFJI89LCjpoM8koTx</acmeKey>",
            "<acmeKey>***REDACTED***</acmeKey>",
        ),
        (
            "secret in use: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "secret in use: ***REDACTED***",
        ),
        ("acme_key=c09761f99f39f79ae28eaaf8df20d7c9", "acme_key=<token>"),
        ("session 1z506z6rvddstv6k7jz08hxo27 (error: 0)", "session ***REDACTED*** (error: 0)"),
        ("acme_key=x9QzL2mXq8vT4bN7?cD3fG6hJ1kL5", "acme_key=***REDACTED***"),
    ]);
}

#[test]
fn ordinary_values_after_keys_are_kept() {
    kept(&[
        "key=kube-system/coredns-5d78c9869d-abcde",
        "key: photos/2024/IMG_20240712_210024.jpg",
        "cache_key=9f86d081884c7d659a2feaa0c55ad015",
        "partitionKey: Y8rVcIMii3FFhyQmzEDfttno",
        "public_key=9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit",
        "primaryKey=550e8400-e29b-41d4-a716-446655440000",
        "acme_key=550e8400-e29b-41d4-a716-446655440000",
        "key=9f86d081884c7d659a2feaa0c55ad015",
        "monkey=28ksnqsrn7q12wp11onrmr4bh1dvi7ut",
        "key = X25519KeyAgreementKey2019",
        "key: org.apache.hadoop.hdfs.server2.datanode",
        "key 2024-07-12T21:00:24.419627Z",
        "chars key \"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\"",
        "session 0x14f4a6318b80018aa established",
        "next page token in s3://bucket/2024/part-0001.parquet",
        "auth-token-rotator job 9f8e7d6c5b4a39281706f5e4d3c2b1a0",
        "token-service build 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "sha256 signature check 9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015",
        "session trace 0af7651916cd43dd8448eb211c80319c",
        "auth service commit e1db8935bd779125365b37fc26c58accebe42257",
        "token etag 5d41402abc4b2a76b9719d911017c592",
    ]);
}
