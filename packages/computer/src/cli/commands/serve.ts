import { configuration } from "../../config.js";
import { DEFAULTS, SERVING } from "../../limits.js";
import type { Context } from "../commands.js";
import { deskOptions } from "../desk-options.js";
import { notice, print, printJson } from "../output.js";

const PATH = "/mcp";

export async function run(context: Context): Promise<number> {
	const { flags, interruption } = context;
	const options = await deskOptions(context);
	const [{ serveHttp }, { LOCAL_HOSTS }, { tokenFor }, { mcpOverHttp }] = await Promise.all([
		import("../../http/server.js"),
		import("../../http/guard.js"),
		import("../../http/token.js"),
		import("../../mcp/http.js"),
	]);
	const { token, where } = await tokenFor(flags.tokenFile, (await configuration(flags.name ?? DEFAULTS.name)).file);
	const onError = (error: unknown) => void (flags.quiet || notice(error instanceof Error ? error.message : String(error)));
	// A client's wrong request is the client's: it has its answer.
	const endpoint = mcpOverHttp(options, (error) => void (process.env["LMS_COMPUTER_DEBUG"] && notice(String(error))));
	const server = await serveHttp({
		address: flags.listen ?? SERVING.address,
		port: flags.port ?? SERVING.port,
		token,
		hosts: [...LOCAL_HOSTS, ...(flags.allowHost ?? [])],
		routes: { [PATH]: endpoint.handle },
		onError,
	});
	try {
		const url = server.origin + PATH;
		if (flags.json) await printJson({ url, token: where });
		else await print(url);
		if (!flags.json && !flags.quiet) await notice(`every request needs the header Authorization: Bearer TOKEN; the token is in ${where}`);
		if (!flags.quiet && !/^(127\.|::1$)/.test(flags.listen ?? SERVING.address)) {
			await notice("other machines can reach this, and what goes over the network can be read there: it has no TLS");
		}
		const { signal } = interruption;
		if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
	} finally {
		await server.close();
		await endpoint.close();
	}
	return interruption.status;
}
