//! Paths whose requests are not logged as long as nothing goes wrong.
//!
//! Promises: a check compares texts; it allocates nothing.

/// A list of paths.
#[derive(Debug, Clone, Default)]
pub(crate) struct SkipList {
    paths: Vec<Box<str>>,
}

impl SkipList {
    /// A path is matched as it is, or with a `*` at its end as the beginning of a path.
    pub(crate) fn new<P: AsRef<str>>(paths: impl IntoIterator<Item = P>) -> SkipList {
        SkipList { paths: paths.into_iter().map(|path| path.as_ref().into()).collect() }
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.paths.iter().any(|listed| match listed.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => **listed == *path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::SkipList;

    #[test]
    fn paths_are_whole_or_begin_alike() {
        let list = SkipList::new(["/healthz", "/static/*"]);
        for (path, expected) in [
            ("/healthz", true),
            ("/healthz/", false),
            ("/healthzz", false),
            ("/static/a.css", true),
            ("/static/", true),
            ("/static", false),
            ("", false),
        ] {
            assert_eq!(list.has(path), expected, "{path}");
        }
        assert!(!SkipList::default().has("/"));
    }
}
