//! The words that the key decision compares. All are lower case and whole tokens.
//!
//! Pure functions over literals: the compiler turns them into length and byte comparisons.

use super::kind::KeyClass;

/// Keys of the source documents that are never sensitive, whatever the other rules say.
#[rustfmt::skip]
pub(crate) fn whitelist(key: &[u8]) -> bool {
    matches!(
        key,
        b"gateway_name" | b"vendor_name" | b"module_name" | b"func_name" | b"task_name"
        | b"service_name" | b"app_name" | b"project_name" | b"class_name" | b"method_name"
        | b"view_name" | b"username" | b"site_name" | b"domain_name" | b"bank_name"
        | b"display_name" | b"install_name" | b"installation_name" | b"event_name"
        | b"customer_id" | b"id" | b"pk"
    )
}

/// Last tokens of keys that describe a secret and do not hold one.
#[rustfmt::skip]
pub(crate) fn tail_safe(last: &[u8]) -> bool {
    matches!(
        last,
        b"count" | b"counts" | b"length" | b"len" | b"size" | b"type" | b"types" | b"id" | b"ids"
        | b"version" | b"versions" | b"verified" | b"changed" | b"policy" | b"present"
        | b"required" | b"enabled" | b"disabled" | b"valid" | b"validated" | b"expires"
        | b"expiry" | b"expiration" | b"expired" | b"in" | b"at" | b"ms" | b"s" | b"sec"
        | b"secs" | b"seconds" | b"duration" | b"ttl" | b"age" | b"provider" | b"template"
        | b"family" | b"status" | b"state" | b"index" | b"path" | b"file" | b"files" | b"url"
        | b"uri" | b"endpoint" | b"field" | b"fields" | b"format" | b"alg" | b"algorithm"
        | b"limit" | b"max" | b"min" | b"used" | b"remaining" | b"total" | b"usage" | b"country"
        | b"os" | b"method" | b"cycle" | b"tier" | b"kind" | b"class" | b"loaded" | b"rotated"
        | b"rotation" | b"expire" | b"ago" | b"hint" | b"label" | b"prefix" | b"issuer"
        | b"audience" | b"scope" | b"scopes" | b"source" | b"pos" | b"position" | b"offset"
        | b"bucket" | b"budget" | b"cost" | b"rate" | b"rates" | b"error" | b"errors" | b"reset"
        | b"name" | b"names"
    )
}

/// A last token that is a secret by itself.
#[rustfmt::skip]
pub(crate) fn secret_word(last: &[u8]) -> KeyClass {
    match last {
        b"password" | b"passwords" | b"passwd" | b"passwds" | b"passphrase" | b"passphrases"
        | b"passcode" | b"passcodes" | b"pwd" | b"pwds" | b"pw" | b"otp" | b"cvv" | b"cvc" | b"passwort" => KeyClass::Password,
        b"secret" | b"secrets" | b"credential" | b"credentials" | b"creds" | b"privatekey" => {
            KeyClass::Secret
        }
        b"token" | b"tokens" | b"apikey" | b"apikeys" | b"apitoken" | b"accesskey" | b"secretkey"
        | b"jwt" | b"jwts" | b"bearer" | b"accesstoken" | b"authtoken" => {
            KeyClass::Token
        }
        b"cookie" | b"cookies" => KeyClass::Cookie,
        _ => KeyClass::Plain,
    }
}

/// Whether the last two tokens are a secret together.
#[rustfmt::skip]
pub(crate) fn secret_pair(before: &[u8], last: &[u8]) -> bool {
    secret_pair_class(before, last) != KeyClass::Plain
}

/// The class of a pair such as `api` `key`.
#[rustfmt::skip]
pub(crate) fn secret_pair_class(before: &[u8], last: &[u8]) -> KeyClass {
    match (before, last) {
        (b"api", b"key" | b"keys") => KeyClass::Token,
        (
            b"access" | b"secret" | b"private" | b"signing" | b"encryption" | b"master" | b"ssh"
            | b"auth" | b"account" | b"shared" | b"session",
            b"key" | b"keys",
        )
        | (b"connection", b"string")
        | (b"password", b"hash" | b"digest" | b"salt") => KeyClass::Secret,
        (b"pin", b"code" | b"block") | (b"security", b"code") => KeyClass::Password,
        _ => KeyClass::Plain,
    }
}

/// Words before `tokens` that mean counted, paged or public tokens.
#[rustfmt::skip]
pub(crate) fn counts_tokens(before: &[u8]) -> bool {
    matches!(
        before,
        b"has" | b"is" | b"max" | b"min" | b"num" | b"total" | b"prompt" | b"completion"
        | b"input" | b"output" | b"n" | b"no" | b"cached" | b"reasoning" | b"used" | b"remaining"
        | b"require" | b"requires" | b"needs" | b"public" | b"next" | b"page" | b"continuation"
        | b"sync" | b"pagination"
    )
}

#[rustfmt::skip]
pub(crate) fn card_word(one: &[u8]) -> bool {
    matches!(one, b"pan" | b"creditcard" | b"cardnumber" | b"ccnumber")
}

#[rustfmt::skip]
pub(crate) fn card_pair(before: &[u8], one: &[u8]) -> bool {
    matches!(
        (before, one),
        (b"card" | b"cc", b"number" | b"no" | b"num") | (b"credit" | b"debit", b"card")
    )
}

#[rustfmt::skip]
pub(crate) fn id_word(one: &[u8]) -> bool {
    matches!(one, b"ssn" | b"sin" | b"nino" | b"tin" | b"itin")
}

#[rustfmt::skip]
pub(crate) fn id_pair(before: &[u8], one: &[u8]) -> bool {
    matches!(
        (before, one),
        (b"social", b"security" | b"securitie")
            | (b"security" | b"insurance" | b"passport", b"number")
            | (b"national" | b"tax", b"id" | b"insurance")
            | (b"passport", b"no" | b"num")
    )
}

#[rustfmt::skip]
pub(crate) fn bank_pair(before: &[u8], one: &[u8]) -> bool {
    matches!(
        (before, one),
        (b"bank", b"account") | (b"account" | b"routing", b"number") | (b"sort", b"code")
    )
}

#[rustfmt::skip]
pub(crate) fn dob_word(one: &[u8]) -> bool {
    matches!(one, b"dob" | b"birthdate" | b"birthday")
}

#[rustfmt::skip]
pub(crate) fn email_word(one: &[u8]) -> bool {
    matches!(one, b"email" | b"emailaddress" | b"emailaddresse")
}

#[rustfmt::skip]
pub(crate) fn email_pair(before: &[u8], one: &[u8]) -> bool {
    matches!(
        (before, one),
        (b"e", b"mail") | (b"email" | b"mail", b"address" | b"addresse" | b"addres" | b"addresss")
    )
}

#[rustfmt::skip]
pub(crate) fn phone_word(one: &[u8]) -> bool {
    matches!(
        one,
        b"phone" | b"telephone" | b"tel" | b"mobile" | b"msisdn" | b"cellphone" | b"whatsapp"
        | b"fax" | b"phonenumber"
    )
}

#[rustfmt::skip]
pub(crate) fn address_word(last: &[u8]) -> bool {
    matches!(last, b"address" | b"addresses" | b"addresss" | b"addr" | b"addrs")
}

/// Words that make an address something other than a postal one.
#[rustfmt::skip]
pub(crate) fn not_postal(before: &[u8]) -> bool {
    matches!(
        before,
        b"ip" | b"ipv" | b"mac" | b"bind" | b"listen" | b"remote" | b"memory" | b"mem"
        | b"server" | b"host" | b"peer" | b"local" | b"base" | b"start" | b"end" | b"bus"
        | b"device" | b"network" | b"net" | b"source" | b"destination" | b"dest" | b"src"
        | b"dst" | b"socket" | b"hw" | b"hardware" | b"contract" | b"page" | b"program"
        | b"physical" | b"virtual" | b"gateway" | b"http" | b"proxy" | b"client" | b"4" | b"6"
        | b"upstream" | b"target" | b"return" | b"fault" | b"phys" | b"virt" | b"wallet"
        | b"node" | b"multicast" | b"broadcast" | b"next" | b"router" | b"link"
    )
}

#[rustfmt::skip]
pub(crate) fn place_word(last: &[u8]) -> bool {
    matches!(last, b"street" | b"postcode" | b"postcodes" | b"zipcode")
}

#[rustfmt::skip]
pub(crate) fn place_pair(before: &[u8], last: &[u8]) -> bool {
    matches!((before, last), (b"zip" | b"postal", b"code") | (b"street", b"name"))
}

/// Words for persons, before `name`.
#[rustfmt::skip]
pub(crate) fn person(word: &[u8]) -> bool {
    matches!(
        word,
        b"customer" | b"payer" | b"cardholder" | b"card" | b"billing" | b"shipping" | b"contact"
        | b"recipient" | b"beneficiary" | b"patient" | b"employee" | b"client" | b"member"
        | b"guest" | b"passenger" | b"student" | b"owner" | b"sender" | b"receiver" | b"first"
        | b"last" | b"full" | b"given" | b"family" | b"middle" | b"maiden" | b"sur" | b"legal"
        | b"buyer" | b"holder" | b"person" | b"father" | b"mother" | b"spouse" | b"applicant"
        | b"subscriber" | b"payee"
    )
}

/// Words for things: a `name` below one of these is not a person's.
#[rustfmt::skip]
pub(crate) fn thing(word: &[u8]) -> bool {
    matches!(
        word,
        b"service" | b"project" | b"host" | b"event" | b"span" | b"thread" | b"process" | b"file"
        | b"logger" | b"log" | b"agent" | b"cloud" | b"container" | b"observer" | b"organization"
        | b"rule" | b"url" | b"http" | b"server" | b"os" | b"device" | b"app" | b"module"
        | b"task" | b"job" | b"queue" | b"topic" | b"table" | b"metric" | b"pod" | b"node"
        | b"cluster" | b"namespace" | b"image" | b"view" | b"class" | b"function" | b"method"
        | b"faas" | b"deployment" | b"k8s" | b"ecs" | b"datastream" | b"stream" | b"feature"
        | b"flag" | b"test" | b"step" | b"stage" | b"pipeline" | b"build" | b"branch" | b"repo"
        | b"repository" | b"volume" | b"secret" | b"configmap" | b"library" | b"package"
        | b"plugin" | b"runtime" | b"sdk" | b"scope" | b"resource" | b"interface" | b"domain"
        | b"region" | b"dns" | b"tls" | b"database" | b"db" | b"index" | b"bucket"
        | b"kubernetes" | b"k" | b"orchestrator" | b"dll" | b"origin" | b"tool"
    )
}

/// One-word keys that name a person.
#[rustfmt::skip]
pub(crate) fn name_word(last: &[u8]) -> bool {
    matches!(
        last,
        b"firstname" | b"lastname" | b"fullname" | b"surname" | b"forename" | b"cardholder"
        | b"recipient" | b"recipients" | b"beneficiary" | b"beneficiarys" | b"beneficiaries"
        | b"payer" | b"payee"
    )
}

/// The class of a key that contains one of the words of older loggers.
#[rustfmt::skip]
pub(crate) fn substring_class(key: &[u8]) -> KeyClass {
    const WORDS: [(&[u8], KeyClass); 17] = [
        (b"password", KeyClass::Password),
        (b"passwd", KeyClass::Password),
        (b"secret", KeyClass::Secret),
        (b"credential", KeyClass::Secret),
        (b"authorization", KeyClass::Auth),
        (b"api_key", KeyClass::Token),
        (b"apikey", KeyClass::Token),
        (b"token", KeyClass::Token),
        (b"email", KeyClass::Email),
        (b"phone", KeyClass::Phone),
        (b"mobile", KeyClass::Phone),
        (b"ssn", KeyClass::Ssn),
        (b"address", KeyClass::Address),
        (b"cardholder", KeyClass::Name),
        (b"name", KeyClass::Name),
        (b"key", KeyClass::Secret),
        (b"auth", KeyClass::Secret),
    ];
    let found = WORDS
        .iter()
        .find(|(word, _)| key.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word)));
    found.map_or(KeyClass::Plain, |&(_, class)| class)
}

/// Words before `address:` in prose that make it a postal address.
#[rustfmt::skip]
pub(crate) fn lives_at(word: &[u8]) -> bool {
    matches!(
        word,
        b"shipping" | b"billing" | b"delivery" | b"home" | b"street" | b"postal" | b"mailing"
        | b"customer" | b"residential" | b"email" | b"mail" | b"invoice" | b"current"
        | b"permanent" | b"user" | b"patient" | b"recipient"
    )
}

/// Every last token that a sensitive key of any class can have: the prefilter for `key=value` uses it.
/// Where the last token is too short to be specific, the last two.
///
/// The tests prove that every key that is sensitive by [`super::key::classify_key`] ends in one of these.
#[rustfmt::skip]
pub(crate) const LAST_TOKENS: &[&[u8]] = &[
    b"password", b"passwd", b"passphrase", b"passcode", b"pwd", b"pw", b"otp", b"cvv", b"cvc",
    b"passwort", b"secret", b"credential", b"creds", b"privatekey", b"token", b"apikey",
    b"accesskey", b"jwt", b"bearer", b"cookie", b"key", b"string", b"hash", b"digest", b"salt",
    b"code", b"block", b"authorization", b"auth", b"pass", b"pin", b"pan", b"creditcard", b"card",
    b"cardnumber", b"number", b"card_no", b"cc_no", b"passport_no", b"phone_no", b"tel_no",
    b"mobile_no", b"fax_no", b"cell_no", b"contact_no", b"whatsapp_no", b"msisdn_no", b"num",
    b"ssn", b"sin", b"nino", b"tin", b"itin", b"security", b"securities", b"tax_id",
    b"national_id", b"insurance", b"passport", b"iban", b"account", b"dob", b"birthdate",
    b"birthday", b"date", b"birth", b"email", b"emailaddress", b"emailaddresse", b"mail",
    b"address", b"addresses", b"addresss", b"phone", b"telephone", b"tel", b"mobile", b"msisdn",
    b"cellphone", b"whatsapp", b"fax", b"addr", b"street", b"postcode", b"zipcode", b"line",
    b"name", b"firstname", b"surname", b"forename", b"cardholder", b"recipient", b"beneficiary",
    b"beneficiaries", b"payer", b"payee", b"udf", b"sig",
];

/// First tokens of flags: `is_mobile`, `hasPassword`.
#[rustfmt::skip]
pub(crate) fn asks(first: &[u8]) -> bool {
    matches!(first, b"has" | b"is" | b"require" | b"requires" | b"needs")
}
