import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ownAccess } from "../api/links";
import { words } from "../i18n/locale";
import { PEOPLE } from "../state/route";

const LOOKS_AFTER = "manage_people";

/** The way to the people whom one looks after; nothing for who looks after nobody. */
export function ToPeople(): JSX.Element | null {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    let isWanted = true;
    void ownAccess().then((answer) => {
      if (isWanted) setShown(answer.kind === "success" && answer.value.capabilities.includes(LOOKS_AFTER));
    });
    return () => {
      isWanted = false;
    };
  }, []);
  const t = words.value;
  if (!isShown) return null;
  return (
    <section aria-labelledby="to-people">
      <h2 id="to-people">{t.people}</h2>
      <p class="quiet">{t.peopleExplain}</p>
      <a class="button wide" href={PEOPLE} data-testid="to-people">
        {t.inviteSomebody}
      </a>
    </section>
  );
}
