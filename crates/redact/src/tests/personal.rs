//! Personal data of many countries: tables of texts to mask and of similar texts to keep.

use super::*;

/// Checks that of each text exactly the part between `{` and `}` is masked.
fn check(redactor: &mut Redactor, mask: &str, texts: &[&str]) {
    for text in texts {
        let (head, rest) = text.split_once('{').expect("a `{` starts what is masked");
        let (value, tail) = rest.split_once('}').expect("a `}` ends what is masked");
        let given = format!("{head}{value}{tail}");
        let want = format!("{head}{mask}{tail}");
        assert_eq!(plain(redactor, &given), want, "from {given:?}");
        assert_eq!(plain(redactor, &want), want, "a second pass");
    }
}

fn keep(redactor: &mut Redactor, texts: &[&str]) {
    for text in texts {
        assert_eq!(plain(redactor, text), *text);
    }
}

#[test]
fn telephone_numbers_of_many_countries_are_masked() {
    check(
        &mut standard(),
        "<phone>",
        &[
            "Handy {0171-1234567}",
            "Tel. {030/12345678}",
            "Tel.: {(030) 123 456-78} erreichbar",
            "Rückruf unter {0711 1234567}",
            "Rufnummer {0049 171 1234567}",
            "téléphone : {06 12 34 56 78}",
            "tél {01.23.45.67.89}",
            "TÉL {01.23.45.67.89}",
            "portable {+33 6 12 34 56 78}",
            "móvil {612 345 678} confirmado",
            "MÓVIL {612345678}",
            "cellulare {347 1234567}",
            "telefono {06 6982 1234}",
            "telefone {(11) 91234-5678}",
            "celular {11912345678}",
            "telefoon {06-12345678}",
            "puhelin {040 123 4567}",
            "telefon {0312 345 67 89}",
            "komórka {501 234 567}",
            "тел. {8 (912) 345-67-89}",
            "Тел: {8 495 123-45-67}",
            "ТЕЛЕФОН {+7 495 123-45-67}",
            "电话 {138 1234 5678}",
            "请拨打电话{13812345678}",
            "电话：{010-12345678}",
            "電話 {03-1234-5678}",
            "携帯 {090-1234-5678}",
            "전화 {010-1234-5678}",
            "sms to {+4915123456789} queued",
            "{402‑555‑1212} called",
            "{402–555–1212} called",
            "{+1  402  555  1212}",
            "{+1\u{a0}402\u{a0}555\u{a0}1212} ok",
            "{402/555-1212} called",
            "{(402) 555-1212} ext",
            "{402.555.1212 x12} busy",
            "{(402)555-1212 ext. 7} busy",
            "tel:{+1-201-555-0123;ext=12} ok",
            "{14025551212} delivered",
            "{4915123456789} did not answer",
            "{06 81 60 65 98} did not answer",
            "{0044 7597 507097} did not answer",
            "{00 44 20 7946 0958} x",
            "to {+4915123456789} now",
            "from {+33612345678}",
            "<{+8613312345678}>",
            "call {+1 201-503-7406} for details",
            "call me at {5551234567}",
            "contact {0412 345 678}",
            "cell {402-555-1212}",
            "call {020 7946 0958} back",
            "customer phone {34 41 23 45} verified",
            "WhatsApp {+5511987654321}: sent",
            "msisdn={4915123456789}",
            "Phone:\n{467 3395}",
            "fax no. {0228 1234567}",
        ],
    );
}

#[test]
fn numbers_without_a_telephones_shape_are_kept() {
    keep(
        &mut standard(),
        &[
            "call 12345678 took 5 ms",
            "cell 1048576 updated",
            "calls 23005711 total",
            "ring 16777216 full",
            "sim 1234567 steps",
            "contact 7654321 merged",
            "message 123456789 acked",
            "reach 1234567 rows",
            "offset +4915123456789",
            "delta +14025551212",
            "drift of +33612345678 ns",
            "size changed by +14025551212",
            "+14025551212 bytes",
            "+1402555121 B",
            "+4915123456789 rows",
            "seek +33612345678",
            "counter +1234567890",
            "+12345678",
            "+10485760",
            "+999123456789",
            "+123456789012345",
            "lag=+14025551212",
            "rev 938.491.5146",
            "version 402.555.1212",
            "build 415.555.2671 ok",
            "release 212.555.7890",
            "oid 402.555.1212",
            "part 402-555-1212",
            "sku 706-405-8118",
            "serial 402-555-1212",
            "14025551212",
            "id 14025551212 delivered",
            "offset 14025551212 called",
            "14025551212 bytes",
            "99999999999 delivered",
            "2024-07-12 21:00:24 called",
            "at 1718857800 called",
            "12/07/2024 called",
            "call 2024-07-12",
            "call 10.20.30.40 failed",
            "call 0.1234567",
            "call 12345.6789012",
            "16:14:00.049  2227  2227 D KeyguardUpdateMonitor: received",
            "00:49:30 123 4567",
            "0031 0042 0053",
            "00 00 00 00 00 00 00 00",
            "pid 1234567 called",
            "2015-10-18 18:01:47,978 INFO",
            "1.402.555.1212.9",
            "10.402-555-1212",
            "x+4915123456789",
            "1+4915123456789",
        ],
    );
}

#[test]
fn card_numbers_are_found_in_any_grouping() {
    check(
        &mut standard(),
        "<card>",
        &[
            "{4111\u{a0}1111\u{a0}1111\u{a0}1111} declined",
            "{4111  1111  1111  1111}",
            "{4111/1111/1111/1111}",
            "{4111.1111.1111.1111}",
            "{4111\t1111\t1111\t1111}",
            "{4111–1111–1111–1111} ok",
            "{4111-1111-1111-1111}",
            "{3782 822463 10005} ok",
            "{3056 930902 5904} ok",
            "{4111111111111111} declined",
            "{5555555555554444} charged",
            "{2200000000000053} charged",
            "card {9792030000000000}",
            "card number {213176828496175}",
            "my card {180016070420458}",
            "Karte {6759649826438453}",
            "tarjeta {4111111111111111}",
            "карта {2200 0000 0000 0053}",
            "卡号{6222021234567890128}",
            "cc {501864667909}",
            "card # {4131034282458809939}",
            "visa {4222222222222}",
            "pan={4111111111111111}",
        ],
    );
}

#[test]
fn long_numbers_without_a_cards_signs_are_kept() {
    keep(
        &mut standard(),
        &[
            "id 4111111111111111",
            "order 4111111111111111 shipped",
            "trace 5555555555554444",
            "offset 4111111111111111",
            "seq=4111111111111111",
            "request_id: 4111111111111111",
            "txn 5555555555554444 ok",
            "{\"id\": 4111111111111111}",
            "{\"n\": [4111111111111111, 5555555555554444]}",
            "213176828496175",
            "180016070420458",
            "9792030000000000",
            "501864667909",
            "6222021234567890128",
            "4111 11111111 1111",
            "41111 1111 1111 111",
            "4111111111111112 declined",
            "card 4111111111111112",
            "card 1718857800123",
            "20171223-22:15:29:606",
            "1111 1111 1111 1111",
            "4111.111.1111.11111",
        ],
    );
}

#[test]
fn identity_numbers_of_many_countries_are_masked() {
    check(
        &mut standard(),
        "<ssn>",
        &[
            "itin {912-90-3456}",
            "ein {91-1144442}",
            "NI number {AB123456C}",
            "nino {AB 12 34 56 C}",
            "national insurance number {ab123456c}",
            "NHS {943 476 5919}",
            "nhs number: {9434765919}",
            "NIR {2 95 10 99 126 111 93}",
            "n° sécu {295109912611193}",
            "Steuer-ID {86095742719}",
            "IdNr. {86 095 742 719}",
            "DNI {12345678Z}",
            "dni {12.345.678-Z}",
            "NIE {X1234567L}",
            "aadhaar {2341 2341 2346}",
            "PAN {ABCPE1234F}",
            "cpf {529.982.247-25}",
            "CPF: {52998224725}",
            "cnpj {11.222.333/0001-81}",
            "SIN {193-456-787}",
            "pesel {44051401359}",
            "NIP {526-104-08-28}",
            "BSN {111222333}",
            "AHV {756.9217.0769.85}",
            "personnummer {811218-9876}",
            "personnummer {19811218-9876}",
            "ID {7503305044089}",
            "South African ID number {7503305044089}",
            "NISS {85.07.30-033.28}",
            "TC kimlik no {10000000146}",
            "주민등록번호 {900101-1234567}",
            "マイナンバー {123456789018}",
            "身份证号 {11010519491231002X}",
            "身份证号：{440524198001010005}",
            "ИНН {500100732259}",
            "СНИЛС {112-233-445 95}",
            "codice fiscale {RSSMRA85T10A562S}",
            "CF {RSSMRA85T10A562S}",
            "CURP {BOXW310820HNERXN09}",
            "RFC {GODE561231GR8}",
            "NRIC {S1234567D}",
            "National ID {1-2345-67890-12-1}",
            "CUIT {20-26756539-3}",
            "RUT {12.345.678-5}",
            "RUT {10.000.013-K}",
            "NIT {800.197.268-4}",
            "RUC {20100070970}",
            "NIF {123456789}",
            "henkilötunnus {131052-308T}",
            "CPR {211062-5629}",
            "fødselsnummer {15108695088}",
            "rodné číslo {710319/2745}",
            "CNP {1800101221144}",
            "ЕГН {7523169263}",
            "OIB {69435151530}",
            "EMŠO {0101006500006}",
            "PPSN {1234567FA}",
            "isikukood {37605030299}",
            "MyKad {770305-02-1234}",
            "NIK {3171011708450001}",
            "CNIC {42201-0397640-8}",
            "TFN {123 456 782}",
            "medicare {2123 45670 1}",
            "passport no. {L898902C3} scanned",
            "passport number {C01234567}",
            "Reisepass {CH1234567}",
            "паспорт {4509 123456}",
            "driver's license number is {F162823540116}",
            "driving licence {D12345678}",
            "medical record number {00123456}",
            "MRN {MRN0012345}",
            "Kennzeichen {B-MW 1234}",
            "license plate {AB-123-CD}",
            "IMEI {490154203237518}",
            "imei {49-015420-323751-8}",
            "VIN {1HGCM82633A004352}",
            "chassis {WVWZZZ1JZXW000001}",
        ],
    );
}

#[test]
fn numbers_with_wrong_checks_are_not_identities() {
    keep(
        &mut standard(),
        &[
            "nhs number: 9434765918",
            "NIR 2 95 10 99 126 111 94",
            "Steuer-ID 86095742710",
            "DNI 12345678A",
            "NIE X1234567A",
            "cnpj 11.222.333/0001-82",
            "AHV 756.9217.0769.84",
            "codice fiscale RSSMRA85T10A562T",
            "CURP BOXW310820HNERXN08",
            "NRIC S1234567A",
            "CUIT 20-26756539-4",
            "RUT 12.345.678-6",
            "IMEI 490154203237519",
            "VIN 1HGCM82643A004352",
            "user 52998224725 logged in",
            "order 8609574271",
            "id 86095742719",
            "id=44051401359 ok",
            "id 1718857800123",
            "id=1709123456786",
            "request 12345678Z",
            "node AB123456C",
            "AB123456C",
            "S1234567D up",
            "X1234567L",
            "529.982.247-25",
            "11.222.333/0001-81",
            "took 12345678s",
            "slept 12345678n",
            "version 2.3.4-20",
            "license 3.0",
            "Apache license 2004",
            "Licensed under LICENSE-2.0",
            "ein 12345678 langer Text",
            "tax 1234567",
            "national park 1234567",
            "pan left 1048576",
            "driver nvme0n1p1",
            "driver 470.82.01",
            "insurance claim",
        ],
    );
}

#[test]
fn strict_rules_find_sure_identity_numbers_without_words() {
    let mut redactor = with(&RuleSet { presets: vec![Preset::Strict], ..RuleSet::default() });
    check(
        &mut redactor,
        "<ssn>",
        &[
            "got {529.982.247-25} back",
            "got {11.222.333/0001-81} back",
            "got {AB123456C} back",
            "got {RSSMRA85T10A562S} back",
            "got {756.9217.0769.85} back",
            "got {BOXW310820HNERXN09} back",
            "got {S1234567D} back",
            "got {X1234567L} back",
            "got {811218-9876} back",
        ],
    );
}

#[test]
fn account_numbers_follow_their_countrys_structure() {
    check(
        &mut standard(),
        "<iban>",
        &[
            "iban {gb82west12345698765432}",
            "konto {de89370400440532013000}",
            "IBAN {GB82 WEST 1234 5698 7654 32}",
            "{DE89-3704-0044-0532-0130-00}",
            "{DE89\u{a0}3704\u{a0}0044\u{a0}0532\u{a0}0130\u{a0}00} ok",
            "to {NO9386011117947} now",
            "from {FR1420041010050500013M02606}",
            "{MT84MALT011000012345MTLCAST001S}",
            "to {1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa}",
            "to {3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy} ok",
            "to {bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq}",
            "{bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0}",
            "to {0x52908400098527886E0F7030069857D2E4169EE7}",
        ],
    );
    keep(
        &mut standard(),
        &[
            "id=GB44890549514860633192 state=done",
            "GB82WEST12345698765433",
            "gb82west12345698765432",
            "build de89370400440532013000",
            "US64SVBKUS6S3300958879",
            "DE8937040044053201300",
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
            "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdp",
            "0x0000000000000000000000000000000000000001",
            "0x00007ffff7a2d840",
            "0x5290840009852788",
        ],
    );
}

#[test]
fn cards_after_letters_and_tracks_are_masked() {
    check(
        &mut standard(),
        "<card>",
        &[
            "CC{4111111111111111} x",
            "card{4111111111111111}",
            "visa{4111111111111111} ok",
            "card_{5555555555554444}",
            "%B{4111111111111111}^DOE/JOHN^25121011000?",
            ";{4111111111111111}=25121011000?",
            "PAN{378282246310005} x",
        ],
    );
    keep(
        &mut standard(),
        &[
            "INV4111111111111111",
            "ord_4111111111111111",
            "CC4111111111111112",
            "B4111111111111111",
            "A4111111111111111",
        ],
    );
}

#[test]
fn dates_of_birth_follow_a_word() {
    check(
        &mut standard(),
        "<dob>",
        &[
            "born {1984-03-12}",
            "date of birth: {12/03/1984}",
            "DOB {03/12/1984}",
            "dob={1984-03-12}",
            "geboren am {12.03.1984}",
            "Geburtsdatum: {12.3.1984}",
            "né le {12/03/1984}",
            "fecha de nacimiento {12/03/1984}",
            "дата рождения {12.03.1984}",
            "出生日期 {1984-03-12}",
        ],
    );
    keep(
        &mut standard(),
        &[
            "built 1984-03-12",
            "date 12/03/1984",
            "released on 2024-07-12",
            "born 1984-13-40",
            "born to run 1984",
        ],
    );
}

#[test]
fn email_addresses_of_any_alphabet_are_masked() {
    check(
        &mut standard(),
        "<email>",
        &[
            "mail from {jürgen@müller.de} ok",
            "{josé.garcía@correo.es} bounced",
            "{用户@例子.公司} registered",
            "邮箱{ann@example.com}已注册",
            "to {аdmin@exаmple.com} sent",
            "{почта@пример.рф} ok",
            "x {ann@mail.exаmple.com} y",
            "{θσερ@εχαμπλε.ψομ}",
            "to {\"john doe\"@example.com} queued",
            "<{\"a.b c\"@example.org}>",
            "to {joe@[192.168.1.1]} ok",
            "to {joe@[IPv6:2001:db8::1]} ok",
            "{joe [at] example [dot] com}",
            "write to {joe.smith(at)example(dot)com} please",
            "{anna [AT] mail.example.org}",
            "{joe(at)example.com}",
            "contact {a.b [at] example [dot] co [dot] uk} now",
            "{joe.smith@archive.zip}",
            "{anna@data.py}",
            "from {j.doe@notes.md}",
            "{maria@videos.mov} x",
            "cron mail to {bob@localhost}",
            "to=<{alice@localhost}>, relay=local",
            "{a&#64;b.io}",
            "{ann&#x40;example.com} ok",
            "{jane.doe@corp.local} logged in",
            "{ann@mail.example.rs}",
            "{13957525385@163.com} ok",
            "user {o_neil-x+tag@sub.example.co.uk}: ok",
            "{ann@xn--mller-kva.de}",
        ],
    );
}

#[test]
fn signs_of_programs_are_not_email_addresses() {
    keep(
        &mut standard(),
        &[
            "foo@bar baz@qux.local.",
            "aes256-cbc,rijndael-cbc@lysator.liu.se,aes128-gcm@openssh.com",
            "hmac-sha2-256-etm@openssh.com",
            "umac-128@openssh.com chacha20-poly1305@openssh.com",
            "curve25519-sha256@libssh.org",
            "ssh-ed25519-cert-v01@openssh.com,zlib@openssh.com",
            "sntrup761x25519-sha512@openssh.com",
            "kex-strict-s-v00@openssh.com hostkeys-prove-00@openssh.com",
            "statvfs@openssh.com keepalive@openssh.com",
            "bob@web1:~$ ls",
            "root@localhost denied",
            "'root'@'localhost'",
            "mysql root@localhost",
            "mail to root@localhost",
            "react@17.0.2 vue@next",
            "pkg@1.2.beta",
            "left-pad@1.3.0-rc.one",
            "git@host.example.com:org/repo.git",
            "git@gitlab.example.com:2222/x",
            "icon@2x.png logo@3x.webp",
            "java.lang.Object@1b2c3d4e",
            "getty@tty1.service user@1000.service",
            "backup@daily.zip",
            "module@latest.py",
            "host@eth0.lan",
            "deploy@web1.prod.internal",
            "node@build1.local",
            "\"key\":\"a\"@x",
            "array [at] index 3",
            "error (at) line 7.js",
            "[at] start",
            "x [at]",
            "foo(at)bar",
            "color: &#64;media",
            "issue #64 closed",
            "用户@主机",
            "@decorator.py",
            "ssh joe@[::1]",
        ],
    );
}
