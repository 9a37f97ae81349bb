import { randomBytes } from "node:crypto";

/** Content of files and commands between marks that it can not contain: data for the model, never its instructions. */
export function asData(kind: string, content: string): string {
	let tag: string;
	do tag = `${kind}-${randomBytes(2).toString("hex")}`;
	while (content.includes(tag));
	return `<${tag}>\n${content}${content === "" || content.endsWith("\n") ? "" : "\n"}</${tag}>`;
}
