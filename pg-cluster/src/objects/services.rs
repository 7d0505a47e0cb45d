//! The names by which clients and members find each other.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::{ROLE_LABEL, meta, names, selector};
use crate::env::{Env, PATRONI_PORT, POSTGRES_PORT};

/// One Service for whichever member is primary, one for the replicas, and a
/// headless one in which every member has a name, ready or not.
pub fn all(env: &Env) -> [Service; 3] {
    let members = Service {
        metadata: meta(env, names::members_service(env)),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            publish_not_ready_addresses: Some(true),
            selector: Some(selector(env)),
            ports: Some(vec![port("postgres", POSTGRES_PORT), port("patroni", PATRONI_PORT)]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    };
    [
        by_role(env, names::primary_service(env), "primary"),
        by_role(env, names::replica_service(env), "replica"),
        members,
    ]
}

fn by_role(env: &Env, name: String, role: &str) -> Service {
    let mut pods = selector(env);
    pods.insert(ROLE_LABEL.to_owned(), role.to_owned());
    Service {
        metadata: meta(env, name),
        spec: Some(ServiceSpec {
            selector: Some(pods),
            ports: Some(vec![port("postgres", POSTGRES_PORT)]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

fn port(name: &str, port: i32) -> ServicePort {
    ServicePort {
        name: Some(name.to_owned()),
        port,
        protocol: Some("TCP".to_owned()),
        target_port: Some(IntOrString::String(name.to_owned())),
        ..ServicePort::default()
    }
}
