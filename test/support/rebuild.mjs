// A process of its own that makes a computer anew with its files, to be killed in the middle of it.
import { findComputer } from "lms-computer";

const [options, settings] = process.argv.slice(2);
const computer = await findComputer(JSON.parse(options));
await computer.start();
process.stdout.write("begins\n");
await computer.rebuild(JSON.parse(settings));
await computer.close();
