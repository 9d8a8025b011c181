//! Personal data of many countries: tables of texts to mask and of similar texts to keep.

mod cards;
mod email;
mod identity;
mod phones;

use super::*;

/// Checks that of each text exactly the part between `{` and `}` is masked.
fn check(redactor: &mut Redactor, mask: &str, texts: &[&str]) {
    for text in texts {
        let (head, rest) = text.split_once('{').expect("a `{` starts what is masked");
        let (value, tail) = rest.split_once('}').expect("a `}` ends what is masked");
        let given = format!("{head}{value}{tail}");
        let want = format!("{head}{mask}{tail}");
        assert_eq!(plain(redactor, &given), want, "from {given:?}");
        assert_eq!(plain(redactor, &want), want, "a second pass");
    }
}

fn keep(redactor: &mut Redactor, texts: &[&str]) {
    for text in texts {
        assert_eq!(plain(redactor, text), *text);
    }
}
