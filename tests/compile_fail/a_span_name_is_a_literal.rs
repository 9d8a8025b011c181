//! The name of a span is a constant.
use ringseal::span;

fn main() {
    let table = "orders";
    let _named = span!(format!("query {table}"));
    let _twice = span!("query", span = "db");
    let _error = span!("query", error = 3);
}
