# shellcheck shell=bash
# State folder, lock and process control of ../services. A server NAME brings
# three functions: NAME_variable (the variable its address goes to), NAME_launch
# (installs it, starts it on a free port, writes $state/NAME.pid and NAME.url)
# and NAME_ready (succeeds once it answers).

if [[ -n ${DEV_STATE:-} ]]; then
	state=$DEV_STATE
elif [[ $(id -u) == 0 ]]; then
	state=/var/tmp/data-connector-dev-0
else
	state=${XDG_CACHE_HOME:-$HOME/.cache}/data-connector-dev
fi
downloads=${DEV_DOWNLOADS:-$state}

say() { echo "services: $*" >&2; }

fail() {
	say "$*"
	exit 1
}

# lock makes and locks the state folder. A second caller waits until the first
# one is done, then finds its servers running. Servers never inherit the lock:
# each is started with 9>&-.
lock() {
	mkdir -p "$state"
	[[ -O $state ]] || fail "$state belongs to someone else: set DEV_STATE to a folder of your own"
	exec 9>"$state/lock"
	flock -w 900 9 || fail "another run has held $state/lock for 15 minutes"
}

# birth prints when process $1 was started, in clock ticks since boot: with it a
# process id that was given to a stranger meanwhile is recognised.
birth() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	stat=${stat##*) } # the command name may hold anything
	# shellcheck disable=SC2086 # one word a field
	set -- $stat
	[[ $1 != Z ]] && echo "${20}"
}

# remember writes down process $2 as server $1.
remember() {
	echo "$2 $(birth "$2")" >"$state/$1.pid"
}

running() {
	local pid born
	read -r pid born 2>/dev/null <"$state/$1.pid" || return 1
	if [[ $pid == container ]]; then
		docker inspect -f '{{.State.Running}}' "$born" 2>/dev/null | grep -q true
		return
	fi
	[[ -n $born && $(birth "$pid") == "$born" ]]
}

# start starts server $1 unless it runs and answers. Between the choice of a
# port and its use somebody else may take it, so it is tried three times.
start() {
	if running "$1" && "$1_ready"; then
		return 0
	fi
	stop "$1"
	local try
	for try in 1 2 3; do
		if "$1_launch"; then
			if await "$1"; then
				say "$1 is up: $(<"$state/$1.url")"
				return 0
			fi
			say "$1 did not start (try $try of 3): $state/$1.log"
			tail -n 5 "$state/$1.log" >&2 || true
			stop "$1"
		else
			break
		fi
	done
	if [[ $1 != kafka ]]; then
		fail "$1 could not be started"
	fi
	return 1
}

# await waits up to 60 s for server $1 to answer, and no longer than it lives.
await() {
	local tick
	for ((tick = 0; tick < 600; tick++)); do
		running "$1" || return 1
		if "$1_ready"; then return 0; fi
		sleep 0.1
	done
	return 1
}

# crash ends server $1 at once, and starts it again on the data that it left, at the
# same address, $2 seconds later.
crash() {
	local pid born tick
	running "$1" || fail "$1 does not run"
	read -r pid born <"$state/$1.pid"
	if [[ $pid == container ]]; then
		docker kill "$born" >/dev/null
	else
		kill -"$(crash_signal "$1")" "$pid"
		for ((tick = 0; tick < 200; tick++)); do
			running "$1" || break
			sleep 0.1
		done
	fi
	sleep "${2:-0}"
	: >"$state/$1.log"
	if [[ $pid == container ]]; then
		docker start "$born" >/dev/null
	else
		"$1_serve"
	fi
	await "$1" || fail "$1 does not come back: $state/$1.log"
	say "$1 is back"
}

# A killed postgres would leave children behind; QUIT is its own word for dying.
crash_signal() {
	case $1 in
	postgres) echo QUIT ;;
	*) echo KILL ;;
	esac
}

# stop ends server $1, politely, after 20 s by force, and deletes its data. It
# touches no process or container that was not started here.
stop() {
	local pid born
	if [[ -s $state/$1.pid ]]; then
		read -r pid born <"$state/$1.pid"
		if [[ $pid == container ]]; then
			docker rm -f "$born" >/dev/null 2>&1 || true
		elif running "$1"; then
			end "$1" "$pid"
		fi
		say "$1 is stopped"
	fi
	rm -rf "$state/$1.pid" "$state/$1.url" "${state:?}/$1"
}

# end ends process $2 of server $1 and returns when it is gone.
end() {
	local tick
	kill -"$(stop_signal "$1")" "$2" 2>/dev/null || true
	for ((tick = 0; tick < 200; tick++)); do
		running "$1" || return 0
		sleep 0.1
	done
	kill -KILL "$2" 2>/dev/null || true
}

stop_signal() {
	case $1 in
	postgres) echo INT ;; # "fast": does not wait for its clients
	*) echo TERM ;;
	esac
}

# free_port prints a port nobody listens on. They are taken from below the range
# the kernel hands out, so that no outgoing connection grabs one.
free_port() {
	local port
	while true; do
		port=$((20000 + (RANDOM * 32768 + RANDOM) % 10000))
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			echo "$port"
			return
		fi
	done
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
