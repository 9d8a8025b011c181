//! Makes a page from result records: tables, drawings, and the marked places of a markdown file.
//!
//! Everything here is a pure function of the records (and of a few constants measured earlier), so
//! the same results always give the same bytes.

mod bounds;
mod data;
mod groups;
mod http;
mod into;
mod reference;
mod svg;
mod sweep;
mod tables;
mod targets;
mod traceparent;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::family::{Group, Measurement, Selection};
use crate::options::Report;
use data::Data;

/// The text of a marked place without results.
const NOT_MEASURED: &str = "Not measured in these results.\n";

/// The whole page, without drawings and without sections that were not measured.
pub fn page(records: &[Value], selection: &Selection) -> String {
    let data = Data::selected(records, selection.clone());
    sections(&data, selection)
        .into_iter()
        .filter(|section| section.is_selected && section.text != NOT_MEASURED)
        .map(|section| format!("## {}\n\n{}", section.name, section.text))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Runs `compare report`.
pub fn run(options: &Report) -> Result<(), String> {
    let mut records = Vec::new();
    for file in &options.files {
        records.extend(read(file)?);
    }
    let data = Data::selected(&records, options.selection.clone());
    println!("{}", page(&records, &options.selection));
    if let Some(dir) = &options.svg {
        fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        write(&dir.join("latency.svg"), &svg::latency(&data))?;
        write(&dir.join("throughput.svg"), &svg::throughput(&data))?;
        write(&dir.join("capacity.svg"), &svg::capacity(&data))?;
    }
    if let Some(page) = &options.into {
        let text = fs::read_to_string(page).map_err(|e| format!("{}: {e}", page.display()))?;
        let text = into::rewrite(&text, &sections(&data, &options.selection))
            .map_err(|e| format!("{}: {e}", page.display()))?;
        write(page, &text)?;
    }
    Ok(())
}

/// A marked place.
pub struct Section {
    /// Its name in the mark.
    pub name: &'static str,
    /// What belongs there.
    pub text: String,
    /// Whether it is printed and rewritten.
    pub is_selected: bool,
}

/// All sections. Those about the whole run are selected unless families were given.
fn sections(data: &Data, selection: &Selection) -> Vec<Section> {
    use Measurement::*;
    let or_not = |text: Option<String>| text.unwrap_or_else(|| NOT_MEASURED.to_owned());
    let is_whole = selection.is_default();
    let calls = selection.has(Latency) || selection.has(Pauses) || selection.has(Throughput);
    [
        ("targets", targets::table(data), is_whole),
        ("run", tables::run(data), is_whole),
        ("latency", tables::latency(data), selection.has(Latency)),
        ("pauses", tables::pauses(data), selection.has(Pauses)),
        ("throughput", tables::throughput(data), selection.has(Throughput)),
        ("bounds", or_not(bounds::table(data)), calls && selection.includes(Group::Bounds)),
        ("reference", reference::table(data), is_whole),
        ("capacity", or_not(sweep::capacity(data)), selection.has(Capacity)),
        ("rings", or_not(sweep::rings(data)), selection.has(Rings)),
        ("idle", or_not(sweep::idle(data)), selection.has(Idle)),
        ("traceparent", or_not(traceparent::table(data)), selection.has(TraceParent)),
        ("context", or_not(groups::table(data, groups::CONTEXT, false)), selection.has(Context)),
        ("bridges", or_not(groups::table(data, groups::BRIDGES, true)), selection.has(Bridges)),
        ("typed", or_not(groups::table(data, groups::TYPED, false)), selection.has(Typed)),
        ("http", or_not(http::tables(data)), selection.has(Http)),
    ]
    .map(|(name, text, is_selected)| Section { name, text, is_selected })
    .into()
}

fn read(path: &Path) -> Result<Vec<Value>, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    text.lines()
        .enumerate()
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|e| format!("{}:{}: {e}", path.display(), at + 1))
        })
        .collect()
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_select_sections() {
        let names = |families: &str| -> Vec<&str> {
            let mut selection = Selection::report();
            if !families.is_empty() {
                selection.add(families).expect("known families");
            }
            let data = Data::selected(&[], selection.clone());
            let sections = sections(&data, &selection);
            let selected = sections.iter().filter(|section| section.is_selected);
            selected.map(|section| section.name).collect()
        };
        assert_eq!(names("").len(), 15);
        assert_eq!(names("context"), ["context"]);
        assert_eq!(names("bridges"), ["bridges"]);
        assert_eq!(names("typed"), ["typed"]);
        assert_eq!(names("http"), ["http"]);
        assert_eq!(names("rings,idle"), ["rings", "idle"]);
        assert_eq!(names("latency,floors"), ["latency"]);
        assert_eq!(names("throughput,bounds"), ["throughput", "bounds"]);
        assert_eq!(names("pauses"), ["pauses", "bounds"]);
    }
}
