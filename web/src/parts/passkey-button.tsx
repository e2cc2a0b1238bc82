import type { JSX } from "preact";
import type { PasskeysHere } from "../drivers/passkeys";
import { words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import type { PasskeyEntry } from "../state/session";

interface PasskeyButtonProps {
  readonly here: PasskeysHere;
  readonly isBusy: boolean;
  readonly onPress: () => void;
}

/** The first way in; where passkeys do not work it says why instead. */
export function PasskeyButton({ here, isBusy, onPress }: PasskeyButtonProps): JSX.Element {
  const t = words.value;
  if (here !== "yes") {
    const why = { "needs-name": t.passkeyNeedsName, "needs-https": t.passkeyNeedsHttps, none: t.passkeyNone }[here];
    return (
      <p class="hint" data-testid="passkeys-why-not">
        {why}
      </p>
    );
  }
  return (
    <div class="first-way">
      <button type="button" class="button primary wide" data-testid="signin-passkey" aria-disabled={isBusy} onClick={onPress}>
        {isBusy ? t.passkeyWaiting : t.passkeySignIn}
      </button>
      <p class="quiet">{t.or}</p>
    </div>
  );
}

/** What came of asking for a passkey; empty when there is nothing to say. */
export function passkeyWords(entry: PasskeyEntry): string {
  const t = words.value;
  switch (entry.kind) {
    case "refused":
      return problemWords(t, entry.problem);
    case "cancelled":
      return t.passkeyCancelled;
    case "failed":
      return t.passkeyFailed;
    case "in":
    case "aborted":
      return "";
  }
}
