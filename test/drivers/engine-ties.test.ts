import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import type { MachineSpec } from "../../packages/computer/src/driver.js";
import { dialect as docker } from "../../packages/computer/src/drivers/docker/index.js";
import { LABELS, labelsFor } from "../../packages/computer/src/drivers/engine/labels.js";
import { presetScript } from "../../packages/computer/src/drivers/engine/preset-script.js";
import { exposedPorts, ties } from "../../packages/computer/src/drivers/engine/ties.js";
import { dialect as podman } from "../../packages/computer/src/drivers/podman/index.js";
import { presetName } from "../../packages/computer/src/drivers/preset-recipes.js";
import { machineSpec } from "../../packages/computer/src/options.js";

const spec = (more: Partial<MachineSpec>): MachineSpec => ({ ...machineSpec({ preset: "none" }), folders: [], ...more });

test("whether a machine lasts is always said: an image's own label would say it else", () => {
	for (const persistence of ["persistent", "ephemeral"] as const) {
		expect(labelsFor(spec({ persistence }), { agentHash: "0" }, "0")[LABELS.persistence]).toBe(persistence);
	}
});

test("folders are bind mounts that must be there, and are told to nobody else", () => {
	const folders = [
		{ hostPath: "/home/ann/work", guestPath: "/mnt/shared", readOnly: false },
		{ hostPath: "/srv/data", guestPath: "/mnt/data", readOnly: true },
	];
	expect(ties(docker, spec({ folders })).Mounts).toEqual([
		{ Type: "bind", Source: "/home/ann/work", Target: "/mnt/shared", ReadOnly: false, BindOptions: { Propagation: "rprivate" } },
		{
			Type: "bind",
			Source: "/srv/data",
			Target: "/mnt/data",
			ReadOnly: true,
			BindOptions: { Propagation: "rprivate", NonRecursive: true },
		},
	]);
	expect(ties(docker, spec({}))).toEqual({});
});

test("paths of Windows are as the engine has them", () => {
	expect(docker.hostPath("C:\\Users\\ann\\work")).toBe("C:\\Users\\ann\\work");
	expect(podman.hostPath("C:\\Users\\ann\\work")).toBe("/mnt/c/Users/ann/work");
	expect(podman.hostPath("/home/ann/a\\b")).toBe("/home/ann/a\\b");
});

test("ports of the guest may have several of the host's, each at its address", () => {
	const ports: MachineSpec["ports"] = [
		{ hostAddress: "127.0.0.1", hostPort: 8080, guestPort: 80, protocol: "tcp" },
		{ hostAddress: "::1", hostPort: 8081, guestPort: 80, protocol: "tcp" },
		{ hostAddress: "0.0.0.0", hostPort: 53, guestPort: 53, protocol: "udp" },
	];
	expect(ties(docker, spec({ ports, network: "none" })).PortBindings).toBeUndefined();
	expect(ties(docker, spec({ ports, network: "open" })).PortBindings).toEqual({
		"80/tcp": [
			{ HostIp: "127.0.0.1", HostPort: "8080" },
			{ HostIp: "::1", HostPort: "8081" },
		],
		"53/udp": [{ HostIp: "0.0.0.0", HostPort: "53" }],
	});
	expect(exposedPorts(ports)).toEqual({ "80/tcp": {}, "53/udp": {} });
});

test("a preset's script is one for any POSIX shell, whatever is in it", () => {
	const preset = { name: "full", packages: ["g++"], script: "echo 'it''s'; cat <<E\n$HOME\nE", required: true } as const;
	const script = presetScript(preset);
	execFileSync("sh", ["-n"], { input: script });
	expect(script).toContain("'g++'");
	expect(script.match(/'curl'/g)).toHaveLength(2);
	// The script alone asks for no package manager, and its failure is told apart.
	const own = presetScript({ name: "none", packages: [], script: "exit 7", required: true });
	expect(own).not.toContain("apt-get");
	expect(() => execFileSync("sh", ["-c", own], { stdio: "pipe" })).toThrow(expect.objectContaining({ status: 91 }));
	expect(presetName(preset)).toBe("full+g++ with a script");
	expect(presetName({ ...preset, name: "none" })).toBe("g++ with a script");
});
