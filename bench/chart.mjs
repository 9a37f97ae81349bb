/** Bars as SVG, for both a light and a dark page. */

const ROW = 26;
const LEFT = 300;
const WIDTH = 860;
const RIGHT = 90;

/**
 * @param {{ title: string, unit: string, bars: { name: string, value: number, own: boolean }[] }} chart on a logarithmic scale: what is compared often lies
 * two powers of ten apart
 */
export function barChart({ title, unit, bars }) {
	const shown = bars.filter(({ value }) => value > 0);
	const low = 10 ** Math.floor(Math.log10(Math.min(...shown.map(({ value }) => value))) - 0.2);
	const high = Math.max(...shown.map(({ value }) => value));
	const length = (value) => Math.max(2, (Math.log(value / low) / Math.log(high / low)) * (WIDTH - LEFT - RIGHT));
	const height = 48 + shown.length * ROW + 12;
	const rows = shown.map(({ name, value, own }, index) => {
		const y = 48 + index * ROW;
		return `<text class="name" x="${LEFT - 10}" y="${y + 16}">${escaped(name)}</text>
<rect class="${own ? "own" : "other"}" x="${LEFT}" y="${y + 3}" width="${length(value).toFixed(1)}" height="${ROW - 8}" rx="2"/>
<text class="value" x="${(LEFT + length(value) + 6).toFixed(1)}" y="${y + 16}">${value.toPrecision(3)} ${unit}</text>`;
	});
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f } .name { text-anchor: end } .title { font-weight: 600; font-size: 15px }
.own { fill: #1a7f5a } .other { fill: #9aa4af }
@media (prefers-color-scheme: dark) { text { fill: #d0d7de } .own { fill: #3fb68b } .other { fill: #59636e } }
</style>
<text class="title" x="10" y="24">${escaped(title)}</text>
${rows.join("\n")}
</svg>
`;
}

function escaped(text) {
	return text.replace(/[&<>"]/g, (letter) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[letter]);
}
