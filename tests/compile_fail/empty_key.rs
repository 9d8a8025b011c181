fn main() {
    ringseal::info!("order_filled", "" = 7);
}
