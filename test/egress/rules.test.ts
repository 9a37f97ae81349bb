import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseAddress, placeOf, showAddress } from "../../packages/computer/src/egress/address.js";
import { readAuthority, readHost } from "../../packages/computer/src/egress/host.js";
import { decide, Refused } from "../../packages/computer/src/egress/policy.js";
import { expectRules, mayLeadTo, ruleFor } from "../../packages/computer/src/egress/rules.js";

const rules = (...texts: string[]) => expectRules("rules", texts);
const allowed = (list: readonly string[], host: string, port: number) =>
	!(decide({ rules: rules(...list), secrets: [] }, host, port) instanceof Refused);
/** Whether a name of that rule may lead to an address. */
const leads = (list: readonly string[], name: string, address: string, port = 443) => {
	const [host, parsed] = [readHost(name), parseAddress(address)];
	return host !== undefined && parsed !== undefined && mayLeadTo(rules(...list), host, parsed, port);
};

// What begins like this is IDNA's, and hardly any is a name.
const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/).filter((text) => !text.startsWith("xn--"));
const name = fc.array(label, { minLength: 2, maxLength: 5 }).map((labels) => labels.join("."));
const port = fc.integer({ min: 1, max: 65_535 });
const ipv4 = fc.ipV4();

describe("an allow-list", () => {
	test("opens what it names, on the ports it names", () => {
		expect(allowed(["api.example.com"], "api.example.com", 443)).toBe(true);
		expect(allowed(["api.example.com"], "api.example.com", 80)).toBe(true);
		expect(allowed(["api.example.com"], "api.example.com", 22)).toBe(false);
		expect(allowed(["api.example.com:22"], "api.example.com", 22)).toBe(true);
		expect(allowed(["api.example.com:22"], "api.example.com", 443)).toBe(false);
		expect(allowed(["api.example.com:*"], "api.example.com", 9999)).toBe(true);
		expect(allowed(["api.example.com"], "example.com", 443)).toBe(false);
		expect(allowed(["*"], "anything.example", 443)).toBe(true);
		expect(allowed(["*"], "10.0.0.1", 443)).toBe(false);
		expect(allowed(["10.0.0.0/8:5432"], "10.1.2.3", 5432)).toBe(true);
		expect(allowed(["10.0.0.0/8:5432"], "11.1.2.3", 5432)).toBe(false);
		expect(allowed(["[2001:db8::1]:80"], "2001:DB8:0::1", 80)).toBe(true);
	});

	test("a name is the same in every form: case, dot at the end, IDNA", () => {
		expect(allowed(["Example.ORG."], "eXample.org.", 443)).toBe(true);
		expect(allowed(["bücher.example"], "xn--bcher-kva.example", 443)).toBe(true);
		expect(allowed(["xn--bcher-kva.example"], "BÜCHER.example", 443)).toBe(true);
		// A letter of another alphabet makes another name.
		expect(allowed(["example.org"], "ехample.org", 443)).toBe(false);
	});

	test("a star stands for names below, and for nothing beside", () => {
		fc.assert(
			fc.property(name, label, port, (parent, child, at) => {
				const list = [`*.${parent}:${at}`];
				expect(allowed(list, `${child}.${parent}`, at)).toBe(true);
				expect(allowed(list, `a.${child}.${parent}`, at)).toBe(true);
				expect(allowed(list, parent, at)).toBe(false);
				expect(allowed(list, `${child}${parent}`, at)).toBe(false);
				expect(allowed(list, `${child}.${parent}.${child}`, at)).toBe(false);
			}),
		);
	});

	test("opens nothing but what a rule names", () => {
		fc.assert(
			fc.property(fc.array(name, { maxLength: 5 }), name, port, (list, asked, at) => {
				const expected = list.includes(asked) && (at === 80 || at === 443);
				expect(allowed(list, asked, at)).toBe(expected);
			}),
		);
	});

	test("is shown as it is read", () => {
		fc.assert(
			fc.property(
				fc.oneof(
					name,
					ipv4,
					name.map((one) => `*.${one}`),
				),
				fc.option(port),
				(where, at) => {
					const [rule] = rules(at === null ? where : `${where}:${at}`);
					expect(rules(rule?.text ?? "")).toEqual([rule]);
				},
			),
		);
	});

	test.each([
		"",
		" ",
		"*.*",
		"a..b",
		"-a.example",
		"a_b-.x",
		"example.org:0",
		"example.org:65536",
		"http://example.org",
		"a@b",
		"10.0.0.0/33",
		"*.10.0.0.1",
		"0x7f.1",
		"127.1",
		"1.2.3.4.5",
		"a b.c",
		"[::1",
		"a".repeat(64),
		"fe80::1%eth0",
	])("%j is no rule", (text) => expect(() => rules(text)).toThrow(/expected a rule of rules/));
});

describe("where a name leads", () => {
	test.each([
		"127.0.0.1",
		"127.9.9.9",
		"0.0.0.0",
		"10.0.0.1",
		"172.16.0.1",
		"172.31.255.255",
		"192.168.1.1",
		"169.254.169.254",
		"100.64.0.1",
		"100.100.100.200",
		"168.63.129.16",
		"224.0.0.1",
		"255.255.255.255",
		"198.18.0.1",
		"::1",
		"::",
		"fe80::1",
		"fd00::1",
		"fd00:ec2::254",
		"ff02::1",
		"fec0::1",
		"::ffff:127.0.0.1",
		"::ffff:7f00:1",
		"::ffff:0:127.0.0.1",
		"::127.0.0.1",
		"64:ff9b::10.0.0.1",
		"64:ff9b:1::1",
		"2002:7f00:1::1",
		"2002:c0a8:101::",
		"2001:0:4136:e378::1",
		"4000::1",
	])("%s is not for a name that is merely allowed", (address) => {
		expect(leads(["evil.example", "*"], "evil.example", address)).toBe(false);
	});

	test.each(["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "172.32.0.1", "100.128.0.1", "11.0.0.1"])(
		"%s is public",
		(address) => {
			expect(leads(["fine.example"], "fine.example", address)).toBe(true);
		},
	);

	test("a rule of its own opens an address, on its port", () => {
		expect(leads(["db.example:5432", "10.0.0.5:5432"], "db.example", "10.0.0.5", 5432)).toBe(true);
		expect(leads(["db.example:5432", "10.0.0.5:5432"], "db.example", "10.0.0.6", 5432)).toBe(false);
		expect(leads(["db.example:*", "10.0.0.5:5432"], "db.example", "10.0.0.5", 80)).toBe(false);
		expect(leads(["a.example", "0.0.0.0/0"], "a.example", "169.254.169.254")).toBe(false);
		expect(leads(["a.example", "169.254.169.254"], "a.example", "169.254.169.254")).toBe(true);
		expect(leads(["localhost:1234"], "localhost", "127.0.0.1", 1234)).toBe(true);
		expect(leads(["localhost:1234"], "localhost", "10.0.0.1", 1234)).toBe(false);
	});

	test("no way of writing an address makes it another one", () => {
		const mapped = (text: string) => text.split(".").map(Number) as [number, number, number, number];
		fc.assert(
			fc.property(ipv4, (text) => {
				const [a, b, c, d] = mapped(text);
				const hex = [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16));
				const plain = parseAddress(text);
				for (const other of [`::ffff:${text}`, `::ffff:${hex.join(":")}`, `64:ff9b::${text}`, `2002:${hex.join(":")}::5`]) {
					expect(parseAddress(other)).toEqual(plain);
				}
				const number = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
				for (const odd of [
					String(number),
					`0x${number.toString(16)}`,
					`0${a.toString(8)}.${b}.${c}.${d}`,
					`${a}.${(b << 16) | (c << 8) | d}`,
					`0x${a.toString(16)}.1`,
				]) {
					expect(readHost(odd)).toBeUndefined();
				}
			}),
		);
	});

	test("what is shown is what is meant", () => {
		fc.assert(
			fc.property(fc.oneof(ipv4, fc.ipV6()), (text) => {
				const address = parseAddress(text);
				if (address === undefined) return;
				expect(parseAddress(showAddress(address))).toEqual(address);
				expect(placeOf(address)).toBe(placeOf(parseAddress(showAddress(address)) ?? []));
			}),
		);
	});

	test("anything at all is a host, or none, without an error", () => {
		fc.assert(
			fc.property(fc.string({ maxLength: 300 }), (text) => {
				const host = readHost(text);
				if (host !== undefined) expect(readHost(host.text)).toEqual(host);
				readAuthority(text, 80);
				if (host !== undefined) ruleFor(rules("*"), host, 80);
			}),
		);
	});
});
