//! What the edge tier promises, on a real cluster: `make test-cluster` brings one up. Without one
//! they are ignored, and the runner says why.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test ends where it fails

mod access;
mod chart;
mod database;
mod deploy;
mod edge;
mod load;
mod node;
mod outages;
mod pods;
mod pushes;
mod refusals;
mod staging;
mod versions;

use std::process::ExitCode;

use harness::{Need, tests};

fn main() -> ExitCode {
    let tests = tests! {
        [] {
            refusals::what_misbehaves_is_well_formed,
        }
        [Need::Cluster] {
            chart::helm_lints_the_values_of_every_environment,
            chart::values_that_are_wrong_are_refused_by_their_name,
            chart::without_the_text_of_a_manifest_there_is_nothing_to_serve,
            chart::outside_dev_somebody_has_to_be_named_to_be_let_in,
            chart::a_secret_of_the_component_stands_in_no_deployment,
            chart::pods_listen_where_the_clusters_addresses_are,
            chart::pods_reach_one_cluster_and_no_other_of_its_kind,
            chart::another_manifest_rolls_the_pods_and_the_same_one_does_not,
            chart::the_api_server_takes_every_object_of_every_environment_without_a_warning,
            deploy::deploy_goes_from_nothing_to_a_page_and_undeploy_keeps_the_data,
            deploy::deploy_says_what_is_missing,
            deploy::a_load_balancer_lets_in_whom_its_ranges_name,
            access::pods_read_config_maps_and_create_events_and_do_nothing_else,
            versions::every_version_is_remembered_and_can_come_back,
            versions::promote_takes_exactly_what_ran,
            versions::an_application_of_several_components_is_one_version,
        }
        // They come last: until then the database's tests share the cluster.
        [Need::Quiet] {
            pushes::pushes_in_a_row_fail_no_request_and_restart_no_pod,
            outages::no_request_fails_when_pods_come_and_go,
            outages::without_its_pointer_a_pod_serves_what_it_has_until_the_next_push,
            refusals::a_version_that_traps_after_its_probe_goes_back_by_itself,
        }
        [Need::Quiet, Need::Minutes] {
            database::reads_go_on_and_no_write_is_lost_when_the_primary_changes,
            staging::staging_goes_from_nothing_to_a_page_and_takes_a_new_password_under_load,
        }
        [Need::OwnNode, Need::Quiet, Need::Minutes] {
            refusals::a_bad_version_is_refused_while_the_good_one_serves,
            outages::no_request_fails_while_the_api_server_is_down_for_a_minute,
            outages::reads_go_on_while_the_api_server_is_frozen_for_a_minute,
        }
    };
    let code = harness::run(tests, 1);
    tokio::runtime::Runtime::new().unwrap().block_on(edge::Edge::end_kept());
    code
}
