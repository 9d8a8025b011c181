//! The reader against a model writer that acts between any two of its calls.
mod cases;
mod model;
mod properties;
