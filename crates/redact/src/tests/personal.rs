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
