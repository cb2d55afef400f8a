//! Real messages of Linux 6.18, whole, cut and with flipped bytes; and any bytes at all.
use super::*;
use proptest::prelude::*;
use proptest::sample::Index;

/// Family and attributes: an echo, and a masqueraded datagram in zone 7. Both with a timestamp.
const REAL: [(u8, &str); 4] = [
    (
        2,
        "3c00018014000180080001000a090102080002000a09000224000280050001000100000006000400000700000500\
         05000800000005000600000000003c00028014000180080001000a090002080002000a0901022400028005000100\
         01000000060004000007000005000500000000000500060000000000080003000000000a08000800000000000800\
         0c006a94731708000b0000000001080007000000001d100014800c00010018eb74e0ef9ff99b",
    ),
    (
        2,
        "3400018014000180080001000a090102080002000a0900021c0002800500010011000000060002000fa100000600\
         03001b5900003400028014000180080001000a090002080002000a0900011c000280050001001100000006000200\
         1b590000060003000fa1000006001200000700000800030000000198080008000000000008000c00d4f53f3e0800\
         0b0000000001080007000000001d100014800c00010018eb74e0f180f90b",
    ),
    (
        10,
        "540001802c00018014000300fd09000100000000000000000000000214000400fd09000000000000000000000000\
         000224000280050001003a000000060007000007000005000800800000000500090000000000540002802c000180\
         14000300fd09000000000000000000000000000214000400fd090001000000000000000000000002240002800500\
         01003a000000060007000007000005000800810000000500090000000000080003000000000a0800080000000000\
         08000c008882b94508000b0000000001080007000000001d100014800c00010018eb74e0f47a60dd",
    ),
    (
        10,
        "4c0001802c00018014000300fd09000100000000000000000000000214000400fd09000000000000000000000000\
         00021c0002800500010011000000060002000fa10000060003001b5900004c0002802c00018014000300fd090000\
         00000000000000000000000214000400fd0900000000000000000000000000011c00028005000100110000000600\
         02001b590000060003000fa1000006001200000700000800030000000198080008000000000008000c00fa21e51e\
         08000b0000000001080007000000001d100014800c00010018eb74e0f578985d",
    ),
];

fn real() -> Vec<(u8, Vec<u8>)> {
    let byte = |hex: &[u8]| u8::from_str_radix(str::from_utf8(hex).unwrap(), 16).unwrap();
    let bytes = |hex: &str| hex.as_bytes().chunks(2).map(byte).collect();
    REAL.map(|(family, hex)| (family, bytes(hex))).into()
}

#[test]
fn a_real_message_says_all_that_is_asked() {
    let expected = [
        ("icmp 10.9.1.2 -> 10.9.0.2", "10.9.1.2", None),
        ("udp 10.9.1.2:4001 -> 10.9.0.2:7001", "10.9.0.1", Some(7)),
        ("icmpv6 fd09:1::2 -> fd09::2", "fd09:1::2", None),
        ("udp [fd09:1::2]:4001 -> [fd09::2]:7001", "fd09::1", Some(7)),
    ];
    for ((family, bytes), (text, answers, zone)) in real().into_iter().zip(expected) {
        let entry = entry(family, &bytes).unwrap().unwrap();
        assert_eq!(entry.flow().to_string(), text);
        assert_eq!(entry.reply.destination.to_string(), answers);
        assert_eq!(entry.zone, zone);
        assert_eq!(entry.status & u::IPS_SRC_NAT != 0, zone.is_some());
        let start = entry.start.unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(start.as_secs(), 1_795_657_385);
        // What finds it again is what the kernel sent.
        assert_eq!(bytes[4..4 + entry.flow().tuple.len()], *entry.flow().tuple);
    }
}

#[test]
fn translated_is_what_the_status_and_the_answers_both_say() {
    for (family, bytes) in real() {
        let real = entry(family, &bytes).unwrap().unwrap();
        assert_eq!(real.is_translated(), real.zone.is_some());
        let status = |status| Entry { status, ..real.clone() };
        assert!(!status(real.status & !u::IPS_SRC_NAT).is_translated());
        let elsewhere = real.reply.destination != real.original.source;
        assert_eq!(status(real.status | u::IPS_SRC_NAT).is_translated(), elsewhere);
    }
}

#[test]
fn what_lacks_a_part_is_malformed_and_another_family_is_passed_over() {
    for (family, bytes) in real() {
        assert_eq!(entry(7, &bytes), Ok(None));
        let other = if family == u::NFPROTO_IPV4 { u::NFPROTO_IPV6 } else { u::NFPROTO_IPV4 };
        assert!(entry(other, &bytes).is_err(), "addresses of the other family");
        let attrs: Vec<Attr<'_>> = Attrs::new(&bytes).flatten().collect();
        for (i, attr) in attrs.iter().enumerate() {
            let end = attrs.get(i + 1).map_or(bytes.len(), |next| next.offset);
            let without = [&bytes[..attr.offset], &bytes[end..]].concat();
            let needed = [u::CTA_TUPLE_ORIG, u::CTA_TUPLE_REPLY, u::CTA_STATUS, u::CTA_ID]
                .contains(&attr.kind);
            assert_eq!(entry(family, &without).is_err(), needed, "attribute {}", attr.kind);
        }
    }
}

#[test]
fn a_start_of_zero_is_none() {
    for (family, bytes) in real() {
        // The last attribute holds one, which holds eight bytes.
        let zero = [&bytes[..bytes.len() - 8], &[0; 8]].concat();
        assert_eq!(entry(family, &zero).unwrap().unwrap().start, None);
        let latest = [&bytes[..bytes.len() - 8], &[0xff; 8]].concat();
        assert!(entry(family, &latest).unwrap().unwrap().start.is_some());
    }
}

/// Of Linux 6.18, with three connections: how many there are, and how many there may be.
const COUNTED: [u8; 16] = *b"\x08\0\x01\0\0\0\0\x03\x08\0\x02\0\0\x04\0\0";

#[test]
fn how_many_there_are_is_read_and_never_made_up() {
    assert_eq!(entries(&COUNTED), Ok(3));
    assert_eq!(entries(&COUNTED[..8]), Ok(3));
    for bytes in [&[][..], &COUNTED[..7], &COUNTED[8..]] {
        assert!(entries(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn no_truncation_of_a_real_message_panics() {
    for (family, bytes) in real() {
        for end in 0..bytes.len() {
            let _ = entry(family, &bytes[..end]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(family in 0..12u8, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = entry(family, &bytes);
        let _ = entries(&bytes);
    }

    #[test]
    fn real_messages_with_flipped_bytes_never_panic(
        pick in any::<Index>(),
        flips in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8),
    ) {
        let (family, mut bytes) = pick.get(&real()).clone();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(Some(entry)) = entry(family, &bytes) {
            // An order without a tuple would be one to empty the table.
            prop_assert!(!entry.flow().tuple.is_empty());
            let _ = entry.flow().to_string();
        }
    }
}
