//! Makes a page from result records: tables, drawings, and the marked places of a markdown file.
//!
//! Everything here is a pure function of the records (and of a few constants measured earlier), so
//! the same results always give the same bytes.

mod data;
mod into;
mod reference;
mod svg;
mod sweep;
mod tables;
mod targets;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::options::Report;
use data::Data;

/// The text of a marked place without results.
const NOT_MEASURED: &str = "Not measured in these results.\n";

/// The whole page, without drawings and without sections that were not measured.
pub fn page(records: &[Value]) -> String {
    let data = Data::of(records);
    sections(&data)
        .into_iter()
        .filter(|(_, text)| text != NOT_MEASURED)
        .map(|(name, text)| format!("## {name}\n\n{text}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Runs `compare report`.
pub fn run(options: &Report) -> Result<(), String> {
    let mut records = Vec::new();
    for file in &options.files {
        records.extend(read(file)?);
    }
    let data = Data::of(&records);
    println!("{}", page(&records));
    if let Some(dir) = &options.svg {
        fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        write(&dir.join("latency.svg"), &svg::latency(&data))?;
        write(&dir.join("throughput.svg"), &svg::throughput(&data))?;
        write(&dir.join("capacity.svg"), &svg::capacity(&data))?;
    }
    if let Some(page) = &options.into {
        let text = fs::read_to_string(page).map_err(|e| format!("{}: {e}", page.display()))?;
        let text = into::rewrite(&text, &sections(&data))
            .map_err(|e| format!("{}: {e}", page.display()))?;
        write(page, &text)?;
    }
    Ok(())
}

fn sections(data: &Data) -> [(&'static str, String); 9] {
    let or_not = |text: Option<String>| text.unwrap_or_else(|| NOT_MEASURED.to_owned());
    [
        ("targets", targets::table(data)),
        ("run", tables::run(data)),
        ("latency", tables::latency(data)),
        ("pauses", tables::pauses(data)),
        ("throughput", tables::throughput(data)),
        ("reference", reference::table(data)),
        ("capacity", or_not(sweep::capacity(data))),
        ("rings", or_not(sweep::rings(data))),
        ("idle", or_not(sweep::idle(data))),
    ]
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
