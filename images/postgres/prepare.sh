# Run as root in the bare system, before packages.txt is installed.
set -eu

# Fixed users, so that manifests can name them. The second one is known to PostgreSQL's socket as a role of that name.
echo 'postgres:x:10001:10001::/var/lib/postgresql:/bin/sh' >> /etc/passwd
echo 'postgres:x:10001:' >> /etc/group
echo 'pg-exporter:x:10002:10002::/nonexistent:/usr/sbin/nologin' >> /etc/passwd
echo 'pg-exporter:x:10002:' >> /etc/group

# Patroni makes the database, in the pod's volume.
mkdir -p /etc/postgresql-common
echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf

# No JIT: it is half of the image, and the queries it is for are not ours. The
# package depends on LLVM, so its files are left out rather than the package.
cat > /etc/dpkg/dpkg.cfg.d/todoozle <<'CFG'
path-exclude=/usr/lib/*/libLLVM*
path-exclude=/usr/lib/*/libz3*
path-exclude=/usr/lib/postgresql/*/lib/llvmjit*
path-exclude=/usr/lib/postgresql/*/lib/bitcode/*
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
CFG
