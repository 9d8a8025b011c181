fn main() {
    let id = 7;
    ringseal::info!("order_filled", id, price = 3, id = 8);
    ringseal::info!("order_filled", user.id = 7, "user.id" = 8);
}
