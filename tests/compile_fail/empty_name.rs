fn main() {
    ringseal::info!("");
}
