# shellcheck shell=bash disable=SC2154 # state is set by who sources this
# Brings programs from Debian's packages. As root they are installed, without
# letting the package start a service of its own; otherwise they are unpacked
# into the state folder.

# have succeeds if one of the given programs is there.
have() {
	local program
	for program in "$@"; do
		if [[ -n $(find_program "$program") ]]; then return 0; fi
	done
	return 1
}

# find_program prints the path of program $1: from PATH, the folders of Debian's
# PostgreSQL (the newest version first), or what unpack brought.
find_program() {
	if command -v "$1"; then return; fi
	local dir
	# shellcheck disable=SC2012 # a glob does not sort versions
	for dir in $(ls -d /usr/lib/postgresql/*/bin "$state"/debs/usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) "$state/debs/usr/bin"; do
		if [[ -x $dir/$1 ]]; then
			echo "$dir/$1"
			return
		fi
	done
}

# install_packages brings the Debian packages "$@".
install_packages() {
	command -v apt-get >/dev/null || return 1
	say "installing $*"
	if [[ $(id -u) == 0 ]]; then
		install_as_root "$@"
	else
		unpack "$@"
	fi >>"$state/install.log" 2>&1 9>&- || {
		tail -n 5 "$state/install.log" >&2
		return 1
	}
}

# install_as_root keeps packages from starting services with a policy-rc.d,
# unless the machine has one.
install_as_root() {
	local policy=/usr/sbin/policy-rc.d mine="" status=0
	if [[ ! -e $policy ]]; then
		mine=1
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	local -a apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@")
	"${apt[@]}" || { apt-get update && "${apt[@]}"; } || status=$?
	if [[ -n $mine ]]; then rm -f "$policy"; fi
	return "$status"
}

# unpack lays the packages and what they need under $state/debs. A package list
# older than the archive makes it fail: only root can update that.
unpack() {
	local -a names
	mapfile -t names < <(apt-get install -s --no-install-recommends "$@" | sed -n 's/^Inst \([^ ]*\).*/\1/p')
	((${#names[@]})) || return 1
	mkdir -p "$state/debs"
	(cd "$state/debs" && apt-get download "${names[@]}" && for deb in ./*.deb; do dpkg -x "$deb" . && rm "$deb"; done)
}

# unpacked_libraries is what LD_LIBRARY_PATH needs for programs that unpack brought.
unpacked_libraries() {
	local dir path=""
	for dir in "$state"/debs/usr/lib/*-linux-gnu*; do
		if [[ -d $dir ]]; then path+=$dir:; fi
	done
	echo "$path${LD_LIBRARY_PATH:-}"
}
