//! The text of a panic.
use std::any::Any;

/// The message of a caught panic; `None` if its payload is not a text.
pub fn panic_message(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use std::panic::{catch_unwind, panic_any};

    use super::*;

    #[test]
    fn both_kinds_of_text_are_found() {
        let constant = catch_unwind(|| panic!("a constant")).unwrap_err();
        assert_eq!(panic_message(&*constant), Some("a constant"));
        let number = 7;
        let formatted = catch_unwind(|| panic!("number {number}")).unwrap_err();
        assert_eq!(panic_message(&*formatted), Some("number 7"));
        let other = catch_unwind(|| panic_any(7)).unwrap_err();
        assert_eq!(panic_message(&*other), None);
    }
}
