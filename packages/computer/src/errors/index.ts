export { ERROR_CODES, type ErrorCode } from "./codes.js";
export { ComputerError, isComputerError } from "./computer-error.js";
export { codeOfSystem } from "./system.js";
