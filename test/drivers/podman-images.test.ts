import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { openComputer } from "lms-computer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commitFiles, dropTag, newToken } from "../../packages/computer/src/drivers/engine/checkpoint-images.js";
import { Engine } from "../../packages/computer/src/drivers/engine/engine.js";
import { describeHost } from "../../packages/computer/src/drivers/engine/host.js";
import { locateEngine } from "../../packages/computer/src/drivers/engine/locate.js";
import { dialect } from "../../packages/computer/src/drivers/podman/index.js";
import { MATRIX } from "../support/drivers.js";
import { type OwnEngine, useOwnEngine } from "../support/own-engine.js";

const target = MATRIX.find(({ driver, shell }) => driver === "podman" && shell === "sh");
const isRoot = process.getuid?.() === 0;

const podman = async (...argv: string[]) => (await promisify(execFile)("podman", argv)).stdout.trim();

describe.skipIf(target === undefined || target.skip !== undefined || !isRoot)(
	`images of others${isRoot ? "" : " (skipped: only root can mount a disk for it)"}`,
	() => {
		let engine: OwnEngine;
		beforeAll(async () => (engine = await useOwnEngine("podman")), 60_000);
		afterAll(async () => await engine?.remove());

		test("that come and go, or whose maker was killed, are in nobody's way", { timeout: 60_000 }, async () => {
			if (target === undefined) return;
			await using computer = await openComputer({ ...target.options, name: target.computerName("images") });
			const { id } = await computer.checkpoint("first");
			const container = (await computer.inspect()).id;
			const listed = async () => (await computer.checkpoints()).map((checkpoint) => checkpoint.id);

			const come = new AbortController();
			const comers = [1, 2].map(async (comer) => {
				for (let image = 1; !come.signal.aborted; image++) {
					await podman("commit", "--quiet", "--change", `LABEL image=${image}`, container, `others:${comer}`);
					await podman("rmi", `others:${comer}`);
				}
			});
			for (let list = 0; list < 8; list++) expect(await listed()).toEqual([id]);
			come.abort();
			await Promise.all(comers);

			// As a service leaves it that was killed between the image and its description.
			const broken = await podman("commit", "--quiet", container, "others:3");
			await podman("untag", broken);
			await rm(join(engine.directory, "root/overlay-images", broken, "manifest"));
			await expect(podman("images", "--all")).rejects.toThrow("file does not exist");
			expect(await listed()).toEqual([id]);
			await expect(podman("images", "--all")).resolves.toContain(computer.name);
			await computer.remove();
		});

		test("that go take no layer from one that is just being made, though theirs is the same", { timeout: 60_000 }, async () => {
			const located = await locateEngine(dialect, describeHost({}));
			if (!(located instanceof Engine)) throw new Error(located.reason);
			const [ours = "", ...theirs] = await Promise.all(
				["one", "two", "three"].map((name) => podman("create", "--name", name, target?.options.image ?? "", "true")),
			);
			const over = new AbortController();
			const others = theirs.map(async (container) => {
				while (!over.signal.aborted) {
					await podman("commit", "--quiet", container, `others:${container}`).then(
						async () => await podman("rmi", `others:${container}`),
						() => {}, // one of theirs may lose its layer too
					);
				}
			});
			try {
				for (let made = 0; made < 12; made++) {
					await dropTag(located, await commitFiles(located, ours, { kind: "checkpoint", name: "same", token: newToken() }, ""));
				}
			} finally {
				over.abort();
				await Promise.all(others);
			}
		});
	},
);
