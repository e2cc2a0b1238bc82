import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Camera, Person } from "../api/model";
import { asTime, compareNames, inFigures, language, words } from "../i18n/locale";
import { holderWords } from "../i18n/control";
import { problemWords } from "../i18n/problems";
import { stateWord } from "../parts/camera-words";
import { EmergencyBar } from "../parts/emergency-bar";
import { EmergencyFact } from "../parts/emergency-fact";
import { Icon } from "../parts/icon";
import { LanguageSwitch } from "../parts/language-switch";
import { NoticeBar } from "../parts/notice";
import { OwnNotices } from "../parts/own-notices";
import { catalogue, keepFresh } from "../state/catalogue";
import { grouped, matching } from "../state/grouping";
import { ACCOUNT, cameraHref } from "../state/route";
import { leave } from "../state/session";

/** Rows drawn at once: a phone scrolls these smoothly; search finds the rest. */
const STEP = 100;

export function CameraList({ person }: { readonly person: Person }): JSX.Element {
  const [wanted, setWanted] = useState("");
  const [most, setMost] = useState(STEP);
  useEffect(keepFresh, []);
  const { items, problem, at } = catalogue.value;
  const t = words.value;
  return (
    <main class="list">
      <header class="list-head">
        <div class="list-title">
          <div class="titles">
            <h1>{t.cameras}</h1>
            <p class="person">{person.displayName}</p>
          </div>
          <LanguageSwitch />
          <a class="button plain icon-only" data-testid="to-account" href={ACCOUNT} aria-label={t.account} title={t.account}>
            <Icon name="person" />
          </a>
          <button type="button" class="button plain icon-only" data-testid="sign-out" aria-label={t.signOut} title={t.signOut} onClick={() => void leave()}>
            <Icon name="out" />
          </button>
        </div>
        <EmergencyBar />
        <label class="search">
          <Icon name="search" />
          <input type="search" aria-label={t.search} placeholder={t.search} value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
        </label>
        <p class="summary" role="status">
          {problem !== null ? <span class="form-error">{problemWords(t, problem)}</span> : <Summary items={items} at={at} />}
        </p>
      </header>
      <OwnNotices />
      <div data-testid="camera-list" class="groups">
        {items === null ? <p class="hint">{problem === null && t.loading}</p> : <Groups items={items} wanted={wanted} most={most} onMore={() => setMost(most + STEP)} />}
      </div>
      <NoticeBar />
    </main>
  );
}

function Summary({ items, at }: { readonly items: readonly Camera[] | null; readonly at: Date | null }): JSX.Element | null {
  if (items === null) return null;
  const t = words.value;
  const live = items.filter((camera) => camera.state === "live").length;
  return (
    <>
      {t.cameraCount(inFigures(items.length))} · {t.liveCount(inFigures(live))}
      {at !== null && <span class="quiet"> · {t.updatedAt(asTime(at))}</span>}
    </>
  );
}

interface GroupsProps {
  readonly items: readonly Camera[];
  readonly wanted: string;
  readonly most: number;
  readonly onMore: () => void;
}

function Groups({ items, wanted, most, onMore }: GroupsProps): JSX.Element {
  const tag = language.value;
  const found = useMemo(() => matching(items, wanted), [items, wanted]);
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the order of names is the language's
  const groups = useMemo(() => grouped(found, most, compareNames), [found, most, tag]);
  const t = words.value;
  if (found.length === 0) return <p class="hint">{items.length === 0 ? t.noCameras : t.noMatch(wanted)}</p>;
  return (
    <>
      {groups.map((group) => (
        <section key={group.code} class="group" aria-labelledby={`area-${group.code}`}>
          <h2 id={`area-${group.code}`}>
            {group.name} <span class="quiet">{inFigures(group.cameras.length)}</span>
          </h2>
          <ul>
            {group.cameras.map((camera) => (
              <CameraRow key={camera.id} camera={camera} />
            ))}
          </ul>
        </section>
      ))}
      {found.length > most && (
        <button type="button" class="button wide" onClick={onMore}>
          {t.showMore(inFigures(Math.min(STEP, found.length - most)))}
        </button>
      )}
    </>
  );
}

function CameraRow({ camera }: { readonly camera: Camera }): JSX.Element {
  const t = words.value;
  const isSteerable = camera.steerable && camera.may.control;
  return (
    <li>
      <a class="camera" href={cameraHref(camera.id)} data-testid="camera-item" data-camera-id={camera.id} data-state={camera.state}>
        <span class="lamp" data-state={camera.state} aria-hidden="true" />
        <span class="camera-text">
          <span class="camera-name">{camera.name}</span>
          <span class="camera-facts">
            <span class="camera-state">{stateWord(t, camera.state)}</span>
            {camera.emergency !== null && <EmergencyFact sharing={camera.emergency} />}
            <span class="fact" hidden={camera.emergency !== null && !camera.may.live}>
              <Icon name={isSteerable ? "steer" : camera.may.live ? "eye" : "hidden"} />
              {isSteerable ? t.canSteer : camera.may.live ? t.viewOnly : t.noPicture}
            </span>
          </span>
          {camera.holder !== null && <span class="chip">{camera.holder.kind === "person" ? t.heldBy(camera.holder.name) : holderWords(t, camera.holder)}</span>}
        </span>
        <Icon name="right" />
      </a>
    </li>
  );
}
