//! The command `ringseal`.
fn main() {}
