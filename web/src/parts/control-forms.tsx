import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { inFigures, words } from "../i18n/locale";
import { mayReserve, takeOverKind } from "../state/holding";
import type { LiveSession } from "../state/live";
import { ReasonField } from "./reason-field";
import { Sheet } from "./sheet";

interface FormProps {
  readonly live: LiveSession;
  readonly onClose: () => void;
}

/** A sheet that goes by itself when what it asks no longer makes sense. */
function useCloseUnless(makesSense: boolean, onClose: () => void): void {
  useEffect(() => {
    if (!makesSense) onClose();
  }, [makesSense, onClose]);
}

/** Take the camera from its holder, with a reason; a reservation is broken only after a plain warning. */
export function TakeOverSheet({ live, onClose }: FormProps): JSX.Element | null {
  const [reason, setReason] = useState("");
  const [isMissing, setMissing] = useState(false);
  const control = live.control.value;
  const kind = control === null ? null : takeOverKind(control);
  useCloseUnless(kind !== null, onClose);
  const holder = control?.holder ?? null;
  if (kind === null || holder === null) return null;
  const t = words.value;
  const isBreak = kind === "break";
  const submit = (event: Event): void => {
    event.preventDefault();
    if (reason.trim() === "") setMissing(true);
    else if (live.ask({ type: "take_over", reason: reason.trim() })) onClose();
  };
  return (
    <Sheet title={isBreak ? t.breakTitle(holder.name) : t.takeOverFrom(holder.name)} onClose={onClose}>
      <p class={isBreak ? "warning grave" : ""} data-testid="take-over-explain">
        {isBreak ? t.breakExplain(holder.name) : t.takeOverExplain}
      </p>
      <form onSubmit={submit} noValidate>
        <ReasonField id="take-over-reason" reason={reason} onReason={setReason} />
        <MissingReason isShown={isMissing && reason.trim() === ""} />
        <button type="submit" class="button primary wide" data-testid="take-over-confirm">
          {isBreak ? t.breakReservation : t.takeOver}
        </button>
      </form>
    </Sheet>
  );
}

/** Wait for control; the holder sees it at once. */
export function RequestSheet({ live, onClose }: FormProps): JSX.Element {
  const [reason, setReason] = useState("");
  const control = live.control.value;
  useCloseUnless(control !== null && control.holder?.you !== true, onClose);
  const t = words.value;
  const submit = (event: Event): void => {
    event.preventDefault();
    const given = reason.trim();
    if (live.ask({ type: "request", ...(given !== "" && { reason: given }) })) onClose();
  };
  return (
    <Sheet title={t.requestControl} onClose={onClose}>
      <p>{t.requestExplain}</p>
      <form onSubmit={submit} noValidate>
        <ReasonField id="request-reason" reason={reason} isOptional onReason={setReason} />
        <button type="submit" class="button primary wide spaced" data-testid="request-confirm">
          {t.requestControl}
        </button>
      </form>
    </Sheet>
  );
}

const RESERVE_MINUTES = [15, 30, 60] as const;

/** Keep the camera for a while, used or not. */
export function ReserveSheet({ live, onClose }: FormProps): JSX.Element {
  const [reason, setReason] = useState("");
  const [minutes, setMinutes] = useState<number>(RESERVE_MINUTES[0]);
  const [isMissing, setMissing] = useState(false);
  const control = live.control.value;
  useCloseUnless(control !== null && mayReserve(control), onClose);
  const t = words.value;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (reason.trim() === "") setMissing(true);
    else if (live.ask({ type: "reserve", reason: reason.trim(), limit_s: minutes * 60 })) onClose();
  };
  return (
    <Sheet title={t.reserve} onClose={onClose}>
      <p>{t.reserveExplain}</p>
      <form onSubmit={submit} noValidate>
        <h3 id="reserve-for">{t.reserveFor}</h3>
        <div class="choices" role="group" aria-labelledby="reserve-for">
          {RESERVE_MINUTES.map((choice) => (
            <button key={choice} type="button" class="button" data-testid={`reserve-${choice}`} aria-pressed={minutes === choice} onClick={() => setMinutes(choice)}>
              {t.minutes(inFigures(choice))}
            </button>
          ))}
        </div>
        <ReasonField id="reserve-reason" reason={reason} onReason={setReason} />
        <MissingReason isShown={isMissing && reason.trim() === ""} />
        <button type="submit" class="button primary wide" data-testid="reserve-confirm">
          {t.reserve}
        </button>
      </form>
    </Sheet>
  );
}

function MissingReason({ isShown }: { readonly isShown: boolean }): JSX.Element {
  return (
    <p class="form-error" role="alert">
      {isShown ? words.value.reasonMissing : ""}
    </p>
  );
}
