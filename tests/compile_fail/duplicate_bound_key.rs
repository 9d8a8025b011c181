fn main() {
    let _ = ringseal::fields! { r#type = 1, type = 2 };
}
