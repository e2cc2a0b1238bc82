import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { CATEGORIES, openCamera, type Category } from "../api/emergencies";
import type { Problem } from "../api/problem";
import { categoryWord, faultWords } from "../i18n/emergency";
import { inFigures, words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import { draftOf, faultsOf, forgetDraft, keepDraft, LONGEST_INCIDENT, LONGEST_REASON, MINUTES, wishOf, type EmergencyDraft, type Fault, type Faults } from "../state/emergency-draft";
import type { LiveSession } from "../state/live";
import { ReasonField } from "./reason-field";
import { Sheet } from "./sheet";

interface EmergencySheetProps {
  readonly live: LiveSession;
  readonly onClose: () => void;
}

interface Asking {
  readonly draft: EmergencyDraft;
  /** By field, once it was asked with something missing. */
  readonly faults: Faults;
  readonly isBusy: boolean;
  readonly problem: Problem | null;
  readonly change: (part: Partial<EmergencyDraft>) => void;
  readonly submit: (event: Event) => Promise<void>;
}

/** What was entered so far, and the request; a second one for the same opening does no harm. */
function useAsking(live: LiveSession): Asking {
  const [draft, setDraft] = useState(() => draftOf(live.id));
  const [isAsked, setAsked] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const change = (part: Partial<EmergencyDraft>): void => {
    const next = { ...draft, ...part };
    keepDraft(live.id, next);
    setDraft(next);
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isBusy) return;
    setAsked(true);
    const wish = wishOf(draft);
    if (wish === null) {
      showFirst(faultsOf(draft));
      return;
    }
    setBusy(true);
    setProblem(null);
    const answer = await openCamera(live.id, wish);
    setBusy(false);
    if (answer.kind === "success") forgetDraft(live.id);
    if (answer.kind === "error") setProblem(answer.problem);
    live.lookAgain(); // also after a problem: it may have been heard all the same
  };
  return { draft, faults: isAsked ? faultsOf(draft) : {}, isBusy, problem, change, submit };
}

/** What happened, under which number and why: it opens the camera for this person, or says what is missing. */
export function EmergencySheet({ live, onClose }: EmergencySheetProps): JSX.Element {
  const { draft, faults, isBusy, problem, change, submit } = useAsking(live);
  const makesSense = live.isForbidden.value && live.camera.value?.emergency?.mayOpen === true;
  useEffect(() => {
    if (!makesSense) onClose(); // it is open, or not this person's to open any more
  }, [makesSense, onClose]);
  const t = words.value;
  return (
    <Sheet title={t.emergencyOpen} onClose={onClose}>
      <form class="emergency-form" onSubmit={(event) => void submit(event)} noValidate>
        <Categories chosen={draft.category} fault={faults.category} onChoose={(category) => change({ category })} />
        <Incident value={draft.incident} fault={faults.incident} onChange={(incident) => change({ incident })} />
        <h3 id="emergency-reason-field">{t.emergencyWhy}</h3>
        <ReasonField id="emergency-reason" label={t.reason} reason={draft.reason} common={t.emergencyReasons} longest={LONGEST_REASON} onReason={(reason) => change({ reason })} />
        <FaultLine id="emergency-reason-error" fault={faults.reason} />
        <Minutes chosen={draft.minutes} onChoose={(minutes) => change({ minutes })} />
        <p class="emergency-told">{t.emergencyTold}</p>
        <div class="sheet-foot">
          <p class="form-error" role="alert" data-testid="emergency-problem">
            {problem !== null && `${problemWords(t, problem)} ${problem.status === 0 ? t.emergencyUnheard : ""}`}
          </p>
          <button type="submit" class="button primary wide" data-testid="emergency-confirm" aria-disabled={isBusy}>
            {isBusy ? t.emergencyBusy : t.emergencyConfirm}
          </button>
        </div>
      </form>
    </Sheet>
  );
}

/** The sheet is longer than the screen: what is missing first may be out of sight. */
function showFirst(faults: Faults): void {
  const [field] = Object.keys(faults);
  if (field !== undefined) document.getElementById(`emergency-${field}-field`)?.scrollIntoView({ block: "start" });
}

function FaultLine({ id, fault }: { readonly id: string; readonly fault: Fault | undefined }): JSX.Element {
  return (
    <p id={id} class="form-error" role="alert" data-testid={id}>
      {fault !== undefined && faultWords(words.value, fault)}
    </p>
  );
}

interface CategoriesProps {
  readonly chosen: Category | null;
  readonly fault: Fault | undefined;
  readonly onChoose: (category: Category) => void;
}

function Categories({ chosen, fault, onChoose }: CategoriesProps): JSX.Element {
  const t = words.value;
  return (
    <>
      <h3 id="emergency-category-field">{t.emergencyWhat}</h3>
      <div class="choices thirds categories" role="group" aria-labelledby="emergency-category-field">
        {CATEGORIES.map((category) => (
          <button key={category} type="button" class="button" data-testid={`emergency-${category}`} aria-pressed={chosen === category} onClick={() => onChoose(category)}>
            {categoryWord(t, category)}
          </button>
        ))}
      </div>
      <FaultLine id="emergency-category-error" fault={fault} />
    </>
  );
}

interface IncidentProps {
  readonly value: string;
  readonly fault: Fault | undefined;
  readonly onChange: (value: string) => void;
}

function Incident({ value, fault, onChange }: IncidentProps): JSX.Element {
  const t = words.value;
  return (
    <>
      <label id="emergency-incident-field" for="emergency-incident">{t.emergencyIncident}</label>
      <input
        id="emergency-incident"
        data-testid="emergency-incident"
        value={value}
        maxLength={LONGEST_INCIDENT}
        autocomplete="off"
        autocapitalize="characters"
        autocorrect="off"
        spellcheck={false}
        enterkeyhint="next"
        aria-describedby="emergency-incident-error"
        aria-invalid={fault !== undefined}
        placeholder={t.emergencyIncidentHint}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      <FaultLine id="emergency-incident-error" fault={fault} />
    </>
  );
}

function Minutes({ chosen, onChoose }: { readonly chosen: number; readonly onChoose: (minutes: number) => void }): JSX.Element {
  const t = words.value;
  return (
    <>
      <h3 id="emergency-for">{t.emergencyFor}</h3>
      <div class="choices thirds" role="group" aria-labelledby="emergency-for">
        {MINUTES.map((minutes) => (
          <button key={minutes} type="button" class="button" data-testid={`emergency-minutes-${minutes}`} aria-pressed={chosen === minutes} onClick={() => onChoose(minutes)}>
            {t.minutes(inFigures(minutes))}
          </button>
        ))}
      </div>
    </>
  );
}
