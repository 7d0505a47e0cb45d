//! What pgBackRest is told of the clouds' buckets.

use super::*;

#[test]
fn a_bucket_of_google_s_is_named_without_a_key() {
    let env = env("backup.gcs = { bucket = \"b\", prefix = \"/p/\" }");
    let backup = env.backup.as_ref().unwrap();
    let keys = crate::keys::ArchiveKeys::resolve(backup, None, |_| None).unwrap();
    let secret = archive::secret(&env, backup, &keys).unwrap();
    let secret = serde_json::from_value(secret.value).unwrap();
    for file in [archive::MEMBER_FILE, archive::RUNNER_FILE] {
        let text = crate::cluster::secret_value(&secret, file).unwrap();
        for line in [
            "repo1-type=gcs",
            "repo1-path=/p",
            "repo1-gcs-bucket=b",
            "repo1-gcs-key-type=auto",
            "repo1-cipher-type=aes-256-cbc",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} in {text}");
        }
        assert!(!text.contains("repo1-s3"), "{text}");
    }
}

#[test]
fn a_container_of_azure_s_is_opened_by_one_key() {
    let of = |more: &str, key: &str| {
        let env =
            env(&format!("backup.azure = {{ account = \"acme\", container = \"todo\"{more} }}"));
        let backup = env.backup.as_ref().unwrap();
        let key = key.to_owned().try_into().unwrap();
        let given = crate::keys::AccessKeys { key, secret: None };
        let keys = crate::keys::ArchiveKeys::resolve(backup, Some(&given), |_| None).unwrap();
        let secret = archive::secret(&env, backup, &keys).unwrap();
        let secret = serde_json::from_value(secret.value).unwrap();
        [archive::MEMBER_FILE, archive::RUNNER_FILE]
            .map(|file| crate::cluster::secret_value(&secret, file).unwrap())
    };
    for text in of("", "abc+/==") {
        let at = text.find("repo1-type").unwrap();
        let lines: Vec<_> = text[at..].lines().take(6).collect();
        assert_eq!(
            lines,
            [
                "repo1-type=azure",
                "repo1-path=/a/a",
                "repo1-azure-account=acme",
                "repo1-azure-container=todo",
                "repo1-azure-key-type=shared",
                "repo1-azure-key=abc+/==",
            ]
        );
        assert!(text.contains("repo1-cipher-type=aes-256-cbc") && !text.contains("repo1-s3"));
    }
    let more = ", key = \"sas\", prefix = \"/p/\", endpoint = \"blob.core.chinacloudapi.cn\"";
    for text in of(more, "?sv=2022-11-02&sig=a%3D") {
        for line in [
            "repo1-path=/p",
            "repo1-azure-key-type=sas",
            "repo1-azure-endpoint=blob.core.chinacloudapi.cn",
            "repo1-azure-key=sv=2022-11-02&sig=a%3D",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} in {text}");
        }
    }
}
