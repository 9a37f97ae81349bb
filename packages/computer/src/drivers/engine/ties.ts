/** What ties a container to its host: shared folders, published ports, name servers. Pure. */
import type { ContainerCreateOptions } from "dockerode";
import type { MachineSpec, PublishedPort } from "../../driver.js";
import { ComputerError } from "../../errors/index.js";
import type { Dialect } from "./dialect.js";
import type { EngineFacts } from "./facts.js";

type HostConfig = NonNullable<ContainerCreateOptions["HostConfig"]>;

export function ties(dialect: Dialect, spec: MachineSpec): Pick<HostConfig, "Mounts" | "PortBindings" | "Dns"> {
	return {
		...(spec.folders.length > 0 ? { Mounts: mounts(dialect, spec) } : {}),
		// One whose network was taken away keeps its ports for when it has one again; Podman takes none without.
		...(spec.ports.length > 0 && spec.network !== "none" ? { PortBindings: bindings(spec.ports) } : {}),
		...(spec.dns.length > 0 ? { Dns: [...spec.dns] } : {}),
	};
}

export function exposedPorts(ports: readonly PublishedPort[]): Record<string, object> {
	return Object.fromEntries(ports.map((port) => [guestPort(port), {}]));
}

/** `not_supported` for what this engine can not do, before anything is made. */
export function refuseWhatIsMissing(spec: MachineSpec, { capabilities }: EngineFacts, driver: string): void {
	if (spec.ports.length > 0 && !capabilities.publishPorts) {
		throw new ComputerError("not_supported", "Ports were to be published; this engine runs without root and has no program for a network", {
			hint: "Leave the ports out: `lms-computer port NAME PORT` reaches any port of a computer without a network.",
			context: { driver },
		});
	}
	if (spec.network === "open" && !capabilities.openNetwork) {
		throw new ComputerError("not_supported", "An open network was asked for; this engine runs without root and has no program for one", {
			hint: "Install slirp4netns or passt and let your user open /dev/net/tun, or choose another driver.",
			context: { driver },
		});
	}
	if (spec.folders.length > 0 && !capabilities.sharedFolders) {
		throw new ComputerError("not_supported", "Shared folders need an engine on this computer; this one is reached over the network", {
			hint: "Use an engine of this computer, or copy files: `lms-computer cp`.",
			context: { driver },
		});
	}
}

function mounts(dialect: Dialect, spec: MachineSpec): NonNullable<HostConfig["Mounts"]> {
	return spec.folders.map(({ hostPath, guestPath, readOnly }) => ({
		Type: "bind",
		Source: dialect.hostPath(hostPath),
		Target: guestPath,
		ReadOnly: readOnly,
		// What is mounted below a read-only folder would not be read-only: it is not shown.
		BindOptions: { Propagation: "rprivate", ...(readOnly ? { NonRecursive: true } : {}) },
	})) as NonNullable<HostConfig["Mounts"]>;
}

function bindings(ports: readonly PublishedPort[]): Record<string, { HostIp: string; HostPort: string }[]> {
	const all: Record<string, { HostIp: string; HostPort: string }[]> = {};
	for (const port of ports) {
		const binding = { HostIp: port.hostAddress, HostPort: String(port.hostPort) };
		all[guestPort(port)] = [...(all[guestPort(port)] ?? []), binding];
	}
	return all;
}

function guestPort({ guestPort, protocol }: PublishedPort): string {
	return `${guestPort}/${protocol}`;
}
