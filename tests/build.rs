//! Whether there is a browser of `WebKit`, which not every system has: its tests are ignored else.

use std::path::Path;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(webkit)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=/usr/bin"); // one was installed
    if ["WebKitWebDriver", "Xvfb"].iter().all(|name| Path::new("/usr/bin").join(name).exists()) {
        println!("cargo::rustc-cfg=webkit");
    }
}
