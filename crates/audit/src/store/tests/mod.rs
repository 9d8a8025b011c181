//! Tests of the log on a disk that fails, is killed and loses power.
mod basic;
mod crash;
mod others;
mod support;
mod upkeep;
