import { describe, expect, test } from "vitest";
import { engineError, execError, refusedLimit } from "../../packages/computer/src/drivers/engine/errors.js";
import { explainPull, withTag } from "../../packages/computer/src/drivers/engine/image.js";

describe("an engine's answer becomes a typed error", () => {
	// Word for word what Docker 20.10 and 28, Podman 4.3 and runc, crun say.
	test.each([
		[
			409,
			'Conflict. The container name "/x" is already in use by container "ce59d8". You have to remove (or rename) that container',
			"already_exists",
		],
		[
			500,
			'container create: creating container storage: the container name "x" is already in use by 951df2. that name is already in use',
			"already_exists",
		],
		[500, 'container create: name "lms-computer-x" is in use: pod already exists', "already_exists"],
		[404, "No such container: box", "machine_gone"],
		[404, 'no container with name or ID "box" found: no such container', "machine_gone"],
		[409, "Container ce59d8 is not running", "machine_gone"],
		[500, "can only create exec sessions on running containers: container state improper", "machine_gone"],
		[500, "can only start exec sessions when their container is running: container state improper", "machine_gone"],
		[409, "Container ce59d8 is paused, unpause the container before exec", "machine_gone"],
		[500, "OCI runtime exec failed: exec failed: cannot exec in a stopped state: unknown", "machine_gone"],
		[409, "removal of container ce59d8 is already in progress", "busy"],
		[409, "conflict: unable to remove repository reference (must force) - container ce59d8 is using its referenced image 8f7fd3", "busy"],
		[
			409,
			"image machine:a.12 is in use: image used by fc59a3: image is in use by a container: consider listing external containers",
			"busy",
		],
		[404, "no such image: nope:1: No such image: nope:1", "image_not_found"],
		// Of a tag that another one has taken from an image that is there yet.
		[404, "reference does not exist", "image_not_found"],
		// Two that take the last tags of one image away at once.
		[500, "unrecognized image ID sha256:17962e4ce222", "image_not_found"],
		// Of a list, when an image of somebody else's goes meanwhile.
		[500, 'retrieving parent of image "319f": you may need to remove the image to resolve the error: layer not known', "image_not_found"],
		[500, 'reading data blob size "sha256:319f" for "319f": size is not known', "image_not_found"],
		// And when its maker was killed.
		[
			500,
			'locating item named "manifest" for image with ID "319f" (consider removing the image to resolve the issue): file does not exist',
			"image_not_found",
		],
		// Of an id whose image went between a list and the look at it.
		[
			500,
			'normalizing image: normalizing name "5e9083" (orig: "5e9083") for compat API: invalid repository name (5e9083), cannot specify 64-byte hexadecimal strings',
			"image_not_found",
		],
		[404, "failed to find image nope:1: registry.example/library/nope:1: No such image", "image_not_found"],
		[500, "write /var/lib/docker/tmp/x: no space left on device", "disk_full"],
		[400, "Unknown runtime specified runsc", "not_supported"],
		[500, 'default OCI runtime "runsc" not found: invalid argument', "not_supported"],
		[500, "failed to create shim task: OCI runtime create failed: unable to start container process: exec format error", "machine_failed"],
		[500, "crun: controller `pids` is not available: OCI runtime error", "machine_failed"],
		[400, "Minimum memory limit allowed is 6MB", "invalid_argument"],
		[403, "authorization denied by plugin", "permission_denied"],
		[500, "something else", "engine_failed"],
		[undefined, "something else", "engine_failed"],
	])("%s %s: %s", (status, message, code) => {
		const error = engineError({ status, message }, "Docker", "start the machine box");
		expect(error.code).toBe(code);
		expect(error.message).toBe(`Docker could not start the machine box: ${message}`);
	});

	test.each([
		["ECONNREFUSED", "driver_unavailable"],
		["ENOENT", "driver_unavailable"],
		["EACCES", "driver_unavailable"],
		["ECONNRESET", "connection_lost"],
		["EPIPE", "connection_lost"],
	])("%s: %s", (code, expected) => {
		expect(engineError({ code, message: `connect ${code} /x.sock` }, "Docker", "list the machines").code).toBe(expected);
	});

	test("what a guest put into the words is harmless and bounded", () => {
		const { message } = engineError({ message: `\u001b]52;c;x\u0007\n${"a".repeat(5_000)}` }, "Docker", "list");
		// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
		expect(message).not.toMatch(/[\u0000-\u001f]/);
		expect(message.length).toBeLessThan(2_100);
	});
});

describe("what an engine says in the stream of a program that did not start becomes the same errors", () => {
	// Word for word what Docker 20.10 and 28, Podman 4.3 and runc, crun say, most of them when the machine ends at that moment.
	test.each([
		["No such exec instance: 26ed3f", "machine_gone"],
		["No such container: ce59d8", "machine_gone"],
		["Container ce59d8 is not running", "machine_gone"],
		["OCI runtime exec failed: exec failed: cannot exec in a stopped container: unknown", "machine_gone"],
		["OCI runtime exec failed: exec failed: cannot exec in a paused container (use --ignore-paused to override): unknown", "machine_gone"],
		[
			"OCI runtime exec failed: exec failed: unable to start container process: error executing setns process: exit status 1: unknown",
			"machine_gone",
		],
		[
			"OCI runtime exec failed: exec failed: unable to start container process: read init-p: connection reset by peer: unknown",
			"machine_gone",
		],
		[
			"OCI runtime exec failed: exec failed: unable to create new parent process: namespace path: lstat /proc/7/ns/ipc: no such file",
			"machine_gone",
		],
		["cannot exec in a deleted state: unknown", "machine_gone"],
		["container create failed (no logs from conmon): conmon bytes", "limit_reached"],
		["OCI runtime exec failed: exec failed: unable to start container process: fork: resource temporarily unavailable", "limit_reached"],
		['OCI runtime exec failed: exec failed: unable to start container process: exec: "/x": no such file or directory', "machine_failed"],
		[
			"executable file `/x` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found",
			"machine_failed",
		],
		["lms-computer agent: nobody listens", "machine_failed"],
	])("%s: %s", (words, code) => {
		const error = execError(words, "Docker", "connect to the machine box");
		expect(error.code).toBe(code);
		expect(error.message).toBe(`Docker could not connect to the machine box: ${words}`);
		expect(error.hint).not.toBe("");
	});
});

describe("the limit that an engine can not apply", () => {
	test.each([
		["NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted", "cpus"],
		["openat2 /sys/fs/cgroup/x/cpu.max: no such file or directory", "cpus"],
		["runc create failed: open /sys/fs/cgroup/memory/x/memory.limit_in_bytes: no such file or directory", "memoryBytes"],
		["crun: controller `memory` is not available under /sys/fs/cgroup", "memoryBytes"],
		["open /sys/fs/cgroup/x/pids.max: permission denied", "pids"],
		["Minimum memory limit allowed is 6MB", undefined],
		["Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available", undefined],
		["no space left on device", undefined],
	])("%s: %s", (message, limit) => {
		expect(refusedLimit(message)).toBe(limit);
	});
});

describe("a pull that fails says what to do", () => {
	test.each([
		['Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host', "could not be reached"],
		["pull access denied for x, repository does not exist or may require 'docker login'", "log in and pull it yourself"],
		["Head http://127.0.0.1:5000/v2/x/manifests/1: no basic auth credentials", "log in and pull it yourself"],
		["manifest for x:1 not found: manifest unknown", "the name and the tag"],
		["no matching manifest for linux/arm64/v8 in the manifest list entries", "architecture"],
	])("%s: %s", (message, hint) => {
		const error = explainPull(engineError({ status: 500, message }, "Docker", "pull the image x:1"), "x:1");
		expect(error.code).toBe("image_not_found");
		expect(error.hint).toContain(hint);
		expect(error.message).toBe(`The image x:1 is not here and can not be pulled: ${message}`);
	});

	test("a full disk stays a full disk", () => {
		const full = engineError({ status: 500, message: "no space left on device" }, "Docker", "pull the image x:1");
		expect(explainPull(full, "x:1")).toBe(full);
	});
});

test.each([
	["ubuntu", "ubuntu:latest"],
	["ubuntu:24.04", "ubuntu:24.04"],
	["localhost:5000/ubuntu", "localhost:5000/ubuntu:latest"],
	["registry.example/a/b@sha256:abc", "registry.example/a/b@sha256:abc"],
])("%s is %s: without a tag all would be pulled", (reference, full) => {
	expect(withTag(reference)).toBe(full);
});
