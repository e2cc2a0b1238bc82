import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { words } from "../i18n/locale";
import type { LiveSession } from "../state/live";
import { Sheet } from "./sheet";

/** The one thing that can be done about control now: take it, take it over, or let it go. */
export function HolderActions({ live }: { readonly live: LiveSession }): JSX.Element | null {
  const [isAsking, setAsking] = useState(false);
  const control = live.control.value;
  const t = words.value;
  if (control === null || !live.maySteer.value) return null;
  const { holder } = control;
  if (holder === null) {
    if (!control.mayControl) return null;
    return <Action id="take-control" text={t.takeControl} onClick={() => live.take()} />;
  }
  if (holder.you) return <Action id="release" tone="calm" text={t.release} onClick={() => live.letGo()} />;
  if (!control.mayTakeOver) return null;
  return (
    <>
      <Action id="take-over" text={t.takeOver} onClick={() => setAsking(true)} />
      {isAsking && (
        <TakeOver
          name={holder.name}
          onClose={() => setAsking(false)}
          onReason={(reason) => {
            setAsking(false);
            live.takeOver(reason);
          }}
        />
      )}
    </>
  );
}

interface ActionProps {
  readonly id: string;
  readonly text: string;
  readonly tone?: "strong" | "calm";
  readonly onClick: () => void;
}

function Action({ id, text, tone = "strong", onClick }: ActionProps): JSX.Element {
  return (
    <button type="button" class={`button ${tone}`} data-testid={id} onClick={onClick}>
      {text}
    </button>
  );
}

interface TakeOverProps {
  readonly name: string;
  readonly onClose: () => void;
  readonly onReason: (reason: string) => void;
}

const LONGEST_REASON = 200;

function TakeOver({ name, onClose, onReason }: TakeOverProps): JSX.Element {
  const [reason, setReason] = useState("");
  const [isMissing, setMissing] = useState(false);
  const t = words.value;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (reason.trim() === "") setMissing(true);
    else onReason(reason.trim());
  };
  return (
    <Sheet title={t.takeOverFrom(name)} onClose={onClose}>
      <p>{t.takeOverExplain}</p>
      <form onSubmit={submit} noValidate>
        <div class="choices">
          {t.reasons.map((text) => (
            <button key={text} type="button" class="button" aria-pressed={reason === text} onClick={() => setReason(text)}>
              {text}
            </button>
          ))}
        </div>
        <label for="reason">{t.reason}</label>
        <input id="reason" data-testid="take-over-reason" value={reason} maxLength={LONGEST_REASON} autocomplete="off" onInput={(event) => setReason(event.currentTarget.value)} />
        <p class="form-error" role="alert">
          {isMissing && reason.trim() === "" ? t.reasonMissing : ""}
        </p>
        <button type="submit" class="button primary wide" data-testid="take-over-confirm">
          {t.takeOver}
        </button>
      </form>
    </Sheet>
  );
}
