import type { JSX } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { patrolsOf, switchPatrol, type Patrol, type PatrolBook } from "../api/patrols";
import type { Problem } from "../api/problem";
import { inFigures, words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import type { LiveSession } from "../state/live";
import { PatrolForm } from "./patrol-form";
import { RoundLine } from "./round-line";
import { Sheet } from "./sheet";

type Loaded = { readonly name: "loading" } | { readonly name: "failed"; readonly problem: Problem } | { readonly name: "ready"; readonly book: PatrolBook };

interface PatrolSheetProps {
  readonly live: LiveSession;
  readonly onClose: () => void;
}

/** The camera's patrols: which run, start and stop, and (with the right to it) their plans. */
export function PatrolSheet({ live, onClose }: PatrolSheetProps): JSX.Element {
  const [loaded, setLoaded] = useState<Loaded>({ name: "loading" });
  const [edited, setEdited] = useState<Patrol | "new" | null>(null);
  const load = useCallback(async () => {
    const answer = await patrolsOf(live.id);
    if (answer.kind === "success") setLoaded({ name: "ready", book: answer.value });
    else if (answer.kind === "error") setLoaded({ name: "failed", problem: answer.problem });
  }, [live]);
  useEffect(() => void load(), [load]);
  const t = words.value;
  const mayEdit = live.camera.value?.may.patrols === true;
  const done = (): void => {
    setEdited(null);
    void load();
  };
  return (
    <Sheet title={edited === "new" ? t.patrolNew : (edited?.name ?? t.patrols)} onClose={onClose}>
      {edited !== null ? (
        <PatrolForm camera={live.id} patrol={edited === "new" ? null : edited} timeZone={loaded.name === "ready" ? loaded.book.timeZone : ""} onDone={done} />
      ) : (
        <>
          <RoundLine live={live} />
          <p role="status">{stateWords(loaded)}</p>
          {loaded.name === "ready" && (
            <ul class="patrols" data-testid="patrol-list">
              {loaded.book.patrols.map((patrol) => (
                <PatrolRow key={patrol.id} camera={live.id} patrol={patrol} mayEdit={mayEdit} onChanged={() => void load()} onEdit={() => setEdited(patrol)} />
              ))}
            </ul>
          )}
          {mayEdit && loaded.name === "ready" && (
            <button type="button" class="button primary wide" data-testid="patrol-new" onClick={() => setEdited("new")}>
              {t.patrolNew}
            </button>
          )}
        </>
      )}
    </Sheet>
  );
}

function stateWords(loaded: Loaded): string {
  const t = words.value;
  switch (loaded.name) {
    case "loading":
      return t.loading;
    case "failed":
      return loaded.problem.kind === "forbidden" || loaded.problem.kind === "not-found" ? t.patrolsUnavailable : problemWords(t, loaded.problem);
    case "ready":
      return loaded.book.patrols.length === 0 ? t.patrolsNone : "";
  }
}

interface PatrolRowProps {
  readonly camera: string;
  readonly patrol: Patrol;
  readonly mayEdit: boolean;
  readonly onChanged: () => void;
  readonly onEdit: () => void;
}

function PatrolRow({ camera, patrol, mayEdit, onChanged, onEdit }: PatrolRowProps): JSX.Element {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const t = words.value;
  const flip = async (): Promise<void> => {
    if (isBusy) return;
    setBusy(true);
    const answer = await switchPatrol(camera, patrol.id, !patrol.enabled);
    setBusy(false);
    setProblem(answer.kind === "error" ? answer.problem : null);
    if (answer.kind === "success") onChanged();
  };
  return (
    <li data-patrol={patrol.id} data-enabled={patrol.enabled}>
      <p>
        <strong>{patrol.name}</strong>
        <span class="quiet">
          {t.patrolStations}: {inFigures(patrol.stations.length)} · {patrol.enabled ? t.patrolOn : t.patrolOff}
        </span>
      </p>
      {mayEdit && (
        <div class="choices">
          <button type="button" class={patrol.enabled ? "button" : "button strong"} data-testid={patrol.enabled ? "patrol-stop" : "patrol-start"} aria-disabled={isBusy} aria-label={`${patrol.enabled ? t.patrolStop : t.patrolStart}: ${patrol.name}`} onClick={() => void flip()}>
            {patrol.enabled ? t.patrolStop : t.patrolStart}
          </button>
          <button type="button" class="button" data-testid="patrol-edit" aria-label={`${t.patrolEdit}: ${patrol.name}`} onClick={onEdit}>
            {t.patrolEdit}
          </button>
        </div>
      )}
      {problem !== null && (
        <p class="form-error" role="alert">
          {problemWords(t, problem)}
        </p>
      )}
    </li>
  );
}
