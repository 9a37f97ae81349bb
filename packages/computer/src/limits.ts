/** Every default and every bound, once. Bytes, ms and counts, as the names say. */

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/** What a computer is when nothing else is asked for. */
export const DEFAULTS = {
	name: "default",
	image: "ubuntu:24.04",
	hostname: "lms-computer",
	cpus: 2,
	memoryBytes: 1024 * MiB,
	diskBytes: 4096 * MiB,
	pids: 512,
	network: "none",
	/** Where a shared folder is in the guest. */
	sharedFolder: "/mnt/shared",
	/** Where a published port listens on the host. */
	hostAddress: "127.0.0.1",
	preset: "minimal",
	user: "root",
	persistence: "persistent",
	idleStopMs: 0,
	session: "main",
	/** A command's own time limit. */
	timeoutMs: 30_000,
	/** Per stream, of the collected output of one command. */
	maxOutputBytes: 1 * MiB,
	/** Matching lines of a search. */
	searchResults: 1000,
} as const;

/** When machines end by themselves, and how many there may be. */
export const LIFE = {
	/** An ephemeral machine without a holder; time enough to connect again. */
	unheldMs: 5_000,
	/** An ephemeral machine that no holder has come to: whoever made it died between the two. */
	unclaimedMs: 30_000,
	/** What is unfinished for so long belongs to a process that was killed. */
	abandonedMs: 10 * 60_000,
	/** What nobody waits for: the call that comes next shall have its answer first. */
	laterMs: 250,
	/** Computers of one owner, of all drivers; see `maxComputers`. */
	maxComputers: 100,
} as const;

/** Spare computers of one process; see pool.ts. */
export const POOL = {
	maxSize: 100,
	/** Made at once. */
	atOnce: 2,
	/** From a request to the making of what it has taken. */
	restMs: 250,
	/** Spares go when nobody has asked for one for so long. */
	unusedMs: 10 * 60_000,
} as const;

/** The name of a machine that waits in a pool. */
export const SPARE_PATTERN = /^pool-[0-9a-f]{12}$/;

/** That of one for the time of a comparison; see checkpoints.ts. */
export const COMPARED_PATTERN = /^diff-[0-9a-f]{12}$/;

/** Past these the oldest checkpoints of a computer go when one is made. */
export const CHECKPOINTS = {
	maxCount: 10,
	maxBytes: 16 * GiB,
} as const;

/** The record of what was run, one file for each computer. */
export const JOURNAL = {
	/** Twice as much is kept: the one before it, too. */
	maxBytes: 4 * MiB,
	/** How much one process writes before it looks whether another has put the file aside. */
	lookAgainBytes: 256 * KiB,
	/** Of one command. */
	textLength: 4096,
	/** In one answer. */
	maxRecords: 100_000,
} as const;

/** What the guest's home is, on every machine. */
export const GUEST_HOME = "/home/user";

/** Where the agent is in every machine. */
export const GUEST_AGENT = "/.lms/agent";

/** Where it listens, in a machine of an engine. */
export const GUEST_SOCKET = "/run/lms/agent.sock";

export const BOUNDS = {
	timeoutMs: { min: 1, max: 3_600_000 },
	cpus: { min: 0.01, max: 1024 },
	/** Less does not boot an agent and a shell. */
	memoryBytes: { min: 16 * MiB },
	diskBytes: { min: 16 * MiB },
	pids: { min: 16 },
	/** A day less than what a 32-bit timer takes. */
	idleStopMs: { min: 1000, max: 23 * 24 * 60 * 60 * 1000 },
	ports: 1000,
	folders: 32,
	dns: 8,
	packages: 200,
	/** Of an allow-list, presets taken apart. */
	rules: 1000,
	ruleLength: 300,
	secrets: 100,
	secretLength: 8192,
	/** Connections from one computer through one host process. */
	egressConnections: 256,
	/** Of the machine's loopback that lead to the host's own. */
	egressPorts: 16,
	scriptBytes: 64 * KiB,
	configBytes: 1 * MiB,
	commandBytes: 16 * MiB,
	/** Past 512 MiB no engine of JavaScript makes one string of it. */
	maxOutputBytes: { min: 2, max: 256 * MiB },
	/** Of what the guest may send in one piece. */
	guestJsonBytes: 16 * MiB,
	guestFrameBytes: 1 * MiB,
	checkpointLabelLength: 200,
	/** Of the list of a machine's files, some 100 for each. */
	treeBytes: 256 * MiB,
	/** Each is an object here, however short what is said of it. */
	treeFiles: 2_500_000,
	/** Of an edit, as JSON. */
	editBytes: 16 * MiB,
	/** Of lines of a file, in one answer. */
	linesBytes: 16 * MiB,
	/** An event of the agent: the 4 KiB of a command, escaped. */
	eventBytes: 64 * KiB,
	/** What a slow reader of events may leave unread. */
	unreadEvents: 10_000,
	/** One line of a search's answer: 500 bytes of text and a path, every byte of both escaped, fit. */
	searchLineBytes: 64 * KiB,
	/** All of it: the agent stops at 64 MiB of matches, and then sums up. */
	searchBytes: 64 * MiB + 64 * KiB,
	searchResults: { min: 1, max: 100_000 },
	searchContext: { min: 0, max: 20 },
	treeEntries: { min: 1, max: 10_000 },
	treeDepth: { min: 1, max: 2048 },
	replacements: { min: 1, max: 100 },
} as const;

/** Of the tools for models. */
export const TOOL_LIMITS = {
	session: "main",
	callsPerTurn: 25,
	/** A command's, until it goes on as a job. */
	timeoutMs: 30_000,
	/** Clients of models give up at about 60 s. */
	maxCallMs: 45_000,
	/** Past it, for a command's own end. */
	callGraceMs: 5_000,
	/** Of output, in one result. */
	maxOutputBytes: 32 * KiB,
	maxOutputTokens: 8_000,
	/** A model's context up to this gets the compact tools, and up to the next the standard ones. */
	compactContextTokens: 10_000,
	standardContextTokens: 20_000,
	/** A command that takes longer is looked at: does it wait for an answer, does it serve? */
	lookAfterMs: 400,
	/** Without output this long, its last line may be a question, and a port that it listens on what it is for. */
	quietMs: 1_000,
	/** For a job that fails at once to be told in the answer that starts it. */
	startMs: 1_000,
	/** For what a job does with a line of input. */
	answerMs: 5_000,
	/** A screen that has not changed for the first is looked at, and after the second in any case. */
	screenQuietMs: 250,
	screenMs: 4_000,
	/** Of a folder, in one list. */
	listEntries: 500,
	/** Levels of a recursive one. */
	listDepth: 4,
	/** Lines, unless the model asks for more. */
	searchResults: 200,
	/** Of a computer: the one to go back to must not go for the one that is made before that. */
	keptCheckpoints: 50,
	/** Of a file, in one call. */
	writeBytes: 5 * MiB,
	/** Of one transfer between host and computer. */
	transferBytes: 1 * GiB,
	transferEntries: 100_000,
} as const;

export const TOOL_BOUNDS = {
	callsPerTurn: { min: 0, max: 1_000 },
	timeoutMs: { min: 100, max: 3_600_000 },
	maxCallMs: { min: 1_000, max: 3_600_000 },
	maxOutputBytes: { min: 1 * KiB, max: 128 * KiB },
	maxOutputTokens: { min: 500, max: 100_000 },
	searchResults: { min: 1, max: 500 },
} as const;

/** Of the MCP and HTTP servers. */
export const SERVING = {
	address: "127.0.0.1",
	port: 7411,
	/** One message of a client. A file that is written by a tool is in it as JSON. */
	requestBytes: 16 * MiB,
	/** Of output in one result, which holds it as text and as structured content: 20 KB in all. */
	outputBytes: 7 * KiB,
	/** A resource in one answer. */
	resourceBytes: 1 * MiB,
	/** Files, and jobs, in the list of resources; values that a completion offers. */
	listed: 100,
	/** Of the older protocol, over HTTP. Past it the one that was idle longest goes. */
	sessions: 64,
	sessionIdleMs: 30 * 60_000,
	/** A client that asked for progress hears something this often. */
	progressMs: 5_000,
	/** Lists of tools and prompts are the same as long as the server runs. */
	listTtlMs: 3_600_000,
	/** A resource is waited for so long when the computer is still being made. */
	openMs: 45_000,
	/** Of commands that are ended because their client has gone. */
	endMs: 5_000,
} as const;

/** How long we wait for others. */
export const DEADLINES = {
	/** One ping of one engine endpoint. */
	probeMs: 2_000,
	/** A program of ours that tries what this kernel lets it do. It always ends; only a busy host makes it slow, and must not look like one without namespaces. */
	tryKernelMs: 15_000,
	/** The agent's socket to be there, before the engine is asked for a way to it. */
	directMs: 1_000,
	/** A started machine's agent to say hello. */
	helloMs: 10_000,
	/** Between two pings of an agent that owes an answer; the second one unanswered ends the connection. */
	heartbeatMs: 10_000,
	/** An agent to answer before somebody looks what its machine is doing. */
	silenceMs: 1_000,
	/** An agent to say who else holds its machine, as a holder leaves. */
	lastWordMs: 1_000,
	/** Without a request for so long, a connection is tried before the next one. */
	staleMs: 2_000,
	/** Past a command's own timeout, for the agent to kill it and send the result. */
	resultMs: 20_000,
	/** An engine to notice that a machine, to whose agent nothing can connect any more, has ended. */
	downMs: 10_000,
	/** An engine to take note of what it has frozen. */
	frozenMs: 1_000,
	/** TERM to KILL when a machine is stopped. */
	stopGraceMs: 2_000,
	/** Copying a computer's files for or from a checkpoint. */
	checkpointMs: 600_000,
	/** A list of images, or an image that is made, which fails because another one goes meanwhile, to be had in peace. */
	imagesMs: 10_000,
	/** For an image without its description to be a killed engine's, and not about to be finished. */
	unfinishedImageMs: 3_000,
	/** For a container that is in Podman's store alone to be that, and not about to be made. */
	unfinishedContainerMs: 3_000,
	/** Installing a preset that was asked for, and one that was not. */
	presetMs: 1_800_000,
	defaultPresetMs: 240_000,
	/** One that nobody asked for is not tried again for so long after it failed. */
	presetRetryMs: 600_000,
	/** Any other single answer of an engine (not a pull). */
	engineMs: 60_000,
} as const;

/** The generation of the guest protocol this host speaks. See docs/protocol.md. */
export const PROTOCOL_GENERATION = 1;

/** A computer's name. */
export const NAME_PATTERN = /^[a-z0-9][a-z0-9_.-]{0,62}$/;

/** A session's or terminal's name. */
export const SESSION_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
