//! Recommended keys of fields, so that all services of a company call the same thing by the same name.
//!
//! The macros take keys as they are written; these constants are for tests, bridges and configurations.

/// The id of the trace: 32 hexadecimal digits.
pub const TRACE_ID: &str = "trace_id";
/// The id of the span: 16 hexadecimal digits.
pub const SPAN_ID: &str = "span_id";
/// The id of the span around the span.
pub const PARENT_SPAN_ID: &str = "parent_span_id";
/// The id of a request among all services that it passes.
pub const CORRELATION_ID: &str = "correlation_id";
/// The id of a request in this service.
pub const REQUEST_ID: &str = "request_id";
/// The user who makes the request: an id, not a name.
pub const USER_ID: &str = "user_id";
/// The path of the request, without its query.
pub const REQUEST_PATH: &str = "request_path";
/// `GET`, `POST` and so on.
pub const HTTP_METHOD: &str = "http_method";
/// The status of the answer, a number.
pub const STATUS_CODE: &str = "status_code";
/// The duration of an operation in milliseconds.
pub const DURATION_MS: &str = "duration_ms";
/// A code that the service's documentation explains.
pub const ERROR_CODE: &str = "error_code";
/// What was done, such as `login`.
pub const ACTION: &str = "action";
/// The type of a domain event, such as `UPLOAD_SUBMITTED`, where the event's name is the same for all types. Success
/// sampling reads it.
pub const EVENT_TYPE: &str = "event_type";
/// The name of a span in its events.
pub const SPAN: &str = "span";
/// How a span has ended: `ok`, `error`, `cancelled` or `panicked`.
pub const OUTCOME: &str = "outcome";
/// The service that logs.
pub const SERVICE: &str = "service";
/// The instance of the service that logs.
pub const SERVICE_INSTANCE: &str = "service_instance";
/// `production`, `staging` and so on.
pub const ENVIRONMENT: &str = "environment";

/// All of them.
pub const ALL: [&str; 18] = [
    TRACE_ID,
    SPAN_ID,
    PARENT_SPAN_ID,
    CORRELATION_ID,
    REQUEST_ID,
    USER_ID,
    REQUEST_PATH,
    HTTP_METHOD,
    STATUS_CODE,
    DURATION_MS,
    ERROR_CODE,
    ACTION,
    EVENT_TYPE,
    SPAN,
    OUTCOME,
    SERVICE,
    SERVICE_INSTANCE,
    ENVIRONMENT,
];

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn no_key_stands_for_two_things() {
        let mut keys = ALL.to_vec();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), ALL.len());
    }
}
