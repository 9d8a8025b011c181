//! What a map or list says about its values, beside the key of each of them: one implementation for JSON in texts, the
//! command line's JSON lines, and the values of events.
//!
//! - A class governs everything below its key.
//! - A key and its value can be in two places: `{"name":"DB_PASSWORD","value":…}`, `["X-Api-Key",…]`,
//!   `["--password",…]`.
//! - `name` is a person's if the other keys of its map are a person's; `d` is private beside `kty`.
//!
//! Fixed size per container; allocates nothing and never blocks.

use super::bytes::ByteSet;
use super::key::{self, Decision};
use super::key_split::{LastWord, Tokens};
use super::key_table;
use super::key_words as words;
use super::kind::KeyClass;

/// What a key says about its value and about the values beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyFacts {
    /// The class of its values.
    pub class: KeyClass,
    /// What it means for its map.
    pub role: KeyRole,
    /// Whether the class says nothing about maps below the key.
    pub(crate) is_weak: bool,
    /// The user has set the class: numbers go, too.
    pub(crate) is_own: bool,
    /// The key is never sensitive, whatever governs it: `secretName` below `secret`.
    pub(crate) is_exempt: bool,
    /// It describes other data: `type`, `country`.
    pub(crate) is_harmless: bool,
    /// It is a part of a machine's address: `host`, `port`.
    pub(crate) is_machine: bool,
    /// It is one of several values of a kind: `home`, `primary`.
    pub(crate) is_neutral: bool,
    /// It is a part of a person's name: `first`.
    pub(crate) is_name_part: bool,
}

impl KeyFacts {
    /// A key that says nothing.
    pub const PLAIN: KeyFacts = KeyFacts {
        class: KeyClass::Plain,
        role: KeyRole::None,
        is_weak: false,
        is_own: false,
        is_exempt: false,
        is_harmless: false,
        is_machine: false,
        is_neutral: false,
        is_name_part: false,
    };

    /// What `key` says; `decision` is the key decision about it.
    pub(crate) fn of(key: &[u8], parent: Option<&[u8]>, decision: &Decision) -> KeyFacts {
        let tokens = Tokens::split(key);
        let last = key_table::role(tokens.last(0));
        let role = match role_of(key) {
            KeyRole::Name if parent.is_some_and(key::is_thing) => KeyRole::Label,
            role => role,
        };
        let class = match decision.class {
            // Numbers below it count what has passed.
            KeyClass::Password
                if tokens.last(0) == b"pass" && !key::is_pass_of_account(&tokens) =>
            {
                KeyClass::Secret
            }
            class => class,
        };
        KeyFacts {
            class,
            role,
            is_weak: decision.is_weak,
            is_own: decision.is_own,
            is_exempt: decision.is_taken_back,
            is_harmless: last.has(words::HARMLESS),
            is_machine: last.has(words::MACHINE),
            is_neutral: last.has(words::NEUTRAL),
            is_name_part: last.has(words::PERSON) || matches!(role, KeyRole::Name | KeyRole::Value),
        }
    }
}

/// The part that an entry can have in its map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyRole {
    /// None.
    #[default]
    None,
    /// `name`: of a person, or of the value beside it.
    Name,
    /// `key`, `field`: names the value beside it.
    Label,
    /// `value`: the value that is named by another entry.
    Value,
    /// `pid`, `hostname`: only programs have them.
    Program,
    /// `kty`: the map is a JSON web key.
    KeyType,
    /// A private member of a JSON web key.
    KeyPart,
    /// `lat`.
    Latitude,
    /// `lon`.
    Longitude,
}

/// The role of a key, by the whole key.
pub(crate) fn role_of(key: &[u8]) -> KeyRole {
    let mut low = [0u8; 16];
    let Some(low) = low.get_mut(..key.len()) else { return KeyRole::None };
    low.copy_from_slice(key);
    low.make_ascii_lowercase();
    match &*low {
        b"name" => KeyRole::Name,
        b"k" | b"key" | b"field" | b"fieldname" | b"field_name" | b"header" | b"headername"
        | b"header_name" | b"param" | b"parameter" | b"variable" | b"var" | b"env"
        | b"attribute" | b"attr" | b"property" | b"prop" | b"setting" | b"option" | b"column"
        | b"label" | b"parameterkey" | b"parameter_key" | b"parametername" | b"parameter_name"
        | b"outputkey" | b"settingname" | b"setting_name" | b"optionname" | b"option_name"
        | b"variablename" | b"variable_name" | b"attributename" | b"attribute_name"
        | b"propertyname" | b"property_name" | b"envname" | b"env_name" | b"configname" => {
            KeyRole::Label
        }
        b"value" | b"values" | b"val" | b"v" | b"old" | b"new" | b"before" | b"after"
        | b"old_value" | b"new_value" | b"oldvalue" | b"newvalue" | b"from" | b"to"
        | b"content" | b"parametervalue" | b"parameter_value" | b"outputvalue"
        | b"settingvalue" | b"setting_value" | b"optionvalue" | b"option_value"
        | b"variablevalue" | b"variable_value" | b"attributevalue" | b"attribute_value"
        | b"propertyvalue" | b"property_value" | b"envvalue" | b"env_value" | b"configvalue"
        | b"default" | b"defaultvalue" | b"default_value" | b"currentvalue" | b"previousvalue" => {
            KeyRole::Value
        }
        b"pid" | b"hostname" => KeyRole::Program,
        b"kty" => KeyRole::KeyType,
        b"d" | b"p" | b"q" | b"dp" | b"dq" | b"qi" | b"oth" => KeyRole::KeyPart,
        b"lat" => KeyRole::Latitude,
        b"lon" | b"lng" | b"long" => KeyRole::Longitude,
        _ => KeyRole::None,
    }
}

/// The class of a value, or of everything in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ruling {
    /// The class of scalars, and of those in lists.
    pub class: KeyClass,
    /// The class says nothing about maps.
    is_weak: bool,
    /// The user has set the class.
    is_own: bool,
}

impl Ruling {
    /// The ruling of a key alone.
    pub fn of(facts: &KeyFacts) -> Ruling {
        Ruling { class: facts.class, is_weak: facts.is_weak, is_own: facts.is_own }
    }

    /// This class, for everything.
    pub fn strong(class: KeyClass) -> Ruling {
        Ruling { class, is_weak: false, is_own: false }
    }

    /// The class of a number: under a user's own key, all numbers are replaced.
    pub fn number_class(&self) -> KeyClass {
        if self.is_own && self.class != KeyClass::Plain { KeyClass::Custom } else { self.class }
    }
}

/// An open map or list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope {
    /// What governs the values.
    above: Ruling,
    has_person: bool,
    has_program: bool,
    has_key_type: bool,
    has_symmetric: bool,
    has_latitude: bool,
    has_longitude: bool,
    has_label: bool,
    has_value: bool,
    has_name: bool,
    has_part: bool,
    /// The class that the text of a label gives to the value beside it.
    labelled: KeyClass,
    list: List,
}

/// The state of a list.
#[derive(Debug, Clone, Copy, Default)]
struct List {
    items: u32,
    /// The list is directly in a list.
    is_inner: bool,
    /// Names and values of headers alternate.
    is_headers: bool,
    /// The items are PINs, or contacts of a chip, which have fewer digits.
    is_pins: bool,
    command: Command,
    /// What the previous item says about the next one.
    next: KeyClass,
    /// Not all items are texts.
    has_other: bool,
}

/// A program whose short option is a password's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Command {
    #[default]
    None,
    /// `-p` and the password are one argument.
    Joined(u8),
    /// The password is the next argument.
    Next(u8),
}

impl Scope {
    /// A map below a key with this ruling.
    pub fn map(above: Ruling) -> Scope {
        let above = if above.is_weak { Ruling::default() } else { above };
        Scope { above, ..Scope::default() }
    }

    /// A list below a key with this ruling. `is_inner`: it is directly in a list.
    pub fn list(above: Ruling, key: &[u8], is_inner: bool) -> Scope {
        let list = List {
            is_inner,
            is_headers: !is_inner && is_header_list(key),
            is_pins: key.eq_ignore_ascii_case(b"pins"),
            ..List::default()
        };
        Scope { above, list, ..Scope::default() }
    }

    /// What governs the values of a list.
    #[inline]
    pub fn above(&self) -> Ruling {
        self.above
    }

    /// Notes a key, and returns the ruling for its value, as far as it is known.
    #[inline]
    pub fn entry(&mut self, facts: &KeyFacts) -> Ruling {
        let is_silent = facts.class == KeyClass::Plain && facts.role == KeyRole::None;
        if is_silent && self.above.class == KeyClass::Plain {
            return Ruling::default();
        }
        self.note(facts);
        if self.above.class == KeyClass::Plain {
            Ruling::of(facts)
        } else {
            let class = self.governed(facts);
            let is_own = facts.is_own || self.above.is_own && class == self.above.class;
            Ruling { class, is_weak: false, is_own }
        }
    }

    fn note(&mut self, facts: &KeyFacts) {
        match facts.role {
            KeyRole::None => {}
            KeyRole::Name => (self.has_name, self.has_label) = (true, true),
            KeyRole::Label => self.has_label = true,
            KeyRole::Value => self.has_value = true,
            KeyRole::Program => self.has_program = true,
            KeyRole::KeyType => self.has_key_type = true,
            KeyRole::KeyPart => self.has_part = true,
            KeyRole::Latitude => self.has_latitude = true,
            KeyRole::Longitude => self.has_longitude = true,
        }
        self.has_person |= is_personal(facts.class);
    }

    /// Whether [`Scope::resolved`] can add a class to any entry.
    pub fn may_resolve(&self) -> bool {
        self.has_label && self.has_value
            || self.has_name && self.has_person
            || self.has_key_type && (self.has_part || self.has_label)
            || self.has_latitude && self.has_longitude
    }

    /// The class of an entry that is below a telling key.
    fn governed(&self, facts: &KeyFacts) -> KeyClass {
        let is_kept = match self.above.class {
            KeyClass::Custom => return KeyClass::Custom,
            above if self.above.is_own && !facts.is_exempt => return above,
            _ if !matches!(facts.class, KeyClass::Plain | KeyClass::Drawn) => return facts.class,
            _ if facts.is_exempt => true,
            KeyClass::Address => facts.is_machine || facts.is_harmless,
            KeyClass::Name => !facts.is_name_part,
            KeyClass::Email | KeyClass::Phone => !facts.is_neutral,
            KeyClass::Ssn | KeyClass::Card | KeyClass::Bank | KeyClass::Dob => facts.is_harmless,
            _ => false,
        };
        if is_kept { KeyClass::Plain } else { self.above.class }
    }

    /// Whether the text of this entry's value has to be passed to [`Scope::label`].
    #[inline]
    pub fn wants_text(facts: &KeyFacts) -> bool {
        matches!(facts.role, KeyRole::Name | KeyRole::Label | KeyRole::KeyType)
    }

    /// Notes the text of an entry: the name of the value beside it.
    pub fn label(
        &mut self,
        facts: &KeyFacts,
        text: &[u8],
        mut class_of: impl FnMut(&[u8]) -> KeyClass,
    ) {
        match facts.role {
            KeyRole::KeyType => self.has_symmetric = text.eq_ignore_ascii_case(b"oct"),
            KeyRole::Name if self.labelled == KeyClass::Plain && is_path_of_key(text) => {
                self.labelled = class_of(text);
            }
            KeyRole::Name | KeyRole::Label
                if is_key_like(text) && self.labelled == KeyClass::Plain =>
            {
                self.labelled = class_of(text);
            }
            _ => {}
        }
    }

    /// Whether an entry of this role may have another class than the one that [`Scope::entry`] returned.
    #[inline]
    pub fn is_open(facts: &KeyFacts) -> bool {
        !matches!(facts.role, KeyRole::None | KeyRole::Program | KeyRole::KeyType)
    }

    /// The class that the whole map gives to an entry; [`KeyClass::Plain`] if it has nothing to add.
    pub fn resolved(&self, facts: &KeyFacts) -> KeyClass {
        match facts.role {
            KeyRole::Value => self.labelled,
            KeyRole::Name if self.has_person && !self.has_program && !facts.is_exempt => {
                KeyClass::Name
            }
            KeyRole::KeyPart if self.has_key_type => KeyClass::Secret,
            KeyRole::Label if self.has_key_type && self.has_symmetric => KeyClass::Secret,
            KeyRole::Latitude | KeyRole::Longitude if self.has_latitude && self.has_longitude => {
                KeyClass::Address
            }
            _ => KeyClass::Plain,
        }
    }

    /// Notes an item of a list, with its text if it is a string, and returns its class.
    #[inline]
    pub fn item(
        &mut self,
        text: Option<&[u8]>,
        class_of: impl FnMut(&[u8]) -> KeyClass,
    ) -> KeyClass {
        let list = &mut self.list;
        list.items += 1;
        match text {
            None if self.above.class != KeyClass::Plain => self.above.number_class(),
            _ if self.above.class != KeyClass::Plain => self.above.class,
            _ if list.is_pins && text.is_none_or(is_pin) => KeyClass::Password,
            Some(text) => list.text(text, class_of),
            None => {
                list.has_other = true;
                list.next = KeyClass::Plain;
                KeyClass::Plain
            }
        }
    }

    /// Whether the list, which has ended, may be a key and its value. Then it is passed to [`Scope::pair`].
    #[inline]
    pub fn may_be_pair(&self) -> bool {
        self.list.items == 2 && !self.list.has_other && self.above.class == KeyClass::Plain
    }

    /// The class of the second of two texts, if the first is a key.
    pub fn pair(
        &self,
        first: &[u8],
        second: &[u8],
        mut class_of: impl FnMut(&[u8]) -> KeyClass,
    ) -> KeyClass {
        // `["password","email"]` are the names of fields.
        let is_text = second.iter().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
        let is_value = is_text && (self.list.is_inner || !is_plain_word(second));
        if is_value && is_key_like(first) && !second.starts_with(b"-") {
            class_of(first)
        } else {
            KeyClass::Plain
        }
    }
}

/// Items of a list that can be the name of a program.
const COMMAND_ITEMS_MAX: u32 = 4;

impl List {
    fn text(&mut self, text: &[u8], mut class_of: impl FnMut(&[u8]) -> KeyClass) -> KeyClass {
        let said = std::mem::take(&mut self.next);
        if let [b'-', ..] = text {
            return self.option(text, class_of);
        }
        if said != KeyClass::Plain {
            return said;
        }
        if self.is_headers && self.items % 2 == 1 && is_key_like(text) {
            self.next = class_of(text);
        } else if self.items <= COMMAND_ITEMS_MAX {
            self.command = self.command.or(text);
        }
        KeyClass::Plain
    }

    /// An option of a command line: it can tell the class of the next argument.
    fn option(&mut self, text: &[u8], mut class_of: impl FnMut(&[u8]) -> KeyClass) -> KeyClass {
        if self.command.is_joined(text) {
            return KeyClass::Secret;
        }
        if self.command.is_next(text) {
            self.next = KeyClass::Secret;
        } else if text.len() > 3 && is_key_like(text) && !text.contains(&b'=') {
            self.next = class_of(text);
        }
        KeyClass::Plain
    }
}

impl Command {
    /// The command that `text` names, or this one.
    #[inline]
    fn or(self, text: &[u8]) -> Command {
        if self != Command::None || text.len() < 2 {
            return self;
        }
        let name = text.rsplit(|byte| matches!(byte, b'/' | b'\\')).next().unwrap_or_default();
        match name {
            b"mysql" | b"mysqldump" | b"mysqladmin" | b"mariadb" | b"mariadb-dump"
            | b"mysqlimport" | b"7z" | b"7za" => Command::Joined(b'p'),
            b"sshpass" | b"psexec" | b"psexec.exe" | b"az" | b"mongo" | b"mongosh"
            | b"mongodump" => Command::Next(b'p'),
            b"redis-cli" => Command::Next(b'a'),
            b"ldapsearch" | b"ldapadd" | b"ldapmodify" | b"ldapwhoami" => Command::Next(b'w'),
            b"curl" => Command::Next(b'u'),
            _ => Command::None,
        }
    }

    fn is_joined(self, text: &[u8]) -> bool {
        matches!((self, text), (Command::Joined(option), [b'-', letter, _, ..]) if *letter == option)
    }

    fn is_next(self, text: &[u8]) -> bool {
        matches!((self, text), (Command::Next(option), [b'-', letter]) if *letter == option)
    }
}

/// Digits of a PIN.
const PIN_DIGITS_MIN: usize = 4;

fn is_pin(text: &[u8]) -> bool {
    text.len() >= PIN_DIGITS_MIN && text.iter().all(u8::is_ascii_digit)
}

/// Whether a list below this key alternates names and values.
fn is_header_list(key: &[u8]) -> bool {
    matches!(LastWord::of(key).get(), b"headers" | b"header" | b"trailers")
}

/// Whether a text can be a key: a short identifier.
fn is_key_like(text: &[u8]) -> bool {
    const KEY: ByteSet = ByteSet::of(b"A-Za-z0-9_.:[]%$\x80-\xFF\\-");
    (2..=64).contains(&text.len()) && text.iter().all(|&byte| KEY.has(byte))
}

/// `/prod/db/password`: the name of a parameter or a secret in a store.
fn is_path_of_key(text: &[u8]) -> bool {
    let parts = text.strip_prefix(b"/").unwrap_or_default();
    !parts.is_empty() && parts.split(|&byte| byte == b'/').all(is_key_like)
}

/// Letters and separators only.
fn is_plain_word(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b'.'))
}

/// Whether a map with a key of this class is about a person.
fn is_personal(class: KeyClass) -> bool {
    matches!(
        class,
        KeyClass::Email
            | KeyClass::Phone
            | KeyClass::Address
            | KeyClass::Dob
            | KeyClass::Ssn
            | KeyClass::Name
            | KeyClass::Card
    )
}
