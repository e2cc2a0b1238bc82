import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ownAccess, readOwnNotice, type OwnNotice } from "../api/links";
import { asMoment, words } from "../i18n/locale";

/** What one has to be told about the own account, until one says that it was read. */
export function OwnNotices(): JSX.Element {
  const [notices, setNotices] = useState<readonly OwnNotice[]>([]);
  useEffect(() => {
    void ownAccess().then((answer) => {
      if (answer.kind === "success") setNotices(answer.value.notices);
    });
  }, []);
  const t = words.value;
  const read = (id: string): void => {
    setNotices(notices.filter((one) => one.id !== id));
    void readOwnNotice(id); // one that could not be told comes again
  };
  return (
    <>
      {notices.map((one) => (
        <div key={one.id} class="own-notice" role="alert" data-testid="own-notice">
          <p>{one.by === "" ? t.recoveredByNobody(asMoment(one.at)) : t.recoveredBy(one.by, asMoment(one.at))}</p>
          <button type="button" class="button" data-testid="own-notice-read" onClick={() => read(one.id)}>
            {t.noticeRead}
          </button>
        </div>
      ))}
    </>
  );
}
