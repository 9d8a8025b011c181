fn main() {
    let log = 7;
    ringseal::info!(log, "order_filled");
    ringseal::info!("order_filled", "price");
}
