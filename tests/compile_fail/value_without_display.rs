struct Order;

fn main() {
    ringseal::info!("order_filled", order = %Order);
    ringseal::info!("order_filled", order = ?Order);
}
