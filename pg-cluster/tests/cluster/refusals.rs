use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::{Api, api::PostParams};
use tokio_postgres::NoTls;

use crate::{
    fixture::Database,
    writer::{self, Login},
};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_should_not_get_in_does_not() {
    let Some(database) = Database::new("closed").await else { return };
    database.must(&["init"]);

    let right = Login::of_role(&database, "app", "todo").await;
    assert!(writer::connect(&database, "closed-main-0", &right).await.is_ok());
    let wrong = Login { password: "a-wrong-password".to_owned(), ..right.clone() };
    let error = writer::connect(&database, "closed-main-0", &wrong).await.expect_err("a refusal");
    assert!(error.contains("password authentication failed"), "{error}");

    let mut forward = database
        .api::<k8s_openapi::api::core::v1::Pod>()
        .portforward("closed-main-0", &[5432])
        .await
        .unwrap();
    let plain = right
        .config()
        .ssl_mode(tokio_postgres::config::SslMode::Disable)
        .connect_raw(forward.take_stream(5432).unwrap(), NoTls)
        .await;
    let error = plain.err().expect("a refusal").to_string();
    assert!(error.contains("no encryption") || error.contains("db error"), "{error}");

    for (verb, resource, allowed) in [
        ("patch", "configmaps", true),
        ("watch", "pods", true),
        ("delete", "configmaps", false),
        ("update", "configmaps", false),
        ("create", "pods", false),
        ("get", "secrets", false),
        ("create", "services", false),
    ] {
        assert_eq!(may(&database, verb, resource).await, allowed, "{verb} {resource}");
    }
    database.end().await;
}

/// Whether the API server lets the members' `ServiceAccount` do it.
async fn may(database: &Database, verb: &str, resource: &str) -> bool {
    let attributes = ResourceAttributes {
        namespace: Some(database.namespace.clone()),
        verb: Some(verb.to_owned()),
        resource: Some(resource.to_owned()),
        ..ResourceAttributes::default()
    };
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(format!(
                "system:serviceaccount:{}:{}-patroni",
                database.namespace, database.name
            )),
            resource_attributes: Some(attributes),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let api: Api<SubjectAccessReview> = Api::all(database.client.clone());
    api.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
}
