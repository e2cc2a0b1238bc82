"""Two officials, an operator, an administrator and a patrol at one camera: everyone sees every change of hands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support import demo as demos
from tests.support.demo import Demo
from tests.support.phone_page import PhonePage, chromium

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
CAMERA = "31.71.01.1001"  # a lurah's, a walikota's, and of course the operator's
SOON_MS = 3000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with demos.running("--cameras", "3") as running:
        yield running


class Room:
    """All open pages on one camera."""

    def __init__(self, browser: Browser, demo: Demo) -> None:
        self.demo = demo
        self.camera = demo.camera(CAMERA)
        self.lurah = self._page(browser, "official", CAMERA)
        self.walikota = self._page(browser, "official", "31.71")
        self.operator = self._page(browser, "operator", None)
        self.admin = self._page(browser, "admin", None)
        self.pages = [self.lurah, self.walikota, self.operator, self.admin]

    def _page(self, browser: Browser, role: str, area: str | None) -> PhonePage:
        phone = PhonePage(browser, self.demo.url, locale="id-ID")
        phone.sign_in(self.demo.person(role, area))
        phone.open_camera(self.camera["id"])
        return phone

    def all_see(self, test_id: str, text: str, *, but: PhonePage | None = None) -> None:
        """Every page (of others) has this text in its holder row."""
        for phone in self.pages:
            if phone is not but:
                expect(phone.page.locator(f'.holder-row [data-testid="{test_id}"]')).to_contain_text(
                    text, timeout=SOON_MS
                )

    def all_see_holder(self, holder: PhonePage, name: str) -> None:
        """The holder's own page says "you", all others the name."""
        expect(holder.holder()).to_have_attribute("data-whose", "you", timeout=SOON_MS)
        self.all_see("holder", name, but=holder)


@pytest.fixture
def room(browser: Browser, demo: Demo) -> Iterator[Room]:
    room = Room(browser, demo)
    yield room
    for phone in room.pages:
        assert phone.errors == []
        phone.close()


def _make_patrol(phone: PhonePage, name: str) -> None:
    """As a person does it: two stations from the camera's presets, saved, then started."""
    phone.tap("control-sheet")
    phone.tap("patrols")
    phone.tap("patrol-new")
    phone.page.get_by_test_id("patrol-name").fill(name)
    phone.tap("patrol-add-station")
    phone.page.get_by_test_id("station-2-preset").select_option(index=1)
    for number in (1, 2):
        phone.page.get_by_test_id(f"station-{number}-dwell").fill("4")
    phone.page.screenshot(path=PICTURES / "phone-patrol.png")
    phone.tap("patrol-save")
    phone.tap("patrol-start")
    expect(phone.page.get_by_test_id("patrol-stop")).to_be_visible(timeout=SOON_MS)
    phone.page.keyboard.press("Escape")


def test_everyone_sees_every_change_of_hands(room: Room) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    lurah, walikota, operator, admin = room.pages

    # The patrol runs: it holds the camera, and says where it is.
    _make_patrol(operator, "Ronda pagi")
    room.all_see("holder", "Ronda pagi")
    room.all_see("round", "berjalan")
    room.all_see("round", "dari 2")
    room.demo.wait_moving(room.camera, 10.0)

    # An official just steers; the patrol gives way without a question.
    lurah.press_pad(0.7, 0.0)
    room.all_see_holder(lurah, "Rina")
    room.all_see("round", "jeda: ada petugas yang memegang kendali")
    expect(lurah.page.get_by_test_id("delay")).to_have_attribute("data-lane", "datagrams", timeout=SOON_MS)
    room.demo.wait_moving(room.camera, 2.0)

    # The operator asks and waits; the holder sees it at once.
    operator.tap("request")
    operator.page.get_by_test_id("request-reason").fill("cek banjir")
    operator.tap("request-confirm")
    room.all_see("queue-line", "1 menunggu")
    expect(operator.holder()).to_contain_text("Anda urutan ke-1", timeout=SOON_MS)
    expect(lurah.page.get_by_test_id("waiter-bar")).to_contain_text("cek banjir", timeout=SOON_MS)
    expect(lurah.page.locator('.holder-row [data-testid="countdown"]')).to_contain_text("karena ada yang menunggu")

    # A higher rank takes over with a reason; the camera is stopped though the finger is still down.
    walikota.tap("take-over")
    walikota.page.get_by_test_id("take-over-reason").fill("kecelakaan di Monas")
    walikota.tap("take-over-confirm")
    room.all_see_holder(walikota, "Sari")
    room.all_see("holder", "kecelakaan di Monas")
    room.demo.wait_still(room.camera, 1.5)
    expect(lurah.page.get_by_test_id("notice")).to_contain_text("kecelakaan di Monas", timeout=SOON_MS)
    lurah.lift()
    for phone in (lurah, walikota):  # pictures for the documents: without notices, the countdown just begun
        expect(phone.page.get_by_test_id("notice")).to_be_empty(timeout=6000)
    walikota.tap("zoom-in")
    expect(walikota.page.locator('.holder-row [data-testid="countdown"]')).to_contain_text("dtk", timeout=SOON_MS)
    lurah.page.screenshot(path=PICTURES / "phone-other-holds.png")
    walikota.page.screenshot(path=PICTURES / "phone-control.png")

    # One tap hands over to the one who waits.
    walikota.tap("hand-over")
    room.all_see_holder(operator, "Budi")
    expect(operator.page.get_by_test_id("notice")).to_contain_text("Kendali sekarang di tangan Anda", timeout=SOON_MS)

    # The operator reserves; rank does not help against that.
    operator.tap("control-sheet")
    operator.tap("reserve")
    operator.tap("reserve-30")
    operator.page.get_by_test_id("reserve-reason").fill("pawai budaya")
    operator.tap("reserve-confirm")
    room.all_see("countdown", "Dipesan sampai")
    room.all_see("holder", "pawai budaya")
    lurah.press_pad(0.7, 0.0)
    expect(lurah.page.get_by_test_id("notice")).to_contain_text("Dipesan oleh Budi", timeout=SOON_MS)
    lurah.lift()
    expect(walikota.page.get_by_test_id("take-over")).to_have_count(0)
    expect(walikota.page.get_by_test_id("request")).to_be_visible()
    lurah.page.screenshot(path=PICTURES / "phone-reserved.png")

    # Who may break it is warned first, and everyone learns why.
    admin.tap("break")
    expect(admin.page.get_by_test_id("take-over-explain")).to_contain_text("Budi", timeout=SOON_MS)
    admin.page.get_by_test_id("take-over-reason").fill("perintah gubernur")
    admin.page.screenshot(path=PICTURES / "phone-break.png")
    admin.tap("take-over-confirm")
    room.all_see_holder(admin, "Dewi")
    room.all_see("holder", "perintah gubernur")
    expect(operator.page.get_by_test_id("notice")).to_contain_text("membatalkan pesanan Anda", timeout=SOON_MS)

    # Released: free for everyone, and after its idle time the patrol goes on.
    admin.tap("release")
    room.all_see("holder", "Bebas")
    room.all_see("round", "lanjut dalam")
    lurah.page.screenshot(path=PICTURES / "phone-resting.png")
    for phone in room.pages:
        expect(phone.holder()).to_contain_text("Ronda pagi", timeout=45_000)
    room.all_see("round", "berjalan")

    for phone in room.pages:
        delays = phone.holder_delays_ms()
        assert len(delays) >= 7, f"the page saw {len(delays)} changes of hands"
        assert max(delays) < 100, f"a change was shown only after {max(delays):.0f} ms"


def test_a_stop_that_is_not_confirmed_is_said_to_everyone_watching(browser: Browser, demo: Demo) -> None:
    camera = demo.camera("31.74")
    steers = PhonePage(browser, demo.url, locale="id-ID")
    watches = PhonePage(browser, demo.url, locale="id-ID")
    try:
        for phone, person in ((steers, demo.person("official", "31.74")), (watches, demo.person("partner"))):
            phone.sign_in(person)
            phone.open_camera(camera["id"])
        steers.press_pad(0.7, 0.0)
        demo.wait_moving(camera, 2.0)
        expect(watches.holder()).to_contain_text("Andi", timeout=SOON_MS)
        demo.faults(camera, http_status=500)
        steers.lift()
        for phone in (steers, watches):
            expect(phone.page.get_by_test_id("stop-unconfirmed")).to_contain_text(
                "belum memastikan berhenti", timeout=8000
            )
        watches.page.screenshot(path=PICTURES / "phone-unconfirmed.png")
        demo.faults(camera, http_status=None)
        for phone in (steers, watches):
            expect(phone.page.get_by_test_id("stop-unconfirmed")).to_be_empty(timeout=20_000)
            assert phone.errors == []
    finally:
        demo.faults(camera, http_status=None)
        steers.close()
        watches.close()
