import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { WhepState } from "../drivers/whep/states";
import { inFigures, words } from "../i18n/locale";
import { pictureWords, problemWords } from "../i18n/problems";
import type { LiveSession } from "../state/live";
import { Icon } from "./icon";

/** Whole seconds left of a wait that began when `state` came. */
function useCountdown(state: WhepState): number | null {
  const [left, setLeft] = useState<number | null>(null);
  useEffect(() => {
    if (state.name !== "retrying") {
      setLeft(null);
      return undefined;
    }
    const endsAt = performance.now() + state.waitMs;
    const look = (): void => setLeft(Math.max(0, Math.ceil((endsAt - performance.now()) / 1000)));
    look();
    const timer = setInterval(look, 250);
    return () => clearInterval(timer);
  }, [state]);
  return left;
}

function mainWords(live: LiveSession): string {
  const t = words.value;
  const state = live.picture.value;
  const problem = live.problem.value;
  if (problem !== null && live.camera.value === null) return problemWords(t, problem);
  if (state.name === "retrying" || state.name === "failed") return pictureWords(t, state.fault);
  return live.control.value?.camera.state === "offline" ? t.pictureOffline : t.pictureConnecting;
}

/** What is going on, in words, whenever there is no living picture. The element stays, for screen readers and tests. */
export function StateCard({ live }: { readonly live: LiveSession }): JSX.Element {
  const state = live.picture.value;
  const left = useCountdown(state);
  const t = words.value;
  const isShown = state.name !== "live";
  const isBad = state.name === "retrying" || state.name === "failed";
  return (
    <div class="state-card" data-testid="live-state" data-state={state.name} data-shown={isShown}>
      {isShown && (
        <>
          {isBad ? <Icon name={state.name === "failed" ? "off" : "warn"} /> : <span class="spinner" aria-hidden="true" />}
          <p role="status">{mainWords(live)}</p>
          {left !== null && left > 1 && <p class="quiet">{t.pictureRetryIn(inFigures(left))}</p>}
          {isBad && (
            <button type="button" class="button" onClick={() => live.nudge()}>
              {t.tryAgain}
            </button>
          )}
        </>
      )}
    </div>
  );
}
