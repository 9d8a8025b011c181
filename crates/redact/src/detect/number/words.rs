//! The words around numbers, in several languages, and what they say about the number.
//!
//! A constant table: allocates nothing. Words are in lower case; a plural s is accepted after each.

/// What the words before a number say about it, a bit for each statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Hint(pub(super) u16);

impl Hint {
    /// No word is known.
    pub(crate) const NONE: Hint = Hint(0);
    /// A word that occurs between a telling word and its number.
    pub(crate) const SMALL: Hint = Hint(1);
    /// A telephone number.
    pub(crate) const PHONE: Hint = Hint(1 << 1);
    /// A telephone number, or a thing of the same name that is counted.
    pub(crate) const CALL: Hint = Hint(1 << 2);
    /// A payment card.
    pub(crate) const CARD: Hint = Hint(1 << 3);
    /// A bank account.
    pub(crate) const BANK: Hint = Hint(1 << 4);
    /// A date of birth.
    pub(crate) const BORN: Hint = Hint(1 << 5);
    /// An identity, tax, health or social security number of a person.
    pub(crate) const PERSON: Hint = Hint(1 << 6);
    /// An identifier of anything.
    pub(crate) const ID: Hint = Hint(1 << 7);
    /// A passport, a driving licence or a medical record, which have no check digit.
    pub(crate) const PAPER: Hint = Hint(1 << 8);
    /// A vehicle or a device.
    pub(crate) const DEVICE: Hint = Hint(1 << 9);
    /// A difference, an offset, a count or a time.
    pub(crate) const AMOUNT: Hint = Hint(1 << 10);
    /// A version, an order, a part: a number with groups that is not a telephone's.
    pub(crate) const THING: Hint = Hint(1 << 11);
    /// A US social security number.
    pub(crate) const SSN: Hint = Hint(1 << 12);

    /// Whether any of the statements of `other` is made.
    #[inline]
    pub(crate) const fn has(self, other: Hint) -> bool {
        self.0 & other.0 != 0
    }

    /// The statements of both.
    #[inline]
    pub(crate) const fn with(self, other: Hint) -> Hint {
        Hint(self.0 | other.0)
    }

    /// The statements without those of `other`.
    #[inline]
    pub(crate) const fn without(self, other: Hint) -> Hint {
        Hint(self.0 & !other.0)
    }
}

/// Most bytes of a word.
pub(super) const WORD_BYTES_MAX: usize = 32;

/// The words, by what they say.
#[rustfmt::skip]
pub(super) static WORDS: [(Hint, &[&str]); 13] = [
    (Hint::SMALL, &[
        "number", "numbers", "no", "num", "nr", "me", "us", "at", "on", "to", "is", "was", "are", "sent", "from",
        "failed", "delivery", "my", "your", "his", "her", "our", "new", "the", "of", "for", "with", "der", "die",
        "ist", "lautet", "am", "unter", "an", "von", "nummer", "numéro", "numero", "número", "núm", "numer",
        "número", "nº", "n°", "№", "est", "es", "de", "del", "della", "do", "da", "le", "la", "el", "au", "al", "op",
        "номер", "на", "по", "号", "号码", "番号", "번호", "は", "是", "为", "numarası", "telefonnummer",
        "nomor", "raqam", "číslo", "cislo", "kodas", "kods", "kod", "kodu", "szám", "broj", "kode", "s", "license",
        "licence", "interbancaria", "record", "records", "series", "серия", "document", "dokument", "документ",
    ]),
    (Hint::PHONE, &[
        "phone", "ph", "mob", "cel", "tel", "telephone", "mobile", "sms", "fax", "telefax", "whatsapp", "msisdn", "cellphone", "landline",
        "hotline", "voicemail", "phoneno", "phonenumber", "mobilenumber", "faxnumber", "handphone", "gsm", "textto",
        "handy", "telefon", "rufnummer", "handynummer", "telefonnr", "festnetz", "mobil", "mobilfunk", "mobilnummer",
        "handynr", "rückruf", "durchwahl", "téléphone", "tél", "portable", "téléphonique", "mobilephone",
        "teléfono", "telefono", "móvil", "movil", "celular", "tlf", "tfno", "telf", "tlfn",
        "cellulare", "recapito", "telefone", "telemóvel", "telemovel", "celulares", "contacto",
        "telefoon", "telefoonnummer", "mobiel", "gsmnummer", "telefoni", "puhelin", "puh", "matkapuhelin",
        "mobilnr", "telefonszám", "telefonu", "telefonní", "komórka", "komórkowy", "telefonski", "mobitel",
        "telefonas", "tālrunis", "τηλέφωνο", "τηλ", "κινητό", "телефон", "тел", "моб", "мобильный", "мобільний",
        "факс", "сотовый", "телефона", "телефону", "cep", "gsmno", "telepon", "ponsel", "hp", "điện", "thoại", "sđt",
        "โทร", "โทรศัพท์", "फ़ोन", "फोन", "मोबाइल", "טלפון", "נייד", "هاتف", "تلفن", "جوال", "موبايل", "موبایل",
        "电话", "手机", "手机号", "电话号码", "手机号码", "联系电话", "传真", "電話", "電話番号", "手機", "携帯",
        "携帯電話", "携帯番号", "連絡先", "전화", "휴대폰", "전화번호", "핸드폰", "연락처",
    ]),
    (Hint::CALL, &[
        "cell", "call", "caller", "calling", "dial", "dialling", "dialing", "dialed", "dialled", "contact", "sim",
        "ring", "rang", "callback", "message", "texted", "otp", "reach", "answering", "anruf", "anrufen", "appel",
        "appeler", "llamar", "llamada", "chiamare", "chiamata", "ligar", "bellen", "ring", "ringe", "kontakt",
        "звонок", "звонить", "позвоните", "拨打", "致电", "callee", "msg", "reached", "notified", "desk",
    ]),
    (Hint::CARD, &[
        "card", "visa", "mastercard", "amex", "pan", "cc", "ccn", "cardnumber", "cardno", "creditcard", "debitcard",
        "maestro", "unionpay", "rupay", "jcb", "diners", "kreditkarte", "karte", "kartennummer", "carte", "tarjeta",
        "carta", "cartão", "cartao", "kaart", "karta", "kort", "kortti", "kart", "kártya", "карта", "карты", "карте",
        "картой", "卡号", "银行卡", "信用卡", "カード", "カード番号", "카드", "mir", "мир", "elo", "troy", "verve",
    ]),
    (Hint::BANK, &[
        "iban", "account", "acct", "konto", "kontonummer", "kontonr", "compte", "cuenta", "conto", "conta", "rekening",
        "rekeningnummer", "tili", "konta", "účet", "számla", "hesap", "счет", "счёт", "账号", "账户", "口座",
        "bankverbindung", "clabe",
    ]),
    (Hint::BORN, &[
        "dob", "birth", "birthdate", "birthday", "born", "dateofbirth", "geburtsdatum", "geboren", "geb", "geburtstag",
        "naissance", "né", "née", "nacimiento", "nacido", "nacida", "nascita", "nato", "nata", "nascimento",
        "geboortedatum", "født", "fødselsdato", "född", "födelsedatum", "syntymäaika", "urodzenia", "narození",
        "născut", "születési", "doğum", "рождения", "народження", "出生", "出生日期", "生日", "生年月日", "생년월일",
    ]),
    (Hint::PERSON, &[
        "clabe", "itin", "ein", "tin", "fein", "atin", "taxid", "tax", "taxpayer", "national", "identity", "identification",
        "citizen", "nino", "ni", "nhs", "utr", "insurance", "aadhaar", "aadhar", "uidai", "epic", "pan",
        "cpf", "cnpj", "rg", "pis", "nit", "steuer", "steuerid", "steuernummer", "idnr",
        "steueridentifikationsnummer", "steuernr", "rentenversicherungsnummer", "sozialversicherungsnummer",
        "sozialversicherung", "versichertennummer", "svnr", "rvnr", "ausweis", "personalausweis", "nir", "insee",
        "nss", "sécu", "sécurité", "siren", "siret", "spi", "fiscal", "fiscale", "codice", "cf", "dni", "nie", "nif",
        "cif", "nuss", "pesel", "nip", "regon", "dowód", "bsn", "burgerservicenummer", "sofinummer", "sin", "nas",
        "tfn", "medicare", "abn", "acn", "рнокпп", "іпн", "ипн", "іін", "иин", "бин", "ihi", "curp", "rfc", "ine", "sa", "personnummer", "pnr", "personnr",
        "organisationsnummer", "samordningsnummer", "ahv", "avs", "oasi", "rijksregisternummer", "rrn", "niss",
        "insz", "rijksregister", "tckn", "kimlik", "tc", "vkn", "주민등록번호", "주민번호", "mynumber", "マイナンバー",
        "個人番号", "nik", "ktp", "npwp", "cnic", "nid", "nin", "bvn", "инн", "inn", "снилс", "snils", "паспорт",
        "cccd", "cmnd", "sss", "philhealth", "umid", "gsis", "ssnit", "citizenid", "nric", "fin", "uen", "身份证",
        "身份证号", "身份证号码", "身分證", "身分證字號", "统一编号", "cuit", "cuil", "rut", "run", "cédula", "cedula", "cc",
        "ced", "ruc", "hetu", "henkilötunnus", "cpr", "cprnr", "fødselsnummer", "fodselsnummer", "fnr",
        "dnr", "kennitala", "rodné", "rč", "cnp", "cui", "egn", "егн", "oib", "emšo", "jmbg", "ppsn", "pps",
        "amka", "αμκα", "αφμ", "afm", "teudat", "zehut", "זהות", "isikukood", "asmens", "personas", "კოდი", "hkid", "mykad",
        "identidad", "identidade", "identité", "identità", "identiteit", "patient",
        "beneficiary", "social", "sociale", "sociaal", "vat", "ust", "ustid", "ustidnr", "tva", "iva", "btw", "mwst", "identifikationsnummer",
        "personennummer", "شناسه", "كد", "ملی", "ملي", "הרקם", "आधार", "পরিচয়", "บัตรประชาชน", "ประชาชน",
    ]),
    (Hint::SSN, &["ssn", "socialsecurity", "security"]),
    (Hint::ID, &["id", "ids", "identifier", "ref", "reference", "key", "uuid", "code", "nummer", "kennung"]),
    (Hint::PAPER, &[
        "passport", "passportno", "passportnumber", "reisepass", "passnummer", "passeport", "pasaporte",
        "passaporto", "passaporte", "paspoort", "paszport", "pasaport", "паспорт", "паспорта", "загранпаспорт", "voter", "ausweis", "personalausweis", "护照", "护照号",
        "パスポート", "旅券", "여권", "mrn", "medical", "driver", "drivers", "driving",
        "dl", "dln", "führerschein", "führerscheinnummer", "permis", "permiso", "patente", "rijbewijs", "patient", "nid", "nin", "bvn", "nik", "cnic", "cccd", "cmnd", "cédula", "cedula", "philhealth",
        "sss", "gsis", "umid", "dni", "plaque", "placa", "tablice", "номерной", "госномер", "号牌", "车牌", "车牌号",
        "plate", "plates", "kennzeichen", "immatriculation", "matrícula", "targa", "kenteken",
    ]),
    (Hint::DEVICE, &["vin", "fin", "chassis", "fahrgestellnummer", "fahrgestell", "imei", "imeisv", "meid", "imsi", "iccid"]),
    (Hint::AMOUNT, &[
        "offset", "offsets", "ord", "order", "delta", "diff", "difference", "drift", "skew", "lag", "by", "change", "changed",
        "increment", "incremented", "incr", "inc", "increased", "decreased", "added", "adding", "add", "grew", "grow",
        "seek", "position", "pos", "counter", "count", "total", "size", "bytes", "rows", "balance", "adjust",
        "adjusted", "adjustment", "correction", "gain", "score", "points", "timestamp", "ts", "epoch", "time",
        "elapsed", "uptime", "rtt", "jitter", "latency", "lines", "seq", "sequence", "trace", "span",
        "request", "req", "txid", "xid", "block", "height", "nonce", "hash", "len", "length", "value", "val", "sum",
        "usec", "nsec", "msec", "ns", "ms", "ticks", "cycles", "pid", "tid", "lsn", "scn", "zxid", "page",
        "sector", "inode", "address", "addr", "ptr", "limit", "max", "min", "avg", "cursor", "checkpoint", "shift",
        "memory", "heap", "disk", "used", "free", "read", "wrote", "written", "index", "idx", "slot",
    ]),
    (Hint::THING, &[
        "rev", "revision", "version", "ver", "v", "build", "release", "tag", "order", "part", "sku", "serial", "model",
        "ticket", "isbn", "issn", "ean", "upc", "oid", "section", "chapter", "tracking", "shipment", "parcel",
        "invoice", "item", "asset", "firmware", "kernel", "patch", "commit", "lot", "batch", "article",
        "asin", "gtin", "snapshot", "job", "task", "run", "transaction", "txn", "tx", "event", "msgid",
        "correlation", "device", "session", "user", "userid", "uid", "customer", "object", "node",
    ]),
];
