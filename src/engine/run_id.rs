//! The identifier of a run: a UUID, version 4 (RFC 9562), once per engine.
use crate::trace_context::RequestId;

/// Generates an identifier.
pub(super) fn generate() -> String {
    RequestId::uuid_v4().to_string()
}

#[cfg(test)]
mod tests {
    use super::generate;

    #[test]
    fn a_run_id_is_a_unique_uuid_v4() {
        let ids: std::collections::HashSet<String> = (0..1000).map(|_| generate()).collect();
        assert_eq!(ids.len(), 1000);
        for id in &ids {
            assert_eq!(id.len(), 36);
            assert_eq!(id.as_bytes()[14], b'4');
            assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        }
    }
}
