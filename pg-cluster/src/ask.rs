//! What each member says about itself.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    archive::known_fault,
    certificate,
    cluster::Cluster,
    exec::PSQL,
    health::{Answer, Member, State, archive},
    objects::{
        CA_FILE, CERTIFICATE_FILE, CONTAINER, SET_LABEL,
        archive::{COMPLAINT_FILE, GAP_FILE},
    },
    passwords,
    pods::{beside, containers, is_ready},
    why::why,
};

/// A member that needs longer is as good as away.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// What every member is asked. Only a member out of recovery has a current position.
/// A parameter that left the file and waits for a restart is an error without a file.
const QUESTION: &str = "with here as (select pg_is_in_recovery() as recovering,
        case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as position)
    select json_build_object(
        'in_recovery', recovering,
        'timeline', case when recovering then (select received_tli from pg_stat_wal_receiver)
                    else ('x' || left(pg_walfile_name(position), 8))::bit(32)::int end,
        'has_bytes', pg_wal_lsn_diff(greatest(position, pg_last_wal_receive_lsn()), '0/0')::bigint,
        'keeps_from_bytes', (select pg_wal_lsn_diff(min(substr(name, 9, 8) || '/' || substr(name, 23) || '000000')::pg_lsn, '0/0')::bigint
            from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$'),
        'synchronous_commit', current_setting('synchronous_commit'),
        'hasty', (select coalesce(json_agg(coalesce(r.rolname, 'every role') || coalesce(' in ' || d.datname, '')), '[]')
            from pg_db_role_setting s left join pg_roles r on r.oid = s.setrole left join pg_database d on d.oid = s.setdatabase
            where exists (select from unnest(s.setconfig) as c
                          where c like 'synchronous_commit=%'
                              and lower(split_part(c, '=', 2)) not in ('on', 'remote_apply', 'true', 'yes', '1'))),
        'received_at', (select to_char(latest_end_time at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS UTC') from pg_stat_wal_receiver),
        'archiver', (select json_build_object('archived_at', last_archived_time,
            'failed_at', last_failed_time, 'at', now(),
            'waiting', (select count(*) from pg_ls_archive_statusdir() where name like '%.ready')) from pg_stat_archiver),
        'load', (select json_build_object(
            'connections', (select count(*) from pg_stat_activity where backend_type = 'client backend'),
            'connections_limit', current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
                - current_setting('reserved_connections')::int,
            'xid_age', (select max(age(datfrozenxid)) from pg_database),
            'oldest_transaction_seconds', (select coalesce(extract(epoch from now() - min(began)), 0) from (
                select xact_start as began from pg_stat_activity where backend_type = 'client backend'
                union all select prepared from pg_prepared_xacts) as open),
            'commit_waits_seconds', (select coalesce(max(extract(epoch from clock_timestamp() - state_change)), 0) from pg_stat_activity
                where wait_event = 'SyncRep'),
            'checksum_failures', (select coalesce(sum(checksum_failures), 0)::bigint from pg_stat_database),
            'checksums', current_setting('data_checksums') = 'on')),
        'version', split_part(current_setting('server_version'), ' ', 1),
        'loaded', extract(epoch from pg_conf_load_time()),
        'pending_restart', exists (select from pg_settings where pending_restart),
        'unreadable', (select coalesce(json_agg(complaint), '[]') from (
            select coalesce(name, 'line ' || sourceline || ' of ' || sourcefile) || ' (' || error || ')' as complaint from pg_file_settings
                where error is not null and sourcefile is not null and (name is null or lower(name) not in (select lower(s.name) from pg_settings s where s.pending_restart))
            union all select 'line ' || line_number || ' of pg_hba.conf (' || error || ')' from pg_hba_file_rules where error is not null) as all_complaints),
        'parameters', (select json_agg(name) from (select name from pg_file_settings where name is not null
            union select name from pg_settings where source = 'command line') as given),
        'senders', (select coalesce(json_agg(json_build_object('name', application_name, 'state', state, 'sync', sync_state,
            'slot', slot_name, 'lag_bytes', pg_wal_lsn_diff(position, replay_lsn)::bigint,
            'lag_seconds', coalesce(extract(epoch from replay_lag), 0))), '[]')
            from pg_stat_replication left join pg_replication_slots on active_pid = pid),
        'slots', (select coalesce(json_agg(json_build_object('name', slot_name, 'wal_status', wal_status, 'active', active,
            'holds_bytes', pg_wal_lsn_diff(position, restart_lsn)::bigint)), '[]') from pg_replication_slots))
    from here;";

/// Whose token Patroni has: the identifier in it, and nothing else of it. A token lacks what would fill up its
/// Base64.
const ACCOUNT: &str = "cut -d. -f2 /var/run/secrets/kubernetes.io/serviceaccount/token | tr _- /+ | base64 -d 2> /dev/null \
    | grep -ao '\"serviceaccount\":{[^}]*}' | grep -o '\"uid\":\"[^\"]*\"' | cut -d '\"' -f 4";

pub async fn member(cluster: &Cluster, pod: &Pod) -> Member {
    let mut member = Member {
        name: pod.name_any(),
        home: pod.labels().get(SET_LABEL).cloned().unwrap_or_default(),
        node: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
        restarts: containers(pod).map(|container| container.restart_count).sum(),
        ready: is_ready(pod),
        image: containers(pod)
            .find(|container| container.name == CONTAINER)
            .map(|container| container.image_id.clone())
            .filter(|image| !image.is_empty()),
        beside: beside(pod, Timestamp::now()),
        ..Member::default()
    };
    if pod.metadata.deletion_timestamp.is_some() {
        member.state = State::Stopping;
    } else if let Some(words) = cluster.blocked(pod).await {
        member.state = State::Other(words.clone());
        member.blocked = Some(words);
        return member;
    }
    // The disk first, since a full one may be why PostgreSQL doesn't answer.
    let script = format!(
        "df -PB1 \"$PGDATA/..\" | tail -n 1; \
         echo $(cat {CERTIFICATE_FILE} {CA_FILE} | sha256sum) $(stat -Lc %.Y {CERTIFICATE_FILE}); \
         {}; \
         echo $({ACCOUNT}); \
         echo $( (stat -c %Y {GAP_FILE} && cat {GAP_FILE}) 2> /dev/null); \
         (tr '\\n' ' ' < {COMPLAINT_FILE}) 2> /dev/null; echo; \
         ({PSQL} -d postgres) 2>&1 || true",
        passwords::digest_script()
    );
    match cluster.shell(&member.name, &script, &format!("{QUESTION}\n\\q\n"), ANSWER_LIMIT).await {
        Ok(output) => {
            let mut said = output.splitn(7, '\n');
            let mut next = || said.next().unwrap_or_default();
            let disk = next();
            member.certificate_file = certificate::File::parse(next());
            member.credentials_digest = next().split_once(' ').map(|(digest, _)| digest.to_owned());
            member.account_uid = Some(next().to_owned()).filter(|account| !account.is_empty());
            member.archive_gap = archive::Gap::parse(next());
            member.archive_fault = known_fault(next());
            let answer = next();
            // Device, size, used, available: what root or a quota keeps back is not for us.
            let fields: Vec<&str> = disk.split_whitespace().collect();
            if let [_, _, used, available, ..] = fields.as_slice()
                && let (Ok(used), Ok(available)) = (used.parse::<u64>(), available.parse::<u64>())
            {
                member.disk_used_bytes = Some(used);
                member.disk_total_bytes = Some(used + available);
            }
            // Warnings may stand before it.
            let line = answer.lines().find(|line| line.starts_with('{')).unwrap_or_default();
            member.answer = serde_json::from_str::<Answer>(line).ok();
            if member.answer.is_none() && member.state == State::Unasked {
                member.state = short(answer);
            }
        }
        Err(error) => {
            if member.state == State::Unasked {
                member.state = State::NoAnswer;
            }
            // A pod that is there and takes no command is another matter than a database that is away.
            member.unasked = is_refused(&error).then(|| why(&error));
        }
    }
    member
}

/// Whether the API server did not let the command through, for want of rights or of a way.
fn is_refused(error: &anyhow::Error) -> bool {
    let refused = |cause: &(dyn std::error::Error + 'static)| {
        matches!(
            cause.downcast_ref::<kube::Error>(),
            Some(kube::Error::Api(_) | kube::Error::UpgradeConnection(_))
        )
    };
    error.chain().any(refused)
}

/// Why PostgreSQL didn't answer, in a few words.
fn short(complaint: &str) -> State {
    let starting = ["No such file", "starting up", "not yet accepting", "Connection refused"];
    let full = complaint.contains("No space left");
    if starting.iter().any(|hint| complaint.contains(hint)) {
        State::Starting
    } else if full {
        State::DiskFull
    } else {
        State::NoAnswer
    }
}
