/** Programs of this host in a guest that lacks them: its Node with npm, its Python with pip. The reason why they do not run there, or undefined. */
import { execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { basename, join } from "node:path";
import type { Computer } from "lms-computer";

const here = (file: string, ...args: string[]) =>
	execFileSync(file, args, { encoding: "utf8", cwd: "/", stdio: ["ignore", "pipe", "ignore"] }).trim();

export async function carryNpm(computer: Computer): Promise<string | undefined> {
	if (await runs(computer, "npm --version")) return undefined;
	await computer.files.upload(realpathSync(process.execPath), "/usr/local/bin/node");
	await computer.files.upload(join(here("npm", "root", "-g"), "npm"), "/usr/local/lib/npm");
	return await script(computer, "npm", 'exec /usr/local/bin/node /usr/local/lib/npm/bin/npm-cli.js "$@"');
}

export async function carryPip(computer: Computer): Promise<string | undefined> {
	if (await runs(computer, "python3 -m pip --version")) return undefined;
	let program: string;
	let library: string;
	let pip: string;
	try {
		program = realpathSync("/usr/bin/python3");
		library = here(program, "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))");
		pip = here("python3", "-c", "import pip; print(pip.__path__[0])");
	} catch (error) {
		return `this host has no Python with pip: ${(error as Error).message}`;
	}
	const binaries = [program, ...here(program, "-c", "import _ssl, pyexpat, zlib; print(_ssl.__file__)").split("\n")];
	const libraries = new Map(
		binaries.flatMap((path) => [...here("ldd", path).matchAll(/=> (\/\S+\.so\S*)/g)].map(([, at = ""]) => [basename(at), at])),
	);
	await computer.files.upload(program, "/usr/local/lib/python/program");
	await computer.files.upload(library, library);
	await computer.files.upload(pip, "/usr/local/lib/python/pip");
	// The C library is the guest's own.
	for (const [name, at] of libraries)
		if (!/^(libc|libm|libpthread|libdl)\.so/.test(name)) await computer.files.upload(realpathSync(at), `/usr/local/lib/python/${name}`);
	const home = `PYTHONHOME=/usr PYTHONPATH=/usr/local/lib/python LD_LIBRARY_PATH=/usr/local/lib/python`;
	return (
		(await script(computer, "python3", `${home} exec /usr/local/lib/python/program "$@"`)) ??
		((await runs(computer, "python3 -m pip --version")) ? undefined : "this host's pip does not run in the guest")
	);
}

async function runs(computer: Computer, command: string): Promise<boolean> {
	return (await computer.exec(command, { session: "aside" })).exitCode === 0;
}

async function script(computer: Computer, name: string, text: string): Promise<string | undefined> {
	await computer.files.write(`/usr/local/bin/${name}`, `#!/bin/sh\n${text}\n`);
	const made = await computer.exec(`chmod +x /usr/local/bin/* /usr/local/lib/python/program 2>/dev/null; ${name} --version`, {
		session: "aside",
	});
	return made.exitCode === 0 ? undefined : `this host's ${name} does not run in the guest: ${made.stderr}`;
}
