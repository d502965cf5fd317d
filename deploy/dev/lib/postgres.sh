# shellcheck shell=bash disable=SC2154 # state is set by who sources this
# PostgreSQL: a cluster of our own from the local binaries. It is made anew at
# each start, listens on loopback only, and keeps fsync on: what the tests say
# about durability and speed holds for a real one.

postgres_variable() { echo TEST_DATABASE_URL; }

postgres_launch() {
	have initdb || install_packages postgresql || {
		say "no PostgreSQL: install the package postgresql, or set TEST_DATABASE_URL"
		return 1
	}
	local port data=$state/postgres
	local -a as
	port=$(free_port)
	mapfile -t as < <(postgres_user)
	rm -rf "$data"
	mkdir -p "$data"
	if ((${#as[@]})); then
		chmod 755 "$state"
		chown "$(id -u "$(postgres_account)")" "$data"
	fi
	: >"$state/postgres.log"
	(cd / && "${as[@]}" "$(find_program initdb)" -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync) \
		</dev/null >>"$state/postgres.log" 2>&1 9>&- || {
		tail -n 5 "$state/postgres.log" >&2
		return 1
	}
	echo "postgres://postgres@127.0.0.1:$port/postgres?sslmode=disable" >"$state/postgres.url"
	postgres_serve
}

# postgres_serve starts the server on the cluster that is there.
postgres_serve() {
	local port
	local -a as
	mapfile -t as < <(postgres_user)
	port=$(<"$state/postgres.url")
	port=${port##*:}
	(cd / && exec setsid "${as[@]}" "$(find_program postgres)" -D "$state/postgres" -p "${port%%/*}" \
		-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200) \
		</dev/null >>"$state/postgres.log" 2>&1 9>&- &
	remember postgres $!
}

# postgres_account is who the server runs as when we are root, which it refuses.
postgres_account() {
	if id -u postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

# postgres_user prints the command, one word a line, that drops from root to it.
postgres_user() {
	if [[ $(id -u) != 0 ]]; then return; fi
	printf '%s\n' setpriv "--reuid=$(postgres_account)" "--regid=$(id -g "$(postgres_account)")" --clear-groups
}

postgres_ready() {
	local url
	url=$(<"$state/postgres.url")
	"$(find_program pg_isready)" -q -t 2 -d "$url"
}
