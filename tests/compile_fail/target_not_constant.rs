fn main() {
    let target = "exchange";
    ringseal::info!(target: target, "order_filled");
}
