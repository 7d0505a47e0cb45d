# Run as root in the bare system, before packages.txt is installed.
set -eu

# A fixed user, so that manifests can name it.
echo 'todoozle:x:10001:10001::/tmp:/bin/sh' >> /etc/passwd
echo 'todoozle:x:10001:' >> /etc/group

cat > /etc/dpkg/dpkg.cfg.d/todoozle <<'CFG'
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
CFG
