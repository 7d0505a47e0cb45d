//! What every page has around its content.

use super::shapes::sprite;
use crate::assets;
use maud::{DOCTYPE, Markup, html};

pub fn document(title: &str, scripts: &[&str], content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" type="image/svg+xml" href=(assets::icon_path());
                link rel="manifest" href="/manifest.webmanifest";
                link rel="apple-touch-icon" href="/apple-touch-icon.png";
                link rel="stylesheet" href=(assets::css_path());
                @for script in scripts { script type="module" src=(script) {} }
            }
            body {
                (sprite())
                main {
                    section.todoapp {
                        header.header {
                            h1 { a href="/" { img src=(assets::icon_path()) alt="" width="32" height="32"; "Todoozle" } }
                        }
                        (content)
                    }
                }
            }
        }
    }
}
