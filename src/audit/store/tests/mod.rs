//! The log on a disk that fails, is killed and loses power.
mod basic;
mod support;
