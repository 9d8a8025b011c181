//! Headers against tables of named cases, and against slow oracles.
mod headers;
mod request_id;
mod traceparent;
mod tracestate;
mod trust;
