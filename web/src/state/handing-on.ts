/** What is shown once and has to leave this page: copied, or given to another app by the phone's own sheet. */

import { words } from "../i18n/locale";
import { notify } from "./notices";

/** Copy the text, and say whether that worked: who believes a link was copied puts it away and has lost it. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notify(words.value.copied);
  } catch {
    notify(words.value.notCopied, "warn");
  }
}

/** Open the phone's own sheet for the link; a browser that cannot says so, and closing the sheet is no fault. */
export async function shareLink(url: string): Promise<void> {
  try {
    await navigator.share({ url });
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "AbortError")) notify(words.value.notShared, "warn");
  }
}
