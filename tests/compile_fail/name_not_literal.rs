fn main() {
    let name = "order_filled";
    ringseal::info!(name);
    ringseal::info!(name, id = 1);
    ringseal::warn!(format!("order {} filled", 7));
    ringseal::event!(ringseal::Level::Info, name);
}
