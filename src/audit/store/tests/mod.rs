//! The log on a disk that fails, is killed and loses power.
mod basic;
mod crash;
mod support;
mod upkeep;
