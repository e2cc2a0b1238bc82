import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { judgeOpening, type Opening } from "../api/emergencies";
import { noticeWords } from "../i18n/emergency";
import { words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { LONGEST_REASON } from "../state/emergency-draft";
import { isUnjudged } from "../state/emergency-rules";
import { Sheet } from "./sheet";

interface JudgeSheetProps {
  readonly opening: Opening;
  readonly onDone: (judged: Opening) => void;
  readonly onClose: () => void;
}

interface Judging {
  /** Null until yes or no was chosen. */
  readonly verdict: boolean | null;
  readonly text: string;
  readonly isBusy: boolean;
  readonly error: string;
  readonly change: (verdict: boolean | null, text: string) => void;
  readonly submit: (event: Event) => Promise<void>;
}

function useJudging(opening: Opening, onDone: (judged: Opening) => void): Judging {
  const [verdict, setVerdict] = useState<boolean | null>(isUnjudged(opening) ? null : opening.state === "justified");
  const [text, setText] = useState(opening.review);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const change = (isJustified: boolean | null, explanation: string): void => {
    setVerdict(isJustified);
    setText(explanation);
    setError("");
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const [t, given] = [words.value, text.trim()];
    if (isBusy) return;
    if (verdict === null || given === "") {
      setError(verdict === null ? t.emergencyNeedsVerdict : t.emergencyNeedsWords);
      return;
    }
    setBusy(true);
    setError("");
    const answer = await judgeOpening(opening.id, verdict, given);
    setBusy(false);
    if (answer.kind === "success") onDone(answer.value);
    if (answer.kind === "error") setError(answer.problem.kind === "not-found" ? t.emergencyGone : problemWords(t, answer.problem));
  };
  return { verdict, text, isBusy, error, change, submit };
}

/** Justified or not, and why; a judgement that there is already is written anew. */
export function JudgeSheet({ opening, onDone, onClose }: JudgeSheetProps): JSX.Element {
  const { verdict, text, isBusy, error, change, submit } = useJudging(opening, onDone);
  const t = words.value;
  const choices = [
    [true, "judge-yes", t.emergencyYes],
    [false, "judge-no", t.emergencyNo],
  ] as const;
  return (
    <Sheet title={t.emergencyJudgeTitle} onClose={onClose}>
      <p>{noticeWords(t, opening)}</p>
      <p class="quiet">{opening.reason}</p>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <div class="choices halves" role="group" aria-label={t.emergencyJudgeTitle}>
          {choices.map(([value, id, label]) => (
            <button key={id} type="button" class="button" data-testid={id} aria-pressed={verdict === value} onClick={() => change(value, text)}>
              {label}
            </button>
          ))}
        </div>
        <label for="judge-words">{t.emergencyVerdict}</label>
        <input id="judge-words" data-testid="judge-words" value={text} maxLength={LONGEST_REASON} autocomplete="off" aria-describedby="judge-hint" onInput={(event) => change(verdict, event.currentTarget.value)} />
        <p id="judge-hint" class="quiet">
          {t.emergencyVerdictHint}
        </p>
        <p class="form-error" role="alert" data-testid="judge-error">
          {error}
        </p>
        <button type="submit" class="button primary wide" data-testid="judge-confirm" aria-disabled={isBusy}>
          {isBusy ? t.saving : t.emergencySaveVerdict}
        </button>
      </form>
    </Sheet>
  );
}
