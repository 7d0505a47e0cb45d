# Serves a member's files to the jobs that take backups. It never ends by itself: a container that did
# would take the member out of its Service. A new certificate is taken on within the hour.
trap 'kill "$server"; exit' TERM
while :; do
    pgbackrest server &
    server=$!
    while kill -0 "$server" 2> /dev/null; do
        sleep 3600 &
        wait -n
        kill -HUP "$server" 2> /dev/null
    done
    sleep 5 &
    wait $!
done
