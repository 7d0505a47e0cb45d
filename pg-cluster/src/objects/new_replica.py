# Makes a replica from the newest backup, where that leaves less WAL to be replayed than there is to be copied.
# What fails here is done by pg_basebackup. Patroni runs this within single quotes, so there are none.
import json, os, subprocess, sys

given = dict(argument[2:].split("=", 1) for argument in sys.argv[1:])
# Of a small database either way is short, and a segment of WAL is full with little in it.
SMALL = 128 << 20


def end(why):
    print("no replica from a backup:", why, file=sys.stderr, flush=True)
    sys.exit(1)


def ask(*command):
    asked = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60)
    return asked.stdout if asked.returncode == 0 else end(asked.stderr.strip())


def position(text):
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


pgbackrest = ["pgbackrest", "--stanza=" + given["scope"]]
said = ask("psql", "-XAtw", "-d", given["connstring"] + " replication=1", "-c", "IDENTIFY_SYSTEM")
system, timeline, now = said.strip().split("|")[:3]
archive = json.loads(ask(*pgbackrest, "--log-level-console=off", "info", "--output=json"))
stanza = archive[0] if archive else {"db": [], "backup": []}
own = {database["id"] for database in stanza["db"] if str(database["system-id"]) == system}
# Another timeline may have left this one before the backup was over.
usable = [
    backup
    for backup in stanza["backup"]
    if not backup.get("error")
    and backup["database"]["id"] in own
    and int(backup["archive"]["stop"][:8], 16) == int(timeline)
]
if not usable:
    end("there is none of timeline " + timeline)
newest = max(usable, key=lambda backup: backup["timestamp"]["stop"])
size, behind = newest["info"]["size"], position(now) - position(newest["lsn"]["stop"])
if not 0 <= behind <= max(size, SMALL):
    end(f"{behind} bytes of WAL came since, and the database has {size}")
os.makedirs(given["datadir"], 0o700, exist_ok=True)
restore = [*pgbackrest, "--pg1-path=" + given["datadir"], "--type=standby", "restore"]
sys.exit(subprocess.run([*restore, "--log-level-console=info"]).returncode)
