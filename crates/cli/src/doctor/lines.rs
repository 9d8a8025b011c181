//! What lines must be: one JSON object each, ids in their forms, objects where the schema has objects.
use super::Check;
use crate::json::{JsonError, Token, Tokens};

/// Objects inside each other that are read.
const DEPTH_MAX: usize = 64;

/// The single values of a line, by their paths with dots; texts decoded.
pub(super) type Members = Vec<(String, Member)>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Member {
    Text(String),
    Number(String),
    /// A map, a list, a truth value or nothing.
    Map,
    Other,
}

/// Whether a line is one JSON object; the check shows it.
pub(super) fn json(line: &str) -> Check {
    match members(line) {
        Ok(_) => Check::good("line", line),
        Err(error) => Check::failed("line", format!("expected one JSON object: {error}\n{line}")),
    }
}

/// All members of a line.
pub(super) fn members(line: &str) -> Result<Members, String> {
    let mut found = Vec::new();
    let mut read = || -> Result<bool, JsonError> {
        let mut tokens = Tokens::new(line.as_bytes())?;
        if tokens.next_token()? != Some(Token::MapStart) {
            return Ok(false);
        }
        read_map(&mut tokens, "", 1, &mut found)?;
        tokens.next_token().map(|_| true)
    };
    match read() {
        Ok(true) => Ok(found),
        Ok(false) => Err("found another value".into()),
        Err(error) => Err(error.to_string()),
    }
}

fn read_map(
    tokens: &mut Tokens<'_>,
    prefix: &str,
    depth: usize,
    found: &mut Members,
) -> Result<(), JsonError> {
    while let Some(Token::Key(key)) = tokens.next_token()? {
        let key = key.decode();
        let path = if prefix.is_empty() { key.to_string() } else { format!("{prefix}.{key}") };
        let Some(first) = tokens.next_token()? else { break };
        let member = match &first {
            Token::String(text) => Member::Text(text.decode().to_string()),
            Token::Number(number) => Member::Number((*number).to_string()),
            Token::MapStart => Member::Map,
            _ => Member::Other,
        };
        let is_map = member == Member::Map && depth < DEPTH_MAX;
        found.push((path.clone(), member));
        if is_map {
            read_map(tokens, &path, depth + 1, found)?;
        } else {
            tokens.skip_value(&first)?;
        }
    }
    Ok(())
}

/// A text at one of these paths.
pub(super) fn text<'m>(members: &'m Members, paths: &[&str]) -> Option<&'m str> {
    paths.iter().find_map(|path| {
        members.iter().find_map(|(known, member)| match member {
            Member::Text(text) if known == path => Some(text.as_str()),
            _ => None,
        })
    })
}

/// What is wrong with the members of a line in the Elastic Common Schema, or with the ids of any line.
pub(super) fn misfits(members: &Members) -> Vec<String> {
    let mut found = Vec::new();
    let is_ecs = members.iter().any(|(path, _)| path == "ecs.version" || path == "ecs");
    for (path, member) in members {
        let misfit = match (path.as_str(), member) {
            ("trace.id" | "trace_id", Member::Text(id)) if !is_hex(id, 32) => {
                Some("expected 32 lower-case hexadecimal digits")
            }
            ("span.id" | "span_id", Member::Text(id)) if !is_hex(id, 16) && !is_uuid(id) => {
                Some("expected 16 lower-case hexadecimal digits, or a UUID")
            }
            ("user.id", Member::Map | Member::Other) => Some("expected a number or a text"),
            ("client.ip", Member::Text(ip)) if ip.parse::<std::net::IpAddr>().is_err() => {
                Some("expected an IP address")
            }
            ("error" | "user" | "client", member) if is_ecs && *member != Member::Map => {
                Some("expected an object")
            }
            ("ecs.version", Member::Text(version)) if version != "1.12.0" => {
                Some("expected 1.12.0")
            }
            _ => None,
        };
        found.extend(misfit.map(|misfit| format!("{path}: {misfit}")));
    }
    let service = text(members, &["service.name"]);
    if is_ecs && !service.is_some_and(|name| ["app", "rq", "celery"].contains(&name)) {
        found.push("service.name: expected app, rq or celery".into());
    }
    found
}

pub(super) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths = parts.iter().map(|part| part.len());
    lengths.eq([8, 4, 4, 4, 12])
        && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
