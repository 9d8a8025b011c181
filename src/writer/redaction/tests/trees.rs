//! Structured values are redacted as the same document in JSON is.

use serde_json::{Value, json};

use super::*;

fn to_model(value: &Value) -> M {
    match value {
        Value::Null => M::Null,
        Value::Bool(is) => M::Bool(*is),
        Value::Number(number) => match number.as_i64() {
            Some(number) => M::I64(number),
            None => M::F64(number.as_f64().unwrap_or_default().to_bits()),
        },
        Value::String(text) => M::Str(text.clone()),
        Value::Array(items) => M::Array(items.iter().map(to_model).collect()),
        Value::Object(map) => {
            M::Map(map.iter().map(|(key, value)| (key.clone(), to_model(value))).collect())
        }
    }
}

fn to_json(model: &M) -> Value {
    match model {
        M::Null => Value::Null,
        M::Bool(is) => json!(is),
        M::I64(number) => json!(number),
        M::U64(number) => json!(number),
        M::F64(bits) => json!(f64::from_bits(*bits)),
        M::Str(text) => json!(text),
        M::Array(items) => items.iter().map(to_json).collect(),
        M::Map(pairs) => pairs.iter().map(|(key, value)| (key.clone(), to_json(value))).collect(),
        other => panic!("not in the documents: {other:?}"),
    }
}

/// The document redacted as the fields of an event.
fn as_values(document: &Value) -> Value {
    let M::Map(pairs) = to_model(document) else { panic!("expected a map") };
    let payload = entries(&pairs);
    let mut redaction = standard();
    let shown = redaction.entries(&payload).unwrap().to_vec();
    to_json(&M::Map(read(&shown)))
}

/// The document redacted as a text.
fn as_text(document: &Value) -> Value {
    let mut redactor = Redactor::new(Arc::new(Rules::standard()));
    let shown = text(&mut redactor, KeyClass::Plain, &document.to_string());
    shown.map_or(document.clone(), |text| serde_json::from_str(&text).unwrap())
}

#[test]
fn values_are_masked_as_in_json() {
    let secret = "Hx92kd81LmN4";
    for document in [
        json!({"password": {"current": secret, "new": [secret, {"v": secret}]}, "n": 3}),
        json!({"credentials": {"user": "ann", "count": 3, "key": secret, "on": true, "no": null, "e": ""}}),
        json!({"env": [{"name": "DB_PASSWORD", "value": secret}, {"name": "HOST", "value": "db1"}]}),
        json!({"settings": [{"value": secret, "key": "api_key"}]}),
        json!({"headers": [["X-Api-Key", secret], ["Host", "db1"]]}),
        json!({"rawHeaders": ["Host", "db1", "X-Api-Key", secret]}),
        json!({"cmd": ["mysql", "-u", "root", "--password", secret, "db"]}),
        json!({"cmd": ["/usr/bin/mysql", "-pHx92kd81LmN4", "-h", "db1"]}),
        json!({"outputs": {"db_password": {"value": secret, "sensitive": true, "type": "string"}}}),
        json!({"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11", "d": "870MB6gfuTJ4HtUn"}),
        json!({"user": {"name": "Ann Lee", "id": 7}, "name": "web-1"}),
        json!({"profile": {"name": "Ann Lee", "email": "ann@example.com"}}),
        json!({"name": "renovate", "hostname": "h", "pid": 1, "msg": "x"}),
        json!({"auth": {"method": "oidc"}, "pass": 12, "session": {"id": 3}}),
        json!({"auth": "aGVsbG8td29ybGQ", "tags": ["a", "b"], "pair": ["password", "email"]}),
        json!({"ssn": {"value": "123456789", "type": "us"}, "customer_name": {"first": "Ann"}}),
        json!({"secret": {"secretName": "my-cert", "optional": true}}),
        json!({"lat": 52.520008, "lon": -13.404954, "speed": 3.5}),
        json!({"latitude": 52.520008, "lat": 1.2345, "address": "db-1.internal:5432"}),
        json!({"PWD": "/home/ann", "password": "disabled", "address": {"city": "Berlin", "port": 1}}),
        json!({"msg": "sent", "spans": [{"name": "handle"}], "containers": [{"name": "nginx"}]}),
    ] {
        assert_eq!(as_values(&document), as_text(&document), "{document}");
        let shown = as_values(&document).to_string();
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn numbers_go_under_a_users_own_key() {
    use ringseal_redact::KeyRule;
    let mut set = RuleSet::default();
    set.keys.push(KeyRule { key: "payload".into(), class: KeyClass::Secret });
    let mask = "***REDACTED***";
    for (document, want) in [
        (json!({"payload": 1234567}), json!({"payload": mask})),
        (
            json!({"payload": {"a": "x", "b": [1, {"c": 2.5}], "on": true}, "n": 1}),
            json!({"payload": {"a": mask, "b": [mask, {"c": mask}], "on": true}, "n": 1}),
        ),
    ] {
        let M::Map(pairs) = to_model(&document) else { panic!("expected a map") };
        let mut redaction = with(&set);
        let shown = redaction.entries(&entries(&pairs)).unwrap().to_vec();
        assert_eq!(to_json(&M::Map(read(&shown))), want);
        let mut redactor = Redactor::new(Arc::new(Rules::compile(&set).unwrap()));
        let shown = text(&mut redactor, KeyClass::Plain, &document.to_string()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), want);
    }
}
