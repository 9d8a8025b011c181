//! Graceful shutdown with axum, tokio and ringseal's `signals`: SIGTERM ends the server, not the process.
//!
//! ```sh
//! cargo run -p ringseal-examples --bin axum_shutdown & sleep 1; kill -TERM $!
//! ```
//!
//! On SIGTERM two handlers run: ringseal drains the events so far, and tokio's ends `serve`. Because the host handles
//! the signal, ringseal does not end the process. `main` then logs `clean_exit` and stops the engine, which writes it.
use std::error::Error;
use std::io::{self, Write};

use axum::Router;
use axum::routing::get;
use ringseal::{Config, info};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "logs/shutdown.log".to_owned());
    let engine = ringseal::init(Config::new().file(&path).signals(true))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve())?;
    info!("clean_exit");
    engine.stop()?;
    writeln!(io::stdout(), "clean exit; the log is {path}")?;
    Ok(())
}

async fn serve() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    info!("service_started", server.address = %address);
    writeln!(io::stdout(), "listening on {address}")?;
    let app = Router::new().route("/", get(async || "hello\n"));
    let shutdown = async move {
        terminate.recv().await;
        info!("shutdown_requested");
    };
    axum::serve(listener, app).with_graceful_shutdown(shutdown).await
}
