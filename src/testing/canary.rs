//! Made-up secrets, one for each detector: a test logs them and then asserts that none is in the files.
//!
//! They are well formed (check digits, decodable headers, the alphabets and lengths of providers) and not in use
//! anywhere. They are derived from a seed: equal seeds give equal secrets, different seeds different ones.
use super::check_digits::{card, cpf, iban};
use super::leak::Planted;
use ringseal_redact::HitKind;

/// A made-up secret, with a key, a value and a sentence to log it in.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Canary {
    /// The kind of secret.
    pub kind: HitKind,
    /// A unique name: `card_amex`, `token_ghp`.
    pub name: &'static str,
    /// A key to log the value under.
    pub key: &'static str,
    /// A value for that key: the secret, or a text that contains it.
    pub value: String,
    /// A sentence that contains the secret.
    pub prose: String,
    /// The text that must not appear in a log.
    pub secret: String,
}

/// Shows name and kind, never the secret.
impl std::fmt::Debug for Canary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Canary").field("kind", &self.kind).field("name", &self.name).finish()
    }
}

impl From<&Canary> for Planted {
    fn from(canary: &Canary) -> Self {
        Planted::new(canary.name, &canary.secret)
    }
}

/// One canary for each shape that the default rules find, derived from `seed`.
///
/// ```
/// use ringseal::redact::{KeyClass, Redactor, Rules};
/// use ringseal::testing::canaries;
/// let mut redactor = Redactor::new(std::sync::Arc::new(Rules::standard()));
/// for canary in canaries(7) {
///     let mut out = Vec::new();
///     let _ = redactor.value(KeyClass::Plain, canary.prose.as_bytes(), false, &mut out);
///     let out = String::from_utf8(out).unwrap();
///     assert!(!out.is_empty() && !out.contains(&canary.secret), "{canary:?}");
/// }
/// ```
pub fn canaries(seed: u64) -> Vec<Canary> {
    // Mixed first: seeds that follow one another would share parts of their sequences.
    let random = Random(Random(seed).next());
    let mut maker = Maker { random, made: Vec::new() };
    maker.secrets();
    maker.headers();
    maker.personal_data();
    maker.numbers();
    maker.tokens();
    maker.shapes();
    maker.made
}

const DIGITS: &[u8] = b"0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// splitmix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ x >> 31
    }

    /// A number from `from` up to, but not including, `to`.
    fn in_range(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from)
    }

    fn text(&mut self, alphabet: &[u8], len: usize) -> String {
        let pick = |_| char::from(alphabet[self.next() as usize % alphabet.len()]);
        (0..len).map(pick).collect()
    }

    /// `len` digits that begin with `start`.
    fn text_after(&mut self, start: &str, len: usize) -> String {
        format!("{start}{}", self.text(DIGITS, len - start.len()))
    }

    /// Letters and digits, at least one of each.
    fn letters_and_digits(&mut self, len: usize) -> String {
        format!("{}{}{}", self.text(b"abcdef", 1), self.text(DIGITS, 1), self.text(ALNUM, len - 2))
    }
}

struct Maker {
    random: Random,
    made: Vec<Canary>,
}

impl Maker {
    /// Adds a canary; `{}` in the two `forms`, value and prose, is replaced by the secret.
    fn add(
        &mut self,
        kind: HitKind,
        name: &'static str,
        key: &'static str,
        forms: [&str; 2],
        secret: String,
    ) {
        let [value, prose] = forms.map(|form| form.replace("{}", &secret));
        self.made.push(Canary { kind, name, key, value, prose, secret });
    }

    fn secrets(&mut self) {
        let random = &mut self.random;
        let password = format!("{}!{}", random.letters_and_digits(8), random.letters_and_digits(5));
        let spoken = random.letters_and_digits(14);
        let api_key = random.letters_and_digits(32);
        let url = random.letters_and_digits(14);
        let hash = format!("$2b$12${}", random.text(ALNUM, 53));
        let hex = format!("a1{}", random.text(HEX, 38));
        let [copied, foreign, changed, labelled] = [(); 4].map(|()| random.letters_and_digits(14));
        let more = [
            ("copied_value", "token='{}', retry with {}", copied),
            ("foreign_key", "contraseña={} ok", foreign),
            ("changed_password", "password changed from \"{}\" to \"x\"", changed),
            ("labelled_value", "<key>DbPassword</key><string>{}</string>", labelled),
        ];
        for (name, prose, secret) in more {
            self.add(HitKind::Secret, name, "password", ["{}", prose], secret);
        }
        self.add(
            HitKind::Secret,
            "password",
            "password",
            ["{}", "db_password={} retry=1"],
            password,
        );
        self.add(
            HitKind::Secret,
            "password_in_prose",
            "admin_password",
            ["{}", "the password is {}"],
            spoken,
        );
        self.add(HitKind::Secret, "api_key", "api_key", ["{}", "api_key=\"{}\""], api_key);
        let place = "postgres://app:{}@db1.example.com:5432/orders";
        self.add(HitKind::UrlPassword, "url_password", "upstream", [place, place], url);
        self.add(HitKind::PwHash, "password_hash", "stored", ["{}", "row 7 has {} in it"], hash);
        self.add(
            HitKind::Token,
            "hex_after_hint",
            "detail",
            ["session {}", "got auth token {}"],
            hex,
        );
        self.private_key();
    }

    fn private_key(&mut self) {
        let lines: Vec<_> = (0..6).map(|_| self.random.text(ALNUM, 64)).collect();
        let (begin, end) = ("-----BEGIN RSA ", "-----END RSA ");
        let key = "PRIVATE KEY-----";
        let block = format!("{begin}{key}\n{}\n{end}{key}\n", lines.join("\n"));
        let prose = format!("loaded {block}");
        self.add(
            HitKind::PrivateKey,
            "private_key",
            "identity",
            [&block, &prose],
            lines[3].clone(),
        );
    }

    fn headers(&mut self) {
        let bearer = self.random.letters_and_digits(40);
        let pair = format!("app:{}", self.random.letters_and_digits(16));
        let basic = base64(pair.as_bytes());
        let payload = format!("{{\"sub\":\"{}\"}}", self.random.text(DIGITS, 12));
        let header = base64(br#"{"alg":"HS256","typ":"JWT"}"#);
        let jwt = format!(
            "{header}.{}.{}",
            base64(payload.as_bytes()),
            self.random.letters_and_digits(43)
        );
        let bearer_forms = ["Bearer {}", "sent Authorization: Bearer {}"];
        self.add(HitKind::Bearer, "bearer", "authorization", bearer_forms, bearer);
        let loose = self.random.letters_and_digits(32);
        self.add(
            HitKind::Bearer,
            "bearer_in_prose",
            "header",
            ["bearer {}", "it sent bearer {} again"],
            loose,
        );
        self.add(
            HitKind::Basic,
            "basic",
            "proxy_authorization",
            ["Basic {}", "with Basic {} it works"],
            basic,
        );
        self.add(HitKind::Jwt, "jwt", "claims", ["{}", "upstream said 401 for {}"], jwt);
    }

    fn personal_data(&mut self) {
        let random = &mut self.random;
        let word = |random: &mut Random| random.text(UPPER, 1) + &random.text(LOWER, 7);
        let name = format!("{} {}", word(random), word(random));
        let address =
            format!("{} {} Street, Springfield", random.in_range(1000, 9999), word(random));
        let (year, day) = (random.in_range(1930, 2005), random.in_range(10, 28));
        let born = format!("{year}-{:02}-{day}", random.in_range(1, 13));
        let email = format!("{}.{}@example.com", random.text(LOWER, 6), random.text(LOWER, 8));
        let login = format!("{}@example.org", random.text(LOWER, 12));
        self.add(
            HitKind::Name,
            "name",
            "customer_name",
            ["{}", "customer_name=\"{}\" found"],
            name,
        );
        self.add(
            HitKind::Address,
            "address",
            "billing_address",
            ["{}", "billing_address=\"{}\""],
            address,
        );
        self.add(
            HitKind::Dob,
            "date_of_birth",
            "date_of_birth",
            ["{}", "date_of_birth={} ok"],
            born,
        );
        self.add(HitKind::Email, "email", "email", ["{}", "sent to {}, again"], email);
        self.add(HitKind::Email, "email_as_login", "login", ["{}", "{} signed in"], login);
    }

    fn numbers(&mut self) {
        let random = &mut self.random;
        let mut line = |from: &str| {
            let exchange = random.in_range(200, 999);
            format!("{from}{exchange}-{:04}", random.in_range(0, 10_000))
        };
        let (foreign, national) = (line("+1 402-"), line("(402) "));
        // At least three different digits, as the detector requires, and longer than the nanoseconds of a
        // time, which contain any eight digits once in some hundred million lines.
        let hinted = format!("96527{}{}", random.text(b"34568", 1), random.text(b"2345678", 6));
        let ssn = format!(
            "{}-{}-{}",
            random.in_range(700, 772),
            random.in_range(10, 99),
            random.in_range(1000, 9999)
        );
        let (visa, amex) = (card(&random.text_after("4", 15)), card(&random.text_after("37", 14)));
        let grouped = card(&random.text_after("51", 15));
        let grouped: Vec<_> = grouped.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
        let iban = iban(&random.text(DIGITS, 18));
        let person = cpf(&random.text_after("5", 9));
        let wallet = format!("0x{}", random.text(b"0123456789abcdef", 40));
        self.add(
            HitKind::Phone,
            "phone_international",
            "phone",
            ["{}", "sms sent to {} now"],
            foreign,
        );
        self.add(
            HitKind::Phone,
            "phone_national",
            "contact_number",
            ["{}", "{} did not answer"],
            national,
        );
        self.add(HitKind::Phone, "phone_after_hint", "mobile", ["{}", "call {} back"], hinted);
        self.add(HitKind::Ssn, "ssn", "ssn", ["{}", "applicant {} approved"], ssn);
        self.add(HitKind::Card, "card", "card_number", ["{}", "charged {} twice"], visa);
        self.add(HitKind::Card, "card_amex", "pan", ["{}", "declined {}"], amex);
        self.add(
            HitKind::Card,
            "card_grouped",
            "note",
            ["paid by {}", "card {} declined"],
            grouped.join(" "),
        );
        self.add(HitKind::Iban, "iban", "iban", ["{}", "transfer from {} settled"], iban);
        self.add(HitKind::Ssn, "national_id", "tax_id", ["{}", "cpf {} approved"], person);
        self.add(HitKind::Iban, "wallet", "note", ["sent to {}", "paid to {} twice"], wallet);
    }

    /// Provider tokens: a literal and a body. Assembled at run time, so that secret scanners do not report this
    /// source file.
    fn tokens(&mut self) {
        let all: [(&'static str, &str, &[u8], usize); 16] = [
            ("token_aws", "AKIA", BASE32, 16),
            ("token_google", "AIza", ALNUM, 35),
            ("token_github", "ghp_", ALNUM, 36),
            ("token_github_fine", "github_pat_", ALNUM, 82),
            ("token_gitlab", "glpat-", ALNUM, 20),
            ("token_slack", "xoxb-", ALNUM, 50),
            ("token_stripe", "sk_live_", ALNUM, 24),
            ("token_stripe_hook", "whsec_", ALNUM, 32),
            ("token_sendgrid", "SG.", ALNUM, 66),
            ("token_npm", "npm_", ALNUM, 36),
            ("token_anthropic", "sk-ant-", ALNUM, 90),
            ("token_hugging_face", "hf_", ALNUM, 34),
            ("token_digitalocean", "dop_v1_", HEX, 64),
            ("token_shopify", "shpat_", HEX, 32),
            ("token_grafana", "glsa_", ALNUM, 41),
            ("token_vault", "hvs.", ALNUM, 90),
        ];
        for (name, literal, alphabet, len) in all {
            let token = format!("{literal}{}", self.random.text(alphabet, len));
            self.add(HitKind::Token, name, "detail", ["{}", "unexpected argument: {}"], token);
        }
    }

    fn shapes(&mut self) {
        let random = &mut self.random;
        let telegram =
            format!("{}:A{}", random.in_range(100_000_000, 999_999_999), random.text(ALNUM, 34));
        let discord = format!(
            "M{}.{}.{}",
            random.text(ALNUM, 23),
            random.text(ALNUM, 6),
            random.text(ALNUM, 30)
        );
        let hook = format!("{}/{}", random.text(b"123456789", 18), random.text(ALNUM, 68));
        let mailchimp = format!("{}-us12", random.text(HEX, 32));
        let terraform = format!("{}.atlasv1.{}", random.text(ALNUM, 14), random.text(ALNUM, 64));
        let azure_ad = format!("{}8Q~{}", random.text(ALNUM, 3), random.text(ALNUM, 34));
        let azure_key = random.text(ALNUM, 86) + "==";
        let azure_sas = random.text(ALNUM, 43) + "%3D";
        let devops = format!("{}JQQJ99{}", random.text(ALNUM, 52), random.text(ALNUM, 26));
        let (left, right) = (random.text(HEX, 16), random.text(HEX, 32));
        let braintree = format!("access_token$production${left}${right}");
        let say = ["{}", "http: sent {} in 12ms"];
        self.add(HitKind::Token, "telegram", "bot", say, telegram);
        self.add(HitKind::Token, "discord", "bot", say, discord);
        let url = "https://discord.com/api/webhooks/{}";
        self.add(
            HitKind::Token,
            "discord_webhook",
            "url",
            [url, "posting to https://discord.com/api/webhooks/{}"],
            hook,
        );
        self.add(HitKind::Token, "mailchimp", "list", say, mailchimp);
        self.add(HitKind::Token, "terraform", "cloud", say, terraform);
        self.add(HitKind::Token, "azure_ad", "client", say, azure_ad);
        let store = "AccountName=x;AccountKey={};EndpointSuffix=core.example.net";
        self.add(HitKind::Token, "azure_key", "store", [store, store], azure_key);
        let query = "https://x.example.net/a?se=2030&sig={}&sv=1";
        self.add(HitKind::Token, "azure_sas", "url", [query, query], azure_sas);
        self.add(HitKind::Token, "azure_devops", "feed", say, devops);
        self.add(HitKind::Token, "braintree", "gateway", say, braintree);
    }
}

/// base64url without padding, which is enough for the headers of tokens and `Basic`.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3)
            .fold(0_u32, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for at in 0..=group.len() {
            out.push(char::from(LETTERS[(bits >> (18 - 6 * at)) as usize & 63]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use ringseal_redact::{KeyClass, RedactOutcome, Redactor, Rules};

    fn redacted(redactor: &mut Redactor, key: &str, value: &str) -> String {
        let class = redactor.rules().key(key.as_bytes(), None);
        let mut out = Vec::new();
        match redactor.value(class, value.as_bytes(), false, &mut out) {
            RedactOutcome::Clean => value.to_owned(),
            RedactOutcome::Replaced => String::from_utf8(out).unwrap(),
        }
    }

    #[test]
    fn canaries_are_found_under_keys_and_in_prose() {
        let mut redactor = Redactor::new(Arc::new(Rules::standard()));
        for seed in 0..300 {
            for canary in canaries(seed) {
                for (key, text) in [(canary.key, &canary.value), ("message", &canary.prose)] {
                    assert!(text.contains(&canary.secret), "{canary:?}");
                    let got = redacted(&mut redactor, key, text);
                    assert!(!got.contains(&canary.secret), "seed {seed}, {canary:?}: {got}");
                }
            }
        }
        // Every detector that is on by default has found something. `AccountKey=` is also a sensitive
        // key, whose rule comes first.
        let off = [
            "azure_key",
            "overrun",
            "depth",
            "key_number",
            "phone_national",
            "number_cut",
            "literal_cut",
            "word_cut",
            "ip",
            "mac",
            "dob",
            "bare_key",
            "copy",
            "salesforce",
            "truenas",
            "new_relic",
            "maxmind",
            "wallet_key",
            "base64_json",
            "compat",
        ];
        for (rule, count) in redactor.counts().iter().enumerate() {
            let name = redactor.rules().rule_name(rule).unwrap();
            let is_wanted = !name.contains(':') && !off.contains(&name);
            assert!(!is_wanted || *count > 0, "no canary for the rule {name}");
        }
    }

    #[test]
    fn a_recognisable_canary_is_redacted_after_a_cut() {
        let mut redactor = Redactor::new(Arc::new(Rules::standard()));
        for canary in (0..10).flat_map(canaries) {
            let start = canary.prose.find(&canary.secret).unwrap();
            // The first half of an address can be any name.
            for len in canary.secret.len() * 5 / 8..canary.secret.len() {
                let text = &canary.prose[..start + len];
                let mut out = Vec::new();
                let outcome = redactor.value(KeyClass::Plain, text.as_bytes(), true, &mut out);
                let got = String::from_utf8(out).unwrap();
                let half = &canary.secret[..len];
                let is_gone = outcome == RedactOutcome::Replaced && !got.contains(half);
                // The rest of a short number can be any number.
                let is_short = len < 8;
                assert!(is_gone || is_short, "{canary:?}, {len} bytes: {got}");
            }
        }
    }

    #[test]
    fn every_default_kind_has_a_canary() {
        let kinds: BTreeSet<_> = canaries(1).iter().map(|canary| canary.kind).collect();
        let off = [
            HitKind::Udf,
            HitKind::Ip,
            HitKind::Mac,
            HitKind::Custom,
            HitKind::Cut,
            HitKind::Overrun,
        ];
        for kind in HitKind::ALL {
            assert_eq!(kinds.contains(&kind), !off.contains(&kind), "{kind:?}");
        }
    }

    #[test]
    fn equal_seeds_make_equal_canaries_and_others_differ() {
        let (one, two) = (canaries(1), canaries(2));
        assert_eq!(one, canaries(1));
        assert!(one.iter().zip(&two).all(|(a, b)| a.secret != b.secret));
        let secrets: BTreeSet<_> = one.iter().map(|canary| &canary.secret).collect();
        assert_eq!(secrets.len(), one.len());
        assert!(one.iter().all(|canary| !format!("{canary:?}").contains(&canary.secret)));
    }
}
