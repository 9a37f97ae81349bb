export { createNamespaceDriver, type NamespaceOptions } from "./driver.js";
