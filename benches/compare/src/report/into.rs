//! Rewrites the marked places of a markdown page.
//!
//! A place starts at `<!-- generated:NAME -->` and ends at the next `<!-- /generated -->`. The text between these marks
//! is replaced; all other text is unchanged byte for byte.

const END: &str = "<!-- /generated -->";

/// The page with the sections inserted. An error if a mark has no end, if a name is not among the sections, or if the
/// page has no marks.
pub fn rewrite(page: &str, sections: &[(&str, String)]) -> Result<String, String> {
    const START: &str = "<!-- generated:";
    let mut out = String::with_capacity(page.len());
    let (mut rest, mut marks) = (page, 0);
    while let Some(at) = rest.find(START) {
        let (before, from) = rest.split_at(at);
        let (mark, after) = from.split_once("-->").ok_or("a generated mark is not closed")?;
        let name = mark[START.len()..].trim();
        let (_, text) = sections.iter().find(|(known, _)| *known == name).ok_or_else(|| {
            let known: Vec<_> = sections.iter().map(|(known, _)| *known).collect();
            format!("expected generated: one of {}, found {name}", known.join(", "))
        })?;
        let (_, tail) =
            after.split_once(END).ok_or_else(|| format!("generated:{name} has no {END}"))?;
        out.push_str(&format!("{before}{START}{name} -->\n{text}{END}"));
        rest = tail;
        marks += 1;
    }
    if marks == 0 {
        return Err(format!("expected a place marked {START}NAME -->, found none"));
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marked_places_change_and_rewriting_is_idempotent() {
        let sections = [("latency", "| new |\n".to_owned()), ("run", "words\n".to_owned())];
        let page = "a\n<!-- generated:latency -->\nold\n<!-- /generated -->\nb\n\
                    <!-- generated:run --><!-- /generated -->\nc";
        let wanted = "a\n<!-- generated:latency -->\n| new |\n<!-- /generated -->\nb\n\
                      <!-- generated:run -->\nwords\n<!-- /generated -->\nc";
        let once = rewrite(page, &sections).expect("the marks are right");
        assert_eq!(once, wanted);
        assert_eq!(rewrite(&once, &sections).expect("still right"), wanted);
    }

    #[test]
    fn wrong_marks_are_reported() {
        let sections = [("latency", String::new())];
        for (page, part) in [
            ("no marks", "found none"),
            ("<!-- generated:speed --><!-- /generated -->", "found speed"),
            ("<!-- generated:latency -->", "has no <!-- /generated -->"),
        ] {
            let error = rewrite(page, &sections).expect_err(page);
            assert!(error.contains(part), "{error}");
        }
    }
}
