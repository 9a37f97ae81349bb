/** All that the plugin needs of `lms-computer`: `npm run plugin` bundles this one file. */
export { type Computer, findComputer, isComputerError, type OpenOptions, openComputer } from "lms-computer";
export { Toolbox, type ToolboxOptions, type ToolResult } from "lms-computer/tools";
