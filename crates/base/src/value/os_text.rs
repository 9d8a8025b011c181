//! Paths and other texts of the operating system and of C: a text where they are UTF-8, bytes otherwise.
use std::ffi::{CStr, CString, OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{Element, Value, ValueWriter};
use crate::limits::Limits;

macro_rules! os_texts {
    ($($type:ty: |$value:ident| $bytes:expr;)+) => {$(
        impl Value for $type {
            fn size_bytes_max(&self, limits: &Limits) -> usize {
                let $value = self;
                9 + $bytes.len().min(limits.value_bytes_max as usize)
            }

            fn write(&self, out: &mut ValueWriter<'_>) {
                let $value = self;
                match std::str::from_utf8($bytes) {
                    Ok(text) => out.str(text),
                    Err(_) => out.bytes($bytes),
                }
            }
        }

        impl Element for $type {}
    )+};
}

os_texts! {
    OsStr: |text| text.as_encoded_bytes();
    OsString: |text| text.as_encoded_bytes();
    Path: |path| path.as_os_str().as_encoded_bytes();
    PathBuf: |path| path.as_os_str().as_encoded_bytes();
    CStr: |text| text.to_bytes();
    CString: |text| text.to_bytes();
}
