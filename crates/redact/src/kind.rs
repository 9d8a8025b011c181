//! Kinds of hits, classes of keys, and the words that replace values. All types are small and `Copy`; nothing here
//! allocates or blocks.
//!
//! Four enums name kinds of personal data, one for each question:
//!
//! | enum | question | where it comes from |
//! |---|---|---|
//! | [`PiiKind`](crate::PiiKind) | What did the caller mark the value as? | `ringseal::Pii` around a value |
//! | [`KeyClass`] | What does the key say about its values? | [`Rules::key`](super::Rules::key) |
//! | [`HitKind`] | What was found, and so which mask replaces it? | detectors, or [`KeyClass::kind`] |
//! | [`FieldType`](super::token::FieldType) | With which derived key is the token made? | the value itself |
//!
//! A mark is treated like a key that says the same: each `PiiKind` corresponds to one `KeyClass` (`Other` to
//! `Udf`, whose values are then replaced even if the rules keep that kind), and each `KeyClass` but `Plain` to
//! one `HitKind`.

/// The kind of a hit. It decides the replacement that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum HitKind {
    /// A password or another secret, recognised by its key.
    Secret,
    /// A credential recognised by its own shape: a provider token, a long hex string after a hint.
    Token,
    /// The credential after `Bearer`; its last four characters may be kept.
    Bearer,
    /// The credential after `Basic`.
    Basic,
    /// The password in `scheme://user:password@host`.
    UrlPassword,
    /// A JSON web token.
    Jwt,
    /// A PEM private key, from BEGIN to END.
    PrivateKey,
    /// A password hash in crypt(3), Argon2 or Kerberos form.
    PwHash,
    /// The name of a person.
    Name,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A postal address.
    Address,
    /// An identity number: social security, tax, health or passport; also that of a vehicle or device.
    Ssn,
    /// A payment card number.
    Card,
    /// An IBAN or another bank account number, or the address of a crypto-currency wallet.
    Iban,
    /// A date of birth.
    Dob,
    /// A payment gateway's user-defined field.
    Udf,
    /// An IP address; opt-in. Its last part is replaced.
    Ip,
    /// A hardware address; opt-in.
    Mac,
    /// Found by the user's own rule.
    Custom,
    /// The rest of a candidate that a length limit has cut and that can no longer be identified.
    Cut,
    /// A value whose examination went over its budget.
    Overrun,
}

/// How many kinds there are.
pub const KINDS: usize = HitKind::Overrun as usize + 1;

impl HitKind {
    /// All kinds, in order of their numbers.
    pub const ALL: [HitKind; KINDS] = [
        HitKind::Secret,
        HitKind::Token,
        HitKind::Bearer,
        HitKind::Basic,
        HitKind::UrlPassword,
        HitKind::Jwt,
        HitKind::PrivateKey,
        HitKind::PwHash,
        HitKind::Name,
        HitKind::Email,
        HitKind::Phone,
        HitKind::Address,
        HitKind::Ssn,
        HitKind::Card,
        HitKind::Iban,
        HitKind::Dob,
        HitKind::Udf,
        HitKind::Ip,
        HitKind::Mac,
        HitKind::Custom,
        HitKind::Cut,
        HitKind::Overrun,
    ];

    /// The name used in rule files and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            HitKind::Secret => "secret",
            HitKind::Token => "token",
            HitKind::Bearer => "bearer",
            HitKind::Basic => "basic",
            HitKind::UrlPassword => "url_password",
            HitKind::Jwt => "jwt",
            HitKind::PrivateKey => "private_key",
            HitKind::PwHash => "pwhash",
            HitKind::Name => "name",
            HitKind::Email => "email",
            HitKind::Phone => "phone",
            HitKind::Address => "address",
            HitKind::Ssn => "ssn",
            HitKind::Card => "card",
            HitKind::Iban => "iban",
            HitKind::Dob => "dob",
            HitKind::Udf => "udf",
            HitKind::Ip => "ip",
            HitKind::Mac => "mac",
            HitKind::Custom => "custom",
            HitKind::Cut => "cut",
            HitKind::Overrun => "overrun",
        }
    }

    /// Whether this is about a person, as opposed to a credential.
    pub const fn is_personal(self) -> bool {
        matches!(
            self,
            HitKind::Name
                | HitKind::Email
                | HitKind::Phone
                | HitKind::Address
                | HitKind::Ssn
                | HitKind::Card
                | HitKind::Iban
                | HitKind::Dob
                | HitKind::Udf
        )
    }

    /// The bit of this kind in a [`KindSet`].
    pub const fn bit(self) -> u32 {
        1 << (self as u8)
    }
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KindSet(u32);

impl KindSet {
    /// No kind.
    pub const EMPTY: KindSet = KindSet(0);
    /// Every kind.
    pub const ALL: KindSet = KindSet((1 << KINDS) - 1);

    /// Whether `kind` is in the set.
    pub const fn has(self, kind: HitKind) -> bool {
        self.0 & kind.bit() != 0
    }

    /// This set and `kind`.
    pub const fn with(self, kind: HitKind) -> KindSet {
        KindSet(self.0 | kind.bit())
    }

    /// This set without `kind`.
    pub const fn without(self, kind: HitKind) -> KindSet {
        KindSet(self.0 & !kind.bit())
    }

    /// The kinds in either set.
    pub const fn union(self, other: KindSet) -> KindSet {
        KindSet(self.0 | other.0)
    }

    /// The bits, for hashing a rule set.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// The class of a key's values: the key decision, made once per key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
#[non_exhaustive]
pub enum KeyClass {
    /// Not sensitive: the value itself is scanned.
    #[default]
    Plain,
    /// A password or similar secret. Numbers are replaced too.
    Password,
    /// A key, token or credential. Numbers under it are counts and are kept.
    Secret,
    /// A token-like secret (`token`, `api_key`, `jwt`); a profile may use a separate replacement for it.
    Token,
    /// A cookie header: its value runs to the end of the line.
    Cookie,
    /// An authorization header: the scheme is kept.
    Auth,
    /// A person's name.
    Name,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A postal address.
    Address,
    /// A social security, tax or passport number.
    Ssn,
    /// A card number.
    Card,
    /// A bank account.
    Bank,
    /// A date of birth.
    Dob,
    /// A user-defined field of a payment gateway.
    Udf,
    /// The user's own rule: all values of the key are replaced.
    Custom,
    /// A key that may name a secret (`key`, `acme_key`): texts that look drawn at random are replaced.
    Drawn,
}

impl KeyClass {
    /// The kind of hit that a value under this key is; `None` for [`KeyClass::Plain`].
    pub const fn kind(self) -> Option<HitKind> {
        Some(match self {
            KeyClass::Plain => return None,
            KeyClass::Password
            | KeyClass::Secret
            | KeyClass::Token
            | KeyClass::Cookie
            | KeyClass::Drawn => HitKind::Secret,
            KeyClass::Auth => HitKind::Bearer,
            KeyClass::Name => HitKind::Name,
            KeyClass::Email => HitKind::Email,
            KeyClass::Phone => HitKind::Phone,
            KeyClass::Address => HitKind::Address,
            KeyClass::Ssn => HitKind::Ssn,
            KeyClass::Card => HitKind::Card,
            KeyClass::Bank => HitKind::Iban,
            KeyClass::Dob => HitKind::Dob,
            KeyClass::Udf => HitKind::Udf,
            KeyClass::Custom => HitKind::Custom,
        })
    }

    /// Whether the value is a secret, as opposed to personal data.
    pub const fn is_secret(self) -> bool {
        matches!(self, KeyClass::Password | KeyClass::Secret | KeyClass::Token | KeyClass::Cookie)
    }

    /// The fewest digits of a bare number that is replaced under this key; `None` if numbers are kept.
    ///
    /// A number under `tokens` is a count, a number under `pin` is the secret itself.
    pub const fn number_digits_min(self) -> Option<usize> {
        match self {
            KeyClass::Password => Some(3),
            KeyClass::Ssn | KeyClass::Card | KeyClass::Phone | KeyClass::Bank | KeyClass::Dob => {
                Some(6)
            }
            KeyClass::Custom => Some(1),
            _ => None,
        }
    }
}

/// The set of replacement words. All profiles find the same hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Profile {
    /// `<email>`, `<phone>`, `<token>`, `***REDACTED***`.
    #[default]
    Default,
    /// As default, but `<redacted>` for a key hit whose class has no mask.
    Structlog,
    /// Personal data becomes `ptok:v1:…` where a tokenizer is set, else `[PII_REDACTED]`.
    Ecs,
    /// `***REDACTED***` for all hits.
    Audit,
}

impl Profile {
    /// The profile with this name, or `None`.
    pub fn from_name(name: &str) -> Option<Profile> {
        Some(match name {
            "default" => Profile::Default,
            "structlog" => Profile::Structlog,
            "ecs" => Profile::Ecs,
            "audit" => Profile::Audit,
            _ => return None,
        })
    }

    /// The profile's name.
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Default => "default",
            Profile::Structlog => "structlog",
            Profile::Ecs => "ecs",
            Profile::Audit => "audit",
        }
    }

    /// Whether personal data becomes keyed tokens where a tokenizer is set.
    pub const fn tokenizes(self) -> bool {
        matches!(self, Profile::Ecs)
    }

    /// The fixed text that replaces a hit of this kind.
    pub const fn mask(self, kind: HitKind) -> &'static str {
        // The scheme before the first two and the host after the third are kept: the same in all profiles.
        if matches!(kind, HitKind::Bearer | HitKind::Basic | HitKind::UrlPassword) {
            return "****";
        }
        match self {
            Profile::Audit => "***REDACTED***",
            Profile::Ecs if kind.is_personal() => "[PII_REDACTED]",
            _ => match kind {
                HitKind::Name => "<name>",
                HitKind::Email => "<email>",
                HitKind::Phone => "<phone>",
                HitKind::Address => "<address>",
                HitKind::Ssn => "<ssn>",
                HitKind::Card => "<card>",
                HitKind::Iban => "<iban>",
                HitKind::Dob => "<dob>",
                HitKind::Jwt => "<jwt>",
                HitKind::Token => "<token>",
                HitKind::PrivateKey => "<private_key>",
                HitKind::PwHash => "<pwhash>",
                HitKind::Udf => "[PII_REDACTED]",
                HitKind::Ip => "<ip>",
                HitKind::Mac => "<mac>",
                HitKind::Cut => "<cut>",
                _ => "***REDACTED***",
            },
        }
    }

    /// The fixed text that replaces a whole value under a key of this class.
    pub const fn key_mask(self, class: KeyClass) -> &'static str {
        match (self, class) {
            (Profile::Structlog, KeyClass::Token) => "<token>",
            (
                Profile::Structlog,
                KeyClass::Password
                | KeyClass::Secret
                | KeyClass::Cookie
                | KeyClass::Name
                | KeyClass::Address
                | KeyClass::Dob
                | KeyClass::Udf
                | KeyClass::Ssn,
            ) => "<redacted>",
            (_, KeyClass::Auth) => "***REDACTED***",
            (_, class) => match class.kind() {
                Some(kind) => self.mask(kind),
                None => "",
            },
        }
    }
}

/// The longest mask in bytes: a hit makes a value longer by at most this, or by a token.
pub const MASK_BYTES_MAX: usize = 14;

/// All masks: a value that equals one of these is not redacted again.
const MASKS: [&[u8]; 22] = [
    b"***REDACTED***",
    b"[PII_REDACTED]",
    b"<redacted>",
    b"<name>",
    b"<email>",
    b"<phone>",
    b"<address>",
    b"<ssn>",
    b"<card>",
    b"<iban>",
    b"<dob>",
    b"<jwt>",
    b"<token>",
    b"<private_key>",
    b"<pwhash>",
    b"<ip>",
    b"<mac>",
    b"<cut>",
    b"<key>",
    b"<secret>",
    b"<password>",
    b"<pii>",
];

/// The length of the replacement at the start of `input`, or 0.
///
/// Recognises the masks of every profile, `****` with up to four characters after it, and the tokens
/// `ptok:v1:…` and `penc:v1:…`.
pub fn mask_len(input: &[u8]) -> usize {
    match input.first() {
        Some(b'*' | b'<' | b'[') => {}
        Some(b'p') => return token_len(input),
        _ => return 0,
    }
    for mask in MASKS {
        if input.starts_with(mask) {
            return mask.len();
        }
    }
    if input.starts_with(b"****") {
        let tail =
            input[4..].iter().take(5).take_while(|byte| byte.is_ascii_alphanumeric()).count();
        return 4 + if tail > 4 { 0 } else { tail };
    }
    0
}

/// The length of the keyed token (`ptok:v1:…`, `penc:v1:kid:…`) at the start of `input`, or 0.
pub fn token_len(input: &[u8]) -> usize {
    let body = |from: usize| {
        let rest = input.get(from..).unwrap_or_default();
        rest.iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            .count()
    };
    if input.starts_with(b"ptok:v1:") {
        let n = body(8);
        return if n == 43 { 8 + n } else { 0 };
    }
    if input.starts_with(b"penc:v1:") {
        let kid = body(8);
        if (1..=32).contains(&kid) && input.get(8 + kid) == Some(&b':') {
            // Twelve bytes of nonce and sixteen of tag are 38 characters.
            let n = body(9 + kid);
            return if n >= 38 { 9 + kid + n } else { 0 };
        }
    }
    0
}

/// Whether `input` ends with a mask.
pub(crate) fn ends_in_mask(input: &[u8]) -> bool {
    matches!(input.last(), Some(b'>' | b']' | b'*'))
        && MASKS.iter().any(|mask| input.ends_with(mask))
}

/// Whether all of `input` is one replacement.
pub fn is_mask(input: &[u8]) -> bool {
    let n = mask_len(input);
    n != 0 && n == input.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mask_of_a_profile_is_recognised() {
        for profile in [Profile::Default, Profile::Structlog, Profile::Ecs, Profile::Audit] {
            for kind in HitKind::ALL {
                let mask = profile.mask(kind).as_bytes();
                assert!(is_mask(mask), "{profile:?} {kind:?}");
                assert!(mask.len() <= MASK_BYTES_MAX);
            }
        }
    }

    #[test]
    fn tokens_are_recognised_and_similar_text_is_not() {
        let ptok = b"ptok:v1:PzPQvZpJgsOFSU0Lstv4fx40dX7bFHfmYdh-fMNsTSY";
        assert_eq!(token_len(ptok), ptok.len());
        assert_eq!(token_len(&ptok[..40]), 0);
        assert_eq!(token_len(b"ptok:v1:"), 0);
        let penc = b"penc:v1:rk1:i5N75JqS-jwKDi8K4QpW5W08KCpJd57p_fpS_V9Y71L1ZFWwM3M10j6z4PY";
        assert_eq!(token_len(penc), penc.len());
        assert_eq!(token_len(b"penc:v1:rk1:short"), 0);
        assert_eq!(mask_len(b"****abcd rest"), 8);
        assert_eq!(mask_len(b"****abcde"), 4);
    }
}
