//! Mistakes with the macros of other libraries, and forbidden ones.
use slog::{error, info, o};
use tracing::instrument;

mod lib_part;

fn main() {
    println!("a program may print");
    let level = quote! { info!(#tokens, "x") };
}

fn of_slog(log: slog::Logger, err: Error, id: u64) {
    let log = log.new(o!("id" => id));
    info!(log, "started {}", id; "port" => 80);
    info!(log, "started"; "id" => id, "error" => %err);
    error!(log, "upload_failed"; "error" => #err, "token" => token);
}

fn of_log(err: Error) {
    log::info!(target: "shop", user:% = name, err:? = err; "user registered");
    log::info!(err:err = err; "user registered");
    log::error!("failed: {}", err);
    log::error!("{}", err);
}

#[instrument(skip(pool), fields(tenant = name))]
async fn of_tracing(order_id: u64, pool: Pool, name: &str) {
    tokio::select! {
        _ = pool.get() => tracing::info!(order_id, pool.size = 3, "order loaded"),
        _ = stop() => tracing::info!(order.count = 3),
    }
    tracing::error!(?err);
    tracing::event!(tracing::Level::ERROR, error = %err, "request failed");
    tracing::info!(name: "x", { tenant = name, to = "ann@example.com" }, "sent");
    tracing::info!(message = "done", api_key = %key);
    let span = tracing::info_span!("charge", customer = 7);
    let _guard = span.enter();
    tracing::info!(customer = 7, "charged");
}

fn dynamic(log: &ringseal::Logger, name: &str) {
    log.dynamic(Level::Info, "shop", name, &|_| {});
    ringseal::info!(log, format!("order {name}"));
    // ringseal-lint: allow(static-name)
    ringseal::info!(log, concat!("a", "b"));
    // ringseal-lint: allow(static-names): a reason
    // ringseal-lint: allow(print-macro): nothing here prints
    ringseal::info!(log, "Bad Name");
}
