// Opens a computer with a pool, says when a spare is there, and waits to be killed.
import { listComputers, openComputer } from "lms-computer";

const options = JSON.parse(process.argv[2]);
const spares = async () => (await listComputers({ driver: options.driver })).filter(({ name }) => name.startsWith("pool-"));
const before = new Set((await spares()).map(({ name }) => name));
await openComputer(options);
while (!(await spares()).some(({ name }) => !before.has(name))) await new Promise((resolve) => setTimeout(resolve, 50));
await new Promise((resolve) => setTimeout(resolve, 1500)); // and connected to
console.log("ready");
// Not to be looked for by somebody who has forgotten it.
setTimeout(() => process.exit(), 60_000);
