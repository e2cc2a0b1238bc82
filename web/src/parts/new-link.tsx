import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { NewLink } from "../api/people";
import { asMoment, words } from "../i18n/locale";
import { secondLookWords } from "../i18n/second-look";
import { copyText, shareLink } from "../state/handing-on";
import { newLink } from "../state/people";

/** A link that was just made: to be scanned from this screen, sent, or copied; it is not shown again. */
export function NewLinkCard({ link: { made, waits, waitsWhy, link, qr } }: { readonly link: NewLink }): JSX.Element {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    title.current?.scrollIntoView({ block: "start" });
    title.current?.focus();
  }, [link]);
  const t = words.value;
  return (
    <section class="new-link" aria-labelledby="new-link">
      <h2 id="new-link" ref={title} tabIndex={-1} data-testid="new-link-title">
        {made.kind === "recovery" ? t.linkForRenewed(made.displayName) : t.linkForInvited(made.displayName)}
      </h2>
      <p>{t.linkShown(asMoment(made.expiresAt))}</p>
      {waits && (
        <p data-testid="new-link-waits">
          {waitsWhy !== null && `${secondLookWords(t, waitsWhy)} `}
          {t.linkWaits}
        </p>
      )}
      <img class="qr" src={qr} alt={t.linkQr} data-testid="new-link-qr" />
      <code data-testid="new-link">{link}</code>
      <Sending link={link} />
      <button type="button" class="button wide" data-testid="new-link-done" onClick={() => (newLink.value = null)}>
        {t.linkPutAway}
      </button>
    </section>
  );
}

/** Only pages over HTTPS may share and copy; without, the code and the text are there. */
function Sending({ link }: { readonly link: string }): JSX.Element | null {
  const t = words.value;
  if (!window.isSecureContext) return null;
  return (
    <>
      {"share" in navigator && (
        <button type="button" class="button primary wide" onClick={() => void shareLink(link)}>
          {t.linkShare}
        </button>
      )}
      <button type="button" class="button wide" data-testid="new-link-copy" onClick={() => void copyText(link)}>
        {t.linkCopy}
      </button>
    </>
  );
}
