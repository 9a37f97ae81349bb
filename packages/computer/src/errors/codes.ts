/** Every code a ComputerError can carry. Closed: adding one is a change of the public surface. */
export const ERROR_CODES = [
	"invalid_argument", // what the caller passed cannot be right
	"not_found", // a file, command, session or computer that is not there
	"already_exists",
	"not_a_file", // a regular file was needed
	"not_a_directory",
	"permission_denied",
	"too_large", // past a bound, stated in the message
	"disk_full",
	"limit_reached", // too many of something: queued commands, sessions
	"busy", // it is in use by something else
	"timeout", // the system did not answer in time (a command's own timeout is a result, not an error)
	"canceled", // the caller's signal was aborted
	"not_supported", // this driver, engine or agent cannot do it
	"driver_unavailable", // no usable driver, or the chosen one is not usable
	"engine_failed", // the engine refused or broke
	"image_not_found", // neither here nor to be pulled
	"machine_failed", // it would not start, or its agent did not come up
	"machine_gone", // removed, stopped or killed behind our back
	"connection_lost", // the stream to the agent broke while in use
	"protocol_error", // the guest answered with something that no agent of ours sends
	"internal", // a defect of ours
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];
