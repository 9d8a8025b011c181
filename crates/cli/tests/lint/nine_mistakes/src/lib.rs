//! The nine mistakes, one in each function.
use ringseal::{Context, Logger, WithContext, error, fields, info};

mod payments;

pub fn mistake_1_another_logger() {
    log::warn!("stock_low");
}

pub fn mistake_3_error_as_text(err: &std::io::Error) {
    error!("upload_failed", error = %err, attempt = 3);
}

pub fn mistake_5_logged_before_bound(tenant: u64) {
    info!("webhook_received");
    Context::add(fields! { tenant = tenant });
    info!("webhook_accepted");
}

pub fn mistake_6_bound_field_repeated(log: &Logger, tenant: u64) {
    let log = log.bind(fields! { tenant });
    info!(
        log,
        "notification_received",
        tenant = &tenant,
        attempt = 1,
    );
}

pub fn mistake_7_id_at_the_root(store: &Store) {
    info!("store_opened", keyloop.enterprise_id = store.enterprise, store_id = store.id);
}

pub fn mistake_8_error_nobody_must_fix() {
    error!("pg_codes_not_found");
}

pub fn view(merchant_id: u64) {
    Context::new().with(fields! { merchant_id }).run(|| {
        spawn(mistake_9_bound_again(merchant_id).in_current_context());
    });
}

async fn mistake_9_bound_again(merchant_id: u64) {
    Context::add(fields! { merchant_id });
    info!("webhook_processed");
}
