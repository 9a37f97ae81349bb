// A process of its own that opens a computer, runs one command and closes. It tells of its steps in lines of JSON.
import { openComputer } from "lms-computer";

const [options, command, execOptions] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const computer = await openComputer(JSON.parse(options));
say({ machine: (await computer.inspect()).id });
const result = await computer.exec(command, { ...JSON.parse(execOptions), onOutput: (chunk) => say({ output: chunk.text }) });
say({ result });
await computer.close();
