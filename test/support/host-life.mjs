// A process of its own that lives through everything a host does with a computer, again and again, until it is killed. It tells of each step.
import { openComputer } from "lms-computer";

const [options, folder] = process.argv.slice(2);
const say = (step) => process.stdout.write(`${JSON.stringify(step)}\n`);

say("begins");
for (let round = 1; ; round++) {
	const computer = await openComputer(JSON.parse(options));
	say({ opened: round });
	await computer.exec(`echo ${round} >round`);
	await computer.files.write("/root/large", Buffer.alloc(2_000_000, `${round % 10}`));
	say({ written: round });
	await computer.files.upload(folder, "/root/folder");
	say({ uploaded: round });
	const { id } = await computer.checkpoint(`round ${round}`, { maxCount: 2 });
	say({ checkpoint: id });
	await computer.rollback(id);
	say({ "rolled back": id });
	if (round % 2 === 0) await computer.remove();
	else await computer.close();
}
