//! `{{ variable }}` in the values of a manifest.

/// Replaces every `{{ name }}` by what `lookup` gives for it. The error says
/// what is wrong with the template, or is `lookup`'s own.
pub fn render(
    template: &str,
    lookup: impl Fn(&str) -> Result<String, String>,
) -> Result<String, String> {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after
            .split_once("}}")
            .ok_or_else(|| format!("{template:?} has a {{{{ without its }}}}"))?;
        text.push_str(before);
        text.push_str(&lookup(name.trim())?);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "the shape that `render` takes")]
    fn upper(name: &str) -> Result<String, String> {
        Ok(name.to_uppercase())
    }

    #[test]
    fn names_are_replaced_wherever_they_stand() {
        assert_eq!(render("{{a}}-{{ b }}{{c}}!", upper).unwrap(), "A-BC!");
        assert_eq!(render("nothing { to } do", upper).unwrap(), "nothing { to } do");
        assert_eq!(render("", upper).unwrap(), "");
    }

    #[test]
    fn values_are_not_templates() {
        assert_eq!(render("{{a}}", |_| Ok("{{b}}".into())).unwrap(), "{{b}}");
    }

    #[test]
    fn only_a_name_that_does_not_end_is_an_error() {
        assert!(render("{{a", upper).is_err());
        let json = r#"{"x":{"y":"{{a}}"}}"#;
        assert_eq!(render(json, upper).unwrap(), r#"{"x":{"y":"A"}}"#);
        assert_eq!(render("{{a}}}}", upper).unwrap(), "A}}");
    }

    proptest! {
        #[test]
        fn text_without_braces_is_kept(text in "[^{}]{0,40}") {
            prop_assert_eq!(render(&text, upper).unwrap(), text);
        }

        #[test]
        fn nothing_panics(text in "[{} a]{0,20}") {
            let _ = render(&text, upper);
        }
    }
}
