//! The same functions without the mistakes, and what must not be taken for one.
use ringseal::{Context, Level, Logger, WithContext, error, event, fields, info, span, warn};

macro_rules! wrapped {
    ($name:literal, $($rest:tt)*) => {
        println!($name, $($rest)*)
    };
}

pub fn another_logger() {
    warn!("stock_low");
}

pub fn data_in_fields(merchant: &str, amount: u64, err: &std::io::Error) {
    info!("payment_processed", merchant, amount, card.last4 = ?last4(amount), peer = %peer());
    event!(Level::Info, "payment.settled", amount);
    event!(target: "shop::payments", logger(), Level::Error, "upload_failed", error = &err);
    error!("payment_failed", error = err, retries = list.iter().map(|a| (a, 1)).collect::<Vec<_>>());
}

pub fn bound_first(tenant: u64) {
    Context::add(fields! { tenant });
    info!("webhook_received");
    let attempt = next();
    Context::add(fields! { attempt });
    info!("webhook_accepted", attempt = attempt + 1);
}

pub fn other_value(log: &Logger, tenant: u64) {
    let log = log.bind(fields! { tenant });
    info!(log, "session_merged", other.tenant = other(tenant));
    let log = Logger::default();
    info!(log, "session_opened", tenant);
}

pub fn namespaced(store: &Store) {
    info!("store_opened", keyloop.store_id = store.id, user.id = 7, request_id = id());
}

pub fn needs_a_person() {
    error!("retries_exhausted", status = 503);
}

pub fn view(merchant_id: u64) {
    Context::new().with(fields! { merchant_id }).run(|| {
        spawn(task(merchant_id).in_current_context());
        // Without the context: a thread begins with none.
        thread::spawn(move || {
            Context::add(fields! { merchant_id });
            info!("thread_started");
        });
    });
}

async fn task(merchant_id: u64) {
    let merchant = find(merchant_id).await;
    Context::add(fields! { merchant.name = merchant.name });
    info!("webhook_processed", password_count = 3, has_token = token.is_some());
    let _span = span!("charge", order = 7);
}

pub fn report() {
    // ringseal-lint: allow(print-macro): the table is the output of this function
    println!("{:>10}", table()
        .next());
    let text = "// ringseal-lint: allow(nothing)"; // in a literal, not a comment
}

/// ```
/// // ringseal-lint: allow(print-macro)
/// println!("{}", 1);
/// ```
pub fn documented() {}

#[cfg(test)]
mod tests {
    #[test]
    fn prints() {
        println!("in a test");
    }
}
