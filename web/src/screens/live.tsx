import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { bindKeys } from "../drivers/steer/bind-keys";
import { words } from "../i18n/locale";
import { DelayBadge } from "../parts/delay-badge";
import { HolderActions } from "../parts/holder-actions";
import { HolderBadge } from "../parts/holder-badge";
import { Icon } from "../parts/icon";
import { LiveMenu } from "../parts/live-menu";
import { NoticeBar } from "../parts/notice";
import { Picture } from "../parts/picture";
import { PresetMenu } from "../parts/preset-menu";
import { HoldButton, SteerPad } from "../parts/steer-pad";
import { LiveSession } from "../state/live";
import { clearNotice } from "../state/notices";
import { fit, hand } from "../state/view";

type Menu = "none" | "presets" | "more";

/** One camera, live; mounted anew for each camera. */
export function Live({ id }: { readonly id: string }): JSX.Element {
  const live = useMemo(() => new LiveSession(id), [id]);
  const [menu, setMenu] = useState<Menu>("none");
  useEffect(() => {
    live.start();
    const unbind = bindKeys(live);
    return () => {
      unbind();
      live.close();
      clearNotice();
    };
  }, [live]);
  const open = (next: Menu): void => {
    live.halt();
    setMenu(next);
  };
  const close = (): void => setMenu("none");
  return (
    <main class="live" data-fit={fit.value} data-hand={hand.value} data-steering={live.steering.value}>
      <Picture live={live} />
      <TopBar live={live} onMore={() => open("more")} />
      <Deck live={live} onPresets={() => open("presets")} />
      <NoticeBar />
      {menu === "more" && <LiveMenu live={live} onClose={close} />}
      {menu === "presets" && <PresetMenu live={live} onClose={close} />}
    </main>
  );
}

function TopBar({ live, onMore }: { readonly live: LiveSession; readonly onMore: () => void }): JSX.Element {
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
      <DelayBadge delay={live.delay.value} />
      <button type="button" class="button plain icon-only" data-testid="more" aria-label={t.menu} onClick={onMore}>
        <Icon name="more" />
      </button>
    </header>
  );
}

/** Everything for the thumbs; words instead where nothing can be steered. */
function Deck({ live, onPresets }: { readonly live: LiveSession; readonly onPresets: () => void }): JSX.Element | null {
  const camera = live.camera.value;
  const t = words.value;
  if (camera === null) return null;
  if (!live.maySteer.value) {
    return (
      <section class="deck view-only" aria-label={t.steering}>
        <p>
          <Icon name="eye" />
          {!camera.may.live ? t.viewNotAllowed : camera.steerable ? t.viewOnlyYou : t.viewOnlyCamera}
        </p>
      </section>
    );
  }
  return (
    <section class="deck" aria-label={t.steering}>
      <div class="holder-row">
        <HolderBadge live={live} />
        <HolderActions live={live} />
      </div>
      <StopWarning live={live} />
      {camera.abilities.panTilt && <SteerPad live={live} />}
      <ZoomAndPlaces live={live} onPresets={onPresets} />
      <button type="button" class="stop" data-testid="stop" aria-label={t.stopLabel} onPointerDown={() => live.stop()} onClick={(event) => event.detail === 0 && live.stop()}>
        {t.stop}
      </button>
    </section>
  );
}

function StopWarning({ live }: { readonly live: LiveSession }): JSX.Element {
  const isOpen = live.control.value?.stopConfirmed === false;
  return (
    <p class="stop-warning" role="alert">
      {isOpen ? words.value.stopUnconfirmed : ""}
    </p>
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
