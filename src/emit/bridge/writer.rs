//! The values of a foreign event, as they are written into its record.
use std::cell::Cell;

use super::site::Site;
use crate::core::field::Fields;
use ringseal_base::limits::Limits;
use ringseal_base::value::{Maybe, NOT_PLAIN, Value, ValueWriter};

/// Takes the fields of a foreign event, in any order; those of the site's keys in their order are the quickest.
///
/// A key that is not written is left out of the line.
#[derive(Debug)]
pub struct SiteWriter<'w, 'b> {
    out: &'w mut ValueWriter<'b>,
    /// The site's keys that have no value yet, in the form of values; none otherwise.
    rest: &'static [&'static str],
    site: &'static Site,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The values of the site's keys.
    Values,
    /// Only the message.
    Name { is_written: bool },
    /// Keys and values, without the message.
    Entries,
}

impl SiteWriter<'_, '_> {
    /// Writes a field. If it is the one that holds the message, the value must be a text.
    #[inline]
    pub fn field<V: Value>(&mut self, key: &str, value: &V) {
        if let [own, rest @ ..] = self.rest
            && is_same(own, key)
        {
            self.rest = rest;
            return value.write(self.out);
        }
        self.other_field(key, value);
    }

    /// Writes a field that is not the next one.
    #[cold]
    #[inline(never)]
    fn other_field(&mut self, key: &str, value: &dyn Value) {
        match self.form {
            Form::Values => match self.rest.iter().position(|own| is_same(own, key)) {
                Some(skipped) => self.value_after(skipped, value),
                // Written before, or not a key of the site.
                None => self.out.refuse(),
            },
            Form::Name { .. } if self.holds_message(key) => self.name(value),
            Form::Entries if !self.holds_message(key) => self.out.entry(key, value),
            Form::Name { .. } | Form::Entries => {}
        }
    }

    /// Writes the message of an event whose site has no key for it. The value must be a text.
    pub fn message(&mut self, value: &dyn Value) {
        match self.form {
            Form::Values => match self.site.message().and_then(|index| self.skipped_to(index)) {
                Some(skipped) => self.value_after(skipped, value),
                None => self.out.refuse(),
            },
            Form::Name { .. } => self.name(value),
            Form::Entries => {}
        }
    }

    fn holds_message(&self, key: &str) -> bool {
        self.site.message_key() == Some(key)
    }

    /// How many keys are between the next one and that of this index; `None` if it has its value.
    fn skipped_to(&self, index: usize) -> Option<usize> {
        index.checked_sub(self.site.keys().len() - self.rest.len())
    }

    fn value_after(&mut self, skipped: usize, value: &dyn Value) {
        self.skip(skipped);
        value.write(self.out);
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    fn name(&mut self, value: &dyn Value) {
        if self.form == (Form::Name { is_written: false }) {
            value.write(self.out);
            self.form = Form::Name { is_written: true };
        }
    }

    /// Writes that the values of the next keys are absent; the name of the site in place of the message.
    fn skip(&mut self, count: usize) {
        let (skipped, rest) = self.rest.split_at(count.min(self.rest.len()));
        for key in skipped {
            match self.holds_message(key) {
                true => self.out.str(self.site.name()),
                false => Maybe::<u64>(None).write(self.out),
            }
        }
        self.rest = rest;
    }

    #[inline]
    fn finish(&mut self) {
        match self.form {
            Form::Values if self.rest.is_empty() => {}
            Form::Values => self.skip(self.rest.len()),
            Form::Name { is_written: false } => self.out.str(self.site.name()),
            Form::Name { .. } | Form::Entries => {}
        }
    }
}

type Fill<'f> = &'f dyn Fn(&mut SiteWriter<'_, '_>);

/// Whether two keys are the same: mostly one text.
#[inline]
fn is_same(own: &str, key: &str) -> bool {
    own.len() == key.len() && (std::ptr::eq(own.as_ptr(), key.as_ptr()) || own == key)
}

#[inline]
fn write(site: &'static Site, fill: Fill<'_>, form: Form, out: &mut ValueWriter<'_>) {
    let rest = if form == Form::Values { site.keys() } else { &[] };
    let mut writer = SiteWriter { out, rest, site, form };
    fill(&mut writer);
    writer.finish();
}

/// The values of the site's keys.
pub(super) struct ValuesOf<'f> {
    site: &'static Site,
    fill: Fill<'f>,
    is_refused: Cell<bool>,
}

impl<'f> ValuesOf<'f> {
    pub(super) fn new(site: &'static Site, fill: Fill<'f>) -> Self {
        ValuesOf { site, fill, is_refused: Cell::new(false) }
    }

    /// Whether the event has other fields than the site, or in another order.
    pub(super) fn is_refused(&self) -> bool {
        self.is_refused.get()
    }
}

/// Target, name, and entries.
pub(super) struct EntriesOf<'f> {
    site: &'static Site,
    fill: Fill<'f>,
}

impl<'f> EntriesOf<'f> {
    pub(super) fn new(site: &'static Site, fill: Fill<'f>) -> Self {
        EntriesOf { site, fill }
    }
}

macro_rules! formatted {
    () => {
        fn size_bytes_max(&self, _limits: &Limits) -> usize {
            self.site.payload_bytes()
        }

        fn is_guessed(&self) -> bool {
            true
        }

        fn plain_bytes(&self) -> usize {
            0
        }

        fn text_bytes(&self) -> usize {
            NOT_PLAIN
        }

        fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
            out
        }
    };
}

impl Fields for ValuesOf<'_> {
    fn write(&self, out: &mut ValueWriter<'_>) {
        write(self.site, self.fill, Form::Values, out);
        self.is_refused.set(out.is_refused());
        self.site.learn(out.len_bytes());
    }

    formatted!();
}

impl Fields for EntriesOf<'_> {
    fn write(&self, out: &mut ValueWriter<'_>) {
        out.str(self.site.target());
        write(self.site, self.fill, Form::Name { is_written: false }, out);
        write(self.site, self.fill, Form::Entries, out);
        self.site.learn(out.len_bytes());
    }

    formatted!();
}
