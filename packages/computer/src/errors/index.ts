export { ERROR_CODES, type ErrorCode } from "./codes.js";
export { ComputerError, type ErrorDetails, isComputerError } from "./computer-error.js";
