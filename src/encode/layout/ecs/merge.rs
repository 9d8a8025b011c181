//! Adds values to a tree, so that values and objects with one path become one member.
//!
//! Promises: a single value and an object with one path are both kept: the value becomes the member `value` of the
//! object. The recursion is bounded. Nothing is allocated once the scratch memory has the size of the largest event.
use super::field_types::Kind;
use super::rules::Path;
use super::tree::{Content, ErrorPart, Form, Leaf, NodeId, Region, Tier, Tree, ValueLeaf};
use crate::encode::layout::unit_of;
use ringseal_base::value::{Entries, ReadError, ValueRef, Values};

/// Objects inside each other beyond this number are not merged.
const DEPTH_MAX: usize = 100;

/// Memory that is reused.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) paths: Vec<Path>,
}

/// Adds values to a tree.
pub(super) struct Merger<'t, 'a> {
    pub(super) tree: &'t mut Tree,
    pub(super) scratch: &'t mut Scratch,
    /// The bytes by [`Region`].
    pub(super) regions: [&'a [u8]; 4],
}

impl<'a> Merger<'_, 'a> {
    /// Adds the members at a path below `from`.
    pub(super) fn insert(
        &mut self,
        from: NodeId,
        path: &Path,
        tier: Tier,
        content: Content,
    ) -> Result<(), ReadError> {
        let mut node = from;
        for (index, part) in path.parts().enumerate() {
            let is_last = index + 1 == path.len();
            match self.tree.find(node, part) {
                None if is_last => {
                    self.tree.add(node, part, tier, content);
                    return Ok(());
                }
                None => node = self.tree.add(node, part, tier, Content::Object),
                Some(child) if is_last => return self.merge(child, tier, content),
                Some(child) => {
                    self.open(child)?;
                    node = child;
                }
            }
        }
        Ok(())
    }

    /// Adds to a node what has the same path.
    fn merge(&mut self, node: NodeId, tier: Tier, content: Content) -> Result<(), ReadError> {
        let present = *self.tree.node(node);
        match (present.content, content) {
            (Content::Leaf(_), Content::Leaf(_)) => {
                if present.tier == tier {
                    self.tree.node_mut(node).content = content;
                }
                Ok(())
            }
            (_, Content::Whole(leaf, kind)) => {
                if self.tree.depth(node) >= DEPTH_MAX {
                    return Ok(());
                }
                self.open(node)?;
                self.expand(node, leaf, kind, tier)
            }
            _ => {
                self.open(node)?;
                self.add_value(node, tier, content)
            }
        }
    }

    /// Makes an object of a node.
    fn open(&mut self, node: NodeId) -> Result<(), ReadError> {
        let present = *self.tree.node(node);
        match present.content {
            Content::Object => Ok(()),
            Content::Leaf(_) => {
                self.tree.node_mut(node).content = Content::Object;
                self.add_value(node, present.tier, present.content)
            }
            Content::Whole(leaf, kind) => {
                self.tree.node_mut(node).content = Content::Object;
                self.expand(node, leaf, kind, present.tier)
            }
        }
    }

    /// Adds a single value to an object with the same path.
    fn add_value(&mut self, node: NodeId, tier: Tier, content: Content) -> Result<(), ReadError> {
        match self.tree.find(node, b"value") {
            Some(child) => self.merge(child, tier, content),
            None => {
                self.tree.add(node, b"value", tier, content);
                Ok(())
            }
        }
    }

    /// Adds the members of a map or of an error to an object.
    fn expand(
        &mut self,
        node: NodeId,
        leaf: ValueLeaf,
        kind: Kind,
        tier: Tier,
    ) -> Result<(), ReadError> {
        let (value, at) = self.open_value(leaf.region, leaf.at)?;
        match value {
            ValueRef::Map(entries) => {
                self.expand_entries(node, (leaf.region, at + MAP_HEAD), entries, tier)
            }
            ValueRef::Error(parts) if kind == Kind::Error => {
                for part in error_parts(parts) {
                    let member = ValueLeaf { at, form: Form::Part(part), ..leaf };
                    let content = Content::Leaf(Leaf::Value(member));
                    match self.tree.find(node, part.key()) {
                        Some(child) => self.merge(child, tier, content)?,
                        None => {
                            self.tree.add(node, part.key(), tier, content);
                        }
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Adds the entries of a map, which start at an offset of a region, to an object.
    pub(super) fn expand_entries(
        &mut self,
        node: NodeId,
        (region, start): (Region, u32),
        entries: Entries<'_>,
        tier: Tier,
    ) -> Result<(), ReadError> {
        let depth = self.tree.depth(node);
        let mut path = self.scratch.paths.pop().unwrap_or_default();
        let result = each_entry(entries.0, start, |key, at, value| {
            let kind = Kind::of(value);
            if kind == Kind::Absent {
                return Ok(());
            }
            path.clear();
            path.push_dotted(key, depth);
            let (unit, form, check) = (unit_of(key), Form::Plain, None);
            let leaf = ValueLeaf { region, at, unit, form, check };
            let content = match kind {
                Kind::Map | Kind::Error => Content::Whole(leaf, kind),
                _ => Content::Leaf(Leaf::Value(leaf)),
            };
            self.insert(node, &path, tier, content)
        });
        self.scratch.paths.push(path);
        result
    }

    /// A value without its mark as personal data, and its offset.
    pub(super) fn open_value(
        &self,
        region: Region,
        at: u32,
    ) -> Result<(ValueRef<'a>, u32), ReadError> {
        open_value(self.regions[region as usize], at)
    }
}

/// Bytes of a map before its entries: tag and length.
pub(super) const MAP_HEAD: u32 = 5;

/// Bytes before the value that is marked as personal data: tag, length and kind.
const PII_HEAD: u32 = 6;

/// The value at an offset without its mark as personal data, and its offset.
pub(super) fn open_value(bytes: &[u8], at: u32) -> Result<(ValueRef<'_>, u32), ReadError> {
    let mut at = at;
    loop {
        let mut rest = bytes.get(at as usize..).unwrap_or_default();
        match ValueRef::read(&mut rest)? {
            ValueRef::Pii(_, Values(inner)) if !inner.is_empty() => at += PII_HEAD,
            value => return Ok((value, at)),
        }
    }
}

/// Calls `visit` with the key of each entry, the offset of its value after `start`, and the value.
pub(super) fn each_entry<'e>(
    entries: &'e [u8],
    start: u32,
    mut visit: impl FnMut(&'e [u8], u32, ValueRef<'e>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut rest = Entries(entries);
    loop {
        let offset = entries.len() - rest.0.len();
        let Some(entry) = rest.next() else { return Ok(()) };
        let (key, value) = entry?;
        visit(key, start + (offset + 2 + key.len()) as u32, value)?;
    }
}

impl ErrorPart {
    /// All parts, in the order in which an error has them.
    const ALL: [ErrorPart; 6] = [
        ErrorPart::Type,
        ErrorPart::Message,
        ErrorPart::Chain,
        ErrorPart::ChainTypes,
        ErrorPart::StackTrace,
        ErrorPart::StackHash,
    ];

    pub(super) fn key(self) -> &'static [u8] {
        match self {
            ErrorPart::Type => b"type",
            ErrorPart::Message => b"message",
            ErrorPart::Chain => b"chain",
            ErrorPart::ChainTypes => b"chain_types",
            ErrorPart::StackTrace => b"stack_trace",
            ErrorPart::StackHash => b"stack_hash",
        }
    }
}

/// The parts that an error has.
fn error_parts(parts: Values<'_>) -> impl Iterator<Item = ErrorPart> {
    let causes = move || parts.skip(2).map_while(Result::ok);
    let is_trace = |part: &ValueRef<'_>| matches!(part, ValueRef::Map(_));
    ErrorPart::ALL.into_iter().filter(move |part| match part {
        ErrorPart::Chain => causes().any(|cause| !is_trace(&cause)),
        ErrorPart::ChainTypes => causes().any(|cause| matches!(cause, ValueRef::Error(_))),
        ErrorPart::StackTrace => causes().any(|cause| is_trace(&cause)),
        _ => true,
    })
}
