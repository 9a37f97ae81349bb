import type { ErrorCode } from "./codes.js";

const KNOWN: Readonly<Record<string, ErrorCode>> = {
	ENOENT: "not_found",
	EEXIST: "already_exists",
	ENOTEMPTY: "already_exists",
	EACCES: "permission_denied",
	EPERM: "permission_denied",
	EROFS: "permission_denied",
	ENOTDIR: "not_a_directory",
	EISDIR: "not_a_file",
	ENOSPC: "disk_full",
	EDQUOT: "disk_full",
	EMFILE: "limit_reached",
	ENAMETOOLONG: "invalid_argument",
	EBUSY: "busy",
};

/** Of what this host's file system has refused; undefined for anything else. */
export function codeOfSystem(error: unknown): ErrorCode | undefined {
	const { code, syscall } = error as NodeJS.ErrnoException;
	return error instanceof Error && syscall !== undefined ? KNOWN[code ?? ""] : undefined;
}
