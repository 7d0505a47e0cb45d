use proptest::prelude::*;

use super::*;

fn allows(entry: &str, scheme: &str, host: &str, port: u16) -> bool {
    AllowedHosts::parse([entry]).unwrap().check(scheme, host, port).is_ok()
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
        "http://self",
        "http://x.spin.internal",
        "http://10.0.0.0/33",
        "http://*.10.0.0.1",
    ] {
        assert!(AllowedHosts::parse([entry]).is_err(), "{entry:?}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(entry in "\\PC{0,40}", host in "\\PC{0,20}", port: u16) {
        if let Ok(allowed) = AllowedHosts::parse([entry.as_str()]) {
            let _ = allowed.check("http", &host, port);
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
