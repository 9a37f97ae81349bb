/** Forms that the conformance scenarios want to see. */
import type { ElicitRequestFormParams } from "@modelcontextprotocol/server";

type Form = ElicitRequestFormParams["requestedSchema"];

export function form(properties: Form["properties"], required: string[] = []): Form {
	return { type: "object", properties, required };
}

export const FILLED_IN = form({
	name: { type: "string", default: "John Doe" },
	age: { type: "integer", default: 30 },
	score: { type: "number", default: 95.5 },
	status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
	verified: { type: "boolean", default: true },
});

const OPTIONS = ["option1", "option2", "option3"];
const titled = (noun: string) =>
	["First", "Second", "Third"].map((word, index) => ({ const: `value${index + 1}`, title: `${word} ${noun}` }));

export const ENUMS = form({
	untitledSingle: { type: "string", enum: OPTIONS },
	titledSingle: { type: "string", oneOf: titled("option") },
	legacyEnum: { type: "string", enum: ["opt1", "opt2", "opt3"], enumNames: ["Option one", "Option two", "Option three"] },
	untitledMulti: { type: "array", items: { type: "string", enum: OPTIONS } },
	titledMulti: { type: "array", items: { anyOf: titled("choice") } },
});

/** What `tools/list` has to hand out as it is. */
export const SCHEMA_2020_12 = {
	$schema: "https://json-schema.org/draft/2020-12/schema",
	type: "object",
	$defs: {
		address: { $anchor: "addressDef", type: "object", properties: { street: { type: "string" }, city: { type: "string" } } },
	},
	properties: {
		name: { type: "string" },
		address: { $ref: "#/$defs/address" },
		contactMethod: { type: "string", enum: ["phone", "email"] },
		phone: { type: "string" },
		email: { type: "string" },
	},
	allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
	if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
	// biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
	then: { required: ["phone"] },
	else: { required: ["email"] },
	additionalProperties: false,
} as const;
