/** Words for what a camera is doing. */

import type { CameraState } from "../api/model";
import type { Messages } from "../i18n/id";

export function stateWord(words: Messages, state: CameraState): string {
  const all: Readonly<Record<CameraState, string>> = {
    live: words.stateLive,
    offline: words.stateOffline,
    connecting: words.stateConnecting,
    unknown: words.stateUnknown,
  };
  return all[state];
}
