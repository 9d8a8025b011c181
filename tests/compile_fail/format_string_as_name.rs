fn main() {
    let (id, engine) = (7, ringseal::Engine::start(ringseal::Config::new()).unwrap());
    ringseal::info!("order {} filled", id);
    ringseal::info!("order {id} filled");
    ringseal::error!(engine, "order {:?} filled", id + 1);
}
