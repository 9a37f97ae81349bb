#!/usr/bin/env bash
# Runs tests as an ordinary user, with Podman and the namespace driver as that user has them: makes the user and its images when they are missing. As root, on
# Debian. What is left afterwards is the user.
#   scripts/rootless-tests.sh [test files…]     default: the conformance suite
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# -eq 0 ]; then set -- test/conformance; fi

user=lms-tester
if ! id "$user" >/dev/null 2>&1; then useradd --create-home --shell /bin/bash "$user"; fi
home=$(getent passwd "$user" | cut -d: -f6)
uid=$(id -u "$user")

run_dir="/run/user/$uid"
install -d -o "$user" -m 700 "$run_dir" "$run_dir/repository"
install -d -o "$user" "$home/.config" "$home/.config/containers"
# Without a driver Podman 4.3 copies every layer of every container. The other line: see .ci/run.
printf '[storage]\ndriver = "overlay"\n[storage.options.overlay]\nskip_mount_home = "true"\n' >"$home/.config/containers/storage.conf"

as_user() {
	setpriv --reuid "$user" --regid "$user" --init-groups --reset-env \
		env HOME="$home" PATH="$PATH" XDG_RUNTIME_DIR="$run_dir" ${CONTAINERS_CONF:+CONTAINERS_CONF="$CONTAINERS_CONF"} "$@"
}

for image in debian:bookworm-slim busybox:stable; do
	if as_user podman image exists "localhost/$image"; then continue; fi
	echo "rootless: $image for $user"
	podman save "localhost/$image" 2>/dev/null | as_user podman load >/dev/null 2>&1
done

totals="$run_dir/totals.json"
rm -f "$totals"
status=0
# The repository may be where no other user may look; mounted, it is the user's to read, and the mount ends with the run.
export -f as_user
export user home run_dir
unshare --mount --propagation private bash -c '
	set -euo pipefail
	mount --bind . "$run_dir/repository"
	cd "$run_dir/repository"
	as_user env DRIVERS=podman,namespace LMS_TEST_TOTALS="$0" node_modules/.bin/vitest run --configLoader runner "$@"
' "$totals" "$@" || status=$?
# For who adds up.
if [ -n "${LMS_TEST_TOTALS:-}" ] && [ -e "$totals" ]; then cp "$totals" "$LMS_TEST_TOTALS"; fi
exit "$status"
