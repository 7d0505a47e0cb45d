//! The drawings, as SVG in the page.

use maud::{Markup, Render, html};

/// A drawing of `sprite`, by its name.
pub fn icon(name: &'static str) -> impl Render {
    Icon(name)
}

struct Icon(&'static str);

/// By hand, straight into the page, which has a hundred of them.
impl Render for Icon {
    fn render_to(&self, page: &mut String) {
        page.push_str("<svg class=\"icon\" aria-hidden=\"true\"><use href=\"#i-");
        page.push_str(self.0);
        page.push_str("\"></use></svg>");
    }
}

/// The shapes that `icon` uses, once a page.
pub fn sprite() -> Markup {
    html! {
        svg.sprite width="0" height="0" aria-hidden="true" {
            symbol #i-check viewBox="0 0 24 24" { path d="M6.5 12.5l3.8 3.8 7.4-8.1" pathLength="1" {} }
            symbol #i-pencil viewBox="0 0 24 24" { path d="M5 19l1-4L16 5l3 3L9 18z" {} path d="M13.5 7.5l3 3" {} }
            symbol #i-cross viewBox="0 0 24 24" { path d="M7 7l10 10M17 7L7 17" {} }
            symbol #i-grip viewBox="0 0 24 24" { path d="M6 9h12M6 15h12" {} }
            symbol #i-lens viewBox="0 0 24 24" { circle cx="10.5" cy="10.5" r="5.5" {} path d="M15 15l4.5 4.5" {} }
            symbol #i-plus viewBox="0 0 24 24" { path d="M12 5v14M5 12h14" {} }
            // Over an empty list: one that trails off into a curl.
            symbol #i-doodle viewBox="0 0 120 80" {
                circle cx="24" cy="24" r="9" {} path.tick d="M19.5 24l3.2 3.2 6-6.6" {} path d="M44 24h44" {}
                circle cx="24" cy="54" r="9" {} path d="M44 54h20c10 0 16-4 16-9s-8-6-9 0 5 14 18 12c6-1 10-4 13-8" {}
            }
        }
    }
}
