import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { presets } from "../api/calls";
import type { Preset } from "../api/model";
import type { Result } from "../api/result";
import { words } from "../i18n/locale";
import { problemWords } from "../i18n/problems";
import type { LiveSession } from "../state/live";
import { Sheet } from "./sheet";

export function PresetMenu({ live, onClose }: { readonly live: LiveSession; readonly onClose: () => void }): JSX.Element {
  const [answer, setAnswer] = useState<Result<readonly Preset[]> | null>(null);
  useEffect(() => {
    let isWanted = true;
    void presets(live.id).then((result) => {
      if (isWanted) setAnswer(result);
    });
    return () => (isWanted = false);
  }, [live]);
  const t = words.value;
  const items = answer?.kind === "success" ? answer.value : [];
  const nameOf = (preset: Preset): string => (preset.name === "" ? t.presetUnnamed(preset.token) : preset.name);
  return (
    <Sheet title={t.presets} onClose={onClose}>
      <p role="status">
        {answer === null && t.loading}
        {answer?.kind === "error" && problemWords(t, answer.problem)}
        {answer?.kind === "success" && items.length === 0 && t.presetsNone}
      </p>
      <ul class="choices stacked" data-testid="preset-list">
        {items.map((preset) => (
          <li key={preset.token}>
            <button
              type="button"
              class="button wide"
              data-preset={preset.token}
              onClick={() => {
                onClose();
                live.goTo(preset.token, nameOf(preset));
              }}
            >
              {nameOf(preset)}
            </button>
          </li>
        ))}
      </ul>
    </Sheet>
  );
}
