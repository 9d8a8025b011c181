//! The handlers of customers.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ringseal::audit::{Actor, AuditEvent, EventOutcome, Target};
use ringseal::{Pii, fields, info};
use ringseal_tower::axum::Log;
use ringseal_tower::{Problem, note};
use serde::Deserialize;

use crate::Shop;
use crate::events::{OrderPlaced, OrderRefused};

/// `GET /products/{id}`: how many pieces there are.
pub(crate) async fn product(
    State(shop): State<Arc<Shop>>,
    Log(log): Log,
    Path(id): Path<u64>,
) -> Result<String, Problem> {
    let Some(pieces) = shop.stock.pieces(id) else {
        return Err(Problem::new(StatusCode::NOT_FOUND).detail("there is no such product"));
    };
    info!(log, "product_viewed", product_id = id);
    note(fields! { product.pieces = pieces });
    Ok(format!("{pieces} pieces\n"))
}

/// The body of `POST /orders`.
#[derive(Deserialize)]
struct Order {
    product: u64,
    quantity: u32,
    customer: String,
}

/// `POST /orders`: answered when the order's audit entry survives a loss of power.
pub(crate) async fn place(
    State(shop): State<Arc<Shop>>,
    Log(log): Log,
    body: Bytes,
) -> Result<(StatusCode, String), Problem> {
    static ORDERS: AtomicU64 = AtomicU64::new(1);
    let Ok(order) = serde_json::from_slice::<Order>(&body) else {
        OrderRefused { product_id: 0, reason: "malformed" }.emit(&log).map_err(Box::new)?;
        return Err(Problem::new(StatusCode::BAD_REQUEST).detail("this is not an order"));
    };
    let Order { product, quantity, customer } = order;
    if !shop.stock.take(product, quantity).await {
        OrderRefused { product_id: product, reason: "out of stock" }
            .emit(&log)
            .map_err(Box::new)?;
        return Err(Problem::new(StatusCode::CONFLICT).detail("there are not enough pieces"));
    }
    // ORDER: relaxed; only makes numbers unique.
    let order_id = ORDERS.fetch_add(1, Ordering::Relaxed);
    let audit_number = record(&shop, order_id, &customer).await?;
    let customer = Pii::name(customer.as_str());
    let placed = OrderPlaced { order_id, product_id: product, quantity, customer, audit_number };
    placed.emit(&log).map_err(Box::new)?;
    Ok((StatusCode::CREATED, format!("order {order_id}\n")))
}

/// Writes the audit entry and waits for its receipt; returns the entry's number.
async fn record(shop: &Shop, order_id: u64, customer: &str) -> Result<u64, Problem> {
    let receipt = {
        let id = order_id.to_string();
        let (actor, target) = (Actor::user(customer), Target::new("order", &id));
        let event = AuditEvent::new("order.create", "create", actor, EventOutcome::Success);
        // The event is not `Send`, so it must not be there at the `await`.
        shop.audit.emit(&event.target(target))?.wait_async()
    };
    Ok(receipt.await?.seq)
}

/// `GET /export`: a response in many parts.
pub(crate) async fn export() -> Body {
    let rows = (0..50u32).map(|row| Ok::<_, std::convert::Infallible>(format!("{row},sold\n")));
    Body::from_stream(futures_stream::Iter(rows))
}

/// A stream of what an iterator returns.
mod futures_stream {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    pub(super) struct Iter<I>(pub(super) I);

    impl<I: Iterator + Unpin> futures_core::Stream for Iter<I> {
        type Item = I::Item;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
            Poll::Ready(self.0.next())
        }
    }
}

/// `GET /bug`: a handler that panics; the client gets a problem document, and the log the panic.
pub(crate) async fn bug() -> String {
    let empty: Vec<u32> = Vec::new();
    empty[std::hint::black_box(7)].to_string()
}
