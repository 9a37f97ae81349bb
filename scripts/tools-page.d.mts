import type { Profile, ToolDefinition } from "lms-computer/tools";

export function toolsPage(table: {
	TOOLS: readonly ToolDefinition[];
	PROFILES: readonly Profile[];
	toolsOf(profile: Profile): readonly ToolDefinition[];
}): string;
