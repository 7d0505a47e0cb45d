# Run as root after packages.txt is installed, with the wheel of requirements.txt in the folder that is named.
set -eu

packages=/usr/lib/python3/dist-packages
python3 -m zipfile -e "$1"/patroni-*.whl $packages
python3 -m compileall -q $packages/patroni # nobody may write there later

for command in patroni:__main__:main patronictl:ctl:ctl; do
    IFS=: read -r name module function << EOF
$command
EOF
    # Patroni starts PostgreSQL by a process of its own, which reads this file as well.
    printf '#!/usr/bin/python3\nimport sys\nfrom patroni.%s import %s\nif __name__ == "__main__":\n    sys.exit(%s())\n' \
        "$module" "$function" "$function" > "/usr/bin/$name"
    chmod 755 "/usr/bin/$name"
done
