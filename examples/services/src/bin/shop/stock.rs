//! The stock, as a library would have it: it knows nothing of ringseal and logs with `tracing`.
use std::sync::atomic::{AtomicU32, Ordering};

/// How many pieces there are of each product, by its number from 1.
pub(crate) struct Stock(Vec<AtomicU32>);

impl Stock {
    pub(crate) fn new() -> Stock {
        Stock((0..100).map(|_| AtomicU32::new(1_000_000)).collect())
    }

    /// Pieces of a product; `None` if there is no such product.
    #[tracing::instrument(level = "debug", skip(self))]
    pub(crate) fn pieces(&self, product: u64) -> Option<u32> {
        // ORDER: relaxed; a count.
        let pieces = self.find(product)?.load(Ordering::Relaxed);
        tracing::debug!(pieces, "looked up");
        Some(pieces)
    }

    /// Takes pieces from the stock. Returns whether there were enough.
    #[tracing::instrument(level = "debug", skip(self))]
    pub(crate) async fn take(&self, product: u64, quantity: u32) -> bool {
        // As if a database were asked.
        tokio::task::yield_now().await;
        let take = |pieces: u32| pieces.checked_sub(quantity);
        let taken = self.find(product).is_some_and(|pieces| {
            // ORDER: relaxed; a count.
            pieces.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
        });
        if taken {
            tracing::info!(quantity, "stock taken");
        } else {
            tracing::warn!(quantity, "not enough in stock");
        }
        taken
    }

    fn find(&self, product: u64) -> Option<&AtomicU32> {
        self.0.get(usize::try_from(product.checked_sub(1)?).ok()?)
    }
}
