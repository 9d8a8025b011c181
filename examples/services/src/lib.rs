//! Typed events of three services, as a library: domain events with a taxonomy ([`torrents`]), rules of a feature
//! store ([`features`]), and payloads of a language model ([`llm`]).
pub mod features;
pub mod llm;
pub mod torrents;
