//! A naive oracle of the extent of values: documents are printed in several grammars, and each of their leaves must be
//! gone if it is below a telling key, and stay otherwise.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Tree {
    /// What follows the number of the leaf in its text.
    Leaf(&'static str),
    Map(Vec<(&'static str, Tree)>),
    List(Vec<Tree>),
}

const PLAIN: &[&str] = &["region", "note", "item", "colour", "shelf"];
const TELLING: &[&str] = &["password", "client_secret", "dbPassword", "credentials", "user_passwd"];
/// Characters that end values in one grammar or another.
const ODD: &[&str] = &[
    "", " ", "\"", "'", "[", "}", ")", ", ", "; x", "\\", ": ", "=>", "<", "&", "=", "\n", "é", "%",
];

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = proptest::sample::select(ODD).prop_map(Tree::Leaf);
    let key = || proptest::sample::select([PLAIN, TELLING].concat());
    let inner = leaf.prop_recursive(3, 12, 4, move |inner| {
        let map = vec((key(), inner.clone()), 1..4).prop_map(Tree::Map);
        prop_oneof![map, vec(inner, 1..4).prop_map(Tree::List)]
    });
    vec((proptest::sample::select([PLAIN, TELLING].concat()), inner), 1..5).prop_map(Tree::Map)
}

/// Writes the leaves of a document, each with its number, and notes which must go.
struct Printer {
    leaves: Vec<bool>,
}

impl Printer {
    /// The text of the next leaf: a word of a log, or a secret.
    fn leaf(&mut self, odd: &str, is_secret: bool) -> String {
        self.leaves.push(is_secret);
        let n = self.leaves.len();
        if is_secret { format!("Zq{n}kL{odd}mN9x") } else { format!("north {n} end") }
    }

    fn json(&mut self, tree: &Tree, governed: bool) -> serde_json::Value {
        match tree {
            Tree::Leaf(odd) => self.leaf(odd, governed).into(),
            Tree::List(items) => items.iter().map(|item| self.json(item, governed)).collect(),
            Tree::Map(entries) => {
                let mut map = serde_json::Map::new();
                for (i, (key, value)) in entries.iter().enumerate() {
                    let value = self.json(value, governed || TELLING.contains(key));
                    map.insert(
                        if map.contains_key(*key) { format!("{key}{i}") } else { (*key).into() },
                        value,
                    );
                }
                map.into()
            }
        }
    }

    /// As Rust's `{:?}` writes structures; `option` wraps each leaf.
    fn debug(&mut self, tree: &Tree, governed: bool, option: bool) -> String {
        match tree {
            Tree::Leaf(odd) => {
                let text = format!("{:?}", self.leaf(odd, governed));
                if option { format!("Some({text})") } else { text }
            }
            Tree::List(items) => {
                let items: Vec<_> =
                    items.iter().map(|item| self.debug(item, governed, option)).collect();
                format!("[{}]", items.join(", "))
            }
            Tree::Map(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| {
                        format!(
                            "{key}: {}",
                            self.debug(value, governed || TELLING.contains(key), option)
                        )
                    })
                    .collect();
                format!("Item {{ {} }}", entries.join(", "))
            }
        }
    }

    /// As Python's `repr` writes dictionaries.
    fn python(&mut self, tree: &Tree, governed: bool) -> String {
        match tree {
            Tree::Leaf(odd) => {
                let text = self.leaf(odd, governed).replace('\\', "\\\\").replace('\n', "\\n");
                if text.contains('\'') && !text.contains('"') {
                    format!("\"{text}\"")
                } else {
                    format!("'{}'", text.replace('\'', "\\'"))
                }
            }
            Tree::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.python(item, governed)).collect();
                format!("[{}]", items.join(", "))
            }
            Tree::Map(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| {
                        format!(
                            "'{key}': {}",
                            self.python(value, governed || TELLING.contains(key))
                        )
                    })
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }

    fn xml(&mut self, tree: &Tree, governed: bool) -> String {
        match tree {
            Tree::Leaf(odd) => {
                let text = self.leaf(odd, governed);
                text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
            }
            Tree::List(items) => {
                items.iter().map(|item| format!("<li>{}</li>", self.xml(item, governed))).collect()
            }
            Tree::Map(entries) => entries
                .iter()
                .map(|(key, value)| {
                    format!("<{key}>{}</{key}>", self.xml(value, governed || TELLING.contains(key)))
                })
                .collect(),
        }
    }

    /// Pairs without nesting: the leaves that are directly below a key.
    fn pairs(&mut self, tree: &Tree, pair: &dyn Fn(&str, &str) -> String) -> Vec<String> {
        let Tree::Map(entries) = tree else { return Vec::new() };
        let mut pairs = Vec::new();
        for (key, value) in entries {
            if let Tree::Leaf(odd) = value {
                let text = self.leaf(odd, TELLING.contains(key));
                pairs.push(pair(key, &text));
            }
        }
        pairs
    }
}

fn logfmt(key: &str, text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{key}=\"{text}\"")
}

fn query(key: &str, text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    format!("{key}={}", text.bytes().map(encode).collect::<String>())
}

/// A grammar, and the document in it.
fn printed(tree: &Tree) -> Vec<(&'static str, String, Vec<bool>)> {
    let mut all = Vec::new();
    let mut add = |name, print: &dyn Fn(&mut Printer) -> String| {
        let mut printer = Printer { leaves: Vec::new() };
        let text = print(&mut printer);
        all.push((name, text, printer.leaves));
    };
    add("json", &|printer| printer.json(tree, false).to_string());
    add("pretty json", &|printer| format!("{:#}", printer.json(tree, false)));
    add("json in text", &|printer| format!("got {} from peer", printer.json(tree, false)));
    add("debug", &|printer| printer.debug(tree, false, false));
    add("debug with options", &|printer| printer.debug(tree, false, true));
    add("python", &|printer| printer.python(tree, false));
    add("xml", &|printer| printer.xml(tree, false));
    add("logfmt", &|printer| printer.pairs(tree, &logfmt).join(" "));
    add("query", &|printer| format!("GET /x?{} HTTP/1.1", printer.pairs(tree, &query).join("&")));
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn all_of_a_governed_value_goes(tree in tree()) {
        for (grammar, text, leaves) in printed(&tree) {
            let after = plain(&mut standard(), &text);
            for (i, is_secret) in leaves.into_iter().enumerate() {
                let n = i + 1;
                if is_secret {
                    prop_assert!(!after.contains(&format!("Zq{n}kL")), "{}: {}\n{}", grammar, text, after);
                } else {
                    let is_there = |gap| after.contains(&format!("north{gap}{n}{gap}end"));
                    let stays = is_there(" ") || is_there("%20");
                    prop_assert!(stays, "{} lost {}: {}\n{}", grammar, n, text, after);
                }
            }
            prop_assert!(!after.contains("mN9x"), "{}: {}\n{}", grammar, text, after);
        }
    }
}
