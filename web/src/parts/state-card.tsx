import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { HiddenReason } from "../drivers/control/messages";
import type { WhepState } from "../drivers/whep/states";
import { inFigures, words } from "../i18n/locale";
import { hiddenWords } from "../i18n/control";
import { pictureWords, problemWords } from "../i18n/problems";
import { notSeenWords } from "../i18n/why-not";
import type { LiveSession } from "../state/live";
import { EmergencyCard } from "./emergency-card";
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

interface StateCardProps {
  readonly live: LiveSession;
  /** The person wants to say that there is an emergency. */
  readonly onEmergency: () => void;
}

/** What is going on, in words, whenever there is no living picture. The element stays, for screen readers and tests. */
export function StateCard({ live, onEmergency }: StateCardProps): JSX.Element {
  const state = live.picture.value;
  const hidden = live.hidden.value;
  const isShown = state.name !== "live" || hidden !== null;
  return (
    <div class="state-card" data-testid="live-state" data-state={state.name} data-hidden={hidden} data-shown={isShown}>
      {isShown && <Card live={live} state={state} hidden={hidden} onEmergency={onEmergency} />}
    </div>
  );
}

interface CardProps extends StateCardProps {
  readonly state: WhepState;
  readonly hidden: HiddenReason | null;
}

function Card({ live, state, hidden, onEmergency }: CardProps): JSX.Element {
  const sharing = live.camera.value?.emergency ?? null;
  if (live.isForbidden.value) return sharing === null ? <ForbiddenCard live={live} /> : <EmergencyCard live={live} sharing={sharing} onOpen={onEmergency} />;
  return hidden === null ? <ConnectionCard live={live} state={state} /> : <HiddenCard reason={hidden} />;
}

/** This person may know of the camera and no more; nothing is to be tried again. */
function ForbiddenCard({ live }: { readonly live: LiveSession }): JSX.Element {
  return (
    <>
      <Icon name="off" />
      <p role="status">{notSeenWords(words.value, live.whyNot.reasons.value.live)}</p>
    </>
  );
}

/** The service shows nobody this picture for now; nothing is to be tried again. */
function HiddenCard({ reason }: { readonly reason: HiddenReason }): JSX.Element {
  return (
    <>
      <Icon name="hidden" />
      <p role="status">{hiddenWords(words.value, reason)}</p>
      <p class="quiet">{words.value.hiddenReturns}</p>
    </>
  );
}

function ConnectionCard({ live, state }: { readonly live: LiveSession; readonly state: WhepState }): JSX.Element {
  const left = useCountdown(state);
  const t = words.value;
  const isBad = state.name === "retrying" || state.name === "failed";
  return (
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
  );
}
