//! The members of a line as a tree: objects inside each other, and values as leaves.
//!
//! Promises: each path is in the tree once, however it was spelt. Of two values with one path, the one of the nearer
//! source stays, or the later one of the same source; it keeps the place of the first. Children keep the order in which
//! they were added. A search takes constant time for any keys. The memory is reused: once it has the size of the
//! largest line, nothing is allocated.
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::field_types::{Kind, Problem};
use crate::encode::Unit;

/// The index of a node. The root is the first.
pub(super) type NodeId = u32;

/// The root of a tree.
pub(super) const ROOT: NodeId = 0;

/// No node.
const NONE: NodeId = u32::MAX;

/// The source of a value, the nearest first. A nearer one replaces a farther one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    /// The call.
    Call,
    /// The fields bound to the logger.
    Bound,
    /// The ambient context.
    Ambient,
    /// The ids of the correlation.
    Ids,
    /// The fields of every line.
    Static,
    /// What the options say about the service, and the place of the call.
    Options,
}

/// The bytes in which a value is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Region {
    /// The payload of the event.
    Own,
    /// The bound fields.
    Bound,
    /// The ambient fields.
    Ambient,
    /// The fields of every line.
    Static,
}

/// A part of an error that becomes a separate member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorPart {
    Type,
    Message,
    Chain,
    ChainTypes,
    StackTrace,
    StackHash,
}

/// A value in a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ValueLeaf {
    pub(super) region: Region,
    /// The offset in the region.
    pub(super) at: u32,
    /// The unit, if it is a duration.
    pub(super) unit: Unit,
    pub(super) form: Form,
    /// The field of the schema to whose type the bytes of the value are compared when it is written, and what is wrong
    /// if they do not fit.
    pub(super) check: Option<(&'static str, Problem)>,
}

impl ValueLeaf {
    /// In place of a leaf that is no value.
    pub(super) const NULL: ValueLeaf = ValueLeaf {
        region: Region::Own,
        at: 0,
        unit: Unit::Seconds,
        form: Form::Plain,
        check: None,
    };
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    /// A value that is not single becomes a text.
    Label,
    /// The outcome of a span, as a word of `event.outcome`.
    Outcome,
    /// Only a part of the error.
    Part(ErrorPart),
}

/// The content of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    Value(ValueLeaf),
    /// A value that is left out, but replaces farther ones.
    Hidden,
    TraceId,
    SpanId,
    /// The member of the options with this index.
    Option(u32),
    /// The file of the call.
    File,
    /// The line of the call.
    Line,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// An object: its children are its members.
    Object,
    Leaf(Leaf),
    /// A map or an error that becomes an object as soon as another member of it is added.
    Whole(ValueLeaf, Kind),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) parent: NodeId,
    first: NodeId,
    last: NodeId,
    next: NodeId,
    key_start: u32,
    key_end: u32,
    pub(super) tier: Tier,
    pub(super) content: Content,
}

/// The tree. A new one has no memory and no root: [`Tree::clear`] comes first.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    keys: Vec<u8>,
    /// Nodes by parent and key: an open hash table with as many slots as a power of two.
    table: Vec<NodeId>,
    hasher: RandomState,
    /// Whether a leaf is hidden.
    pub(super) has_hidden: bool,
}

/// Slots of an empty table.
const SLOTS_MIN: usize = 64;

impl Tree {
    /// Removes all nodes but the root, which is added to a new tree.
    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.keys.clear();
        self.table.clear();
        self.table.resize(SLOTS_MIN, NONE);
        self.has_hidden = false;
        self.nodes.push(Node {
            parent: NONE,
            first: NONE,
            last: NONE,
            next: NONE,
            key_start: 0,
            key_end: 0,
            tier: Tier::Call,
            content: Content::Object,
        });
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id as usize]
    }

    pub(super) fn key(&self, id: NodeId) -> &[u8] {
        let node = self.node(id);
        &self.keys[node.key_start as usize..node.key_end as usize]
    }

    /// The number of objects that the node is in, the root included.
    pub(super) fn depth(&self, id: NodeId) -> usize {
        let parents = std::iter::successors(Some(id), |id| {
            let parent = self.node(*id).parent;
            (parent != NONE).then_some(parent)
        });
        parents.count() - 1
    }

    /// The children of a node, in their order.
    pub(super) fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let first = self.node(id).first;
        let some = |id: NodeId| (id != NONE).then_some(id);
        std::iter::successors(some(first), move |id| some(self.node(*id).next))
    }

    /// The slot of the child with this key, or the empty one at which it would be.
    fn slot(&self, parent: NodeId, key: &[u8]) -> usize {
        let mask = self.table.len() - 1;
        let mut slot = self.hasher.hash_one((parent, key)) as usize & mask;
        loop {
            let id = self.table[slot];
            if id == NONE || (self.node(id).parent == parent && self.key(id) == key) {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    /// The child with this key.
    pub(super) fn find(&self, parent: NodeId, key: &[u8]) -> Option<NodeId> {
        let id = self.table[self.slot(parent, key)];
        (id != NONE).then_some(id)
    }

    /// Adds a child that is not there yet.
    pub(super) fn add(
        &mut self,
        parent: NodeId,
        key: &[u8],
        tier: Tier,
        content: Content,
    ) -> NodeId {
        if (self.nodes.len() + 1) * 2 > self.table.len() {
            self.grow();
        }
        let id = self.nodes.len() as NodeId;
        let slot = self.slot(parent, key);
        self.table[slot] = id;
        let key_start = self.keys.len() as u32;
        self.keys.extend_from_slice(key);
        let key_end = self.keys.len() as u32;
        let (first, last, next) = (NONE, NONE, NONE);
        self.nodes.push(Node { parent, first, last, next, key_start, key_end, tier, content });
        let before = std::mem::replace(&mut self.node_mut(parent).last, id);
        if before == NONE {
            self.node_mut(parent).first = id;
        } else {
            self.node_mut(before).next = id;
        }
        id
    }

    fn grow(&mut self) {
        let slots = self.table.len() * 2;
        self.table.clear();
        self.table.resize(slots, NONE);
        for id in 1..self.nodes.len() as NodeId {
            let slot = self.slot(self.node(id).parent, self.key(id));
            self.table[slot] = id;
        }
    }

    /// Whether the node is written.
    pub(super) fn is_shown(&self, id: NodeId) -> bool {
        match self.node(id).content {
            _ if !self.has_hidden => true,
            Content::Leaf(Leaf::Hidden) => false,
            Content::Object => {
                let mut children = self.children(id).peekable();
                children.peek().is_none() || children.any(|child| self.is_shown(child))
            }
            _ => true,
        }
    }
}

/// Takes what a tree is written as.
pub(super) trait Emit {
    type Error;

    /// Punctuation.
    fn punctuation(&mut self, bytes: &[u8]);

    /// A key, with quotes and colon.
    fn key(&mut self, key: &[u8]);

    /// A leaf in `depth` objects.
    fn leaf(&mut self, content: Content, depth: usize) -> Result<(), Self::Error>;
}

impl Tree {
    /// Writes the members of a node, which is in `depth` objects, with commas between.
    pub(super) fn write_members<E: Emit>(
        &self,
        id: NodeId,
        depth: usize,
        emit: &mut E,
    ) -> Result<(), E::Error> {
        let mut separator: &[u8] = b"";
        for child in self.children(id).filter(|child| self.is_shown(*child)) {
            emit.punctuation(separator);
            separator = b",";
            self.write_member(child, depth, emit)?;
        }
        Ok(())
    }

    /// Writes one member.
    pub(super) fn write_member<E: Emit>(
        &self,
        id: NodeId,
        depth: usize,
        emit: &mut E,
    ) -> Result<(), E::Error> {
        emit.key(self.key(id));
        match self.node(id).content {
            Content::Object => {
                emit.punctuation(b"{");
                self.write_members(id, depth + 1, emit)?;
                emit.punctuation(b"}");
                Ok(())
            }
            content => emit.leaf(content, depth),
        }
    }
}
