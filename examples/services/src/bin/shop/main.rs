//! A shop: an axum service that uses most of ringseal at once.
//!
//! ```sh
//! cargo run --release -p ringseal-examples --bin shop -- 127.0.0.1:8080 logs/shop &
//! cargo run --release -p ringseal-examples --bin shop_load -- 127.0.0.1:8080
//! kill -TERM %1
//! ```
//!
//! - Each request has a context and one access event (`ringseal-tower`); failures are problem documents.
//! - Libraries that log with `tracing` or `log` log into the same file (`ringseal-tracing`, `ringseal-log`); [`stock`]
//!   does.
//! - Orders are typed events with rules ([`events`]; `shop schema` prints their JSON Schema), and an order is answered
//!   when its audit entry is on disk.
//! - `GET`, `PUT` and `DELETE /admin/levels` read and change levels for a time ([`levels`]).
//! - On SIGTERM the service accepts no more connections, finishes the open requests, and drains the log.
mod events;
mod levels;
mod orders;
mod stock;

use std::error::Error;
use std::future::Future;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use ringseal::{AuditConfig, AuditLogger, Config, Engine, error, info};
use ringseal_tower::HttpLayer;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// What all handlers share.
pub(crate) struct Shop {
    engine: Engine,
    audit: AuditLogger,
    stock: stock::Stock,
    /// Who may use `/admin`; without it, only clients on this machine.
    admin_token: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.peek().is_some_and(|word| word == "schema") {
        writeln!(io::stdout(), "{}", events::CATALOGUE.json_schema())?;
        return Ok(());
    }
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let dir = std::path::PathBuf::from(arguments.next().unwrap_or_else(|| "logs/shop".to_owned()));
    let audit = AuditConfig::new(dir.join("audit"));
    let engine = ringseal::init(Config::from_env()?.file(dir.join("app.log")).audit(audit))?;
    ringseal_tracing::init(engine.logger())?;
    ringseal_log::init(engine.logger())?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let served = runtime.block_on(serve(&address, &engine));
    match &served {
        Ok(()) => {
            let violations: u64 = events::CATALOGUE.failures().map(|rule| rule.count).sum();
            info!("service_stopped", rule_violations = violations);
        }
        Err(error) => error!("service_failed", error = error),
    }
    // Tasks that are left, such as those of open connections, end before the log does.
    drop(runtime);
    engine.stop()?;
    Ok(served?)
}

async fn serve(address: &str, engine: &Engine) -> io::Result<()> {
    // Before the address is printed, so that a signal is never missed.
    let shutdown = shutdown_signal()?;
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    info!("service_started", server.address = %address);
    writeln!(io::stdout(), "listening on {address}")?;
    let audit = engine.audit().ok_or_else(|| io::Error::other("an audit log is configured"))?;
    let admin_token = std::env::var("SHOP_ADMIN_TOKEN").ok();
    let shop = Shop { engine: engine.clone(), audit, stock: stock::Stock::new(), admin_token };
    let app = routes(Arc::new(shop)).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(shutdown).await
}

fn routes(shop: Arc<Shop>) -> Router {
    let peer = |extensions: &axum::http::Extensions| {
        extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
    };
    let layer =
        HttpLayer::new(shop.engine.logger()).skip(["/healthz"]).peer(peer).problem_json(true);
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/products/{id}", get(orders::product))
        .route("/orders", post(orders::place))
        .route("/export", get(orders::export))
        .route("/bug", get(orders::bug))
        .route("/admin/levels", get(levels::show).put(levels::change).delete(levels::restore))
        .with_state(shop)
        .layer(layer)
}

/// Ends when SIGTERM or SIGINT comes.
fn shutdown_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("shutdown_requested");
    })
}
