//! Tests of the log on a disk that fails, is killed and loses power.
mod basic;
mod crash;
mod others;
mod reach;
mod refused;
mod set_aside;
mod support;
mod upkeep;
