//! Pairs of key and value as fields.
use log::Record;
use log::kv::{self, Error, Key, VisitSource, VisitValue};
use ringseal::Limits;
use ringseal::value::{DisplayValue, Value, ValueWriter};

/// What a record's pairs have that decides about its site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Critical {
    /// Whether there is a pair `critical`.
    pub(super) is_named: bool,
    /// Whether the last one is true.
    pub(super) is_true: bool,
}

impl Critical {
    pub(super) fn of(record: &Record<'_>) -> Self {
        let mut found = Self::default();
        // The visitor returns no error. One of the source ends the visit; the pairs before it count.
        let _ = record.key_values().visit(&mut found);
        found
    }
}

impl<'kvs> VisitSource<'kvs> for Critical {
    fn visit_pair(&mut self, key: Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), Error> {
        if key.as_str() == "critical" {
            (self.is_named, self.is_true) = (true, value.to_bool() == Some(true));
        }
        Ok(())
    }
}

/// Passes each pair to `write`, in the record's order.
pub(super) fn write_pairs(record: &Record<'_>, write: &mut dyn FnMut(&str, &Pair<'_>)) {
    struct Each<'a>(&'a mut dyn FnMut(&str, &Pair<'_>));
    impl<'kvs> VisitSource<'kvs> for Each<'_> {
        fn visit_pair(&mut self, key: Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), Error> {
            (self.0)(key.as_str(), &Pair(value));
            Ok(())
        }
    }
    // See `Critical::of`.
    let _ = record.key_values().visit(&mut Each(write));
}

/// A value of `log`, with its type.
pub(super) struct Pair<'v>(kv::Value<'v>);

impl Value for Pair<'_> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        DisplayValue(&self.0).size_bytes_max(limits)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        let mut typed = Typed { out, is_written: false };
        let result = self.0.visit(&mut typed);
        if result.is_err() && !typed.is_written {
            out.null();
        }
    }
}

/// Writes the one value that is visited.
struct Typed<'o, 'b> {
    out: &'o mut ValueWriter<'b>,
    is_written: bool,
}

impl Typed<'_, '_> {
    /// Writes the value, unless the source has visited one before.
    fn write(&mut self, value: &dyn Value) -> Result<(), Error> {
        if !std::mem::replace(&mut self.is_written, true) {
            value.write(self.out);
        }
        Ok(())
    }
}

impl<'v> VisitValue<'v> for Typed<'_, '_> {
    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), Error> {
        self.write(&DisplayValue(value))
    }

    fn visit_null(&mut self) -> Result<(), Error> {
        self.write(&None::<u64>)
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        self.write(&value)
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        self.write(&value)
    }

    fn visit_u128(&mut self, value: u128) -> Result<(), Error> {
        self.write(&value)
    }

    fn visit_i128(&mut self, value: i128) -> Result<(), Error> {
        self.write(&value)
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        self.write(&value)
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        self.write(&value)
    }

    fn visit_str(&mut self, value: &str) -> Result<(), Error> {
        self.write(&value)
    }

    fn visit_char(&mut self, value: char) -> Result<(), Error> {
        self.write(&value)
    }

    fn visit_error(&mut self, error: &(dyn std::error::Error + 'static)) -> Result<(), Error> {
        self.write(&error)
    }

    fn visit_borrowed_error(
        &mut self,
        error: &'v (dyn std::error::Error + 'static),
    ) -> Result<(), Error> {
        self.visit_error(error)
    }
}
