//! Rewrites the marked places of a markdown page.
//!
//! A place starts at `<!-- generated:NAME -->` and ends at the next `<!-- /generated -->`. The text between these marks
//! is replaced if the section is selected; all other text is unchanged byte for byte.

use super::Section;

const END: &str = "<!-- /generated -->";

/// The page with the sections inserted. An error if a mark has no end, if a name is not among the sections, or if the
/// page has no marks.
pub fn rewrite(page: &str, sections: &[Section]) -> Result<String, String> {
    const START: &str = "<!-- generated:";
    let mut out = String::with_capacity(page.len());
    let (mut rest, mut marks) = (page, 0);
    while let Some(at) = rest.find(START) {
        let (before, from) = rest.split_at(at);
        let (mark, after) = from.split_once("-->").ok_or("a generated mark is not closed")?;
        let name = mark[START.len()..].trim();
        let section = sections.iter().find(|section| section.name == name).ok_or_else(|| {
            let known: Vec<_> = sections.iter().map(|section| section.name).collect();
            format!("expected generated: one of {}, found {name}", known.join(", "))
        })?;
        let (old, tail) =
            after.split_once(END).ok_or_else(|| format!("generated:{name} has no {END}"))?;
        if section.is_selected {
            out.push_str(&format!("{before}{START}{name} -->\n{}{END}", section.text));
        } else {
            out.push_str(&format!("{before}{mark}-->{old}{END}"));
        }
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

    fn section(name: &'static str, text: &str) -> Section {
        Section { name, text: text.to_owned(), is_selected: true }
    }

    #[test]
    fn sections_that_are_not_selected_stay() {
        let unselected = Section { is_selected: false, ..section("latency", "new\n") };
        let sections = [unselected, section("run", "words\n")];
        let page = "<!-- generated:latency -->\nold\n<!-- /generated -->\n\
                    <!-- generated:run --><!-- /generated -->";
        let wanted = "<!-- generated:latency -->\nold\n<!-- /generated -->\n\
                      <!-- generated:run -->\nwords\n<!-- /generated -->";
        assert_eq!(rewrite(page, &sections).expect("the marks are right"), wanted);
    }

    #[test]
    fn only_marked_places_change_and_rewriting_is_idempotent() {
        let sections = [section("latency", "| new |\n"), section("run", "words\n")];
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
        let sections = [section("latency", "")];
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
