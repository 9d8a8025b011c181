//! `traceparent`, `tracestate` and request ids against slow oracles that follow the grammar of the specification.
use ringseal::trace_context::{Propagation, RequestId, RequestIds, TraceParent, TraceState, Trust};

/// Reads a value place by place: version, ids and flags as bytes.
fn parent_oracle(header: &[u8]) -> Option<([u8; 16], [u8; 8], u8)> {
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let before = header.iter().take_while(blank).count();
    let after = header[before..].iter().rev().take_while(blank).count();
    let value = &header[before..header.len() - after];
    let digit = |at: usize| {
        char::from(*value.get(at)?).to_digit(16).filter(|_| {
            // Upper case is another spelling.
            !value[at].is_ascii_uppercase()
        })
    };
    let byte = |at: usize| Some((digit(at)? << 4 | digit(at + 1)?) as u8);
    let version = byte(0)?;
    let mut trace_id = [0; 16];
    for (index, to) in trace_id.iter_mut().enumerate() {
        *to = byte(3 + 2 * index)?;
    }
    let mut span_id = [0; 8];
    for (index, to) in span_id.iter_mut().enumerate() {
        *to = byte(36 + 2 * index)?;
    }
    let flags = byte(53)?;
    let has_dashes = [2, 35, 52].iter().all(|at| value[*at] == b'-');
    let is_end_valid = value.len() == 55 || version > 0 && value[55] == b'-';
    let is_valid = has_dashes
        && is_end_valid
        && version != 255
        && trace_id.iter().any(|byte| *byte != 0)
        && span_id.iter().any(|byte| *byte != 0);
    is_valid.then_some((trace_id, span_id, flags % 4))
}

fn parent(header: &[u8]) -> Option<TraceParent> {
    let read = TraceParent::parse(header);
    let found = read.ok().map(|parent| {
        let flags = u8::from(parent.is_sampled()) + 2 * u8::from(parent.is_random());
        (parent.trace_id(), parent.span_id(), flags)
    });
    assert_eq!(found, parent_oracle(header), "{read:?}");
    let lenient = TraceParent::parse_lenient(header);
    match read {
        Ok(parent) => {
            let mut buffer = [0; TraceParent::BYTES];
            assert_eq!(TraceParent::parse(parent.write(&mut buffer)), Ok(parent));
            assert_eq!(
                lenient.map(|lenient| (lenient.parent, lenient.replaced)),
                Ok((parent, None))
            );
            let same = TraceParent::from_correlation(parent.correlation()).expect("ids");
            assert_eq!((same.trace_id(), same.span_id()), (parent.trace_id(), parent.span_id()));
        }
        Err(error) => {
            assert!(error.offset() <= header.len() && !error.to_string().is_empty());
            match lenient {
                Ok(lenient) => {
                    assert_eq!(lenient.replaced, Some(error));
                    assert!((36..=52).contains(&error.offset()), "only the parent id: {error}");
                }
                Err(other) => assert_eq!(other, error),
            }
        }
    }
    read.ok()
}

/// The members of all headers, if every one is valid.
fn state_oracle<'h>(headers: &[&'h [u8]]) -> Option<Vec<(&'h str, &'h str)>> {
    let mut members = Vec::new();
    for header in headers {
        for member in header.split(|byte| *byte == b',') {
            let member = str::from_utf8(member).ok()?.trim_matches([' ', '\t']);
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=')?;
            let is_key_byte =
                |byte: u8| b"abcdefghijklmnopqrstuvwxyz0123456789_-*/@".contains(&byte);
            let is_key = key.bytes().all(is_key_byte)
                && !key.is_empty()
                && !key.starts_with(['_', '-', '*', '/', '@'])
                && key.len() <= 256;
            let is_value = value.bytes().all(|byte| matches!(byte, 0x20..0x7F) && byte != b'=')
                && !value.is_empty()
                && value.len() <= 256;
            if !is_key || !is_value || members.len() == 32 {
                return None;
            }
            members.push((key, value));
        }
    }
    Some(members)
}

fn state(headers: &[&[u8]]) {
    let read = TraceState::check(headers);
    let expected = state_oracle(headers);
    assert_eq!(read.map(|state| state.members().collect::<Vec<_>>()).ok(), expected, "{read:?}");
    let Ok(state) = read else { return };
    for room in [0, 1, 20, 100, TraceState::BYTES, 32 * 514] {
        let mut buffer = vec![0; room];
        let Some(written) = state.write(&mut buffer) else { continue };
        let again = TraceState::check([written]).expect("what is written is valid");
        assert!(again.members().count() <= state.members().count());
        assert!(room < 32 * 514 || again == state);
    }
    if let Some((key, value)) = state.members().last() {
        let moved = state.with_front(key, value).expect("a valid member");
        assert_eq!(moved.members().next(), Some((key, value)));
        assert_eq!(moved.members().filter(|(known, _)| *known == key).count(), 1);
    }
}

fn request_id(text: &[u8]) {
    let is_allowed =
        |byte: &u8| matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    let is_valid = (1..=128).contains(&text.len()) && text.iter().all(is_allowed);
    let read = RequestId::parse(text);
    assert_eq!(read.is_ok(), is_valid, "{read:?}");
    assert!(read.is_err() || read.is_ok_and(|id| id.as_str().as_bytes() == text));
}

/// Checks the headers of a request: the first line is a `traceparent`, the others are `tracestate`.
///
/// # Panics
/// If something disagrees with its oracle.
pub fn check(bytes: &[u8]) {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let (first, states) = (lines[0], &lines[1..]);
    let caller = parent(first);
    state(states);
    request_id(first);
    let names = states.iter().map(|value| ("tracestate", *value));
    let headers: Vec<(&str, &[u8])> = [("TraceParent", first)].into_iter().chain(names).collect();
    let trace = Propagation::new().trust(Trust::Always).receive(&headers, None);
    assert_eq!(trace.caller(), caller);
    assert_eq!(trace.is_continued(), caller.is_some());
    let outgoing = trace.outgoing();
    let sent = TraceParent::parse(outgoing.traceparent()).expect("what is sent is valid");
    assert_eq!(sent.trace_id(), trace.span().trace_id());
    // A trace that begins here is sampled.
    let is_sampled = caller.is_none_or(|caller| caller.is_sampled());
    assert_eq!(
        (sent.is_sampled(), caller.is_none() || caller.is_some_and(|caller| caller.is_random())),
        (is_sampled, sent.is_random())
    );
    let passed_on = caller.and_then(|_| state_oracle(states)).unwrap_or_default();
    assert_eq!(trace.state().members().collect::<Vec<_>>(), passed_on);
    assert!(!RequestIds::new().of_request(&headers).as_str().is_empty());
}

/// Headers to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    let long = format!("{}={}", "z".repeat(256), "v".repeat(256));
    let many = (0..33).map(|index| format!("k{index}={index}")).collect::<Vec<_>>().join(",");
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    [
        parent.into(),
        format!("{parent}\nrojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        format!(" \t{parent} \nfoo=1 \t , \t bar=2\n\nbaz=3\n foo@@bar=  x y "),
        format!("{parent}\n{long},a=1\n{many}"),
        format!("{parent}\n{many}"),
        parent.replacen("00-", "cc-", 1) + "-what-the-future-will-be-like\n@foo=1",
        parent.replacen("b7ad6b7169203331", "1234", 1),
        parent.replacen("00-", "ff-", 1),
        "4bf92f35-77b3-4da6-a3ce-929d0e0e4736\nFOO=1".into(),
    ]
    .map(String::into_bytes)
    .to_vec()
}

#[cfg(test)]
mod tests {
    #[test]
    fn damaged_trace_headers_agree_with_the_oracles() {
        for seed in super::seeds() {
            super::check(&seed);
            for at in 0..seed.len().min(200) {
                super::check(&seed[..at]);
                for byte in [b'-', b'0', b'f', b'F', b',', b'=', b' ', b'\t', b'\n', 0, 0x80] {
                    let mut damaged = seed.clone();
                    damaged[at] = byte;
                    super::check(&damaged);
                    damaged.insert(at, byte);
                    super::check(&damaged);
                    damaged.drain(at..at + 2);
                    super::check(&damaged);
                }
            }
        }
    }
}
