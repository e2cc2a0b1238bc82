import type { JSX } from "preact";
import { words } from "../i18n/locale";
import { mainAction, type MainAction } from "../state/holding";
import type { LiveSession } from "../state/live";
import { Icon } from "./icon";
import type { LiveSheet } from "./live-sheet";

interface HolderActionsProps {
  readonly live: LiveSession;
  readonly open: (sheet: LiveSheet) => void;
}

/** The one thing that can be done about control with one tap, and the way to all the rest. */
export function HolderActions({ live, open }: HolderActionsProps): JSX.Element | null {
  const control = live.control.value;
  const t = words.value;
  if (control === null) return null;
  return (
    <div class="holder-actions">
      {live.maySteer.value && <Main live={live} action={mainAction(control)} open={open} />}
      <button type="button" class="button icon-only" data-testid="control-sheet" aria-label={t.controlSheet} onClick={() => open("control")}>
        <Icon name="people" />
      </button>
    </div>
  );
}

function Main({ live, action, open }: HolderActionsProps & { readonly action: MainAction }): JSX.Element | null {
  const t = words.value;
  switch (action) {
    case "take":
      return <Action id="take-control" text={t.takeControl} onClick={() => live.ask({ type: "take" })} />;
    case "release":
      return <Action id="release" tone="calm" text={t.release} onClick={() => live.ask({ type: "release" })} />;
    case "take-over":
      return <Action id="take-over" text={t.takeOver} onClick={() => open("take-over")} />;
    case "break":
      return <Action id="break" text={t.breakReservation} onClick={() => open("take-over")} />;
    case "request":
      return <Action id="request" text={t.requestControl} onClick={() => open("request")} />;
    case "withdraw":
      return <Action id="withdraw" tone="calm" text={t.withdraw} onClick={() => live.ask({ type: "withdraw" })} />;
    case "none":
      return null;
  }
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
