#[derive(Debug)]
struct Order;

fn main() {
    let order = Order;
    ringseal::info!("order_filled", order);
    ringseal::info!("order_filled", orders = vec![Order]);
    ringseal::info!("order_filled", first = Some(&order), id = 7);
}
