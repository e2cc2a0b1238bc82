/** Whether this person hears cameras: off until they say so, and off again with the next visit. It costs data. */

import { signal } from "@preact/signals";

export const wantsSound = signal(false);
