//! One audit event for each request, with the action of its method and the outcome of its status.
#![cfg(feature = "audit")]
mod support;

use std::convert::Infallible;
use std::path::Path;
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{Empty, Full};
use ringseal::testing::Capture;
use ringseal::{AuditConfig, Config, Engine};
use ringseal_tower::{HttpAudit, HttpLayer, OnUnrecorded, PeerAddress, set_route, set_user};
use serde_json::Value;
use support::{accesses, finish, poll, read};
use tower::{Layer, Service, service_fn};

struct Log {
    engine: Engine,
    capture: Capture,
    /// Outlives the engine.
    dir: tempfile::TempDir,
}

impl Log {
    fn start() -> Log {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::new().audit(AuditConfig::new(dir.path().join("audit")));
        let (engine, capture) = Capture::start_with(config);
        Log { engine, capture, dir }
    }

    fn layer(&self) -> HttpLayer {
        self.layer_with(|audit| audit)
    }

    fn layer_with(&self, set: impl FnOnce(HttpAudit) -> HttpAudit) -> HttpLayer {
        let audit = HttpAudit::new(self.engine.logger()).unwrap();
        HttpLayer::new(self.engine.logger()).audit(set(audit))
    }

    /// The entries of requests.
    fn entries(&self) -> Vec<Value> {
        self.engine.audit().unwrap().commit().unwrap();
        entries(&self.dir.path().join("audit").join(ringseal::audit::store::names::ACTIVE))
    }
}

fn entries(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| line.contains("http.request"));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The entry's member of this name, wherever it is.
fn member<'v>(value: &'v Value, name: &str) -> &'v Value {
    fn find<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
        let map = value.as_object()?;
        map.get(name).or_else(|| map.values().find_map(|inner| find(inner, name)))
    }
    find(value, name).unwrap_or(&Value::Null)
}

fn request(method: &Method, uri: &str) -> Request<Empty<Bytes>> {
    Request::builder().method(method).uri(uri).body(Empty::new()).unwrap()
}

/// Answers with a status.
fn answer(layer: HttpLayer, request: Request<Empty<Bytes>>, status: u16) -> Response<Bytes> {
    let handler = |_request| async move {
        let mut response = Response::new(Full::<Bytes>::from("done"));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        Ok::<_, Infallible>(response)
    };
    let response = finish(layer.layer(service_fn(handler)).call(request)).unwrap();
    let (head, body) = response.into_parts();
    Response::from_parts(head, read(body))
}

#[test]
fn methods_and_statuses_have_their_words() {
    let methods = [
        ("GET", "read"),
        ("HEAD", "read"),
        ("OPTIONS", "read"),
        ("POST", "create"),
        ("PUT", "update"),
        ("PATCH", "update"),
        ("DELETE", "delete"),
        ("PURGE", "purge"),
    ];
    let statuses = [
        (200, "success"),
        (204, "success"),
        (302, "success"),
        (399, "success"),
        (400, "failure"),
        (401, "denied"),
        (403, "denied"),
        (404, "failure"),
        (499, "failure"),
        (500, "error"),
        (503, "error"),
    ];
    let log = Log::start();
    let rows: Vec<_> = methods
        .iter()
        .flat_map(|method| statuses.iter().map(move |status| (*method, *status)))
        .collect();
    for ((method, _), (status, _)) in &rows {
        answer(log.layer(), request(&method.parse().unwrap(), "/orders/7"), *status);
    }
    let entries = log.entries();
    assert_eq!(entries.len(), rows.len());
    for (((method, action), (status, outcome)), entry) in rows.iter().zip(&entries) {
        let name = format!("{method} {status}: {entry}");
        assert_eq!(member(entry, "action"), *action, "{name}");
        assert_eq!(member(entry, "outcome"), *outcome, "{name}");
        assert_eq!(member(member(entry, "details"), "method"), *method, "{name}");
        assert_eq!(member(member(entry, "details"), "status"), *status, "{name}");
        assert_eq!(member(member(entry, "actor"), "id"), "anonymous", "{name}");
        assert_eq!(member(member(entry, "target"), "id"), "/orders/7", "{name}");
    }
}

#[test]
fn probes_have_no_entry() {
    let log = Log::start();
    let probes =
        ["health", "healthz", "ready", "readyz", "live", "livez", "metrics", "favicon.ico"];
    for probe in probes {
        answer(log.layer(), request(&Method::GET, &format!("/{probe}")), 500);
    }
    assert_eq!(log.entries().len(), 0);
    answer(log.layer(), request(&Method::GET, "/health/x"), 200);
    answer(log.layer_with(|audit| audit.skip(["/o*"])), request(&Method::GET, "/health"), 200);
    answer(log.layer_with(|audit| audit.skip(["/o*"])), request(&Method::GET, "/orders"), 200);
    assert_eq!(log.entries().len(), 2);
}

#[test]
fn entries_name_user_client_and_ids() {
    let log = Log::start();
    let handler = |_request| async {
        set_user("u-17");
        set_route("/orders/{id}");
        support::ok("done")
    };
    let mut request = request(&Method::DELETE, "/orders/7?key=secret");
    request.headers_mut().insert("x-request-id", "r-17".parse().unwrap());
    request.headers_mut().insert("user-agent", "curl/8".parse().unwrap());
    request.extensions_mut().insert(PeerAddress("192.0.2.7:80".parse().unwrap()));
    read(finish(log.layer().layer(service_fn(handler)).call(request)).unwrap().into_body());
    let (entry, access) = (&log.entries()[0], &accesses(&log.capture)[0]);
    let actor = member(entry, "actor");
    assert_eq!((member(actor, "id"), member(actor, "type")), (&"u-17".into(), &"user".into()));
    assert_eq!(
        (member(actor, "ip"), member(actor, "user_agent")),
        (&"192.0.2.7".into(), &"curl/8".into())
    );
    assert_eq!(member(member(entry, "target"), "name"), "/orders/{id}");
    assert_eq!(member(entry, "correlation_id"), "r-17");
    assert_eq!(member(entry, "request_id"), "r-17");
    assert_eq!(member(entry, "trace_id"), access.text("trace_id"));
    assert_eq!(member(entry, "span_id"), access.text("span_id"));
    assert!(!entry.to_string().contains("secret"));
}

#[test]
fn failures_without_response_are_audited_too() {
    std::panic::set_hook(Box::new(|_| {}));
    let log = Log::start();
    let handler = |request: Request<_>| async move {
        match request.uri().path() {
            "/fail" => Err(std::io::Error::other("failed")),
            "/panic" => panic!("a scripted panic"),
            "/wait" => std::future::pending().await,
            _ => Ok(support::ok("").unwrap()),
        }
    };
    for uri in ["/fail", "/panic", "/wait"] {
        let mut service = log.layer().layer(service_fn(handler));
        let mut future = Box::pin(service.call(request(&Method::POST, uri)));
        if let Poll::Ready(Ok(response)) = poll(future.as_mut()) {
            read(response.into_body());
        }
        drop(future);
    }
    let outcomes: Vec<_> = log.entries().iter().map(|it| member(it, "outcome").clone()).collect();
    assert_eq!(outcomes, ["error", "error", "failure"]);
}

#[test]
fn responses_wait_for_their_entry_if_asked() {
    let log = Log::start();
    let layer = log.layer_with(|audit| audit.wait(OnUnrecorded::Refuse));
    let mut service = layer.layer(service_fn(|_request: Request<_>| async { support::ok("done") }));
    let mut future = pin!(service.call(request(&Method::GET, "/orders/7")));
    // The audit thread of the engine writes meanwhile; `commit` waits for it.
    let first = poll(future.as_mut());
    let entries = log.entries();
    assert_eq!(entries.len(), 1);
    let response = match first {
        Poll::Ready(response) => response.unwrap(),
        Poll::Pending => loop {
            if let Poll::Ready(response) = poll(future.as_mut()) {
                break response.unwrap();
            }
            std::thread::yield_now();
        },
    };
    assert_eq!((response.status().as_u16(), read(response.into_body())), (200, "done".into()));
    assert_eq!(accesses(&log.capture).len(), 1);
}

#[test]
fn responses_without_an_entry_are_refused_if_asked() {
    for (on_unrecorded, expected) in [(OnUnrecorded::Refuse, 503), (OnUnrecorded::Send, 200)] {
        let (engine, _capture) = Capture::start();
        assert!(HttpAudit::new(engine.logger()).is_err());
        let log = Log::start();
        // The engine has ended, so that its audit log takes nothing any more.
        let other = tempfile::tempdir().unwrap();
        let config = Config::new().file(other.path().join("app.log"));
        let ended =
            Engine::start(config.audit(AuditConfig::new(other.path().join("audit")))).unwrap();
        let audit = HttpAudit::new(ended.logger()).unwrap().wait(on_unrecorded);
        ended.stop().unwrap();
        let layer = HttpLayer::new(log.engine.logger()).audit(audit);
        let response = answer(layer.clone(), request(&Method::GET, "/orders/7"), 200);
        assert_eq!(response.status().as_u16(), expected);
        assert_eq!(layer.counts().audit_failed, 1);
        assert_eq!(log.capture.events_named("http.audit_failed").len(), 1);
        assert_eq!(accesses(&log.capture)[0].text("status"), expected.to_string());
    }
}
