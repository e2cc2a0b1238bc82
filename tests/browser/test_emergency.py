"""Break-glass on phones: an official opens a camera, its owner is told and closes it, an administrator judges."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from camctl.demo.plan import EMERGENCY_ONLY
from tests.support import demo as demos
from tests.support.demo import Demo
from tests.support.phone_page import PhonePage, chromium

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
SECOND = "31.74"
SOON_MS = 3000
TOLD_MS = 15_000  # pages ask every ten seconds
NOTICE = "Andi (Walikota Selatan) opened Fatmawati, Cilandak Barat in an emergency (flood, 112-0881)"

# Nothing on the page may be wider than the phone, in either language.
_OVERFLOWS = "() => document.documentElement.scrollWidth > window.innerWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with demos.running("--cameras", "4") as running:
        yield running


def _shoot(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"phone-emergency-{name}.png")
    assert not page.evaluate(_OVERFLOWS), f"{name} is wider than the phone"


def _open_shut(phone: PhonePage) -> None:
    """Tap the camera in the list; a card is shown instead of its picture."""
    row = phone.page.locator(f'[data-testid="camera-item"][data-camera-id="{EMERGENCY_ONLY}"]')
    expect(row.get_by_test_id("emergency-fact")).to_contain_text("Hanya saat darurat")
    _shoot(phone.page, "list")
    row.click()
    expect(phone.page.get_by_test_id("emergency-card")).to_contain_text("hanya saat darurat", timeout=SOON_MS)
    assert phone.page.get_by_test_id("live-video").count() == 0


def _fill(phone: PhonePage) -> None:
    """What is missing is said at its place; what the network lost is still there."""
    phone.tap("emergency-open")
    phone.tap("emergency-confirm")
    expect(phone.page.get_by_test_id("emergency-category-error")).to_contain_text("Pilih apa yang terjadi")
    expect(phone.page.get_by_test_id("emergency-incident-error")).to_contain_text("Isi nomor kejadian")
    expect(phone.page.get_by_test_id("emergency-reason-error")).to_contain_text("alasan")
    _shoot(phone.page, "missing")
    phone.tap("emergency-flood")
    phone.page.get_by_test_id("emergency-incident").fill("112-0881")
    phone.page.get_by_test_id("emergency-reason").fill("Periksa tinggi air")
    phone.tap("emergency-minutes-15")
    phone.context.set_offline(True)
    phone.tap("emergency-confirm")
    expect(phone.page.get_by_test_id("emergency-problem")).to_contain_text("Isian Anda tetap ada", timeout=SOON_MS)
    _shoot(phone.page, "offline")
    phone.context.set_offline(False)


def _steers(phone: PhonePage, demo: Demo) -> None:
    """The picture moves, and by this finger."""
    before = phone.reading(within_s=10)
    phone.press_pad(0.8, 0.0)
    demo.wait(lambda: phone.reading().pan_deg > before.pan_deg + 3, 5.0, "the picture did not turn right")
    phone.lift()
    assert phone.reading().frame > before.frame


def test_a_camera_is_opened_told_of_closed_and_judged(browser: Browser, demo: Demo) -> None:
    camera = next(one for one in demo.ready["cameras"] if one["id"] == EMERGENCY_ONLY)
    official = PhonePage(browser, demo.url, locale="id-ID")
    owner = PhonePage(browser, demo.url, locale="en-US")
    official.sign_in(demo.person("official", SECOND))
    owner.sign_in(demo.person("partner"))
    owner.open_camera("cam-2")  # told on whatever screen they are

    _open_shut(official)
    _fill(official)
    official.tap("emergency-confirm")
    strip = official.page.get_by_test_id("emergency-strip")
    expect(strip).to_contain_text("Darurat, sisa 1", timeout=SOON_MS)
    _steers(official, demo)
    _shoot(official.page, "open")

    official.tap("back")
    fact = official.page.locator(f'[data-camera-id="{EMERGENCY_ONLY}"]').get_by_test_id("emergency-fact")
    expect(fact).to_contain_text("Terbuka untuk Anda sampai", timeout=SOON_MS)
    _shoot(official.page, "list-open")
    official.open_camera(EMERGENCY_ONLY)

    # The owner is told, looks, and closes it; the official's picture and controls end and the page says why.
    notice = owner.page.get_by_test_id("emergency-notice")
    expect(notice).to_contain_text(NOTICE, timeout=TOLD_MS)
    _shoot(owner.page, "notice")
    owner.tap("emergency-look")
    opening = owner.page.get_by_test_id("opening")
    expect(opening).to_contain_text("Periksa tinggi air", timeout=SOON_MS)
    expect(notice).to_be_hidden()
    expect(owner.page.get_by_test_id("opening-judge")).to_have_count(0)
    _shoot(owner.page, "owner")
    official.press_pad(-0.8, 0.0)
    demo.wait_moving(camera, 2.0)
    owner.tap("opening-close")
    owner.tap("opening-close")
    began = time.monotonic()
    card = official.page.get_by_test_id("emergency-card")
    expect(card).to_be_visible(timeout=2000)
    assert time.monotonic() - began < 2.0
    demo.wait_still(camera, 1.0)
    official.lift()
    expect(card).to_contain_text("diakhiri oleh partner", timeout=2000)
    for gone in ("live-video", "stop", "emergency-strip"):
        expect(official.page.get_by_test_id(gone)).to_have_count(0)
    _shoot(official.page, "ended")
    expect(opening.get_by_test_id("opening-state")).to_contain_text("Waits for a judgement until", timeout=SOON_MS)
    assert owner.errors == []
    owner.close()

    # The official opens it again, closes it themselves, and cannot judge it.
    official.tap("emergency-open")
    expect(official.page.get_by_test_id("emergency-incident")).to_have_value("")
    official.tap("emergency-fire")
    official.page.get_by_test_id("emergency-incident").fill("113-7")
    official.page.get_by_role("button", name="Mengarahkan petugas").click()
    _shoot(official.page, "sheet")
    official.tap("emergency-confirm")
    official.reading(within_s=10)
    official.tap("emergency-close")
    official.tap("emergency-close")
    expect(card).to_contain_text("Anda sudah menutup", timeout=SOON_MS)
    official.tap("back")
    official.tap("emergency-bar")
    expect(official.page.get_by_test_id("opening")).to_have_count(2, timeout=SOON_MS)
    expect(official.page.get_by_test_id("opening-judge")).to_have_count(0)
    _shoot(official.page, "own")
    assert official.errors == []
    official.close()

    _judge(browser, demo)


def _judge(browser: Browser, demo: Demo) -> None:
    supervisor = PhonePage(browser, demo.url, locale="id-ID")
    supervisor.sign_in(demo.person("admin"))
    bar = supervisor.page.get_by_test_id("emergency-bar")
    expect(bar).to_have_attribute("data-count", "2", timeout=SOON_MS)
    _shoot(supervisor.page, "bar")
    bar.click()
    items = supervisor.page.get_by_test_id("opening")
    expect(items).to_have_count(2, timeout=SOON_MS)
    expect(items.first).to_contain_text("Kebakaran · 113-7")
    items.last.get_by_test_id("opening-judge").click()
    supervisor.tap("judge-confirm")
    expect(supervisor.page.get_by_test_id("judge-error")).to_contain_text("Pilih")
    supervisor.tap("judge-yes")
    supervisor.page.get_by_test_id("judge-words").fill("Sesuai prosedur")
    _shoot(supervisor.page, "judge")
    supervisor.tap("judge-confirm")
    expect(items.last.get_by_test_id("opening-state")).to_contain_text("Dinilai perlu", timeout=SOON_MS)
    expect(items.last).to_contain_text("“Sesuai prosedur”")
    expect(items.first.get_by_test_id("opening-state")).to_contain_text("Menunggu penilaian sampai")
    _shoot(supervisor.page, "judged")
    supervisor.tap("to-list")
    expect(bar).to_have_attribute("data-count", "1", timeout=SOON_MS)
    assert supervisor.errors == []
    supervisor.close()
