import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { presets } from "../api/calls";
import type { Preset } from "../api/model";
import { addPatrol, changePatrol, removePatrol, type Patrol } from "../api/patrols";
import type { Problem } from "../api/problem";
import type { Messages } from "../i18n/id";
import { inFigures, words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { draftOf, LEAST_DWELL_S, LONGEST_NAME, MOST_DWELL_S, MOST_STATIONS, newStation, planOf, type DraftFault, type DraftStation, type PatrolDraft, type Schedule } from "../state/patrol-draft";
import { PatrolStation } from "./patrol-station";

interface PatrolFormProps {
  readonly camera: string;
  /** Null: a new one. */
  readonly patrol: Patrol | null;
  readonly timeZone: string;
  readonly onDone: () => void;
}

/** Loads the camera's presets first: they are the stations. */
export function PatrolForm({ camera, patrol, timeZone, onDone }: PatrolFormProps): JSX.Element {
  const [known, setKnown] = useState<readonly Preset[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    let isWanted = true;
    void presets(camera).then((answer) => {
      if (!isWanted) return;
      if (answer.kind === "success") setKnown(answer.value);
      else if (answer.kind === "error") setProblem(answer.problem);
    });
    return () => (isWanted = false);
  }, [camera]);
  const t = words.value;
  if (problem !== null) return <p role="alert">{problemWords(t, problem)}</p>;
  if (known === null) return <p role="status">{t.loading}</p>;
  if (known.length === 0 && patrol === null) return <p role="status">{t.patrolNeedsPresets}</p>;
  return <Editor camera={camera} patrol={patrol} known={known} timeZone={timeZone} onDone={onDone} />;
}

function faultWords(t: Messages, fault: DraftFault): string {
  const all: Readonly<Record<DraftFault, string>> = {
    name: t.patrolNeedsName,
    stations: t.patrolNeedsStations,
    dwell: t.patrolNeedsDwell(inFigures(LEAST_DWELL_S), inFigures(MOST_DWELL_S)),
    window: t.patrolNeedsWindow,
  };
  return all[fault];
}

function Editor({ camera, patrol, known, timeZone, onDone }: PatrolFormProps & { readonly known: readonly Preset[] }): JSX.Element {
  const [draft, setDraft] = useState<PatrolDraft>(() => draftOf(patrol, known[0]?.token ?? null));
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const t = words.value;
  const change = (part: Partial<PatrolDraft>): void => setDraft({ ...draft, ...part });
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isBusy) return;
    const plan = planOf(draft, patrol?.windows ?? []);
    if (typeof plan === "string") {
      setError(faultWords(t, plan));
      return;
    }
    setBusy(true);
    const answer = await (patrol === null ? addPatrol(camera, plan) : changePatrol(camera, patrol, plan));
    setBusy(false);
    if (answer.kind === "error") setError(problemWords(t, answer.problem));
    else onDone();
  };
  return (
    <form class="patrol-form" onSubmit={(event) => void submit(event)} noValidate>
      <label for="patrol-name">{t.patrolName}</label>
      <input id="patrol-name" data-testid="patrol-name" value={draft.name} maxLength={LONGEST_NAME} autocomplete="off" onInput={(event) => change({ name: event.currentTarget.value })} />
      <Stations stations={draft.stations} known={known} onChange={(stations) => change({ stations })} />
      <ScheduleFields draft={draft} timeZone={timeZone} onChange={change} />
      <p class="form-error" role="alert">
        {error}
      </p>
      <button type="submit" class="button primary wide" data-testid="patrol-save" aria-disabled={isBusy}>
        {isBusy ? t.saving : t.save}
      </button>
      {patrol !== null && <Delete camera={camera} patrol={patrol} onDone={onDone} onError={(problem) => setError(problemWords(t, problem))} />}
    </form>
  );
}

interface StationsProps {
  readonly stations: readonly DraftStation[];
  readonly known: readonly Preset[];
  readonly onChange: (stations: readonly DraftStation[]) => void;
}

function Stations({ stations, known, onChange }: StationsProps): JSX.Element {
  const t = words.value;
  const first = known[0];
  return (
    <>
      <ol class="stations">
        {stations.map((station, index) => (
          <PatrolStation
            key={index}
            number={index + 1}
            station={station}
            known={known}
            onChange={(next) => onChange(stations.with(index, next))}
            onRemove={() => onChange(stations.toSpliced(index, 1))}
          />
        ))}
      </ol>
      {first !== undefined && stations.length < MOST_STATIONS && (
        <button type="button" class="button wide" data-testid="patrol-add-station" onClick={() => onChange([...stations, newStation(first.token)])}>
          {t.patrolAddStation}
        </button>
      )}
    </>
  );
}

interface ScheduleProps {
  readonly draft: PatrolDraft;
  readonly timeZone: string;
  readonly onChange: (part: Partial<PatrolDraft>) => void;
}

function ScheduleFields({ draft, timeZone, onChange }: ScheduleProps): JSX.Element {
  const t = words.value;
  if (draft.schedule === "kept") return <p class="quiet">{t.patrolKeepsSchedule}</p>;
  const choices: readonly (readonly [Schedule, string])[] = [
    ["always", t.patrolAlways],
    ["daily", t.patrolDaily],
  ];
  return (
    <>
      <div class="choices">
        {choices.map(([schedule, text]) => (
          <button key={schedule} type="button" class="button" data-testid={`patrol-${schedule}`} aria-pressed={draft.schedule === schedule} onClick={() => onChange({ schedule })}>
            {text}
          </button>
        ))}
      </div>
      {draft.schedule === "daily" && (
        <div class="two-fields">
          <div>
            <label for="patrol-from">{t.patrolFrom}</label>
            <input id="patrol-from" type="time" value={draft.from} onInput={(event) => onChange({ from: event.currentTarget.value })} />
          </div>
          <div>
            <label for="patrol-until">{t.patrolUntil}</label>
            <input id="patrol-until" type="time" value={draft.until} onInput={(event) => onChange({ until: event.currentTarget.value })} />
          </div>
          <p class="quiet">{timeZone}</p>
        </div>
      )}
    </>
  );
}

interface DeleteProps {
  readonly camera: string;
  readonly patrol: Patrol;
  readonly onDone: () => void;
  readonly onError: (problem: Problem) => void;
}

/** Asks once more before it deletes. */
function Delete({ camera, patrol, onDone, onError }: DeleteProps): JSX.Element {
  const [isSure, setSure] = useState(false);
  const t = words.value;
  const remove = async (): Promise<void> => {
    const answer = await removePatrol(camera, patrol.id);
    if (answer.kind === "error") onError(answer.problem);
    else onDone();
  };
  return (
    <button type="button" class="button wide spaced" data-testid="patrol-delete" onClick={() => (isSure ? void remove() : setSure(true))}>
      {isSure ? t.patrolDeleteSure : t.patrolDelete}
    </button>
  );
}
