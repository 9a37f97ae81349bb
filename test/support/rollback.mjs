// A process of its own that rolls a computer back, to be killed in the middle of it.
import { findComputer } from "lms-computer";

const [options, id] = process.argv.slice(2);
const computer = await findComputer(JSON.parse(options));
await computer.start();
process.stdout.write("begins\n");
await computer.rollback(id);
await computer.close();
