import type { JSX } from "preact";
import { chooseLanguage, language, LANGUAGE_NAMES, LANGUAGES, words } from "../i18n/locale";

export function LanguageSwitch(): JSX.Element {
  return (
    <select
      class="language"
      data-testid="language"
      aria-label={words.value.language}
      value={language.value}
      onChange={(event) => {
        const chosen = LANGUAGES.find((tag) => tag === event.currentTarget.value);
        if (chosen !== undefined) chooseLanguage(chosen);
      }}
    >
      {LANGUAGES.map((tag) => (
        <option key={tag} value={tag} lang={tag}>
          {LANGUAGE_NAMES[tag]}
        </option>
      ))}
    </select>
  );
}
