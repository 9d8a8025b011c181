fn main() {
    let id = 7;
    ringseal::info!("order_filled", id: 7);
    ringseal::info!("order_filled", id + 1);
    ringseal::info!("order_filled", id => 1);
    ringseal::info!("order_filled", "text");
    ringseal::info!("order_filled", &id);
    ringseal::info!("order_filled", id = 1; price = 2);
    let _ = ringseal::fields! { id == 1 };
}
