#!/usr/bin/env node
/** What is done before the command line is loaded. */
import { keepCompiled } from "../compile-cache.js";
import { version } from "../version.js";

const [first, ...more] = process.argv.slice(2);
// Asked by scripts and by people who wonder whether it works: answered without loading anything.
if (more.length === 0 && (first === "--version" || first === "-V")) process.stdout.write(`${version()}\n`);
else {
	if (process.env["LMS_COMPUTER_DEBUG"]) process.setSourceMapsEnabled(true);
	keepCompiled();
	void import("./main.js");
}
