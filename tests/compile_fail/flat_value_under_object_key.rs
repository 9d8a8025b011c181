fn main() {
    let error = std::fmt::Error;
    ringseal::error!("failed", error = "x");
    ringseal::error!("failed", error = %error);
    ringseal::info!("seen", user = "ada", http = 1);
    let _ = ringseal::fields! { service = String::from("shop") };
}
