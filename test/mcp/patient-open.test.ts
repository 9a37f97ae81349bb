import { type Computer, ComputerError, type Progress } from "lms-computer";
import { expect, test } from "vitest";
import { PatientOpen } from "../../packages/computer/src/mcp/patient-open.js";

interface Opening {
	readonly signal: AbortSignal | undefined;
	progress(progress: Progress): void;
	ready(): void;
	fail(error: Error): void;
}

/** A computer that is made when the test says so. */
function byHand(patience: { readyMs: number; answerMs: number }) {
	const openings: Opening[] = [];
	let closed = 0;
	const computer = { close: async () => void closed++ } as unknown as Computer;
	const patient = new PatientOpen(
		({ onProgress, signal }) =>
			new Promise((resolve, reject) => {
				signal?.addEventListener("abort", () => reject(new ComputerError("canceled", "given up")));
				openings.push({ signal, progress: (progress) => onProgress?.(progress), ready: () => resolve(computer), fail: reject });
			}),
		patience,
	);
	return { patient, openings, computer, closed: () => closed };
}

test("a computer that is soon ready is handed out, and the next one is opened anew", async () => {
	const { computer, openings, patient } = byHand({ readyMs: 60_000, answerMs: 60_000 });
	const heard: string[] = [];
	const first = patient.open({ onProgress: ({ message }) => heard.push(message) });
	openings[0]?.progress({ phase: "start", message: "starting" });
	openings[0]?.ready();
	expect(await first).toBe(computer);
	expect(heard).toEqual(["starting"]);
	void patient.open();
	expect(openings).toHaveLength(2);
	openings[1]?.ready();
});

test("who was told that it takes too long finds it when he calls again", async () => {
	const { computer, openings, patient } = byHand({ readyMs: 60_000, answerMs: 20 });
	const first = patient.open();
	openings[0]?.progress({ phase: "pull", message: "pulling big:1", fraction: 0.409 });
	await expect(first).rejects.toMatchObject({
		code: "busy",
		message: "the computer is still being made: pulling big:1 40%",
		retryable: true,
	});
	openings[0]?.ready();
	expect(await patient.open()).toBe(computer);
	expect(openings).toHaveLength(1);
});

test("a call is not begun when there is little time left for it", async () => {
	const { computer, openings, patient } = byHand({ readyMs: -1, answerMs: 60_000 });
	const first = patient.open();
	openings[0]?.ready();
	await expect(first).rejects.toMatchObject({ code: "busy", message: "the computer is ready only now" });
	await expect(patient.open()).rejects.toMatchObject({ code: "busy" });
	expect(openings).toHaveLength(1);
	expect(computer).toBeDefined();
});

test("a failure is told, and tried anew", async () => {
	const { openings, patient } = byHand({ readyMs: 60_000, answerMs: 60_000 });
	const first = patient.open();
	openings[0]?.fail(new ComputerError("image_not_found", "no such image"));
	await expect(first).rejects.toMatchObject({ code: "image_not_found" });
	void patient.open().catch(() => {});
	expect(openings).toHaveLength(2);
	await patient.close();
});

test("closing gives up what is being made, and lets go of what nobody came for", async () => {
	const making = byHand({ readyMs: 60_000, answerMs: 60_000 });
	const call = expect(making.patient.open()).rejects.toMatchObject({ code: "canceled" });
	await making.patient.close();
	await call;
	const made = byHand({ readyMs: 60_000, answerMs: 20 });
	await expect(made.patient.open()).rejects.toMatchObject({ code: "busy" });
	made.openings[0]?.ready();
	await made.patient.close();
	expect(made.closed()).toBe(1);
});
