import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ControlState, Waiter } from "../drivers/control/messages";
import { nameAndRole } from "../i18n/control";
import { words } from "../i18n/locale";
import { mayRequest, mayReserve, ownPlace, takeOverKind } from "../state/holding";
import type { LiveSession } from "../state/live";
import { clockOf } from "../state/time-left";
import { HolderBadge } from "./holder-badge";
import type { LiveSheet } from "./live-sheet";
import { RoundLine } from "./round-line";
import { Sheet } from "./sheet";
import { HandOver } from "./waiter-bar";

interface ControlSheetProps {
  readonly live: LiveSession;
  readonly open: (sheet: LiveSheet) => void;
  readonly onClose: () => void;
}

/** All about control: who, who waits, and everything that may be done about it. */
export function ControlSheet({ live, open, onClose }: ControlSheetProps): JSX.Element {
  const control = live.control.value;
  const t = words.value;
  return (
    <Sheet title={t.controlSheet} onClose={onClose}>
      <HolderBadge live={live} />
      <RoundLine live={live} />
      <h3>{t.queue}</h3>
      {control !== null && <Queue live={live} control={control} />}
      <div class="choices stacked">
        {control !== null && live.maySteer.value && <Wishes live={live} control={control} open={open} />}
        <button type="button" class="button wide" data-testid="patrols" onClick={() => open("patrols")}>
          {t.patrols}
        </button>
      </div>
    </Sheet>
  );
}

function Queue({ live, control }: { readonly live: LiveSession; readonly control: ControlState }): JSX.Element {
  const t = words.value;
  if (control.queue.length === 0) return <p class="quiet">{t.queueEmpty}</p>;
  return (
    <ol class="queue" data-testid="queue">
      {control.queue.map((waiter) => (
        <li key={waiter.ticket} data-you={waiter.you}>
          <p>
            <strong>{waiter.you ? t.you : nameAndRole(t, waiter)}</strong>
            {waiter.reason !== "" && <span>{waiter.reason}</span>}
            <WaitingFor waiter={waiter} toldAt={live.toldAt.value} />
          </p>
          {control.holder?.you === true && !waiter.you && <HandOver live={live} ticket={waiter.ticket} name={waiter.name} />}
        </li>
      ))}
    </ol>
  );
}

/** Counts up while one looks. */
function WaitingFor({ waiter, toldAt }: { readonly waiter: Waiter; readonly toldAt: number }): JSX.Element {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.floor((waiter.waitingMs + Math.max(0, now - toldAt)) / 1000);
  return <span class="quiet">{words.value.waitingFor(clockOf(seconds))}</span>;
}

/** Whatever may be done now, also what the page's own button does not offer. */
function Wishes({ live, control, open }: { readonly live: LiveSession; readonly control: ControlState; readonly open: (sheet: LiveSheet) => void }): JSX.Element {
  const t = words.value;
  const takeOver = takeOverKind(control);
  return (
    <>
      {control.holder?.you === true && control.holder.reserved && <Wish id="unreserve" text={t.unreserve} onClick={() => live.ask({ type: "unreserve" })} />}
      {mayReserve(control) && <Wish id="reserve" text={t.reserve} onClick={() => open("reserve")} />}
      {ownPlace(control) !== null && <Wish id="sheet-withdraw" text={t.withdraw} onClick={() => live.ask({ type: "withdraw" })} />}
      {takeOver !== null && <Wish id="sheet-take-over" text={takeOver === "break" ? t.breakReservation : t.takeOver} onClick={() => open("take-over")} />}
      {mayRequest(control) && <Wish id="sheet-request" text={t.requestControl} onClick={() => open("request")} />}
    </>
  );
}

function Wish({ id, text, onClick }: { readonly id: string; readonly text: string; readonly onClick: () => void }): JSX.Element {
  return (
    <button type="button" class="button wide" data-testid={id} onClick={onClick}>
      {text}
    </button>
  );
}
