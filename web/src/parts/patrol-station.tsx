import type { JSX } from "preact";
import type { Preset } from "../api/model";
import { inFigures, words } from "../i18n/locale";
import type { DraftStation } from "../state/patrol-draft";
import { Icon } from "./icon";

interface PatrolStationProps {
  readonly number: number;
  readonly station: DraftStation;
  readonly known: readonly Preset[];
  readonly onChange: (station: DraftStation) => void;
  readonly onRemove: () => void;
}

/** One station: where, how long, how fast to get there. */
export function PatrolStation({ number, station, known, onChange, onRemove }: PatrolStationProps): JSX.Element {
  const t = words.value;
  const id = `station-${number}`;
  const nameOf = (preset: Preset): string => (preset.name === "" ? t.presetUnnamed(preset.token) : preset.name);
  const isGone = !known.some((preset) => preset.token === station.preset);
  return (
    <li>
      <div class="station-head">
        <label for={`${id}-preset`}>{t.patrolStation(inFigures(number))}</label>
        <button type="button" class="button plain icon-only" aria-label={t.patrolRemoveStation(inFigures(number))} onClick={onRemove}>
          <Icon name="trash" />
        </button>
      </div>
      <select id={`${id}-preset`} data-testid={`${id}-preset`} aria-label={`${t.patrolStation(inFigures(number))}: ${t.patrolPreset}`} value={station.preset} onChange={(event) => onChange({ ...station, preset: event.currentTarget.value })}>
        {isGone && <option value={station.preset}>{t.presetUnnamed(station.preset)}</option>}
        {known.map((preset) => (
          <option key={preset.token} value={preset.token}>
            {nameOf(preset)}
          </option>
        ))}
      </select>
      <div class="two-fields">
        <div>
          <label for={`${id}-dwell`}>{t.patrolDwell}</label>
          <input id={`${id}-dwell`} data-testid={`${id}-dwell`} inputMode="decimal" autocomplete="off" value={station.dwell} onInput={(event) => onChange({ ...station, dwell: event.currentTarget.value })} />
        </div>
        <Speed id={`${id}-speed`} speed={station.speed} onChange={(speed) => onChange({ ...station, speed })} />
      </div>
    </li>
  );
}

function Speed({ id, speed, onChange }: { readonly id: string; readonly speed: number | null; readonly onChange: (speed: number | null) => void }): JSX.Element {
  const t = words.value;
  const choices: readonly (readonly [number | null, string])[] = [
    [null, t.speedOwn],
    [0.25, t.speedSlow],
    [0.5, t.speedMiddle],
    [1, t.speedFast],
  ];
  const isOther = !choices.some(([value]) => value === speed);
  return (
    <div>
      <label for={id}>{t.patrolSpeed}</label>
      <select id={id} value={String(speed)} onChange={(event) => onChange(event.currentTarget.value === "null" ? null : Number(event.currentTarget.value))}>
        {isOther && speed !== null && <option value={String(speed)}>{inFigures(speed * 100)} %</option>}
        {choices.map(([value, text]) => (
          <option key={String(value)} value={String(value)}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}
