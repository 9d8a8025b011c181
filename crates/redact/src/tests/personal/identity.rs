//! Identity numbers of many countries, bank accounts, wallets, dates of birth.

use super::*;

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
            "NI no {QQ123456C}",
            "HKID {A123456(3)}",
            "Sozialversicherungsnummer {65170839J003}",
            "numéro de sécurité sociale {1 85 05 78 006 084 91}",
            "licence plate: {AB12 CDE}",
            "CPR-nr {070761-4285}",
            "Rijksregisternummer {93.05.18-223.61}",
            "passport number: {123456789}",
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
            "nie wieder 12345678",
            "class ABCDE1234F",
            "plate tectonics 1234567",
            "HKID A123456(4)",
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
            "{GB82\u{2011}WEST\u{2011}1234\u{2011}5698\u{2011}7654\u{2011}32}",
            "{FR14\u{202f}2004\u{202f}1010\u{202f}0505\u{202f}0001\u{202f}3M02\u{202f}606} ok",
            "{NL91\u{2013}ABNA\u{2013}0417\u{2013}1643\u{2013}00}",
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
            "GB82\u{2011}WEST\u{2011}1234\u{2011}5698\u{2011}7654\u{2011}33",
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
            "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdp",
            "0x0000000000000000000000000000000000000001",
            "0x00007ffff7a2d840",
            "0x5290840009852788",
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
fn coordinates_tell_a_place_together() {
    for (text, want) in [
        ("lat=52.520008 lon=13.404954", "lat=<address> lon=<address>"),
        ("at lat: 52.520008, lng: -13.404954 now", "at lat: <address>, lng: <address> now"),
        ("latitude=-33.8688197&longitude=151.2092955", "latitude=<address>&longitude=<address>"),
        ("pos.lat=37.774929 pos.lon=-122.419416", "pos.lat=<address> pos.lon=<address>"),
        ("userLat=37.774929 userLng=122.419416", "userLat=<address> userLng=<address>"),
        ("lon=13.404954, lat=52.520008", "lon=<address>, lat=<address>"),
        ("'lat': '48.858370', 'long': '2.294481'", "'lat': '<address>', 'long': '<address>'"),
    ] {
        assert_eq!(plain(&mut standard(), text), want);
        assert_eq!(plain(&mut standard(), want), want, "a second pass");
    }
}
