//! The style sheet, the script and the icon, embedded with the hash of their
//! content in their names.
//!
//! A name with this build's hash never changes its content, so it may be cached
//! for good. While two builds serve side by side a page of the one may ask the
//! other for its files: that one answers with what it has, not to be kept.

/// A file to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    pub content_type: &'static str,
    pub body: &'static [u8],
    /// Whether the hash in the path is this build's.
    pub current: bool,
}

struct Embedded {
    stem: &'static str,
    extension: &'static str,
    content_type: &'static str,
    body: &'static [u8],
    path: &'static str,
}

/// The text of files of `assets/`, one after the other. Their comments stay here.
macro_rules! text {
    ($($file:literal),+) => {{
        const PARTS: &[&[u8]] = &[$(include_bytes!(concat!("../assets/", $file))),+];
        const LINES: ([u8; length(PARTS)], usize) = lines(&join::<{ length(PARTS) }>(PARTS));
        const TEXT: [u8; LINES.1] = *LINES.0.first_chunk().unwrap();
        &TEXT
    }};
}

/// Embeds files of `assets/`, one after the other, under one name.
macro_rules! embed {
    ($stem:literal, $extension:literal, $content_type:literal, [$($file:literal),+]) => {{
        const BODY: &[u8] = text!($($file),+);
        const HASH: [u8; 8] = hash(BODY);
        const PATH_PARTS: &[&[u8]] = &[b"/assets/", $stem.as_bytes(), b".", &HASH, b".", $extension.as_bytes()];
        const PATH: [u8; length(PATH_PARTS)] = join(PATH_PARTS);
        Embedded {
            stem: $stem,
            extension: $extension,
            content_type: $content_type,
            body: BODY,
            path: match str::from_utf8(&PATH) {
                Ok(path) => path,
                Err(_) => "",
            },
        }
    }};
}

static CSS: Embedded = embed!("app", "css", "text/css; charset=utf-8", ["app.css"]);
static JS: Embedded = embed!(
    "app",
    "js",
    "text/javascript; charset=utf-8",
    ["page.js", "sync.js", "named.js", "app.js", "keys.js", "move.js", "scroll.js", "offline.js"]
);
static IMPORT: Embedded = embed!("import", "js", "text/javascript; charset=utf-8", ["import.js"]);
static LISTS: Embedded =
    embed!("lists", "js", "text/javascript; charset=utf-8", ["lists.js", "qr.js"]);
static ICON: Embedded = embed!("icon", "svg", "image/svg+xml", ["icon.svg"]);

/// The hash of the code that renders pages; together with the files' paths it
/// changes whenever a page would look different.
pub const VIEW: [u8; 8] = {
    const PARTS: &[&[u8]] = &[
        include_bytes!("view.rs"),
        include_bytes!("view/item.rs"),
        include_bytes!("view/lists.rs"),
        include_bytes!("view/read_only.rs"),
        include_bytes!("view/notice.rs"),
        include_bytes!("view/script.rs"),
        include_bytes!("view/shapes.rs"),
    ];
    hash(&join::<{ length(PARTS) }>(PARTS))
};

/// Where the style sheet is, hash included.
pub fn css_path() -> &'static str {
    CSS.path
}

/// Where the script is, hash included.
pub fn js_path() -> &'static str {
    JS.path
}

/// Where the script of the page for files is, hash included.
pub fn import_path() -> &'static str {
    IMPORT.path
}

/// Where the script is that knows which lists a browser has seen and takes them elsewhere, hash included.
pub fn lists_path() -> &'static str {
    LISTS.path
}

/// Where the icon is, hash included.
pub fn icon_path() -> &'static str {
    ICON.path
}

/// Finds the file that `path` (`/assets/<stem>.<8 hex digits>.<extension>`)
/// names, whichever build the hash is of.
pub fn find(path: &str) -> Option<Asset> {
    let (stem, rest) = path.strip_prefix("/assets/")?.split_once('.')?;
    let (hash, extension) = rest.split_once('.')?;
    if hash.len() != 8 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let file = [&CSS, &JS, &IMPORT, &LISTS, &ICON]
        .into_iter()
        .find(|file| file.stem == stem && file.extension == extension)?;
    Some(Asset { content_type: file.content_type, body: file.body, current: file.path == path })
}

/// What has a name without a hash: the icons that browsers ask for by habit (older Safaris, and a
/// phone's home screen, know no SVG), the manifest with its icons, and the service worker, which a
/// browser asks for again under the same name.
pub fn by_name(path: &str) -> Option<Asset> {
    let (content_type, body): (_, &'static [u8]) = match path {
        "/favicon.ico" => ("image/x-icon", include_bytes!("../assets/favicon.ico")),
        // With a size or without, precomposed or not.
        _ if path
            .strip_suffix(".png")
            .is_some_and(|name| name.starts_with("/apple-touch-icon")) =>
        {
            ("image/png", include_bytes!("../assets/apple-touch-icon.png"))
        }
        "/icon.svg" => (ICON.content_type, ICON.body),
        "/manifest.webmanifest" => {
            ("application/manifest+json", include_bytes!("../assets/manifest.webmanifest"))
        }
        "/sw.js" => ("text/javascript; charset=utf-8", text!("sw.js")),
        _ => return None,
    };
    Some(Asset { content_type, body, current: false })
}

/// FNV-1a (32 bits) in hexadecimal: it tells builds apart and guards nothing.
const fn hash(bytes: &[u8]) -> [u8; 8] {
    let mut state: u32 = 0x811c_9dc5;
    let mut at = 0;
    while at < bytes.len() {
        state = (state ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    let mut hex = [0; 8];
    let mut digit = 0;
    while digit < hex.len() {
        hex[digit] = b"0123456789abcdef"[(state >> (28 - 4 * digit)) as usize & 0xf];
        digit += 1;
    }
    hex
}

/// How long `parts` are together.
const fn length(parts: &[&[u8]]) -> usize {
    let (mut part, mut length) = (0, 0);
    while part < parts.len() {
        length += parts[part].len();
        part += 1;
    }
    length
}

/// Joins `parts` into an array whose length is theirs together.
const fn join<const LEN: usize>(parts: &[&[u8]]) -> [u8; LEN] {
    let mut joined = [0; LEN];
    let (mut part, mut end) = (0, 0);
    while part < parts.len() {
        let mut at = 0;
        while at < parts[part].len() {
            joined[end] = parts[part][at];
            end += 1;
            at += 1;
        }
        part += 1;
    }
    joined
}

/// The lines of a text without indentation, comments and those that are empty then, and how many
/// bytes they have. A comment stands at the beginning of a line or behind three spaces; one of a
/// style sheet, behind one.
const fn lines<const LEN: usize>(text: &[u8; LEN]) -> ([u8; LEN], usize) {
    let mut kept = [0; LEN];
    let (mut at, mut end) = (0, 0);
    while at < LEN {
        let begins = end == 0 || kept[end - 1] == b'\n';
        let after = at + 1 < LEN && text[at] == b'/';
        let spaced = begins || kept[end - 1] == b' ';
        let wide = begins
            || end > 2 && kept[end - 1] == b' ' && kept[end - 2] == b' ' && kept[end - 3] == b' ';
        if after && text[at + 1] == b'/' && wide {
            while at < LEN && text[at] != b'\n' {
                at += 1;
            }
        } else if after && text[at + 1] == b'*' && spaced {
            at += 3;
            while at < LEN && !(text[at - 1] == b'*' && text[at] == b'/') {
                at += 1;
            }
            at += 1;
        } else if text[at] == b'\n' {
            while end > 0 && kept[end - 1] == b' ' {
                end -= 1;
            }
            if end > 0 && kept[end - 1] != b'\n' {
                kept[end] = b'\n';
                end += 1;
            }
            at += 1;
        } else {
            if !(begins && text[at] == b' ') {
                kept[end] = text[at];
                end += 1;
            }
            at += 1;
        }
    }
    (kept, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_indentation_and_empty_lines_are_left_out() {
        fn kept<const LEN: usize>(text: &[u8; LEN]) -> String {
            let (text, length) = lines(text);
            str::from_utf8(&text[..length]).unwrap().to_owned()
        }
        let script = kept(b"// a\nif (b) {\n  // c\n  d('//', '*/*');   // e\n\n}\n //f");
        assert_eq!(script, "if (b) {\nd('//', '*/*');\n}\n");
        let style = kept(b"/* a\n   b */\n\n  c { d: /*e*/ f; } /* g */\n/*/ h */i { }");
        assert_eq!(style, "c { d:  f; }\ni { }");
    }

    #[test]
    fn every_path_finds_its_own_file_as_current() {
        for (path, content_type) in [
            (css_path(), "text/css; charset=utf-8"),
            (js_path(), "text/javascript; charset=utf-8"),
            (icon_path(), "image/svg+xml"),
        ] {
            let asset = find(path).unwrap_or_else(|| panic!("{path} is not found"));
            assert!(asset.current, "{path}");
            assert_eq!(asset.content_type, content_type);
            assert!(!asset.body.is_empty());
        }
    }

    #[test]
    fn a_path_of_another_build_finds_the_file_as_not_current() {
        let other = find("/assets/app.00000000.css").expect("the file is served");
        assert!(!other.current);
        assert_eq!(Some(other.body), find(css_path()).map(|own| own.body));
    }

    #[test]
    fn nothing_else_is_a_file() {
        for path in [
            "/assets/app.css",
            "/assets/app.0000000.css",
            "/assets/app.0000000g.css",
            "/assets/app.00000000.svg",
            "/assets/../Cargo.toml",
            "/assets/",
            "/app.00000000.css",
            "",
            "/assets/app.é0000000.css",
        ] {
            assert_eq!(find(path), None, "{path}");
        }
    }

    #[test]
    fn what_browsers_ask_for_by_habit_is_there() {
        let icon = by_name("/favicon.ico").expect("an icon");
        assert!(icon.body.starts_with(&[0, 0, 1, 0]), "an ICO file");
        let touch = by_name("/apple-touch-icon.png").expect("an icon");
        assert!(touch.body.starts_with(b"\x89PNG"));
        for other in ["-precomposed", "-120x120", "-180x180-precomposed"] {
            assert_eq!(by_name(&format!("/apple-touch-icon{other}.png")), Some(touch));
        }
        assert_eq!(by_name("/robots.txt"), None);
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(&hash(b""), b"811c9dc5");
        assert_eq!(&hash(b"foobar"), b"bf9cf968");
    }
}
