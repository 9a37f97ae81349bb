#!/usr/bin/env node
/** What is done before the command line is loaded. */
import { createRequire } from "node:module";
import { requireCompiled } from "../compiled.js";
import { packageFile } from "../package-files.js";
import { version } from "../version.js";

/** Of the bundle that this one loads, put here by the build. */
declare const BUNDLE_SHA256: string;

const BUNDLE = packageFile("dist/command-line.cjs");
const [first, ...more] = process.argv.slice(2);

// Asked by scripts and by people who wonder whether it works: answered without loading anything.
if (more.length === 0 && (first === "--version" || first === "-V"))
	process.stdout.on("error", () => process.exit(1)).write(`${version()}\n`);
else if (process.env["LMS_COMPUTER_DEBUG"]) {
	// Node reads the source map of what it loads itself.
	process.setSourceMapsEnabled(true);
	createRequire(BUNDLE)(BUNDLE);
} else requireCompiled(BUNDLE, BUNDLE_SHA256);
