//! Bodies on the log: copied as they pass, bounded, redacted, and only those that were asked for.
mod support;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use ringseal::testing::Capture;
use ringseal::{Engine, info};
use ringseal_tower::{Bodies, HttpLayer, Profile, RequestBody};
use support::script::{Script, Step};
use support::{accesses, finish, poll, read};
use tower::{Layer, Service, service_fn};

const JSON: &str = "application/json";

fn post(body: &str) -> Request<Full<Bytes>> {
    let request = Request::post("/api/v1/payments/?key=x").header("content-type", JSON);
    request.body(Full::from(body.to_owned())).unwrap()
}

/// Reads the request and answers with this text.
fn exchange(
    engine: &Engine,
    layer: HttpLayer,
    request: Request<Full<Bytes>>,
    answer: &str,
) -> Bytes {
    let log = engine.logger();
    let handler = |request: Request<RequestBody<Full<Bytes>>>| async {
        request.into_body().collect().await.unwrap();
        info!(log, "handled");
        let mut response = Response::new(Full::<Bytes>::from(answer.to_owned()));
        *response.status_mut() = StatusCode::CREATED;
        response.headers_mut().insert("content-type", JSON.parse().unwrap());
        response.headers_mut().insert("set-cookie", "sid=0123456789abcdef".parse().unwrap());
        Ok::<_, Infallible>(response)
    };
    read(finish(layer.layer(service_fn(handler)).call(request)).unwrap().into_body())
}

fn api(engine: &Engine, bodies: Bodies) -> HttpLayer {
    HttpLayer::new(engine.logger()).profile(Profile::Api).capture(bodies)
}

fn names(capture: &Capture) -> Vec<String> {
    capture.events().iter().map(|event| event.name().to_owned()).collect()
}

#[test]
fn both_directions_have_the_literal_names() {
    let (engine, capture) = Capture::start();
    let mut request = post(r#"{"amount":100}"#);
    request.headers_mut().insert("authorization", "Bearer abcdefghijklmnop".parse().unwrap());
    request.extensions_mut().insert(ringseal_tower::PeerAddress("192.0.2.7:80".parse().unwrap()));
    exchange(&engine, api(&engine, Bodies::json()), request, r#"{"id":7}"#);
    let expected =
        ["INBOUND POST /api/v1/payments/", "handled", "OUTBOUND POST /api/v1/payments/ (201)"];
    assert_eq!(names(&capture), expected);
    let (inbound, outbound) = (capture.event(expected[0]), capture.event(expected[2]));
    assert_eq!(inbound.text("http.request.body.content"), r#"{"amount":100}"#);
    assert_eq!(outbound.text("http.response.body.content"), r#"{"id":7}"#);
    assert_eq!((inbound.text("client.ip"), inbound.text("url.query")), ("192.0.2.7", "key=***"));
    assert_eq!(outbound.text("http.response.status_code"), "201");
    assert_eq!(inbound.text("headers.content-type"), JSON);
    assert_eq!(inbound.text("request_id"), outbound.text("request_id"));
    let lines = capture.lines().concat();
    assert!(!lines.contains("abcdefghijklmnop") && !lines.contains("0123456789abcdef"), "{lines}");
}

#[test]
fn headers_show_no_secrets() {
    let (engine, capture) = Capture::start();
    let mut request = post("{}");
    let secrets = [
        ("authorization", "Basic dXNlcjpodW50ZXIyaHVudGVyMg=="),
        ("proxy-authorization", "Bearer qwertyuiopasdfgh"),
        ("cookie", "session=mnbvcxzlkjhgfdsa; theme=dark"),
        ("x-api-key", "zxcvbnmasdfghjkl"),
        ("x-auth-token", "poiuytrewqlkjhgf"),
    ];
    for (name, value) in secrets {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    exchange(&engine, api(&engine, Bodies::json()), request, "{}");
    let inbound = capture.event("INBOUND POST /api/v1/payments/");
    for (name, value) in secrets {
        let shown = inbound.text(&format!("headers.{name}"));
        let word = value.split([' ', '=', ';']).max_by_key(|word| word.len()).unwrap();
        assert!(!shown.contains(word), "{name}: {shown}");
    }
}

#[test]
fn secrets_in_paths_are_redacted_in_names() {
    for profile in [Profile::Access, Profile::Ecs, Profile::Span, Profile::Message, Profile::Api] {
        let (engine, capture) = Capture::start();
        let token = format!("gh{}_{}", 'p', "16C7e42F292c6912E7710c838347Ae178B4a");
        let mut request = post("{}");
        *request.uri_mut() = format!("/reset/{token}?user=u").parse().unwrap();
        let layer = HttpLayer::new(engine.logger()).profile(profile).request_line_in_scope(true);
        exchange(&engine, layer, request, "{}");
        assert!(capture.events().len() >= 2);
        let lines = capture.lines().concat();
        assert!(!lines.contains(&token), "{profile:?}: {lines}");
    }
}

#[test]
fn endless_bodies_take_bounded_space() {
    let (engine, capture) = Capture::start();
    let body = format!("[{}]", "\"0123456789\",".repeat(10_000));
    exchange(&engine, api(&engine, Bodies::json().at_most(1 << 20)), post(&body), &body);
    for event in capture.events().iter().filter(|event| event.name() != "handled") {
        let keys = ["http.request.body", "http.response.body"];
        let key = keys.iter().find(|key| event.get(&format!("{key}.content")).is_some()).unwrap();
        let text = event.text(&format!("{key}.content"));
        let read: Vec<String> = serde_json::from_str(text).unwrap();
        assert!(read.len() > 1000 && text.len() <= 16 << 10);
        assert_eq!(event.text(&format!("{key}.truncated")), "true");
    }
}

#[test]
fn secrets_in_bodies_are_redacted_wherever_cut() {
    let body = r#"{"user":"u","password":"hunter2-hunter2","list":[{"api_key":"zxcvbnmasdfghjkl"}],"card":"4111 1111 1111 1111","note":"ok"}"#;
    let secrets = ["hunter2", "zxcvbnm", "4111 1111 1111 1111"];
    // Cut by the limit, or by the client.
    for (bytes_max, is_client) in (1..=body.len()).flat_map(|len| [(len, false), (len, true)]) {
        let (engine, capture) = Capture::start();
        let sent = if is_client { &body[..bytes_max] } else { body };
        let layer = api(&engine, Bodies::json().at_most(bytes_max));
        assert_eq!(exchange(&engine, layer, post(sent), body), body);
        for event in capture.events().iter().filter(|event| event.name() != "handled") {
            let keys = ["http.request.body", "http.response.body"];
            let key = keys.iter().find(|key| event.get(&format!("{key}.content")).is_some());
            let key = key.unwrap_or_else(|| panic!("{bytes_max}: {event:?}"));
            let text = event.text(&format!("{key}.content"));
            serde_json::from_str::<serde_json::Value>(text).unwrap();
            for secret in secrets {
                assert!(!text.contains(secret), "{bytes_max}: {text}");
            }
            let is_cut = event.get_text(&format!("{key}.truncated")) == Some("true");
            assert_eq!(is_cut, bytes_max < body.len(), "{bytes_max}");
        }
    }
}

#[test]
fn ignored_members_of_responses_are_left_out() {
    let answer = r#"{"id":7,"sensitive_field":{"a":[1,2]},"nested":{"sensitive_field":"x","b":2}}"#;
    let bodies = || Bodies::json().ignore_response_keys(["sensitive_field"]);
    let (engine, capture) = Capture::start();
    assert_eq!(exchange(&engine, api(&engine, bodies()), post(answer), answer), answer);
    let text = capture.events_named("INBOUND POST /api/v1/payments/")[0]
        .text("http.request.body.content")
        .len();
    assert_eq!(text, answer.len(), "the request has all members");
    let outbound = capture.event("OUTBOUND POST /api/v1/payments/ (201)");
    assert_eq!(outbound.text("http.response.body.content"), r#"{"id":7,"nested":{"b":2}}"#);
    // What cannot be searched is not shown.
    let (engine, capture) = Capture::start();
    exchange(&engine, api(&engine, bodies()), post(""), r#"{"id":7 "sensitive_field":8}"#);
    let outbound = capture.event("OUTBOUND POST /api/v1/payments/ (201)");
    assert!(outbound.get("http.response.body.content").is_none());
}

#[test]
fn frames_are_not_held_back() {
    let (engine, capture) = Capture::start();
    let steps = [Step::Data("{\"a\":"), Step::Pending, Step::Data("1}")];
    let handler = |_request| async {
        let mut response = Response::new(Script::of(&steps));
        response.headers_mut().insert("content-type", JSON.parse().unwrap());
        Ok::<_, Infallible>(response)
    };
    let mut service = api(&engine, Bodies::json()).layer(service_fn(handler));
    let mut body = Box::pin(finish(service.call(support::get("/"))).unwrap().into_body());
    let mut next = || {
        let mut frame = std::pin::pin!(body.frame());
        match poll(frame.as_mut()) {
            Poll::Ready(Some(frame)) => frame.unwrap().into_data().ok(),
            Poll::Ready(None) => Some("end".into()),
            Poll::Pending => None,
        }
    };
    let polled: Vec<_> = (0..4).map(|_| next()).collect();
    assert_eq!(polled, [Some("{\"a\":".into()), None, Some("1}".into()), Some("end".into())]);
    let outbound = capture.event("OUTBOUND GET / (200)");
    assert_eq!(outbound.text("http.response.body.content"), r#"{"a":1}"#);
}

#[test]
fn unread_requests_are_logged_once() {
    for (reads, expected) in [(0, None), (1, Some("0123")), (9, Some("01234567"))] {
        let (engine, capture) = Capture::start();
        let handler = |request: Request<RequestBody<Script>>| async move {
            let mut body = Pin::from(Box::new(request.into_body()));
            for _ in 0..reads {
                body.frame().await;
            }
            assert!(!body.is_end_stream() || reads > 1);
            support::ok("done")
        };
        let body = Script::of(&[Step::Data("0123"), Step::Pending, Step::Data("4567")]);
        let request = Request::post("/").header("content-type", "text/plain").body(body).unwrap();
        let layer = api(&engine, Bodies::of(["text/plain"]));
        read(finish(layer.layer(service_fn(handler)).call(request)).unwrap().into_body());
        assert_eq!(names(&capture), ["INBOUND POST /", "OUTBOUND POST / (200)"]);
        let inbound = capture.event("INBOUND POST /");
        assert_eq!(inbound.get_text("http.request.body.content"), expected);
    }
}

#[test]
fn abandoned_requests_are_logged_in_both_directions() {
    let (engine, capture) = Capture::start();
    let handler = |request: Request<RequestBody<Script>>| async move {
        let _body = request.into_body();
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>().await
    };
    let request = Request::post("/").header("content-type", JSON);
    let request = request.body(Script::of(&[Step::Data("{}")])).unwrap();
    let mut service = api(&engine, Bodies::json()).layer(service_fn(handler));
    {
        let mut future = std::pin::pin!(service.call(request));
        assert!(poll(future.as_mut()).is_pending());
    }
    assert_eq!(names(&capture), ["INBOUND POST /", "OUTBOUND POST / (499)"]);
    let outbound = capture.event("OUTBOUND POST / (499)");
    assert_eq!(outbound.text("outcome"), "client_closed");
}

#[test]
fn access_events_have_captured_bodies() {
    let (engine, capture) = Capture::start();
    let layer = HttpLayer::new(engine.logger()).capture(Bodies::json().at_most(7));
    exchange(&engine, layer, post(r#"{"a":1,"b":2}"#), r#"{"b":2}"#);
    let access = &accesses(&capture)[0];
    assert_eq!(access.text("http.request.body.content"), r#"{"a":1}"#);
    assert_eq!(access.text("http.request.body.truncated"), "true");
    assert_eq!(access.text("http.response.body.content"), r#"{"b":2}"#);
    assert!(access.get("http.response.body.truncated").is_none());
    // Without the setting, nothing is captured.
    let (engine, capture) = Capture::start();
    exchange(&engine, HttpLayer::new(engine.logger()), post(r#"{"a":1}"#), r#"{"b":2}"#);
    assert!(accesses(&capture)[0].get("http.request.body.content").is_none());
}
