//! Which callers are believed, and what their flags change.
use crate::trace_context::{Network, Propagation, Trust};

#[test]
fn networks_contain_their_addresses() {
    let rows: &[(&str, &[&str], &[&str])] = &[
        (
            "10.0.0.0/8",
            &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"],
            &["11.0.0.0", "::1", "9.255.255.255"],
        ),
        ("192.168.4.0/22", &["192.168.4.1", "192.168.7.255"], &["192.168.3.255", "192.168.8.0"]),
        ("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::"]),
        ("127.0.0.1", &["127.0.0.1"], &["127.0.0.2"]),
        ("fd00::/8", &["fd00::1", "fdff:ffff::"], &["fe00::", "253.0.0.0"]),
        ("::/0", &["::", "ffff::"], &["1.2.3.4", "::ffff:1.2.3.4"]),
        ("::1/128", &["::1"], &["::2", "::"]),
        ("::ffff:10.0.0.0/104", &["10.9.9.9"], &["11.0.0.0"]),
    ];
    for (text, inside, outside) in rows {
        let network: Network = text.parse().expect(text);
        for address in *inside {
            assert!(network.contains(address.parse().expect(address)), "{address} in {text}");
        }
        for address in *outside {
            assert!(!network.contains(address.parse().expect(address)), "{address} not in {text}");
        }
        assert_eq!(network.to_string().parse(), Ok(network), "{text}");
    }
    for text in [
        "",
        "10.0.0.0/33",
        "10.0.0.1/8",
        "fd00::1/8",
        "fd00::/129",
        "10.0.0.0/",
        "10/8",
        "host/8",
        "::ffff:0:0/90",
    ] {
        let error = text.parse::<Network>().expect_err(text).to_string();
        assert!(error.ends_with(&format!("found {text:?}")), "{error}");
    }
}

#[test]
fn the_flag_of_strangers_is_not_believed() {
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";
    let headers = [("traceparent", parent)];
    let networks = Trust::from_networks(["10.0.0.0/8"]).expect("a network");
    for (trust, peer, is_believed) in [
        (Trust::Never, Some("10.1.2.3"), false),
        (Trust::Never, None, false),
        (networks.clone(), Some("10.1.2.3"), true),
        (networks.clone(), Some("11.1.2.3"), false),
        (networks, None, false),
        (Trust::Always, None, true),
        (Trust::Always, Some("8.8.8.8"), true),
    ] {
        let name = format!("{trust:?} {peer:?}");
        let peer = peer.map(|peer| peer.parse().expect("an address"));
        let trace = Propagation::new().trust(trust.clone()).receive(&headers, peer);
        assert_eq!(trace.span().is_sampled(), is_believed, "{name}");
        assert!(trace.span().is_random() && trace.is_continued(), "{name}: ids are always taken");
        assert!(trace.caller().is_some_and(|caller| caller.is_sampled()), "{name}");
        let flags = if is_believed { "-03" } else { "-02" };
        assert!(trace.outgoing().traceparent().ends_with(flags), "{name}");
        assert!(trace.with_sampled(true).outgoing().traceparent().ends_with("-03"), "{name}");
        let border = Propagation::new().trust(trust).restart_strangers(true);
        assert_eq!(border.receive(&headers, peer).is_continued(), is_believed, "{name}");
    }
}
