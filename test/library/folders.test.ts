import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { danger, resolveFolders } from "../../packages/computer/src/options/folder-safety.js";
import { readFolder } from "../../packages/computer/src/options/folders.js";
import { readPorts } from "../../packages/computer/src/options/ports.js";

const directory = realpathSync(mkdtempSync(join(tmpdir(), "lms-folders-")));
afterAll(() => rmSync(directory, { recursive: true }));

test.each([
	["/srv/x", { hostPath: "/srv/x", guestPath: "/mnt/shared", readOnly: false, dangerous: false }],
	["/srv/x:ro", { hostPath: "/srv/x", guestPath: "/mnt/shared", readOnly: true, dangerous: false }],
	["./x:/data:ro,dangerous", { hostPath: "./x", guestPath: "/data", readOnly: true, dangerous: true }],
	["C:\\Users\\me\\x:/data/:rw", { hostPath: "C:\\Users\\me\\x", guestPath: "/data", readOnly: false, dangerous: false }],
	["C:/x", { hostPath: "C:/x", guestPath: "/mnt/shared", readOnly: false, dangerous: false }],
	["/a:/b/./c", { hostPath: "/a", guestPath: "/b/c", readOnly: false, dangerous: false }],
])("%s", (text, folder) => expect(readFolder("folders", text)).toEqual(folder));

test.each([
	["8080:80", [["127.0.0.1", 8080, 80, "tcp"]]],
	["0.0.0.0:53:5353/udp", [["0.0.0.0", 53, 5353, "udp"]]],
	[
		"[::1]:1-2:3-4",
		[
			["::1", 1, 3, "tcp"],
			["::1", 2, 4, "tcp"],
		],
	],
	[
		"8080:80,3000:3000",
		[
			["127.0.0.1", 8080, 80, "tcp"],
			["127.0.0.1", 3000, 3000, "tcp"],
		],
	],
])("%s", (text, ports) =>
	expect(
		readPorts("ports", text).map(({ hostAddress, hostPort, guestPort, protocol }) => [hostAddress, hostPort, guestPort, protocol]),
	).toEqual(ports),
);

test.each([
	["/", "linux", /whole file system/],
	["/home", "linux", /home folder/],
	["/home/me", "linux", /home folder/],
	["/home/me/.ssh", "linux", /keys/],
	["/home/me/.config/x", "linux", /keys/],
	["/etc", "linux", /system's/],
	["/etc/ssl", "linux", /system's/],
	["/var/run/x", "linux", /system's/],
	["/usr/local/bin", "linux", /system's/],
	["/lib/systemd/system", "linux", /system's/],
	["/var/lib", "linux", /system's/],
	["/var/spool", "linux", /system's/],
	["/data/me", "linux", /home folder/],
	["/data/me/.ssh", "linux", /keys/],
	["/home/me/.local", "linux", /keys/],
	["/home/me/.local/share/keyrings", "linux", /keys/],
	["/home/me/bin", "linux", /run on this host/],
	["/home/me/.local/bin/tool", "linux", /run on this host/],
	["/home/me/.local/share/applications", "linux", /run on this host/],
	["/home/me/.config/autostart", "linux", /keys/],
	["/home/me/.cargo", "linux", /run on this host/],
	["/home/me/go", "linux", /run on this host/],
	["/root/bin", "linux", /run on this host/],
	["/home/other/.vscode", "linux", /run on this host/],
	["/srv/tools/bin", "linux", /run on this host/],
	["/srv/tools/bin/sub", "linux", /run on this host/],
	["/srv/tools", "linux", undefined],
	["/home/me/project/bin", "linux", undefined],
	["/home/me/.lmstudio/working-directories/1", "linux", undefined],
	["/Users/me/Library/LaunchAgents", "darwin", /run on this host/],
	["c:\\users\\me\\appdata\\roaming\\microsoft\\windows\\start menu\\programs\\startup", "win32", /run on this host/],
	["C:\\Users\\me\\AppData\\Local\\Temp\\x", "win32", undefined],
	["/home/other", "linux", /home folder/],
	["/home/other/.ssh", "linux", /keys/],
	["/var/home/other", "linux", /home folder/],
	["/srv/state", "linux", /every computer/],
	["/srv/state/lms-computer/egress", "linux", /every computer/],
	["/USERS/Me/.SSH", "darwin", /keys/],
	["/users/me", "darwin", /home folder/],
	["/Users/me/Library", "darwin", /keys/],
	["/library/LaunchDaemons", "darwin", /system's/],
	["/private/etc/ssh", "darwin", /system's/],
	["/private/var/folders/x", "darwin", undefined],
	["/Users/me/project", "darwin", undefined],
	["/home/me/project", "linux", undefined],
	["/home/me/..project", "linux", undefined],
	["/data/me/project", "linux", undefined],
	["/root/project", "linux", undefined],
	["/usr/share/doc", "linux", undefined],
	["/library/books", "linux", undefined],
	["/srv/data", "linux", undefined],
	["/tmp/x", "linux", undefined],
	["C:\\", "win32", /whole file system/],
	["C:\\Windows\\System32", "win32", /system's/],
	["C:\\Users", "win32", /home folder/],
	["c:\\users\\ME\\.SSH", "win32", /keys/],
	["D:\\work", "win32", undefined],
] as const)("%s on %s", (path, platform, reason) => {
	const homes = { linux: ["/home/me", "/data/me"], darwin: ["/Users/me"], win32: ["C:\\Users\\me"] };
	const found = danger(path, { homes: homes[platform], own: ["/srv/state/lms-computer"], path: ["/srv/tools/bin"], platform });
	if (reason === undefined) expect(found).toBeUndefined();
	else expect(found).toMatch(reason);
});

test("a folder is what it really is: a symlink does not hide where it leads", async () => {
	mkdirSync(join(directory, "good"));
	writeFileSync(join(directory, "file"), "");
	symlinkSync("good", join(directory, "link"));
	symlinkSync("/etc", join(directory, "bad"));
	const folder = (name: string, words = "") => [readFolder("folders", join(directory, name) + words)];
	expect(await resolveFolders(folder("link", ":ro"))).toEqual([
		{ hostPath: join(directory, "good"), guestPath: "/mnt/shared", readOnly: true },
	]);
	await expect(resolveFolders(folder("bad"))).rejects.toMatchObject({
		code: "permission_denied",
		hint: expect.stringContaining("dangerous"),
	});
	expect(await resolveFolders(folder("bad", ":dangerous"))).toMatchObject([{ hostPath: "/etc" }]);
	await expect(resolveFolders(folder("file"))).rejects.toMatchObject({
		code: "invalid_argument",
		message: expect.stringContaining("no folder"),
	});
	await expect(resolveFolders(folder("none"))).rejects.toMatchObject({
		code: "invalid_argument",
		message: expect.stringContaining("ENOENT"),
	});
});

test("a folder beside the settings is none of them; the one that they are in is", async () => {
	const before = process.env["LMS_COMPUTER_CONFIG"];
	mkdirSync(join(directory, "project/work"), { recursive: true });
	process.env["LMS_COMPUTER_CONFIG"] = join(directory, "project/lms.json");
	try {
		expect(await resolveFolders([readFolder("folders", join(directory, "project/work"))])).toHaveLength(1);
		await expect(resolveFolders([readFolder("folders", join(directory, "project"))])).rejects.toMatchObject({ code: "permission_denied" });
	} finally {
		if (before === undefined) delete process.env["LMS_COMPUTER_CONFIG"];
		else process.env["LMS_COMPUTER_CONFIG"] = before;
	}
});

test("nor does a folder of the PATH that is named by another way", async () => {
	const before = process.env["PATH"];
	mkdirSync(join(directory, "tools/bin"), { recursive: true });
	symlinkSync("tools", join(directory, "opt"));
	process.env["PATH"] = `${before}:${join(directory, "opt/bin")}:.`;
	try {
		const share = (name: string) => resolveFolders([readFolder("folders", join(directory, name))]);
		await expect(share("tools/bin")).rejects.toMatchObject({ message: expect.stringContaining("run on this host") });
		expect(await share("tools")).toHaveLength(1);
	} finally {
		process.env["PATH"] = before;
	}
});

test("nor does a home or a state directory that is a symlink", async () => {
	const before = { HOME: process.env["HOME"], LMS_COMPUTER_STATE_DIR: process.env["LMS_COMPUTER_STATE_DIR"] };
	mkdirSync(join(directory, "users/me/.ssh"), { recursive: true });
	mkdirSync(join(directory, "kept/state"), { recursive: true });
	symlinkSync("users", join(directory, "home"));
	symlinkSync("kept", join(directory, "var"));
	Object.assign(process.env, { HOME: join(directory, "home/me"), LMS_COMPUTER_STATE_DIR: join(directory, "var/state") });
	try {
		for (const [name, reason] of [
			["users/me", "home folder"],
			["users/me/.ssh", "keys"],
			["kept/state", "every computer"],
		] as const) {
			await expect(resolveFolders([readFolder("folders", join(directory, name))])).rejects.toMatchObject({
				code: "permission_denied",
				message: expect.stringContaining(reason),
			});
		}
	} finally {
		for (const [name, value] of Object.entries(before)) {
			if (value === undefined) delete process.env[name];
			else process.env[name] = value;
		}
	}
});
