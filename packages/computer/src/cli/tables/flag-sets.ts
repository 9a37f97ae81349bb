/** Flags that several commands take. */
import { SETTING_NAMES, SETTINGS, type Setting } from "../../options/settings.js";

/** For a computer that is there. */
export const FINDING = ["name", "driver", "json"] as const;
/** For one that may have to be made. */
export const MAKING = ["name", ...SETTING_NAMES.filter((name) => !(SETTINGS[name] as Setting<unknown>).ofCalls)] as const;
