//! Firefox, driven over Marionette: its own protocol, which a `geckodriver` would speak as well.

use crate::child::Child;
use crate::marionette::Marionette;
use crate::until;
use std::fmt::Write;
use std::fs;
use std::process::Command;
use tempfile::TempDir;
use thirtyfour::prelude::*;

/// A Firefox that ends with the value.
pub(crate) struct Firefox {
    // Dropped in this order: it leaves its profile first.
    _program: Child,
    _profile: TempDir,
}

impl Firefox {
    pub(crate) async fn start(javascript: bool) -> (WebDriver, Self) {
        let profile = tempfile::Builder::new()
            .prefix("todoozle-profile-")
            .tempdir()
            .expect("make a profile folder");
        let javascript = javascript.to_string();
        let preferences = [
            ("marionette.port", "0"),
            ("javascript.enabled", &javascript),
            ("browser.startup.page", "0"), // empty
            ("browser.startup.homepage_override.mstone", "\"ignore\""),
            ("datareporting.policy.dataSubmissionEnabled", "false"),
            // A machine without a mouse tells pages so; this is how it is with one.
            ("ui.primaryPointerCapabilities", "6"),
            ("ui.allPointerCapabilities", "6"),
        ];
        let mut file = String::new();
        for (name, value) in preferences {
            writeln!(file, "user_pref(\"{name}\", {value});").expect("write into memory");
        }
        fs::write(profile.path().join("user.js"), file).expect("write the preferences");

        let mut command = Command::new(installed());
        // The user's own HOME may be another's, which Firefox refuses to root.
        command.env("HOME", profile.path()).env_remove("XDG_RUNTIME_DIR");
        command.args(["--headless", "--no-remote", "--width=1200", "--height=900", "--marionette"]);
        command.arg("--profile").arg(profile.path());
        let mut program = Child::spawn("firefox", command);
        let active = profile.path().join("MarionetteActivePort");
        let port = until("Firefox listens", async || {
            assert!(!program.has_ended(), "Firefox ended\n{}", program.log());
            fs::read_to_string(&active).ok()?.parse().ok()
        })
        .await;
        let driver = WebDriver::builder("http://firefox/", Capabilities::new())
            .client(Marionette::connect(port).await)
            .connect()
            .await
            .expect("start a session of Firefox");
        (driver, Self { _program: program, _profile: profile })
    }
}

/// Debian's name, or else everybody's.
fn installed() -> &'static str {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = |name: &&str| std::env::split_paths(&path).any(|folder| folder.join(name).exists());
    let names = ["firefox-esr", "firefox"];
    names.into_iter().find(there).expect("no Firefox on PATH: run scripts/setup-tests.sh")
}
