//! The reader against a model writer that acts between any two of its questions.
mod cases;
mod model;
mod properties;
