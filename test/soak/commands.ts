import { type ExecAnswer, exec, killedAsAnother, type Operations, pick, show, whole } from "./step.js";

export const COMMANDS: Operations = {
	exec: [
		16,
		async (step) => {
			const { token } = step;
			const exitCode = whole(step, 5);
			const session = pick(step, [`lane-${step.lane}`, "shared", "shared"]);
			const lines = Array.from({ length: whole(step, 8) }, (_, i) => `${token}-${i}\n`).join("");
			const text = `i=0; while [ $i -lt ${lines.split("\n").length - 1} ]; do echo ${token}-$i; i=$((i+1)); done; echo ${token} >&2; (exit ${exitCode})`;
			await exec(step, text, { stdout: lines, stderr: `${token}\n`, exitCode }, { session });
		},
	],
	large: [
		2,
		async (step) => {
			const lines = 1000 + whole(step, 9000);
			await exec(step, `yes ${step.token} | head -n ${lines}`, { stdout: `${step.token}\n`.repeat(lines) }, { session: "shared" });
		},
	],
	/** What is left in the background prints when its command has ended, however long that took: into that one's log, and into nobody's result. */
	late: [
		3,
		async (step) => {
			const { token } = step;
			const session = pick(step, [`lane-${step.lane}`, "shared"]);
			const tenths = 1 + whole(step, 3);
			const over = `/tmp/over-${token}`;
			const wait = `i=0; while [ ! -e ${over} ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i+1)); done`;
			const text = `(${wait}; echo late-${token}; echo late-${token} >&2) & echo ${token}`;
			await exec(step, text, { stdout: `${token}\n` }, { session });
			await exec(step, `: >${over}; sleep 0.${tenths}`, {}, { session });
		},
	],
	input: [
		3,
		async (step) => {
			const text = `${step.token}\n`.repeat(1 + whole(step, 2000));
			await exec(step, "cat", { stdout: text }, { session: `lane-${step.lane}`, stdin: text });
		},
	],
	timeout: [
		2,
		async (step) => {
			const text = `echo ${step.token}; sleep 100`;
			const wanted = { stdout: `${step.token}\n`, exitCode: 124, timedOut: true, reason: "timeout" };
			await exec(step, text, wanted, { session: `lane-${step.lane}`, timeoutMs: 1000 + whole(step, 300) });
		},
	],
	exit: [
		2,
		async (step) => {
			const exitCode = whole(step, 5);
			await exec(step, `exit ${exitCode}`, { exitCode, shell: "exited" }, { session: `lane-${step.lane}` });
		},
	],
	export: [
		4,
		async (step) => {
			const { generation, name } = step.computer;
			step.exported.delete(name);
			const got = await exec(step, `export SOAK=${step.token}`, {}, { session: `lane-${step.lane}` });
			if (got !== undefined) step.exported.set(name, { value: step.token, generation });
		},
	],
	exported: [
		4,
		async (step) => {
			const was = step.exported.get(step.computer.name);
			const outcome = await step.attempt<ExecAnswer>("exec", { text: "echo $SOAK", options: { session: `lane-${step.lane}` } });
			if (!outcome.ok || was === undefined || was.generation !== step.computer.generation || !step.undisturbed()) return;
			const { stdout } = outcome.value;
			if (stdout !== `${was.value}\n`) throw step.violation(`the session's variable: expected ${was.value}, got ${show(outcome.value)}`);
		},
	],
	job: [
		4,
		async (step) => {
			const { computer, lane, token } = step;
			const { generation } = computer;
			const [seconds, exitCode] = [whole(step, 3), whole(step, 5)];
			const text = `echo ${token}; sleep ${seconds}.2; echo ${token}-end; exit ${exitCode}`;
			const outcome = await step.attempt<string>("start", { text, options: { session: `lane-${lane}` } });
			if (!outcome.ok || computer.generation !== generation) return;
			computer.jobs.push({ id: outcome.value, lane, generation, stdout: `${token}\n${token}-end\n`, exitCode });
		},
	],
	jobEnd: [
		4,
		async (step) => {
			const { computer } = step;
			const kill = step.random() < 0.3;
			const job = computer.jobs.find(({ lane }) => lane === step.lane);
			if (job === undefined) return;
			computer.jobs = computer.jobs.filter((one) => one !== job);
			const same = () => job.generation === computer.generation && step.undisturbed();
			const expected = same() ? [] : ["not_found"];
			type State = ExecAnswer & { readonly running: boolean };
			if (kill) computer.killed.add(job.id);
			const outcome = await step.attempt<State>(kill ? "kill" : "wait", { id: job.id }, expected);
			if (!outcome.ok || kill || !same()) return;
			const { running, exitCode, stdout } = outcome.value;
			if (killedAsAnother(computer, outcome.value)) return;
			if (running || exitCode !== job.exitCode || stdout !== job.stdout)
				throw step.violation(`job: expected ${show(job)}, got ${show(outcome.value)}`);
		},
	],
};
