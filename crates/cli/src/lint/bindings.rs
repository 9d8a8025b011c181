//! Which fields are bound where: the blocks and functions around a place, their loggers and contexts.
use std::collections::{BTreeMap, BTreeSet};

use super::event::Field;
use crate::rust_source::tokens::Place;

/// A field that a logger or a context has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub key: String,
    /// The value's text.
    pub value: String,
    pub line: usize,
}

impl Bound {
    pub fn of(field: &Field) -> Bound {
        Bound { key: field.key.clone(), value: field.same_as(), line: field.place.line }
    }

    pub fn is_same(&self, field: &Field) -> bool {
        self.key == field.key && self.value == field.same_as()
    }
}

/// What a variable holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    Logger,
    /// A context or a span that is not entered yet.
    Context,
}

/// A variable with bound fields.
#[derive(Debug, Clone)]
pub struct Variable {
    pub holds: Holds,
    pub bound: Vec<Bound>,
}

#[derive(Debug, Default)]
struct Block {
    variables: BTreeMap<String, Variable>,
    ambient: Vec<Bound>,
    /// Ambient fields of outer blocks do not apply: another thread or task without the context, another function.
    is_apart: bool,
    /// Variables of outer blocks do not apply either.
    is_function: bool,
}

/// A function whose body is being read.
#[derive(Debug, Default)]
pub struct Function {
    pub name: String,
    pub parameters: BTreeSet<String>,
    /// The first event so far.
    pub first_event: Option<Place>,
    pub has_reported: bool,
}

/// The blocks and functions around the current place.
#[derive(Debug, Default)]
pub struct Bindings {
    blocks: Vec<Block>,
    functions: Vec<Function>,
}

impl Bindings {
    pub fn enter_block(&mut self) {
        self.blocks.push(Block::default());
    }

    /// Enters code that runs without the ambient fields of this place.
    pub fn enter_apart(&mut self) {
        self.blocks.push(Block { is_apart: true, ..Block::default() });
    }

    pub fn enter_function(&mut self, name: String, parameters: BTreeSet<String>) {
        self.functions.push(Function { name, parameters, ..Function::default() });
        self.blocks.push(Block { is_apart: true, is_function: true, ..Block::default() });
    }

    pub fn leave_block(&mut self) {
        self.blocks.pop();
    }

    pub fn leave_function(&mut self) {
        self.blocks.pop();
        self.functions.pop();
    }

    pub fn function(&mut self) -> Option<&mut Function> {
        self.functions.last_mut()
    }

    /// Whether all of these names are parameters of the current function, and there is at least one.
    pub fn are_parameters(&self, names: &[String]) -> bool {
        let Some(function) = self.functions.last() else { return false };
        !names.is_empty() && names.iter().all(|name| function.parameters.contains(name))
    }

    pub fn set_variable(&mut self, name: String, variable: Variable) {
        if let Some(block) = self.blocks.last_mut() {
            block.variables.insert(name, variable);
        }
    }

    /// Another value has the name from here on.
    pub fn shadow(&mut self, name: &str) {
        if self.variable(name).is_some() {
            let variable = Variable { holds: Holds::Logger, bound: Vec::new() };
            self.set_variable(name.to_owned(), variable);
        }
    }

    pub fn variable(&self, name: &str) -> Option<&Variable> {
        for block in self.blocks.iter().rev() {
            if let Some(variable) = block.variables.get(name) {
                return Some(variable);
            }
            if block.is_function {
                return None;
            }
        }
        None
    }

    /// Makes the fields ambient to the end of the block.
    pub fn add_ambient(&mut self, bound: Vec<Bound>) {
        if let Some(block) = self.blocks.last_mut() {
            block.ambient.extend(bound);
        }
    }

    /// The ambient fields of this place, the nearest first.
    pub fn ambient(&self) -> Vec<Bound> {
        let mut all = Vec::new();
        for block in self.blocks.iter().rev() {
            all.extend(block.ambient.iter().rev().cloned());
            if block.is_apart {
                break;
            }
        }
        all
    }
}
