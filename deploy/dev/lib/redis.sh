# shellcheck shell=bash disable=SC2154 # state is set by who sources this
# Redis: a local redis-server that keeps nothing on disk.

redis_variable() { echo TEST_REDIS_URL; }

redis_launch() {
	have redis-server || install_packages redis-server || {
		say "no redis-server: install the package redis-server, or set TEST_REDIS_URL"
		return 1
	}
	local port
	port=$(free_port)
	rm -rf "$state/redis"
	mkdir -p "$state/redis"
	echo "redis://127.0.0.1:$port/0" >"$state/redis.url"
	redis_serve
}

# redis_serve starts the server, which is empty.
redis_serve() {
	local port
	port=$(<"$state/redis.url")
	port=${port##*:}
	LD_LIBRARY_PATH=$(unpacked_libraries) setsid "$(find_program redis-server)" \
		--bind 127.0.0.1 --port "${port%/0}" --dir "$state/redis" --daemonize no \
		--save '' --appendonly no --maxmemory-policy noeviction \
		</dev/null >"$state/redis.log" 2>&1 9>&- &
	remember redis $!
}

redis_ready() {
	local url answer
	url=$(<"$state/redis.url")
	url=${url##*:}
	answer=$(exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/${url%/0}" && printf 'PING\r\n' >&3 && read -rt 2 line <&3 && echo "$line")
	[[ $answer == +PONG* ]]
}
