import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { CITY_SIGN_IN, hasCitySignIn } from "../api/links";
import { words } from "../i18n/locale";
import { route } from "../state/route";

/** A way to the city's own directory, where there is one. */
export function CitySignIn(): JSX.Element | null {
  const [isThere, setThere] = useState(false);
  useEffect(() => {
    void hasCitySignIn().then((answer) => setThere(answer.kind === "success" && answer.value));
  }, []);
  if (!isThere) return null;
  const t = words.value;
  const why = { "city-failed": t.citySignInFailed, "city-unavailable": t.citySignInUnavailable };
  const { name } = route.value;
  return (
    <>
      {(name === "city-failed" || name === "city-unavailable") && (
        <p class="form-error" role="alert" data-testid={name}>
          {why[name]}
        </p>
      )}
      <a class="button wide" data-testid="city-sign-in" href={CITY_SIGN_IN}>
        {t.citySignIn}
      </a>
    </>
  );
}
