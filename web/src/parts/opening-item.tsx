import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { closeOpening, type Opening } from "../api/emergencies";
import { serverNow } from "../api/server-clock";
import { categoryWord, openingStateWords, timeWords } from "../i18n/emergency";
import { words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { isRunning, isUnjudged } from "../state/emergency-rules";
import { Icon, type IconName } from "./icon";
import { SureButton } from "./sure-button";

interface OpeningItemProps {
  readonly opening: Opening;
  readonly isMine: boolean;
  readonly onJudge: () => void;
  readonly onChanged: () => void;
}

function stateIcon(opening: Opening, runs: boolean): IconName {
  if (runs) return "siren";
  if (opening.state === "justified") return "check";
  return opening.state === "unjustified" ? "cross" : "clock";
}

/** One opening: who, what, why, when, what becomes of it, and what this person may do about it. */
export function OpeningItem({ opening, isMine, onJudge, onChanged }: OpeningItemProps): JSX.Element {
  const t = words.value;
  const runs = isRunning(opening, serverNow());
  const state = runs ? "open" : opening.state;
  return (
    <li class="opening" data-testid="opening" data-opening={opening.id} data-state={opening.state} data-running={runs}>
      <h2>{opening.cameraName}</h2>
      <p class="opening-state" data-testid="opening-state" data-kind={state}>
        <Icon name={stateIcon(opening, runs)} />
        {openingStateWords(t, opening, runs)}
      </p>
      <dl class="opening-facts">
        <Fact name={t.emergencyBy} value={isMine ? t.emergencyYou : opening.by.displayName} />
        <Fact name={t.emergencyCase} value={`${categoryWord(t, opening.category)} · ${opening.incident}`} />
        <Fact name={t.emergencyReason} value={opening.reason} />
        <Fact name={t.emergencyTime} value={timeWords(t, opening, runs, new Date(serverNow()))} />
        {!isUnjudged(opening) && <Fact name={t.emergencyVerdict} value={t.emergencyVerdictBy(opening.review, opening.reviewer)} />}
      </dl>
      <Actions opening={opening} onJudge={onJudge} onChanged={onChanged} />
    </li>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

type ActionsProps = Omit<OpeningItemProps, "isMine">;

function Actions({ opening, onJudge, onChanged }: ActionsProps): JSX.Element | null {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const t = words.value;
  const mayClose = opening.mayClose && isRunning(opening, serverNow());
  if (!mayClose && !opening.mayReview) return null;
  const close = async (): Promise<void> => {
    setBusy(true);
    setError("");
    const answer = await closeOpening(opening.id);
    setBusy(false);
    if (answer.kind === "error") setError(answer.problem.kind === "not-found" ? t.emergencyGone : problemWords(t, answer.problem));
    onChanged();
  };
  return (
    <>
      <p class="form-error" role="alert">
        {error}
      </p>
      <div class="opening-actions">
        {mayClose && <SureButton id="opening-close" text={t.emergencyClose} sure={t.emergencyCloseSure} isBusy={isBusy} onSure={() => void close()} />}
        {opening.mayReview && (
          <button type="button" class={`button ${isUnjudged(opening) && !mayClose ? "primary" : ""}`} data-testid="opening-judge" onClick={onJudge}>
            {isUnjudged(opening) ? t.emergencyJudge : t.emergencyJudgeAgain}
          </button>
        )}
      </div>
    </>
  );
}
