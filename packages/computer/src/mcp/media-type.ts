/** By the name's end, where that is sure. Nothing of the host is asked: its tables differ from machine to machine. */
const TYPES: Readonly<Record<string, string>> = {
	css: "text/css",
	csv: "text/csv",
	gif: "image/gif",
	gz: "application/gzip",
	htm: "text/html",
	html: "text/html",
	jpeg: "image/jpeg",
	jpg: "image/jpeg",
	js: "text/javascript",
	json: "application/json",
	md: "text/markdown",
	mjs: "text/javascript",
	pdf: "application/pdf",
	png: "image/png",
	svg: "image/svg+xml",
	tar: "application/x-tar",
	txt: "text/plain",
	webp: "image/webp",
	xml: "application/xml",
	yaml: "application/yaml",
	yml: "application/yaml",
	zip: "application/zip",
};

export function mediaType(name: string): string | undefined {
	const end = /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase();
	return end !== undefined && Object.hasOwn(TYPES, end) ? TYPES[end] : undefined;
}
