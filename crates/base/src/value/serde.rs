//! Writes any `serde::Serialize` as a tree of values into the record, without an intermediate JSON text.
//!
//! Promises: this module allocates nothing. Values that do not fit are left out at the end of their container, which
//! is marked as truncated. If an implementation fails, its error message is written as the value.
use std::fmt::{self, Write};

use serde::ser::{self, Serialize};

use super::format::write_formatted;
use super::write::{Mark, Open};
use super::{Element, ObjectValue, Value, ValueWriter, tag};
use crate::limits::{Limits, floor_char_boundary};

/// A value by its `Serialize`; made by `ringseal::serialize`.
#[derive(Debug, Clone, Copy)]
pub struct SerdeValue<T>(pub T);

impl<T: Serialize> Value for SerdeValue<T> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        9 + limits.value_bytes_max as usize
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        out.within(9 + out.limits().value_bytes_max as usize, |out| {
            let mark = out.mark();
            if let Err(Stop(error)) = self.0.serialize(Tree { out }) {
                out.rewind(mark);
                write_formatted(out, format_args!("cannot be serialized: {}", error.as_str()));
            }
            if out.is_full() {
                out.rewind(mark);
                out.nothing_left();
            }
        });
    }
}

impl<T: Serialize> ObjectValue for SerdeValue<T> {}
impl<T: Serialize> Element for SerdeValue<T> {}

/// The error message of an implementation that failed; short, and without an allocation.
#[derive(Debug)]
struct Stop(Message);

const MESSAGE_BYTES_MAX: usize = 96;

#[derive(Debug)]
struct Message {
    text: [u8; MESSAGE_BYTES_MAX],
    len: usize,
}

impl Message {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..self.len]).unwrap_or_default()
    }
}

impl Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let kept = floor_char_boundary(text, self.text.len() - self.len);
        self.text[self.len..self.len + kept].copy_from_slice(&text.as_bytes()[..kept]);
        self.len += kept;
        if kept < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl std::error::Error for Stop {}

impl ser::Error for Stop {
    fn custom<T: fmt::Display>(text: T) -> Self {
        let mut message = Message { text: [0; MESSAGE_BYTES_MAX], len: 0 };
        // A longer message is truncated.
        let _ = write!(message, "{text}");
        Stop(message)
    }
}

struct Tree<'w, 'b> {
    out: &'w mut ValueWriter<'b>,
}

/// An open array or map. `open` is `None` if it is nested too deep: then only the mark for that is written.
struct Container<'w, 'b> {
    out: &'w mut ValueWriter<'b>,
    open: Option<Open>,
    /// The map around a variant's content.
    outer: Option<Open>,
    /// Not a container: the struct only wraps a text.
    is_bare: bool,
}

/// `serde_json` passes numbers inside a struct of this name if its feature `arbitrary_precision` is on, which any
/// crate of the program can enable. Raw JSON is passed in the same form.
const SERDE_JSON_PRIVATE: &str = "$serde_json::private::";

impl<'w, 'b> Tree<'w, 'b> {
    fn container(self, tag: u8) -> Container<'w, 'b> {
        let open = self.out.begin(tag);
        Container { out: self.out, open, outer: None, is_bare: false }
    }

    fn variant(self, variant: &str, tag: u8) -> Container<'w, 'b> {
        let outer = self.out.begin(tag::MAP);
        if outer.is_none() {
            return Container { out: self.out, open: None, outer: None, is_bare: false };
        }
        let mark = self.out.mark();
        self.out.key(variant);
        let open = if self.out.is_full() { None } else { self.out.begin(tag) };
        if self.out.is_full() {
            self.out.rewind(mark);
        }
        Container { out: self.out, open, outer, is_bare: false }
    }
}

impl Container<'_, '_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        let mark = self.out.mark();
        self.part(mark, value)
    }

    fn entry<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Stop> {
        if self.is_bare {
            let mark = self.out.mark();
            value.serialize(Tree { out: self.out })?;
            self.out.str_to_number(mark);
            return Ok(());
        }
        if self.open.is_none() {
            return Ok(());
        }
        let mark = self.out.mark();
        self.out.key(key);
        self.part(mark, value)
    }

    /// Writes the value of an element or entry that began at `mark`. If it does not fit, the whole element or entry is
    /// removed.
    fn part<T: Serialize + ?Sized>(&mut self, mark: Mark, value: &T) -> Result<(), Stop> {
        if self.open.is_none() {
            return Ok(());
        }
        value.serialize(Tree { out: self.out })?;
        if self.out.is_full() {
            self.out.rewind(mark);
        }
        Ok(())
    }

    fn close(self) {
        if let Some(open) = self.open {
            self.out.end(open);
        }
        if let Some(outer) = self.outer {
            self.out.end(outer);
        }
    }
}

macro_rules! plain {
    ($($method:ident($type:ty);)+) => {$(
        fn $method(self, value: $type) -> Result<(), Stop> {
            value.write(self.out);
            Ok(())
        }
    )+};
}

impl<'w, 'b> ser::Serializer for Tree<'w, 'b> {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = Container<'w, 'b>;
    type SerializeTuple = Container<'w, 'b>;
    type SerializeTupleStruct = Container<'w, 'b>;
    type SerializeTupleVariant = Container<'w, 'b>;
    type SerializeMap = MapContainer<'w, 'b>;
    type SerializeStruct = Container<'w, 'b>;
    type SerializeStructVariant = Container<'w, 'b>;

    plain! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
    }

    fn serialize_none(self) -> Result<(), Stop> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Stop> {
        self.out.null();
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Stop> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Stop> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        let mut map = self.container(tag::MAP);
        map.entry(variant, value)?;
        map.close();
        Ok(())
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Container<'w, 'b>, Stop> {
        Ok(self.container(tag::ARRAY))
    }

    fn serialize_tuple(self, _len: usize) -> Result<Container<'w, 'b>, Stop> {
        Ok(self.container(tag::ARRAY))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Container<'w, 'b>, Stop> {
        Ok(self.container(tag::ARRAY))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Container<'w, 'b>, Stop> {
        Ok(self.variant(variant, tag::ARRAY))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<MapContainer<'w, 'b>, Stop> {
        let mark = self.out.mark();
        Ok(MapContainer { map: self.container(tag::MAP), mark })
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Container<'w, 'b>, Stop> {
        if name.starts_with(SERDE_JSON_PRIVATE) {
            return Ok(Container { out: self.out, open: None, outer: None, is_bare: true });
        }
        Ok(self.container(tag::MAP))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Container<'w, 'b>, Stop> {
        Ok(self.variant(variant, tag::MAP))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Stop> {
        write_formatted(self.out, format_args!("{value}"));
        Ok(())
    }
}

macro_rules! elements {
    ($($trait:ident::$method:ident;)+) => {$(
        impl ser::$trait for Container<'_, '_> {
            type Ok = ();
            type Error = Stop;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
                self.element(value)
            }

            fn end(self) -> Result<(), Stop> {
                self.close();
                Ok(())
            }
        }
    )+};
}

elements! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

macro_rules! entries {
    ($($trait:ident),+) => {$(
        impl ser::$trait for Container<'_, '_> {
            type Ok = ();
            type Error = Stop;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Stop> {
                self.entry(key, value)
            }

            fn end(self) -> Result<(), Stop> {
                self.close();
                Ok(())
            }
        }
    )+};
}

entries!(SerializeStruct, SerializeStructVariant);

/// A map whose keys and values arrive in separate calls.
struct MapContainer<'w, 'b> {
    map: Container<'w, 'b>,
    /// The start of the entry whose value comes next.
    mark: Mark,
}

impl ser::SerializeMap for MapContainer<'_, '_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Stop> {
        self.mark = self.map.out.mark();
        if self.map.open.is_none() {
            return Ok(());
        }
        key.serialize(Key { out: self.map.out })
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.map.part(self.mark, value)
    }

    fn end(self) -> Result<(), Stop> {
        self.map.close();
        Ok(())
    }
}

/// Writes a map's key: a text, a character, a number, a truth value or a unit variant.
struct Key<'w, 'b> {
    out: &'w mut ValueWriter<'b>,
}

macro_rules! key_numbers {
    ($($method:ident($type:ty);)+) => {$(
        fn $method(self, value: $type) -> Result<(), Stop> {
            self.out.key(itoa::Buffer::new().format(value));
            Ok(())
        }
    )+};
}

macro_rules! no_key {
    ($($method:ident($($name:ident: $type:ty),*) -> $ok:ty;)+) => {$(
        fn $method(self, $($name: $type),*) -> Result<$ok, Stop> {
            $(let _ = $name;)*
            Err(ser::Error::custom("a map's key must be a text or a number"))
        }
    )+};
}

type No = ser::Impossible<(), Stop>;

impl ser::Serializer for Key<'_, '_> {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = No;
    type SerializeTuple = No;
    type SerializeTupleStruct = No;
    type SerializeTupleVariant = No;
    type SerializeMap = No;
    type SerializeStruct = No;
    type SerializeStructVariant = No;

    key_numbers! {
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
    }

    fn serialize_f32(self, value: f32) -> Result<(), Stop> {
        self.out.key(zmij::Buffer::new().format(value));
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Stop> {
        self.out.key(zmij::Buffer::new().format(value));
        Ok(())
    }

    /// For dates, addresses and identifiers, whose texts are short; longer ones are truncated.
    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Stop> {
        let mut key = Message { text: [0; MESSAGE_BYTES_MAX], len: 0 };
        if write!(key, "{value}").is_err() {
            self.out.set_cut();
        }
        self.out.key(key.as_str());
        Ok(())
    }

    no_key! {
        serialize_bytes(value: &[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(name: &'static str) -> ();
        serialize_seq(len: Option<usize>) -> No;
        serialize_tuple(len: usize) -> No;
        serialize_tuple_struct(name: &'static str, len: usize) -> No;
        serialize_tuple_variant(a: &'static str, b: u32, c: &'static str, d: usize) -> No;
        serialize_map(len: Option<usize>) -> No;
        serialize_struct(name: &'static str, len: usize) -> No;
        serialize_struct_variant(a: &'static str, b: u32, c: &'static str, d: usize) -> No;
    }

    fn serialize_bool(self, value: bool) -> Result<(), Stop> {
        self.out.key(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Stop> {
        self.out.key(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Stop> {
        self.out.key(value);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Stop> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), Stop> {
        Err(ser::Error::custom("a map's key must be a text or a number"))
    }
}
