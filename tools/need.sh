#!/bin/sh
# need.sh go|node|chromium|postgres|redis|docker
#
# Says whether a tool this repository is built or tested with is here and new enough.
# Silent and 0 when it is. Otherwise one sentence that says what to do, and 1.
# Debian's own packages (chromium, postgresql, redis-server) are installed when this runs as root and apt-get exists.
set -eu

fail() {
	echo "weir: $*" >&2
	exit 1
}

# at_least HAVE WANT: is the dotted version HAVE at least WANT (major.minor)?
at_least() {
	major=${1%%.*}
	rest=${1#*.}
	minor=${rest%%[!0-9]*}
	[ "$major" -gt "${2%%.*}" ] || { [ "$major" -eq "${2%%.*}" ] && [ "${minor:-0}" -ge "${2#*.}" ]; }
}

apt_install() {
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
		return 1
	fi
	echo "weir: installing $* with apt-get" >&2
	apt-get update -qq >&2
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

need_go() {
	command -v go >/dev/null 2>&1 ||
		fail "Go is not installed. Install Go 1.26 or newer (https://go.dev/dl), then run make again."
	# Asked outside the module: inside it, an old go refuses before it answers.
	have=$(cd / && go env GOVERSION)
	have=${have#go}
	case $have in
	[0-9]*) ;;
	*) return 0 ;; # a development build of Go names itself otherwise
	esac
	if at_least "$have" 1.26; then
		return 0
	fi
	# Go 1.21 and newer fetch the toolchain go.mod asks for, unless that is switched off.
	if go version >/dev/null 2>&1 && at_least "$(go env GOVERSION | sed 's/^go//')" 1.26; then
		return 0
	fi
	fail "Go $have is too old. Install Go 1.26 or newer (https://go.dev/dl), or set GOTOOLCHAIN=auto so that go fetches it."
}

need_node() {
	command -v node >/dev/null 2>&1 ||
		fail "Node.js is not installed. Install Node 20.19 or newer with npm (https://nodejs.org); the console and the engine library come through npm."
	have=$(node --version)
	have=${have#v}
	at_least "$have" 20.19 ||
		fail "Node.js $have is too old. Install Node 20.19 or newer (https://nodejs.org)."
	command -v npm >/dev/null 2>&1 ||
		fail "npm is not installed beside Node.js $have. Install npm (on Debian: apt-get install npm)."
}

have_chromium() {
	for name in "${CHROME_BIN:-}" chromium chromium-browser google-chrome google-chrome-stable headless-shell; do
		if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1; then
			return 0
		fi
	done
	[ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] ||
		[ -x "/Applications/Chromium.app/Contents/MacOS/Chromium" ]
}

need_chromium() {
	if have_chromium; then
		return 0
	fi
	if apt_install chromium && have_chromium; then
		return 0
	fi
	fail "the browser tests need Chromium. Install it (Debian: apt-get install chromium; macOS: brew install --cask chromium)."
}

have_postgres() {
	command -v postgres >/dev/null 2>&1 && return 0
	for name in /usr/lib/postgresql/*/bin/postgres; do
		[ -x "$name" ] && return 0
	done
	return 1
}

need_postgres() {
	if have_postgres; then
		return 0
	fi
	if apt_install postgresql && have_postgres; then
		return 0
	fi
	fail "the PostgreSQL tests need its server programs. Install them (Debian: apt-get install postgresql; macOS: brew install postgresql)."
}

need_redis() {
	if command -v redis-server >/dev/null 2>&1; then
		return 0
	fi
	if apt_install redis-server && command -v redis-server >/dev/null 2>&1; then
		return 0
	fi
	fail "the tests of replicas need redis-server. Install it (Debian: apt-get install redis-server; macOS: brew install redis)."
}

need_docker() {
	command -v docker >/dev/null 2>&1 ||
		fail "Docker is not installed. Install Docker with Compose v2, or run weir without it: make run."
	docker compose version >/dev/null 2>&1 ||
		fail "Docker Compose v2 is not installed. Install the docker-compose-plugin, or run weir without it: make run."
}

case ${1:-} in
go) need_go ;;
node) need_node ;;
chromium) need_chromium ;;
postgres) need_postgres ;;
redis) need_redis ;;
docker) need_docker ;;
*) fail "usage: tools/need.sh go|node|chromium|postgres|redis|docker" ;;
esac
