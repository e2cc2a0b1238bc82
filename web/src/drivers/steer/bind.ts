/** Ties pointer events of elements to the pure joysticks; every way in which a pointer ends releases. */

import { Joystick, type Point } from "./joystick";
import { PictureGesture } from "./picture-gesture";
import type { Velocity } from "./velocity";

export interface Steering {
  hold(source: string, velocity: Velocity): void;
  release(source: string): void;
  /** Whether a press may begin now; says why not to the person itself. */
  mayPress(): boolean;
}

const ENDS = ["pointerup", "pointercancel", "lostpointercapture"] as const;

function capture(element: Element, pointer: number): void {
  try {
    element.setPointerCapture(pointer);
  } catch (error) {
    // The pointer went away between the event and here; its end was or will be told.
    if (!(error instanceof DOMException)) throw error;
  }
}

function listen(element: HTMLElement, onDown: (event: PointerEvent) => void, onMove: (event: PointerEvent) => void, onEnd: (event: PointerEvent) => void): () => void {
  const abort = new AbortController();
  const options = { signal: abort.signal };
  element.addEventListener("pointerdown", (event) => {
    if (event.button === 0) onDown(event);
  }, options);
  element.addEventListener("pointermove", onMove, options);
  for (const end of ENDS) element.addEventListener(end, onEnd, options);
  element.addEventListener("contextmenu", (event) => event.preventDefault(), options);
  return () => abort.abort();
}

/** A pad whose centre is standstill and whose rim is full speed. Returns how to undo it. */
export function bindPad(pad: HTMLElement, knob: HTMLElement, source: string, steering: Steering): () => void {
  const stick = new Joystick();
  const draw = (): void => {
    const { x, y } = stick.knob;
    knob.style.setProperty("--x", x.toFixed(3));
    knob.style.setProperty("--y", y.toFixed(3));
    pad.toggleAttribute("data-held", stick.state.name === "held");
  };
  const undo = listen(
    pad,
    (event) => {
      if (!steering.mayPress()) return;
      const box = pad.getBoundingClientRect();
      const centre: Point = { x: box.left + box.width / 2, y: box.top + box.height / 2 };
      if (!stick.press(event.pointerId, centre, box.width / 2, { x: event.clientX, y: event.clientY })) return;
      capture(pad, event.pointerId);
      steering.hold(source, stick.velocity);
      draw();
    },
    (event) => {
      if (!stick.drag(event.pointerId, { x: event.clientX, y: event.clientY })) return;
      steering.hold(source, stick.velocity);
      draw();
    },
    (event) => {
      if (!stick.release(event.pointerId)) return;
      steering.release(source);
      draw();
    },
  );
  return () => {
    undo();
    steering.release(source);
  };
}

/** The way on the picture that is full speed, as a share of its shorter side, within a thumb's reach. */
function reach(box: DOMRect): number {
  return Math.min(140, Math.max(70, Math.min(box.width, box.height) * 0.35));
}

/** Steering and zooming on the picture itself. `line` is drawn from the first touch to the finger. */
export function bindPicture(picture: HTMLElement, line: SVGLineElement, source: string, steering: Steering): () => void {
  const gesture = new PictureGesture();
  const apply = (): void => {
    const velocity = gesture.velocity;
    if (velocity === null) steering.release(source);
    else steering.hold(source, velocity);
    const way = gesture.line;
    line.toggleAttribute("data-shown", way !== null);
    if (way === null) return;
    const box = picture.getBoundingClientRect();
    const ends = { x1: way.from.x - box.left, y1: way.from.y - box.top, x2: way.to.x - box.left, y2: way.to.y - box.top };
    for (const [name, value] of Object.entries(ends)) line.setAttribute(name, value.toFixed(1));
  };
  const undo = listen(
    picture,
    (event) => {
      if (event.target instanceof Element && event.target.closest("button") !== null) return;
      if (!steering.mayPress()) return;
      capture(picture, event.pointerId);
      gesture.down(event.pointerId, { x: event.clientX, y: event.clientY }, reach(picture.getBoundingClientRect()));
      apply();
    },
    (event) => {
      if (gesture.state === "free") return;
      gesture.move(event.pointerId, { x: event.clientX, y: event.clientY });
      apply();
    },
    (event) => {
      gesture.up(event.pointerId);
      apply();
    },
  );
  return () => {
    undo();
    steering.release(source);
  };
}

/** How long a press by keyboard or screen reader, which has no "while held", lasts. */
const NUDGE_MS = 400;

/** A button that asks for `velocity` while it is held; a click without a pointer nudges. */
export function bindHold(button: HTMLElement, source: string, velocity: Velocity, steering: Steering): () => void {
  let pointer: number | null = null;
  let nudge: ReturnType<typeof setTimeout> | undefined;
  const end = (): void => {
    clearTimeout(nudge);
    pointer = null;
    button.removeAttribute("data-held");
    steering.release(source);
  };
  const begin = (): void => {
    clearTimeout(nudge);
    button.setAttribute("data-held", "");
    steering.hold(source, velocity);
  };
  const undo = listen(
    button,
    (event) => {
      if (pointer !== null || !steering.mayPress()) return;
      pointer = event.pointerId;
      capture(button, event.pointerId);
      begin();
    },
    () => undefined,
    (event) => {
      if (event.pointerId === pointer) end();
    },
  );
  const onClick = (event: MouseEvent): void => {
    if (event.detail !== 0 || pointer !== null || !steering.mayPress()) return;
    begin();
    nudge = setTimeout(end, NUDGE_MS);
  };
  button.addEventListener("click", onClick);
  return () => {
    undo();
    button.removeEventListener("click", onClick);
    end();
  };
}
