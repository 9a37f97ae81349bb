/** `lms-computer/adapters`: the same tools and computers in the shapes of other libraries. */
export { anthropicTools } from "./anthropic.js";
export { computeProvider } from "./compute.js";
export { aiTools, type FunctionTool, openaiTools } from "./functions.js";
