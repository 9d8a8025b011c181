//! Asynchronous tests on the current-thread runtime capture what their tasks log to the global engine.
use ringseal::info;
use ringseal::testing::{self, Capture};

/// The code under test: tasks that log to the global engine.
async fn process_orders(first: u64) {
    let tasks = (first..first + 3).map(|id| {
        tokio::spawn(async move {
            info!("order_received", id);
            tokio::task::yield_now().await;
            info!("order_filled", id);
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("a task that ends");
    }
}

async fn ids_are_captured_from(first: u64) {
    let (engine, capture) = Capture::start();
    let _default = testing::set_default(&engine);
    process_orders(first).await;
    let filled = capture.events_named("order_filled");
    let mut ids: Vec<_> = filled.iter().filter_map(|event| event["id"].as_u64()).collect();
    // The runtime chooses the order of the tasks.
    ids.sort_unstable();
    assert_eq!(ids, [first, first + 1, first + 2]);
    assert_eq!(capture.events().len(), 6);
}

#[tokio::test]
async fn one_test_sees_its_own_orders() {
    ids_are_captured_from(100).await;
}

#[tokio::test]
async fn another_test_sees_its_own_orders() {
    ids_are_captured_from(200).await;
}
