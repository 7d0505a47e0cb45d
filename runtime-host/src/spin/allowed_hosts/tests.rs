use proptest::prelude::*;

use super::*;

fn parse(entries: &[&str]) -> Result<AllowedHosts> {
    AllowedHosts::parse(entries.iter().map(|entry| (*entry, *entry)))
}

fn allows(entry: &str, scheme: &str, host: &str, port: u16) -> bool {
    parse(&[entry]).unwrap().check(scheme, host, port).is_ok()
}

#[test]
fn each_part_of_an_entry_counts() {
    assert!(allows("https://example.com", "https", "example.com", 443));
    assert!(allows("https://Example.COM/", "https", "example.com", 443));
    assert!(!allows("https://example.com", "http", "example.com", 443));
    assert!(!allows("https://example.com", "https", "example.com", 8443));
    assert!(!allows("https://example.com", "https", "www.example.com", 443));
    assert!(allows("*://*:*", "redis", "anything", 1));
    assert!(allows("postgres://*:*", "postgres", "10.1.2.3", 6432));
}

#[test]
fn a_suffix_needs_something_before_it() {
    assert!(allows("http://*.example.com", "http", "a.b.example.com", 80));
    assert!(!allows("http://*.example.com", "http", "example.com", 80));
    assert!(!allows("http://*.example.com", "http", "badexample.com", 80));
}

#[test]
fn a_range_leaves_out_its_end() {
    assert!(allows("http://a:80..82", "http", "a", 81));
    assert!(!allows("http://a:80..82", "http", "a", 82));
}

#[test]
fn addresses_and_networks() {
    assert!(allows("http://[::1]:80", "http", "::1", 80));
    assert!(allows("http://[::1]", "http", "[::1]", 80));
    assert!(allows("http://10.0.0.0/8:80", "http", "10.9.9.9", 80));
    assert!(!allows("http://10.0.0.0/8:80", "http", "11.0.0.1", 80));
    assert!(allows("http://0.0.0.0/0", "http", "11.0.0.1", 80));
    assert!(!allows("http://10.0.0.0/8:80", "http", "ten.example", 80));
    assert!(allows("http://fd00::/8", "http", "fd12::1", 80));
    assert!(allows("http://[fd00::]/8:81", "http", "[fd12::1]", 81));
}

/// Whether `host` may lead to `address`, where only `entry` is allowed.
fn leads(entry: &str, host: &str, address: &str) -> bool {
    let allowed = parse(&[entry]).unwrap();
    allowed.check("http", host, 80).unwrap();
    allowed.check_address("http", host, 80, address.parse().unwrap()).is_ok()
}

#[test]
fn what_a_star_allows_is_on_the_internet() {
    for address in ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"] {
        assert!(leads("http://*:*", "a.example", address), "{address}");
        assert!(leads("http://*.example", "a.example", address), "{address}");
    }
    for address in [
        "127.0.0.1",
        "10.96.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fd00:ec2::254",
        "fe80::1",
        "ff02::1",
        "::ffff:169.254.169.254",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ] {
        assert!(!leads("http://*:*", "a.example", address), "{address}");
        assert!(!leads("http://*.example", "a.example", address), "{address}");
        assert!(!leads("http://*:*", address, address), "{address}");
    }
}

#[test]
fn a_private_address_is_named_by_itself_by_its_network_or_by_the_name_that_leads_there() {
    assert!(leads("http://a.example", "a.example", "10.96.0.1"));
    assert!(leads("http://localhost", "localhost", "::1"));
    assert!(leads("http://127.0.0.1", "127.0.0.1", "127.0.0.1"));
    assert!(leads("http://10.0.0.0/8", "10.96.0.1", "10.96.0.1"));
    assert!(leads("http://0.0.0.0/0", "169.254.169.254", "169.254.169.254"));
    let two = parse(&["http://*", "http://10.0.0.0/8"]).unwrap();
    let leads_to = |address: &str| two.check_address("http", "a", 80, address.parse().unwrap());
    assert!(leads_to("10.1.1.1").is_ok());
    assert!(leads_to("192.168.0.1").is_err());
}

#[test]
fn a_link_local_address_is_not_named_by_whoever_owns_a_name() {
    assert!(!leads("http://a.example", "a.example", "169.254.169.254"));
    assert!(!leads("http://a.example", "a.example", "fe80::1"));
    let advice = parse(&["http://a.example"])
        .unwrap()
        .check_address("http", "a.example", 80, "169.254.169.254".parse().unwrap())
        .unwrap_err();
    assert!(advice.contains("\"http://169.254.169.254:80\""), "{advice}");
}

#[test]
fn a_database_is_named_by_the_variable_that_holds_its_address() {
    let allowed = parse(&["postgres://*:*"]).unwrap();
    let allowed = allowed.naming([("db.example".to_owned(), 5432)]);
    let leads = |host, port| {
        allowed.check_address("postgres", host, port, "10.0.0.7".parse().unwrap()).is_ok()
    };
    assert!(leads("db.example", 5432));
    assert!(!leads("db.example", 5433));
    assert!(!leads("other.example", 5432));
}

#[test]
fn a_refusal_says_which_line_to_add() {
    let none = AllowedHosts::default();
    assert_eq!(
        none.check("https", "api.example.com", 443).unwrap_err(),
        "https://api.example.com is not allowed: add \"https://api.example.com\" \
         to the component's allowed_outbound_hosts"
    );
    assert!(none.check("http", "::1", 8080).unwrap_err().contains("\"http://[::1]:8080\""));
}

#[test]
fn the_application_itself_is_a_host_like_any_other() {
    for host in ["self", "self.alt"] {
        assert!(allows("http://self", "http", host, 80), "{host}");
        assert!(allows("http://self.alt", "http", host, 80), "{host}");
        assert!(!allows("http://*.spin.internal", "http", host, 80), "{host}");
    }
    assert!(allows("http://*.spin.internal", "http", "a.spin.internal", 80));
    assert!(allows("http://a.spin.internal", "http", "a.spin.internal", 80));
    assert!(!allows("http://a.spin.internal", "http", "b.spin.internal", 80));
    assert!(!allows("http://self", "http", "a.spin.internal", 80));
}

#[test]
fn a_value_of_a_variable_is_not_shown() {
    let entry = [("{{ url }}", "postgres://u:hunter2@a:1/x")];
    let error = AllowedHosts::parse(entry).unwrap_err().to_string();
    assert!(error.contains("{{ url }}") && !error.contains("hunter2"), "{error}");
}

#[test]
fn what_means_nothing_is_refused() {
    for entry in [
        "",
        "*",
        "example.com",
        "http://",
        "http://a/b",
        "http://a:b",
        "http://a:99999",
        "http://*a",
        "http://a.*.b",
        "foo://a",
        "*://a",
        "{a,b}://c:1",
        "http://10.0.0.0/33",
        "http://*.10.0.0.1",
        "http://u:p@a",
        "http://a?b",
        "http://a#b",
        "http://a b",
        "http://[::1",
        "http://a:1..",
        "insecure:allow-all",
    ] {
        assert!(parse(&[entry]).is_err(), "{entry:?}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(entry in "\\PC{0,40}", host in "\\PC{0,20}", port: u16) {
        if let Ok(allowed) = parse(&[&entry]) {
            let _ = allowed.check("http", &host, port);
            let _ = allowed.check_address("http", &host, port, [127, 0, 0, 1].into());
        }
    }

    #[test]
    fn an_entry_allows_itself_and_no_other_port(
        scheme in "(http|https|postgres)", host in "[a-z]{1,9}(\\.[a-z]{2,9}){0,3}", port: u16, other: u16,
    ) {
        let entry = format!("{scheme}://{host}:{port}");
        prop_assume!(host != "self");
        prop_assert!(allows(&entry, &scheme, &host, port));
        prop_assert_eq!(allows(&entry, &scheme, &host, other), other == port);
    }

    #[test]
    fn following_the_advice_helps(
        scheme in "[a-z]{1,8}", host in "[a-z]{1,9}(\\.[a-z]{2,9}){0,3}", port: u16,
    ) {
        prop_assume!(host != "self");
        let refusal = AllowedHosts::default().check(&scheme, &host, port).unwrap_err();
        let advice = refusal.split('"').nth(1).unwrap();
        prop_assert!(allows(advice, &scheme, &host, port));
    }
}
