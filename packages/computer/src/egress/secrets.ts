/** A value that the machine never has: the host puts it into a header, for one place alone. */
import { expectKeys, expectMatch, expectText, refuse } from "../expect.js";
import { BOUNDS } from "../limits.js";
import { type Host, readAuthority } from "./host.js";

export interface SecretOption {
	/** Also the variable of the guest that holds a stand-in, for programs that want to see one. */
	readonly name: string;
	/** HOST or HOST:PORT; 443 unless said otherwise. Always over TLS. */
	readonly host: string;
	/** `x-api-key`, or with what goes around the value: `authorization: token {}`. Default `authorization: Bearer {}`. */
	readonly header?: string | undefined;
	/** The value itself. It is kept in this process alone: another one can not use the secret. */
	readonly value?: string | undefined;
	/** The variable of this host that holds it. Default, without `value`: the one of that name. */
	readonly fromEnv?: string | undefined;
}

export interface Secret {
	readonly name: string;
	readonly host: string;
	readonly port: number;
	readonly header: string;
	/** `{}` is where the value goes. */
	readonly template: string;
	readonly fromEnv: string | undefined;
	/** Never written down. */
	readonly value: string | undefined;
}

/** What the guest's variable of that name holds. */
export const STAND_IN = "set-by-lms-computer";

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const HEADER = /^([A-Za-z0-9!#$%&'*+.^_`|~-]{1,100})(?::[ \t]*(.*))?$/s;
const SHAPE = "NAME@HOST[:PORT][=HEADER] such as GITHUB_TOKEN@api.github.com or API_KEY@api.example.com=x-api-key";
/** They say how a message goes on, or where it goes. */
const NOT_FOR_SECRETS: ReadonlySet<string> = new Set([
	"host",
	"content-length",
	"transfer-encoding",
	"connection",
	"te",
	"trailer",
	"upgrade",
	"expect",
]);

export function expectSecrets(what: string, value: unknown): readonly Secret[] {
	if (!Array.isArray(value)) return refuse(what, "a list of secrets", "something else");
	if (value.length > BOUNDS.secrets) refuse(what, `${BOUNDS.secrets} secrets at most`, value.length);
	const secrets = value.map((one: unknown) => (typeof one === "string" ? readSecret(what, one) : expectSecret(what, one)));
	const places = secrets.map(({ host, port, header }) => `${host}:${port} ${header}`);
	if (new Set(places).size < places.length) refuse(what, "each header of a host once", places.join(", "));
	return secrets;
}

function readSecret(what: string, text: string): Secret {
	const [, name, host, header] = /^([^@=]+)@([^=]+)(?:=(.+))?$/s.exec(text) ?? [];
	return name === undefined || host === undefined ? refuse(what, SHAPE, "something else") : expectSecret(what, { name, host, header });
}

function expectSecret(what: string, given: unknown): Secret {
	expectKeys(what, given, ["name", "host", "header", "value", "fromEnv"]);
	const { name, host, header = "authorization", value, fromEnv } = given as SecretOption;
	expectMatch(`${what}.name`, name, NAME);
	const place = readAuthority(expectText(`${what}.host`, host), 443);
	if (place === undefined || place.host.address !== undefined)
		return refuse(`${what}.host`, "the name of a host, with a port or without", host);
	const [, field = "", around] = HEADER.exec(expectText(`${what}.header`, header)) ?? [];
	const lower = field.toLowerCase();
	const template = around ?? (lower === "authorization" ? "Bearer {}" : "{}");
	if (field === "" || NOT_FOR_SECRETS.has(lower) || template.split("{}").length !== 2 || !inHeader(template)) {
		refuse(`${what}.header`, "a header such as x-api-key or authorization: token {}", header);
	}
	if (value !== undefined && fromEnv !== undefined) refuse(what, "value or fromEnv, not both", name);
	// What is wrong with it is not shown: it would be in a log.
	if (value !== undefined && (typeof value !== "string" || value === "" || !inHeader(value)))
		refuse(`${what}.value`, "text for one header", "something else");
	if (fromEnv !== undefined) expectMatch(`${what}.fromEnv`, fromEnv, NAME);
	return {
		name,
		host: place.host.text,
		port: place.port,
		header: lower,
		template,
		value,
		fromEnv: value === undefined ? (fromEnv ?? name) : undefined,
	};
}

function inHeader(text: string): boolean {
	return text.length <= BOUNDS.secretLength && /^[\t\x20-\x7e]*$/.test(text);
}

/** Undefined in a process that does not have it. */
export function secretValue({ value, fromEnv }: Secret): string | undefined {
	const found = value ?? (fromEnv === undefined ? undefined : process.env[fromEnv]?.trim());
	return found !== undefined && found !== "" && inHeader(found) ? found : undefined;
}

export function secretsFor(secrets: readonly Secret[], host: Host, port: number): readonly Secret[] {
	return secrets.filter((secret) => secret.host === host.text && secret.port === port);
}
