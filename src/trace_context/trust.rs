//! Which callers are believed.
//!
//! Promises: a check compares addresses; it allocates nothing and makes no system call.
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The callers whose flag `sampled` is believed.
///
/// The flag asks the services of a trace to record it. A stranger who sets it on every request would decide how much
/// they record, so by default no caller is believed. The ids are taken from every caller: they only name the request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Trust {
    /// No caller. The default.
    #[default]
    Never,
    /// Callers in these networks.
    From(Vec<Network>),
    /// Every caller: for services that only trusted services reach.
    Always,
}

impl Trust {
    /// Callers in these networks, such as `["10.0.0.0/8", "fd00::/8"]`.
    ///
    /// # Errors
    /// The first text that is not a network.
    pub fn from_networks<'t>(
        networks: impl IntoIterator<Item = &'t str>,
    ) -> Result<Trust, NetworkError> {
        networks.into_iter().map(str::parse).collect::<Result<_, _>>().map(Trust::From)
    }

    /// Whether a caller at this address is believed. `peer` is the address of the connection, or the one that a trusted
    /// proxy reports; without one, only [`Trust::Always`] believes.
    pub fn believes(&self, peer: Option<IpAddr>) -> bool {
        match (self, peer) {
            (Trust::Always, _) => true,
            (Trust::From(networks), Some(peer)) => networks.iter().any(|net| net.contains(peer)),
            (Trust::From(_), None) | (Trust::Never, _) => false,
        }
    }
}

/// A network: the addresses that begin with the same bits.
///
/// ```
/// use ringseal::trace_context::Network;
/// let network: Network = "10.1.0.0/16".parse()?;
/// assert!(network.contains("10.1.2.3".parse()?) && network.contains("::ffff:10.1.2.3".parse()?));
/// assert!(!network.contains("10.2.0.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

impl Network {
    /// Whether the address is in this network. An IPv4 address that is mapped into IPv6 is an IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = u32::from(self.prefix_bits);
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                (net.to_bits() ^ address.to_bits()).checked_shr(32 - bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                (net.to_bits() ^ address.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// A network as `ADDRESS/BITS`, or a single address.
impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Network, NetworkError> {
        let error = || NetworkError { text: text.into() };
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let given: IpAddr = address.parse().map_err(|_| error())?;
        let address = given.to_canonical();
        let bits_max = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match bits {
            None => bits_max(address),
            Some(bits) => {
                let bits: u8 = bits.parse().map_err(|_| error())?;
                let mapped = bits_max(given) - bits_max(address);
                bits.checked_sub(mapped)
                    .filter(|bits| *bits <= bits_max(address))
                    .ok_or_else(error)?
            }
        };
        let network = Network { address, prefix_bits };
        // A bit after the prefix is a mistake: perhaps the prefix is too short.
        match network.has_host_bits() {
            true => Err(error()),
            false => Ok(network),
        }
    }
}

impl Network {
    fn has_host_bits(&self) -> bool {
        let bits = u32::from(self.prefix_bits);
        match self.address {
            IpAddr::V4(address) => address.to_bits().checked_shl(bits).unwrap_or(0) != 0,
            IpAddr::V6(address) => address.to_bits().checked_shl(bits).unwrap_or(0) != 0,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}

/// A text is not a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkError {
    text: Box<str>,
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected a network such as 10.0.0.0/8 or fd00::/8, with zeros after its prefix, or one address; found {:?}",
            self.text
        )
    }
}

impl std::error::Error for NetworkError {}
