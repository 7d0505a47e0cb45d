# Tells Prometheus what PostgreSQL says of itself. It never ends by itself: a container that did would take the member out
# of its Service. What the exporter does not ask of its own accord stands here.
trap 'kill "$exporter" 2> /dev/null; exit' TERM
cat > /tmp/queries.yaml << 'END'
pg_stat_database:
  query: SELECT coalesce(datname, '') AS datname, coalesce(checksum_failures, 0) AS checksum_failures FROM pg_stat_database
  master: true
  metrics:
    - datname: { usage: LABEL, description: Name of the database }
    - checksum_failures: { usage: COUNTER, description: Pages whose checksum was wrong }
END
while :; do
    prometheus-postgres-exporter --extend.query-path=/tmp/queries.yaml \
        --collector.database_wraparound --collector.stat_statements &
    exporter=$!
    wait "$exporter"
    sleep 60 &
    wait $!
done
