#!/usr/bin/env bash
# Makes the two base images that the tests use, from Debian's packages alone, and gives them to every engine that is here:
#   debian:bookworm-slim   bash, apt
#   busybox:stable         the same commands without bash
# What an engine has already is left alone. Needs root, mmdebstrap and busybox-static.
set -euo pipefail

engine_names=()
for engine in docker podman; do
	if command -v "$engine" >/dev/null && "$engine" version >/dev/null 2>&1; then engine_names+=("$engine"); fi
done
if [ ${#engine_names[@]} -eq 0 ]; then
	echo "test images: neither docker nor podman answers" >&2
	exit 1
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Podman looks a short name up below localhost/ first, over its Docker-compatible API too.
name_in() { if [ "$1" = podman ]; then echo "localhost/$2"; else echo "$2"; fi; }

has_image() { "$1" image inspect "$(name_in "$1" "$2")" >/dev/null 2>&1; }

# load IMAGE COMMAND MAKE: MAKE writes the root file system as a tar to the path it is given, once, and only if some engine lacks the image.
load() {
	local image=$1 command=$2 make=$3 tar="$scratch/root.tar" engine made=
	for engine in "${engine_names[@]}"; do
		if has_image "$engine" "$image"; then
			echo "test images: $image is in $engine"
			continue
		fi
		if [ -z "$made" ]; then
			echo "test images: making $image"
			"$make" "$tar"
			made=yes
		fi
		"$engine" import \
			--change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
			--change "CMD [\"$command\"]" \
			"$tar" "$(name_in "$engine" "$image")" >/dev/null 2>"$scratch/import.log" || { cat "$scratch/import.log" >&2; exit 1; }
		echo "test images: $image loaded into $engine"
	done
	rm -f "$tar"
}

make_debian() {
	# From where this machine itself installs, so that a mirror set up here is used.
	local sources=() file
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
		if [ -s "$file" ]; then sources+=("$file"); fi
	done
	mmdebstrap --quiet --variant=minbase \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-include=/usr/share/doc/*/copyright' \
		bookworm "$1" "${sources[@]}" >"$scratch/mmdebstrap.log" 2>&1 || { cat "$scratch/mmdebstrap.log" >&2; exit 1; }
}

make_busybox() {
	local root="$scratch/busybox" applet
	mkdir -p "$root"/{bin,etc,home,root,tmp,usr/bin,usr/sbin,var/tmp,proc,sys,dev}
	chmod 1777 "$root"/{tmp,var/tmp}
	cp "$(command -v busybox)" "$root/bin/busybox"
	busybox --list | while read -r applet; do
		if [ "$applet" != busybox ]; then ln -s busybox "$root/bin/$applet"; fi
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	echo 'root:x:0:' >"$root/etc/group"
	tar -C "$root" --owner=0 --group=0 --numeric-owner -cf "$1" .
}

load debian:bookworm-slim bash make_debian
load busybox:stable sh make_busybox
