//! What pg-cluster promises, on a real cluster: `make test-cluster` brings one up. Without one
//! they are ignored, and the runner says why.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test ends where it fails

mod acts;
mod archive;
mod archive_faults;
mod archive_server;
mod backups;
mod cut;
mod day2;
mod disk;
mod faults;
mod fixture;
mod lifecycle;
mod outage;
mod passwords;
mod refusals;
mod repair;
mod survival;
mod tls;
mod truth;
mod upgrade;
mod watch;
mod writer;

use std::process::ExitCode;

use harness::{Need, tests};

fn main() -> ExitCode {
    // Those that take minutes come first, so that none of them is what all wait for at the end.
    let tests = tests! {
        [Need::Cluster, Need::Image(upgrade::IMAGE)] {
            upgrade::a_cluster_goes_to_the_next_major_version_whenever_it_is_interrupted_and_back,
        }
        [Need::OwnNode] {
            outage::failsafe_mode_carries_the_primary_through_an_outage_of_the_api_server,
        }
        [Need::Cluster] {
            archive_faults::what_befalls_the_archive_is_told_and_loses_nothing,
            day2::a_rolling_restart_brings_new_settings_and_loses_no_acknowledged_write,
            archive::a_cluster_goes_back_to_the_moment_between_two_writes,
            repair::a_replica_is_copied_anew_and_patroni_paused_by_word,
            repair::what_only_the_old_primary_has_is_given_up_by_word_alone,
            survival::no_acknowledged_write_is_lost_with_a_deleted_pod_or_a_killed_postgres,
            survival::no_acknowledged_write_is_lost_when_the_primary_freezes_and_thaws,
            survival::no_acknowledged_write_is_lost_in_a_switchover_there_and_back,
            truth::status_tells_what_is_wrong_while_it_is,
            truth::a_cluster_whose_commits_do_not_wait_is_unprotected,
            lifecycle::init_goes_from_nothing_to_streaming_and_a_second_one_changes_nothing,
            lifecycle::the_api_server_takes_every_object_in_a_dry_run,
            lifecycle::a_quota_that_allows_no_pod_is_named,
            lifecycle::init_may_be_interrupted_after_every_step,
            lifecycle::two_clusters_live_side_by_side_in_one_namespace,
            lifecycle::a_destroyed_cluster_comes_back_under_its_name_with_its_data_or_without,
            lifecycle::volumes_grow_and_no_member_restarts_for_it,
            lifecycle::the_replicas_scale_to_two_and_back,
            day2::a_replica_that_is_not_synchronous_can_be_made_primary_all_the_same,
            day2::a_certificate_near_its_end_is_renewed_and_served_without_a_restart,
            day2::a_database_that_was_left_open_is_closed_by_the_next_init,
            passwords::a_role_gets_the_password_of_secrets_yaml_and_a_new_one_replaces_it,
            backups::a_backup_is_restored_as_it_was_into_an_empty_database,
            refusals::whoever_should_not_get_in_does_not,
        }
        [Need::Cluster, Need::Programs(&["sops", "age-keygen"])] {
            passwords::an_encrypted_secrets_yaml_is_read_with_sops_or_refused_before_anything_is_made,
        }
        [Need::Cluster, Need::Minutes] {
            survival::what_somebody_wrote_wrong_or_deleted_is_put_right_by_the_verbs,
        }
        [Need::OwnNode, Need::Minutes] {
            survival::members_that_do_not_reach_each_other_and_a_full_disk_cost_no_acknowledged_write,
        }
    };
    harness::run(tests, 3)
}
