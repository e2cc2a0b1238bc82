import type { JSX } from "preact";
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { bindKeys } from "../drivers/steer/bind-keys";
import { words } from "../i18n/locale";
import { notSteeredWords } from "../i18n/why-not";
import { RequestSheet, ReserveSheet, TakeOverSheet } from "../parts/control-forms";
import { ControlSheet } from "../parts/control-sheet";
import { DelayBadge, DelaySheet } from "../parts/delay-badge";
import { HolderActions } from "../parts/holder-actions";
import { HolderBadge } from "../parts/holder-badge";
import { EmergencySheet } from "../parts/emergency-sheet";
import { EmergencyStrip } from "../parts/emergency-strip";
import { Icon } from "../parts/icon";
import { LiveMenu } from "../parts/live-menu";
import type { LiveSheet } from "../parts/live-sheet";
import { NoticeBar } from "../parts/notice";
import { PatrolSheet } from "../parts/patrol-sheet";
import { Picture } from "../parts/picture";
import { PresetMenu } from "../parts/preset-menu";
import { RoundLine } from "../parts/round-line";
import { HoldButton, SteerPad } from "../parts/steer-pad";
import { WaiterBar } from "../parts/waiter-bar";
import { Warnings } from "../parts/warnings";
import { LiveSession } from "../state/live";
import { clearNotice } from "../state/notices";
import { fit, hand } from "../state/view";

type OpenSheet = (sheet: LiveSheet) => void;

/** One camera, live; mounted anew for each camera. */
export function Live({ id }: { readonly id: string }): JSX.Element {
  const live = useMemo(() => new LiveSession(id), [id]);
  const [sheet, setSheet] = useState<LiveSheet>("none");
  useEffect(() => {
    live.start();
    const unbind = bindKeys(live);
    return () => {
      unbind();
      live.close();
      clearNotice();
    };
  }, [live]);
  const open = useCallback<OpenSheet>(
    (next) => {
      live.halt();
      setSheet(next);
    },
    [live],
  );
  return (
    <main class="live" data-fit={fit.value} data-hand={hand.value} data-steering={live.steering.value}>
      <Picture live={live} onEmergency={() => open("emergency")} />
      <TopBar live={live} open={open} />
      <div class="over-picture">
        <EmergencyStrip live={live} />
        <NoticeBar />
        <Warnings live={live} />
      </div>
      <Deck live={live} open={open} />
      <OpenedSheet live={live} sheet={sheet} open={open} />
    </main>
  );
}

function OpenedSheet({ live, sheet, open }: { readonly live: LiveSession; readonly sheet: LiveSheet; readonly open: OpenSheet }): JSX.Element | null {
  const close = useCallback(() => open("none"), [open]);
  switch (sheet) {
    case "none":
      return null;
    case "more":
      return <LiveMenu live={live} onClose={close} />;
    case "presets":
      return <PresetMenu live={live} onClose={close} />;
    case "delay":
      return <DelaySheet live={live} onClose={close} />;
    case "control":
      return <ControlSheet live={live} open={open} onClose={close} />;
    case "take-over":
      return <TakeOverSheet live={live} onClose={close} />;
    case "request":
      return <RequestSheet live={live} onClose={close} />;
    case "reserve":
      return <ReserveSheet live={live} onClose={close} />;
    case "patrols":
      return <PatrolSheet live={live} onClose={close} />;
    case "emergency":
      return <EmergencySheet live={live} onClose={close} />;
  }
}

function TopBar({ live, open }: { readonly live: LiveSession; readonly open: OpenSheet }): JSX.Element {
  const t = words.value;
  const camera = live.camera.value;
  return (
    <header class="top-bar">
      <button type="button" class="button plain icon-only" data-testid="back" aria-label={t.back} onClick={() => live.back()}>
        <Icon name="left" />
      </button>
      <div class="top-title">
        <h1>{camera?.name ?? ""}</h1>
        <p>{camera?.area.name ?? ""}</p>
      </div>
      {!live.isForbidden.value && <DelayBadge live={live} onDetails={() => open("delay")} />}
      {!live.isForbidden.value && (
        <button type="button" class="button plain icon-only" data-testid="more" aria-label={t.menu} onClick={() => open("more")}>
          <Icon name="more" />
        </button>
      )}
    </header>
  );
}

/** Everything for the thumbs; words instead where nothing can be steered. */
function Deck({ live, open }: { readonly live: LiveSession; readonly open: OpenSheet }): JSX.Element | null {
  const camera = live.camera.value;
  const t = words.value;
  if (camera === null || live.isForbidden.value) return null;
  if (!live.maySteer.value) {
    return (
      <section class="deck view-only" aria-label={t.steering}>
        <HolderRow live={live} open={open} />
        <p class="view-only-why" data-testid="view-only-why" role="status">
          <Icon name="eye" />
          {camera.steerable ? notSteeredWords(t, live.whyNot.reasons.value.control) : t.viewOnlyCamera}
        </p>
      </section>
    );
  }
  return (
    <section class="deck" aria-label={t.steering}>
      <HolderRow live={live} open={open} />
      <WaiterBar live={live} />
      {camera.abilities.panTilt && <SteerPad live={live} />}
      <ZoomAndPlaces live={live} onPresets={() => open("presets")} />
      <button type="button" class="stop" data-testid="stop" aria-label={t.stopLabel} onPointerDown={() => live.stop()} onClick={(event) => event.detail === 0 && live.stop()}>
        {t.stop}
      </button>
    </section>
  );
}

/** For everyone watching, whether they may steer or not. */
function HolderRow({ live, open }: { readonly live: LiveSession; readonly open: OpenSheet }): JSX.Element {
  return (
    <div class="holder-row">
      <div class="holder-lines">
        <HolderBadge live={live} />
        <RoundLine live={live} />
      </div>
      <HolderActions live={live} open={open} />
    </div>
  );
}

function ZoomAndPlaces({ live, onPresets }: { readonly live: LiveSession; readonly onPresets: () => void }): JSX.Element {
  const abilities = live.camera.value?.abilities;
  const t = words.value;
  return (
    <div class="side">
      {abilities?.zoom === true && (
        <>
          <HoldButton live={live} id="zoom-in" icon="plus" label={t.zoomIn} zoom={1} />
          <HoldButton live={live} id="zoom-out" icon="minus" label={t.zoomOut} zoom={-1} />
        </>
      )}
      {abilities?.home === true && (
        <button type="button" class="hold place" data-testid="home" aria-label={t.home} onClick={() => live.goHome()}>
          <Icon name="home" />
        </button>
      )}
      {abilities?.presets === true && (
        <button type="button" class="hold place" data-testid="presets" aria-label={t.presets} onClick={onPresets}>
          <Icon name="presets" />
        </button>
      )}
    </div>
  );
}
