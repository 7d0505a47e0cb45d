//! An error in words: each cause once, and of an API server's answer its message.

/// What failed, and why.
pub fn why(error: &anyhow::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in error.chain() {
        if let Some(kube::Error::Api(status)) = cause.downcast_ref::<kube::Error>() {
            let message = if status.message.is_empty() { &status.reason } else { &status.message };
            words.push(format!("{} ({})", message.trim(), status.code));
            break;
        }
        let text = cause.to_string();
        // Many an error has its cause in its own words.
        if !words.last().is_some_and(|last| last.ends_with(&text)) {
            words.push(text);
        }
    }
    words.join(": ")
}

/// Whether the API server knows who asks, and does not let them.
pub fn is_forbidden(error: &anyhow::Error) -> bool {
    let answer = error.chain().find_map(|cause| cause.downcast_ref::<kube::Error>());
    matches!(answer, Some(kube::Error::Api(status)) if status.code == 403)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_told_once() {
        let refusal = kube::core::Status::failure("pods is forbidden", "Forbidden").with_code(403);
        let refused =
            anyhow::Error::new(kube::Error::Api(refusal.boxed())).context("list the pods");
        assert_eq!(why(&refused), "list the pods: pods is forbidden (403)");
        assert!(is_forbidden(&refused) && !is_forbidden(&anyhow::anyhow!("403")));
        let garbage = serde_json::from_str::<u8>("<html>").unwrap_err();
        let text = garbage.to_string();
        let read = anyhow::Error::new(kube::Error::SerdeError(garbage)).context("list the pods");
        assert_eq!(why(&read), format!("list the pods: Error deserializing response: {text}"));
    }
}
