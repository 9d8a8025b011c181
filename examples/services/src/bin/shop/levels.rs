//! The endpoint of levels: they are raised for a time, and fall back by themselves.
//!
//! ```sh
//! curl -X PUT 'localhost:8080/admin/levels?level=debug&target=shop&for=10m'
//! curl localhost:8080/admin/levels
//! curl -X DELETE localhost:8080/admin/levels
//! ```
//!
//! Each change is an event in the log that says who made it: the client's address, because the request itself may say
//! anything.
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use ringseal::levels::LevelRequest;
use ringseal_tower::Problem;

use crate::Shop;

type Peer = ConnectInfo<SocketAddr>;
type Answer = ([(header::HeaderName, &'static str); 1], String);

/// The client as it is named in the log; an error if it may not use the endpoint.
fn admin(shop: &Shop, ConnectInfo(peer): Peer, headers: &HeaderMap) -> Result<String, Problem> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let is_admin = match &shop.admin_token {
        Some(token) => bearer.and_then(|text| text.strip_prefix("Bearer ")) == Some(token),
        None => peer.ip().is_loopback(),
    };
    match is_admin {
        true => Ok(format!("admin@{}", peer.ip())),
        false => Err(Problem::new(StatusCode::FORBIDDEN)),
    }
}

fn state(shop: &Shop) -> Answer {
    ([(header::CONTENT_TYPE, "application/json")], shop.engine.levels().to_json())
}

/// `GET /admin/levels`
pub(crate) async fn show(
    State(shop): State<Arc<Shop>>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Answer, Problem> {
    admin(&shop, peer, &headers)?;
    Ok(state(&shop))
}

/// `PUT /admin/levels?level=debug&target=shop&for=10m`
pub(crate) async fn change(
    State(shop): State<Arc<Shop>>,
    peer: Peer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<impl IntoResponse, Problem> {
    let by = admin(&shop, peer, &headers)?;
    let request = LevelRequest::from_query_by(&query.unwrap_or_default(), &by)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST).detail(error.to_string()))?;
    shop.engine.override_levels(request)?;
    Ok(state(&shop))
}

/// `DELETE /admin/levels`
pub(crate) async fn restore(
    State(shop): State<Arc<Shop>>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Answer, Problem> {
    let by = admin(&shop, peer, &headers)?;
    shop.engine.restore_levels(&by);
    Ok(state(&shop))
}
