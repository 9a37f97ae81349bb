/**
 * A computer's own certificate authority: it speaks in the name of the hosts that a secret goes to, to this machine alone. The key stays on the host, in
 * a file of the user's own.
 */
import { createPrivateKey, generateKeyPair, randomBytes, X509Certificate } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { createSecureContext, type SecureContext } from "node:tls";
import { promisify } from "node:util";
import type { pki } from "node-forge";
import { fileVersion } from "./file-version.js";

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
const HOST_DAYS = 90;
/** Clocks differ. */
const BEFORE_DAYS = 2;
const MAX_HOSTS = 200;

/** Loaded to sign: most computers have no secret, and most processes that hold one with a secret never speak to its host. */
const forge = async () => (await import("node-forge")).default;

export class Authority {
	/** PEM, for the machine to trust. */
	readonly certificate: string;
	readonly #key: string;
	/** One for all hosts: they are one and the same program, this one. Made for the first: it takes a tenth of a second of a processor. */
	#keys: Promise<Keys> | undefined;
	readonly #contexts = new Map<string, Promise<SecureContext>>();

	/** The one in the file, made anew where that is missing or can not be read. Whoever asks at the same time is given the same. */
	static async open(file: string): Promise<Authority> {
		const found = Authority.#of(await textOf(file));
		if (found !== undefined) return found;
		const { pki } = await forge();
		const keys = await makeKeys();
		const subject = [{ name: "commonName", value: `lms-computer ${randomBytes(4).toString("hex")}` }];
		const made = await issue(subject, subject, keys, pki.privateKeyFromPem(keys.privateKey), AUTHORITY_DAYS, [
			{ name: "basicConstraints", cA: true, pathLenConstraint: 0, critical: true },
			{ name: "keyUsage", keyCertSign: true, critical: true },
			{ name: "subjectKeyIdentifier" },
		]);
		const pem = pki.certificateToPem(made).replaceAll("\r\n", "\n");
		await mkdir(dirname(file), { recursive: true, mode: 0o700 });
		const unfinished = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
		try {
			await writeFile(unfinished, `${pem}${keys.privateKey}`, { mode: 0o600, flag: "wx" });
			// A damaged one makes room; that of another process, which may be there by now, does not.
			const there = await textOf(file);
			if (there !== undefined && Authority.#of(there) === undefined) await rm(file, { force: true });
			await link(unfinished, file).catch(async (error: NodeJS.ErrnoException) => {
				// Not every file system has links.
				if (error.code !== "EEXIST") await rename(unfinished, file);
			});
		} finally {
			await rm(unfinished, { force: true });
		}
		return Authority.#of(await textOf(file)) ?? new Authority(pem, keys.privateKey);
	}

	static #of(text = ""): Authority | undefined {
		const [certificate, key] = text.match(PEM) ?? [];
		return certificate !== undefined && key !== undefined && lasts(certificate, key) ? new Authority(`${certificate}\n`, key) : undefined;
	}

	private constructor(certificate: string, key: string) {
		this.certificate = certificate;
		this.#key = key;
	}

	/** To speak in that name. */
	contextFor(host: string): Promise<SecureContext> {
		const known = this.#contexts.get(host);
		if (known !== undefined) return known;
		if (this.#contexts.size >= MAX_HOSTS) this.#contexts.clear();
		const made = this.#make(host);
		this.#contexts.set(host, made);
		made.catch(() => this.#contexts.delete(host));
		return made;
	}

	async #make(host: string): Promise<SecureContext> {
		const { pki } = await forge();
		this.#keys ??= makeKeys();
		const keys = await this.#keys;
		const issuer = pki.certificateFromPem(this.certificate);
		const subject = [{ name: "commonName", value: host.slice(0, 64) }];
		const certificate = await issue(subject, issuer.subject.attributes, keys, pki.privateKeyFromPem(this.#key), HOST_DAYS, [
			{ name: "basicConstraints", cA: false, critical: true },
			{ name: "keyUsage", digitalSignature: true, keyEncipherment: true, critical: true },
			{ name: "extKeyUsage", serverAuth: true },
			{ name: "subjectAltName", altNames: [{ type: 2, value: host }] },
			{ name: "authorityKeyIdentifier", keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes() },
		]);
		return createSecureContext({
			cert: `${pki.certificateToPem(certificate)}${this.certificate}`,
			key: keys.privateKey,
			minVersion: "TLSv1.2",
		});
	}
}

/** The authority of whatever computer has the name now: of one that was removed and made anew, by whichever process, that is another one. */
export class AuthorityFile {
	readonly #path: string;
	#version = "";
	#opening: Promise<Authority> | undefined;

	constructor(path: string) {
		this.#path = path;
	}

	async open(): Promise<Authority> {
		const version = await fileVersion(this.#path);
		if (this.#opening !== undefined && version === this.#version) return await this.#opening;
		const opening = Authority.open(this.#path);
		this.#opening = opening;
		this.#version = version;
		// A disk that was full once is no reason for good.
		opening.catch(() => {
			if (this.#opening === opening) this.#opening = undefined;
		});
		return await opening;
	}
}

async function textOf(file: string): Promise<string | undefined> {
	return await readFile(file, "utf8").catch(() => undefined);
}

/** The certificate and then its key, as the file has them. */
const PEM = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g;

/** Damaged, it is made anew: what it signed is of no use to anybody but the machine, which is given the next one. */
function lasts(certificate: string, key: string): boolean {
	try {
		const read = new X509Certificate(certificate);
		return Date.parse(read.validTo) > Date.now() + HOST_DAYS * DAY_MS && read.checkPrivateKey(createPrivateKey(key));
	} catch {
		return false;
	}
}

interface Keys {
	readonly publicKey: string;
	readonly privateKey: string;
}

/** By Node's own crypto: in JavaScript it takes seconds. */
async function makeKeys(): Promise<Keys> {
	return await promisify(generateKeyPair)("rsa", {
		modulusLength: 2048,
		publicKeyEncoding: { type: "spki", format: "pem" },
		privateKeyEncoding: { type: "pkcs1", format: "pem" },
	});
}

async function issue(
	subject: pki.CertificateField[],
	issuer: pki.CertificateField[],
	keys: Keys,
	signer: pki.rsa.PrivateKey,
	days: number,
	extensions: object[],
): Promise<pki.Certificate> {
	const { pki, md } = await forge();
	const certificate = pki.createCertificate();
	certificate.publicKey = pki.publicKeyFromPem(keys.publicKey);
	// Positive, and not zero in front.
	certificate.serialNumber = `01${randomBytes(15).toString("hex")}`;
	certificate.validity.notBefore = new Date(Date.now() - BEFORE_DAYS * DAY_MS);
	certificate.validity.notAfter = new Date(Date.now() + days * DAY_MS);
	certificate.setSubject(subject);
	certificate.setIssuer(issuer);
	certificate.setExtensions(extensions);
	certificate.sign(signer, md.sha256.create());
	return certificate;
}
