/** Results as text: one table for each figure, and what was aimed at. */

/** @param result one of a report's */
export function resultText(result) {
	const lines = [`\n### ${result.title}\n`];
	if (result.ways !== undefined) lines.push(...waysTable(result.ways));
	if (result.values !== undefined) lines.push(...valuesTable(result.values));
	for (const { text, got, met } of result.goals) lines.push(`\n${met ? "Reached" : "Missed"}: ${text}; measured ${number(got)}.`);
	if (result.note !== undefined) lines.push(`\n${result.note}`);
	return lines.join("\n");
}

function waysTable(ways) {
	const all = Object.entries(ways);
	const yardstick = all[0][1].medianMs;
	const many = all.some(([, { failed, p99Ms, calls }]) => failed > 0 || (calls >= 50 && p99Ms !== null));
	const lines = [
		`| way | median ms | p95 ms |${many ? " p99 ms |" : ""} times as fast as the first |`,
		`| --- | ---: | ---: |${many ? " ---: |" : ""} ---: |`,
	];
	for (const [name, { medianMs, p95Ms, p99Ms, failed, calls }] of all) {
		const word = failed > 0 ? `${name} (${failed} of ${calls + failed} failed)` : name;
		const times = medianMs === null ? "" : number(yardstick / medianMs);
		lines.push(`| ${word} | ${number(medianMs)} | ${number(p95Ms)} |${many ? ` ${number(p99Ms)} |` : ""} ${times} |`);
	}
	return lines;
}

function valuesTable(values) {
	const lines = ["| what | measured |", "| --- | ---: |"];
	for (const [name, { value, unit }] of Object.entries(values)) lines.push(`| ${name} | ${number(value)} ${unit} |`);
	return lines;
}

export function number(value) {
	if (value === null || value === undefined) return "";
	if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
	return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}
