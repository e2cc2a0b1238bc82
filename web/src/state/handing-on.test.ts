import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { chooseLanguage, words } from "../i18n/locale";
import { copyText, shareLink } from "./handing-on";
import { clearNotice, notice } from "./notices";

const LINK = "https://camctl.example/#/invitation/abc";

describe("what is shown once", () => {
  beforeEach(() => {
    chooseLanguage("en");
    clearNotice();
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    clearNotice();
  });

  it("is copied, and that is said", async () => {
    const writeText = vi.fn(() => Promise.resolve());
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    await copyText(LINK);
    expect(writeText).toHaveBeenCalledWith(LINK);
    expect(notice.value).toEqual({ text: words.value.copied, tone: "calm" });
  });

  it("is not said to be copied when the browser refused", async () => {
    vi.stubGlobal("navigator", { clipboard: { writeText: () => Promise.reject(new DOMException("no", "NotAllowedError")) } });
    await copyText(LINK);
    expect(notice.value).toEqual({ text: words.value.notCopied, tone: "warn" });
  });

  it.each([
    ["AbortError", null],
    ["NotAllowedError", "warn"],
  ])("shared with %s is told: %s", async (name, tone) => {
    vi.stubGlobal("navigator", { share: () => Promise.reject(new DOMException("no", name)) });
    await shareLink(LINK);
    expect(notice.value?.tone ?? null).toBe(tone);
  });
});
