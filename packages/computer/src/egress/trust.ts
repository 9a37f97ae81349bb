/** The certificates that this host trusts, for programs in the machine and for our own requests. */
import { readFile, stat } from "node:fs/promises";
import { rootCertificates } from "node:tls";

/** Where systems keep theirs, all in one file. */
const BUNDLES = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"];
const MAX_FILE_BYTES = 2 * 1024 * 1024;
const MAX_BYTES = 3 * 1024 * 1024;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

let cached: Promise<string> | undefined;

/** PEM. A company's own certificates are in it, where the user's programs know them: by the system, SSL_CERT_FILE or NODE_EXTRA_CA_CERTS. */
export function hostTrust(): Promise<string> {
	cached ??= gather();
	return cached;
}

async function gather(): Promise<string> {
	const named = [process.env["SSL_CERT_FILE"], process.env["NODE_EXTRA_CA_CERTS"]].filter((path) => path !== undefined && path !== "");
	const texts = await Promise.all([...new Set([...named, ...BUNDLES])].map((path) => read(path as string)));
	const seen = new Map<string, string>();
	let size = 0;
	for (const text of [...texts, ...rootCertificates]) {
		for (const [certificate] of text.matchAll(CERTIFICATE)) {
			const key = certificate.replace(/\s/g, "");
			if (seen.has(key) || size + certificate.length > MAX_BYTES) continue;
			seen.set(key, certificate);
			size += certificate.length + 1;
		}
	}
	return `${[...seen.values()].join("\n")}\n`;
}

async function read(path: string): Promise<string> {
	try {
		return (await stat(path)).size <= MAX_FILE_BYTES ? await readFile(path, "latin1") : "";
	} catch {
		return "";
	}
}
