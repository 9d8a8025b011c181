//! Event types and their required fields, known at run time: from a catalogue of typed events, or from a text.
use super::catalogue::Catalogue;
use ringseal_base::catalogue::{CatalogueError, Requirement, Shapes, Words};

/// The types and fields of domain events.
const WORDS: Words = Words {
    is_event_type,
    event_type: "an event type such as `UPLOAD_FAILED` (at most 128 letters, digits, `_`, `-` and dots)",
    is_path,
    path: "the key of a field, such as `infohash` or `meta.reason`, or some of which one is required: `asin|title`",
    flags: &[],
};

/// The event types of a service and the fields that each requires, for events whose type is known only at run time.
///
/// It has the structure and the formats of the audit log's catalogue. [`Catalogue::taxonomy`] makes one of typed
/// events, so that both ways of logging have the same requirements.
///
/// ```
/// use ringseal::events::Taxonomy;
/// let page = "\
/// | Category | Event Type         | Required Fields                     |
/// |----------|--------------------|-------------------------------------|
/// | Metadata | METADATA_EXTRACTED | `torrent_path`, `asin` or `title`   |
/// | Error    | UPLOAD_FAILED      | `tracker`, `infohash`, `meta.reason` |
/// ";
/// let taxonomy = Taxonomy::from_markdown(page)?;
/// let missing: Vec<_> = taxonomy.missing("UPLOAD_FAILED", |key| key == "tracker").unwrap().collect();
/// assert_eq!(missing, ["infohash", "meta.reason"]);
/// let missing = taxonomy.missing("METADATA_EXTRACTED", |key| key == "torrent_path");
/// assert_eq!(missing.unwrap().collect::<Vec<_>>(), ["asin|title"]);
/// assert!(taxonomy.missing("UPLOAD_LOST", |_| true).is_none(), "not in the taxonomy");
/// # Ok::<(), ringseal::events::CatalogueError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taxonomy {
    shapes: Shapes,
}

impl Taxonomy {
    /// Reads a taxonomy in JSON: `{"event_types": {"UPLOAD_FAILED": ["tracker", "meta.reason"]}}`.
    ///
    /// # Errors
    /// If the text is not JSON, or has another structure; the error names the line.
    pub fn from_json(text: &str) -> Result<Taxonomy, CatalogueError> {
        Ok(Taxonomy { shapes: Shapes::from_json(&WORDS, text)? })
    }

    /// Reads a taxonomy from the tables and lists of a page.
    ///
    /// # Errors
    /// If the page has text but no event types, or a cell is not a type or a list of fields; the error names the line.
    pub fn from_markdown(text: &str) -> Result<Taxonomy, CatalogueError> {
        Ok(Taxonomy { shapes: Shapes::from_markdown(&WORDS, text)? })
    }

    /// Adds an event type and its required fields.
    ///
    /// # Errors
    /// If a text is not a type or a field, or the type is in the taxonomy already.
    pub fn event_type(mut self, name: &str, required: &[&str]) -> Result<Taxonomy, CatalogueError> {
        self.shapes.add(&WORDS, name, required, None)?;
        Ok(self)
    }

    /// The event types, sorted.
    pub fn event_types(&self) -> impl Iterator<Item = &str> {
        self.shapes.types().iter().map(|shape| shape.name())
    }

    /// The required fields that an event of this type lacks: `asin|title` if it has neither. `None` if the type is not
    /// in the taxonomy.
    pub fn missing(
        &self,
        event_type: &str,
        has: impl FnMut(&str) -> bool,
    ) -> Option<impl Iterator<Item = &str>> {
        let own = self.shapes.find(|name| name.cmp(event_type))?;
        Some(self.shapes.missing(Some(own), has).map(Requirement::as_str))
    }
}

impl Catalogue {
    /// The event types and their required fields, for events that are logged without their structs.
    ///
    /// # Errors
    /// If a name or a key is not one of a taxonomy, which allows no blanks and quotes.
    pub fn taxonomy(&self) -> Result<Taxonomy, CatalogueError> {
        self.events().iter().try_fold(Taxonomy::default(), |taxonomy, event| {
            let alternatives: Vec<String> =
                event.alternatives().iter().map(|keys| keys.join("|")).collect();
            let fields = event.fields().iter().filter(|field| field.is_required());
            let fields = fields.map(|field| field.key());
            let required: Vec<&str> =
                fields.chain(alternatives.iter().map(String::as_str)).collect();
            taxonomy.event_type(event.name(), &required)
        })
    }
}

fn is_event_type(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=128).contains(&text.len()) && text.bytes().all(is_part)
}

fn is_path(text: &str) -> bool {
    !text.contains(|c: char| c.is_whitespace() || c.is_control() || "`\"|".contains(c))
        && text.split('.').all(|part| !part.is_empty())
}
