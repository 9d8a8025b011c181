//! An IP address of either version. It is a plain value, as both versions are.
use std::net::IpAddr;

use super::{Value, ValueWriter};
use crate::limits::Limits;

macro_rules! either_address {
    ($self:ident, $address:ident => $call:expr) => {
        match $self {
            IpAddr::V4($address) => $call,
            IpAddr::V6($address) => $call,
        }
    };
}

impl Value for IpAddr {
    #[inline(always)]
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        either_address!(self, address => address.size_bytes_max(limits))
    }

    #[inline(always)]
    fn write(&self, out: &mut ValueWriter<'_>) {
        either_address!(self, address => address.write(out));
    }

    #[inline(always)]
    fn plain_bytes(&self) -> usize {
        either_address!(self, address => address.plain_bytes())
    }

    #[inline(always)]
    fn text_bytes(&self) -> usize {
        0
    }

    #[inline(always)]
    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        either_address!(self, address => address.put(out))
    }
}
