//! Mistakes that the macros of ringseal refuse to compile, with those of `tracing`.
use tracing::{error, info};

pub fn mistake_2_data_in_the_name(merchant: &str, amount: u64) {
    info!("payment processed for merchant {merchant} amount {}", amount);
}

pub fn mistake_4_error_as_name(e: &std::io::Error) {
    error!("{e}");
}
