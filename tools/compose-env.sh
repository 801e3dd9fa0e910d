#!/bin/sh
# compose-env.sh FILE: writes the passwords docker-compose.yml asks for into FILE, random, readable by its owner only.
# A file that exists is kept; names it lacks are added.
set -eu

file=${1:?usage: tools/compose-env.sh FILE}
umask 077

random() {
	# 32 letters and digits, about 190 bits: safe inside URLs, XML and YAML without quoting.
	# head ends the pipe early, so LC_ALL=C tr reads a bounded number of bytes.
	head -c 512 /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9' | cut -c1-32
}

touch "$file"
added=
for name in WEIR_ADMIN_TOKEN CLICKHOUSE_PASSWORD GRAFANA_CLICKHOUSE_PASSWORD GRAFANA_ADMIN_PASSWORD; do
	if ! grep -q "^$name=" "$file"; then
		echo "$name=$(random)" >>"$file"
		added="$added $name"
	fi
done
if [ -n "$added" ]; then
	echo "weir: wrote$added to $file (not committed; read it there)"
fi
