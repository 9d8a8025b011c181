//! Passwords in sentences.

use super::check;

#[test]
fn drawn_values_in_sentences_are_masked() {
    check(&[
        ("letters", "login failed with password «utPkkFxYBPVq»"),
        ("letters, small", "using password «xkqzvwtpjb» for bob"),
        ("is", "the password is «Secret123»"),
        ("is and a colon", "password is: «Secret123»"),
        ("was", "password was «hunter2x» before"),
        ("set to", "password set to «hunter2x»"),
        ("changed to", "password for bob changed to «hunter2x»"),
        ("to", "set password to «hunter2x9»"),
        ("of a user", "password for bob: «hunter2x»"),
        ("quoted", "login failed with password '«hunter2»'"),
        ("quoted words", "with password \"«correct horse battery»\""),
        ("special", "password «p@ss!word» rejected"),
        ("passphrase", "passphrase «xkqzvwtpjb9» rejected"),
        ("capitals", "Password «QWXZKPTRVB» was rejected"),
        ("parentheses", "login (password «hunter2x») failed"),
        ("token", "using token «k9QzL2mXq8Zr4TwY12» for sync"),
        ("is of a token", "api key is «k9QzL2mXq8Zr4TwY12»"),
        ("secret", "client secret is \"«k9QzL2mXq8Zr4TwY12»\""),
        ("after a user", "credentials {\n  username 'user'\n  password '«password»'\n}"),
        ("was set to", "the api token was set to \"«kk29LmX0QpZt»\" by admin"),
        ("is now", "password is now «hunter2x»"),
        ("rotated", "client secret rotated to «k9QzL2mXq8Zr4TwY12»"),
        (
            "alone on its line",
            "Please use the following password to proceed:\n\n«8f14e45fceea167a5a36»\n\nIt is in a file",
        ),
    ]);
}

#[test]
fn words_after_passwords_stay() {
    check(&[
        ("for", "Failed password for root from 10.0.0.1 port 22 ssh2"),
        ("authentication", "password authentication failed for user bob"),
        ("is a word", "password is required"),
        ("is wrong", "the password is incorrect"),
        ("camel case", "password resetToken not found"),
        ("class", "password PasswordEncoder created"),
        ("state", "password changed successfully"),
        ("capitals", "PASSWORD AUTHENTICATION FAILED"),
        ("is too short", "password is too short"),
        ("must", "password must contain at least 8 characters"),
        ("quoted sentence", "password \"must contain a digit\""),
        ("expires", "password expires in 14 days"),
        ("token", "unexpected token identifier"),
        ("quoted token", "unexpected token \"identifier\""),
        ("version", "password policy v2 enabled"),
        ("verb", "an event must pass `level2`, too; pass 'x1' on"),
        ("another pair", "password strength=3 tokens limit:100000"),
        ("long word", "password administration"),
        ("foreign word", "password Benutzerverwaltung geladen"),
        ("was changed", "password was changed by admin"),
        ("set to a state", "password set to expired"),
        ("a label after a label", "label 'user' password 'Password'"),
        ("rules below", "The password must have:\n\n12characters\nor more"),
        ("list below", "password rules:\n\n- 1 digit\n"),
    ]);
}
