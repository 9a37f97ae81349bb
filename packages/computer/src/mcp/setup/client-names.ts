export const CLIENT_NAMES = ["lmstudio", "claude", "cursor", "vscode", "zed", "codex"] as const;
export type ClientName = (typeof CLIENT_NAMES)[number];
