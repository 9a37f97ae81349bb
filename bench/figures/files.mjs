/** Files in and out, one small one, one large one, and many. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { apiRead, apiWrite, cli } from "../peers.mjs";
import { ours } from "../stage.mjs";

const MIB = 1024 * 1024;

export default async function run(stage) {
	const scratch = await mkdtemp(join(tmpdir(), "lms-bench-"));
	stage.later(() => rm(scratch, { recursive: true, force: true }));
	const docker = stage.has("docker") ? await stage.container() : undefined;
	await small(stage, docker);
	await large(stage, docker, scratch, 16 * MIB, stage.rounds(7));
	await large(stage, docker, scratch, stage.quick ? 128 * MIB : 1024 * MIB, stage.rounds(3, 1));
	await many(stage, docker, scratch, stage.quick ? 2000 : 10_000);
}

async function small(stage, docker) {
	const content = Buffer.alloc(1024, "x");
	const options = (verb) => ({
		rounds: stage.rounds(31),
		batch: 10,
		goals: [
			{ text: `${verb} on Docker at least 50 times faster than the archive API`, way: ours("docker"), against: "archive API", times: 50 },
		],
	});
	await stage.compare(
		"write-1kb",
		"Write a file of 1 KB",
		{
			...(docker && { "archive API": () => apiWrite(docker, "bench", content) }),
			...(await stage.ours((computer) => computer.files.write("bench", content))),
		},
		options("written"),
	);
	await stage.compare(
		"read-1kb",
		"Read a file of 1 KB",
		{
			...(docker && { "archive API": () => apiRead(docker, "/root/bench") }),
			...(await stage.ours((computer) => computer.files.read("bench"))),
		},
		options("read"),
	);
}

async function large(stage, docker, scratch, bytes, rounds) {
	const mib = bytes / MIB;
	const source = join(scratch, `in-${mib}`);
	const target = join(scratch, `out-${mib}`);
	const part = Buffer.alloc(MIB, "abcdefghijklmnopqrstuvwxyz 0123456789\n");
	await writeFile(
		source,
		(function* () {
			for (let i = 0; i < mib; i++) yield part;
		})(),
	);
	await stage.compare(
		`upload-${mib}mb`,
		`A file of ${mib} MiB into the computer`,
		{
			...(docker && { "docker cp": () => cli("docker", "cp", source, `${docker.id}:/root/big`) }),
			...(await stage.ours((computer) => computer.files.upload(source, "big"))),
		},
		{ rounds, warm: mib < 100 },
	);
	await stage.compare(
		`download-${mib}mb`,
		`A file of ${mib} MiB out of the computer`,
		{
			...(docker && { "docker cp": () => cli("docker", "cp", `${docker.id}:/root/big`, target) }),
			...(await stage.ours(async (computer) => {
				await rm(target, { force: true });
				return timedDownload(computer, "big", target);
			})),
		},
		{ rounds, warm: mib < 100 },
	);
	for (const driver of stage.drivers) await (await stage.computer(driver)).files.remove("big");
	if (docker) await cli("docker", "exec", docker.id, "rm", "-f", "/root/big");
	await Promise.all([source, target].map((file) => rm(file, { force: true })));
}

async function timedDownload(computer, from, to) {
	const start = performance.now();
	await computer.files.download(from, to);
	return performance.now() - start;
}

async function many(stage, docker, scratch, count) {
	const source = join(scratch, "many");
	for (let i = 0; i < count; i++) {
		const folder = join(source, `folder-${i % 100}`);
		if (i < 100) await mkdir(folder, { recursive: true });
		await writeFile(join(folder, `file-${i}`), `content of ${i}\n`.repeat(20));
	}
	let turn = 0;
	const made = [];
	const rounds = stage.rounds(3, 1);
	await stage.compare(
		"upload-many",
		`A folder of ${count.toLocaleString("en-US")} small files into the computer`,
		{
			...(docker && { "docker cp": () => cli("docker", "cp", source, `${docker.id}:/root/many-${turn++}`) }),
			...(await stage.ours(async (computer) => {
				made.push([computer, `many-${turn}`]);
				await computer.files.upload(source, `many-${turn++}`);
			})),
		},
		{ rounds, warm: false, goals: [{ text: "on Docker faster than docker cp", way: ours("docker"), against: "docker cp", times: 1 }] },
	);
	await stage.compare(
		"download-many",
		`A folder of ${count.toLocaleString("en-US")} small files out of the computer`,
		{
			...(docker && { "docker cp": () => cli("docker", "cp", `${docker.id}:/root/many-0`, join(scratch, `out-${turn++}`)) }),
			...(await stage.ours((computer) =>
				computer.files.download(made.find(([one]) => one === computer)[1], join(scratch, `out-${turn++}`)),
			)),
		},
		{ rounds, warm: false, goals: [{ text: "on Docker faster than docker cp", way: ours("docker"), against: "docker cp", times: 1 }] },
	);
	for (const [computer, folder] of made) await computer.files.remove(folder, { recursive: true });
}
