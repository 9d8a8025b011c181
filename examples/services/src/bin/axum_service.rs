//! An HTTP service with axum that logs to a file with ringseal.
//!
//! ```sh
//! cargo run -p ringseal-examples --bin axum_service -- 127.0.0.1:8080 logs/app.log
//! ```
//!
//! Each request gets a logger with the request's fields bound. On SIGTERM or SIGINT the service accepts no more
//! connections, finishes the open requests, and drains the log before it exits.
use std::error::Error;
use std::future::Future;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use ringseal::{Config, Logger, fields, info, warn};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: axum_service ADDRESS LOG_FILE";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (address, path) = (arguments.next().ok_or(USAGE)?, arguments.next().ok_or(USAGE)?);
    let engine = ringseal::init(Config::new().file(path))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(serve(&address, engine.logger()));
    match &served {
        Ok(()) => info!("service_stopped"),
        Err(error) => ringseal::error!("service_failed", error = error),
    }
    // Writes all events before the process exits.
    engine.stop()?;
    Ok(served?)
}

async fn serve(address: &str, logger: Logger) -> io::Result<()> {
    // The handlers are installed before the address is printed, so that a signal is never missed.
    let shutdown = shutdown_signal()?;
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    info!(logger, "service_started", server.address = %address);
    writeln!(io::stdout(), "listening on {address}")?;
    let app = Router::new()
        .route("/orders/{id}", get(order))
        .layer(middleware::from_fn_with_state(logger, log_request));
    axum::serve(listener, app).with_graceful_shutdown(shutdown).await
}

/// Returns a future that ends when SIGTERM or SIGINT comes.
fn shutdown_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(std::future::poll_fn(move |context| {
        let is_ready =
            terminate.poll_recv(context).is_ready() | interrupt.poll_recv(context).is_ready();
        if is_ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    }))
}

/// Binds the request's fields to a logger for its handler, and logs the response.
async fn log_request(State(logger): State<Logger>, mut request: Request, next: Next) -> Response {
    static REQUESTS: AtomicU64 = AtomicU64::new(0);
    // ORDER: relaxed; only makes numbers unique.
    let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
    let logger = logger.bind(fields! {
        request_number = number,
        http.request.method = request.method().as_str(),
        url.path = request.uri().path(),
    });
    request.extensions_mut().insert(logger.clone());
    let start = Instant::now();
    let response = next.run(request).await;
    info!(
        logger,
        "request_finished",
        http.response.status_code = response.status().as_u16(),
        duration = start.elapsed()
    );
    response
}

/// Returns an order; the logger has the request's fields.
async fn order(
    Path(id): Path<String>,
    axum::Extension(logger): axum::Extension<Logger>,
) -> Result<String, StatusCode> {
    let Ok(number) = id.parse::<u32>() else {
        warn!(logger, "order_id_malformed", order_id = id.as_str());
        return Err(StatusCode::BAD_REQUEST);
    };
    info!(logger, "order_read", order_id = number);
    Ok(format!("order {number}\n"))
}
