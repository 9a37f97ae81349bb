/** Published ports: `8080:80`, `127.0.0.1:8080:80`, `[::1]:8080:80`, `8000-8010:8000-8010`, `5353:53/udp`. */
import { isIP } from "node:net";
import type { Availability, MachineSpec, PublishedPort } from "../driver.js";
import { ComputerError } from "../errors/index.js";
import { expectKeys, expectOneOf, expectWhole, refuse } from "../expect.js";
import { BOUNDS, DEFAULTS } from "../limits.js";

export type PortOption = string | (Pick<PublishedPort, "hostPort" | "guestPort"> & Partial<PublishedPort>);

const MAX_PORT = 65_535;
const SHAPE = "HOSTPORT:GUESTPORT such as 8080:80, 127.0.0.1:8080:80, 8000-8010:8000-8010 or 5353:53/udp";
const TEXT =
	/^(?:(?<address>\[[^\]]+\]|[^:[\]]+):)?(?<host>\d{1,5}(?:-\d{1,5})?):(?<guest>\d{1,5}(?:-\d{1,5})?)(?:\/(?<protocol>tcp|udp))?$/i;

export function expectPorts(what: string, value: unknown): readonly PublishedPort[] {
	if (!Array.isArray(value)) refuse(what, "a list of ports", value);
	const ports = value.flatMap((one: unknown) => (typeof one === "string" ? readPorts(what, one) : [expectPort(what, one)]));
	if (ports.length > BOUNDS.ports) refuse(what, `${BOUNDS.ports} ports at most`, ports.length);
	const taken = new Set<string>();
	for (const { hostAddress, hostPort, protocol } of ports) {
		const key = `${hostAddress} ${hostPort}/${protocol}`;
		if (taken.has(key)) refuse(what, "each port of the host once", `${hostPort} twice`);
		taken.add(key);
	}
	return ports;
}

/**
 * Ports that are asked for need a network: one that loses its network later keeps them for when it has one again. A driver that publishes none says so itself.
 */
export function expectReachable({ name, ports, network }: MachineSpec, availability: Availability): void {
	if (ports.length === 0 || network === "open" || !availability.usable || !availability.capabilities.publishPorts) return;
	throw new ComputerError("invalid_argument", `Published ports need a network; ${name} was asked for with ports and the network "none"`, {
		hint: 'Choose the network "open", or leave the ports out: `lms-computer port NAME PORT` reaches any port of a computer without a network.',
		context: { ports: ports.map(({ hostPort }) => hostPort) },
	});
}

/** One word, which a range and commas make several. */
export function readPorts(what: string, text: string): readonly PublishedPort[] {
	return text.split(",").flatMap((part) => readRange(what, part));
}

function readRange(what: string, text: string): readonly PublishedPort[] {
	const { address, host, guest, protocol } = TEXT.exec(text.trim())?.groups ?? {};
	if (host === undefined || guest === undefined) refuse(what, SHAPE, text);
	const [hostFirst, hostCount] = range(what, host);
	const [guestFirst, guestCount] = range(what, guest);
	if (hostCount !== guestCount) refuse(what, "two ranges of the same length", text);
	if (hostCount > BOUNDS.ports) refuse(what, `${BOUNDS.ports} ports at most`, text);
	return Array.from({ length: hostCount }, (_, index) => ({
		hostAddress: expectAddress(what, address?.replace(/^\[|\]$/g, "") ?? DEFAULTS.hostAddress),
		hostPort: hostFirst + index,
		guestPort: guestFirst + index,
		protocol: protocol?.toLowerCase() === "udp" ? "udp" : "tcp",
	}));
}

function range(what: string, text: string): readonly [first: number, count: number] {
	const [first = Number.NaN, last = first] = text.split("-").map(Number);
	expectWhole(`a port in ${what}`, first, 1, MAX_PORT);
	expectWhole(`a port in ${what}`, last, first, MAX_PORT);
	return [first, last - first + 1];
}

function expectPort(what: string, value: unknown): PublishedPort {
	expectKeys(what, value, ["hostAddress", "hostPort", "guestPort", "protocol"]);
	const { hostAddress, hostPort, guestPort, protocol } = value as Partial<PublishedPort>;
	return {
		hostAddress: expectAddress(what, hostAddress ?? DEFAULTS.hostAddress),
		hostPort: expectWhole(`${what}.hostPort`, hostPort, 1, MAX_PORT),
		guestPort: expectWhole(`${what}.guestPort`, guestPort, 1, MAX_PORT),
		protocol: expectOneOf(`${what}.protocol`, protocol ?? "tcp", ["tcp", "udp"]),
	};
}

export function expectAddress(what: string, value: unknown): string {
	return typeof value === "string" && isIP(value) !== 0 ? value : refuse(`an address in ${what}`, "an IP address", value);
}
