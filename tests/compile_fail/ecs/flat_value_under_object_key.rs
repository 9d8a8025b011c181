fn main() {
    let error = std::fmt::Error;
    ringseal::error!("failed", error = "x");
    ringseal::error!("failed", error = %error);
    ringseal::info!("seen", user = "ada", http = 1);
    let _ = ringseal::fields! { service = String::from("shop") };
    let (user, url) = ("ada", "/pay");
    ringseal::warn!("seen", user, ?url, "host" = "h1");
    let agent = ringseal::value::Map(&[("name", &"curl")]);
    ringseal::info!("fine", error = &error, agent, user.id = 42, url.path = url, source_ip = "::1");
}
