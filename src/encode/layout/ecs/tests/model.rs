//! The model: members merged in the simplest way.
use super::{Fields, Json, Model};

/// A member, with the number of its source.
#[derive(Debug, Clone)]
pub(super) enum Member {
    Leaf(usize, String),
    Object(Vec<(String, Member)>),
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Member::Leaf(_, one), Member::Leaf(_, other)) => one == other,
            (Member::Object(one), Member::Object(other)) => one == other,
            _ => false,
        }
    }
}

impl Member {
    /// What was read, with all leaves of one source.
    pub(super) fn from_json(json: &Json) -> Member {
        match json {
            Json::Map(members) => Member::Object(
                members
                    .iter()
                    .map(|(key, value)| (key.clone(), Member::from_json(value)))
                    .collect(),
            ),
            Json::Number(number) => Member::Leaf(0, number.clone()),
            other => panic!("{other:?}"),
        }
    }

    /// The members of an object; a leaf becomes its member `value`.
    fn open(&mut self) -> &mut Vec<(String, Member)> {
        if let Member::Leaf(..) = self {
            let leaf = std::mem::replace(self, Member::Object(Vec::new()));
            self.open().push(("value".into(), leaf));
        }
        match self {
            Member::Object(members) => members,
            Member::Leaf(..) => unreachable!(),
        }
    }

    /// Adds a value at a path.
    fn add(&mut self, path: &[&str], source: usize, value: &Model) {
        match (path, value) {
            ([first, rest @ ..], _) => {
                let members = self.open();
                if let Some((_, member)) = members.iter_mut().find(|(key, _)| key == first) {
                    return member.add(rest, source, value);
                }
                let mut member = Member::Object(Vec::new());
                match (rest, value) {
                    ([], Model::U64(number)) => member = Member::Leaf(source, number.to_string()),
                    _ => member.add(rest, source, value),
                }
                members.push(((*first).into(), member));
            }
            ([], Model::Map(entries)) => {
                self.open();
                for (key, value) in entries {
                    let path: Vec<&str> = key.split('.').collect();
                    self.add(&path, source, value);
                }
            }
            ([], Model::U64(number)) => match self {
                Member::Leaf(present, text) => {
                    if *present == source {
                        *text = number.to_string();
                    }
                }
                Member::Object(_) => self.add(&["value"], source, value),
            },
            other => panic!("{other:?}"),
        }
    }
}

/// The object in which all fields of the sources are, the nearest source first.
pub(super) fn merged(sources: &[&Fields]) -> Member {
    let mut object = Member::Object(Vec::new());
    for (source, fields) in sources.iter().enumerate() {
        for (key, value) in *fields {
            let path: Vec<&str> = key.split('.').collect();
            object.add(&path, source, value);
        }
    }
    object
}
