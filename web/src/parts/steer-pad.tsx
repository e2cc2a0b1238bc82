import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { bindHold, bindPad } from "../drivers/steer/bind";
import type { Velocity } from "../drivers/steer/velocity";
import { words } from "../i18n/locale";
import type { LiveSession } from "../state/live";
import { Icon, type IconName } from "./icon";

/** Buttons have no rim to push to: a speed at which one can still aim. */
const BUTTON_SPEED = 0.5;

interface HoldButtonProps {
  readonly live: LiveSession;
  readonly id: string;
  readonly icon: IconName;
  readonly label: string;
  readonly pan?: number;
  readonly tilt?: number;
  readonly zoom?: number;
}

/** A button that steers while it is held. */
export function HoldButton({ live, id, icon, label, pan = 0, tilt = 0, zoom = 0 }: HoldButtonProps): JSX.Element {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const velocity: Velocity = { pan: pan * BUTTON_SPEED, tilt: tilt * BUTTON_SPEED, zoom: zoom * BUTTON_SPEED };
    return button.current === null ? undefined : bindHold(button.current, id, velocity, live);
  }, [live, id, pan, tilt, zoom]);
  return (
    <button ref={button} type="button" class={`hold ${id}`} data-testid={id} aria-label={label}>
      <Icon name={icon} />
    </button>
  );
}

/** The analogue pad with an arrow button on each side, for whom dragging is no way. */
export function SteerPad({ live }: { readonly live: LiveSession }): JSX.Element {
  const pad = useRef<HTMLDivElement>(null);
  const knob = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    return pad.current === null || knob.current === null ? undefined : bindPad(pad.current, knob.current, "pad", live);
  }, [live]);
  const t = words.value;
  return (
    <div class="steer-pad">
      <HoldButton live={live} id="tilt-up" icon="up" label={t.tiltUp} tilt={1} />
      <HoldButton live={live} id="pan-left" icon="left" label={t.panLeft} pan={-1} />
      <div ref={pad} class="joystick" data-testid="joystick" role="img" aria-label={t.pad}>
        <span ref={knob} class="knob" />
      </div>
      <HoldButton live={live} id="pan-right" icon="right" label={t.panRight} pan={1} />
      <HoldButton live={live} id="tilt-down" icon="down" label={t.tiltDown} tilt={-1} />
    </div>
  );
}
