"""A real Chromium, without a window and without a way to the outside; a test that needs it is skipped with a word on what to install."""

import json
import shutil
import time

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-dev-shm-usage",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--window-size=1440,900",
)  # fmt: skip


class Explorer:
    """The page as a reader meets it: found by what it says, moved by clicks and keys."""

    def __init__(self, driver, downloads):
        self.driver, self.downloads = driver, downloads

    def open(self, path, fragment=""):
        """Open the page of a file; waits until it is drawn."""
        self.driver.get("about:blank")
        self.driver.get_log("performance")
        self.driver.get_log("browser")
        self.driver.get(path.absolute().as_uri() + fragment)
        self.wait("return document.body && document.body.dataset.ready")

    def wait(self, script, seconds=20):
        """Wait until *script* gives something true, and return it."""
        until = time.monotonic() + seconds
        while not (found := self.driver.execute_script(script)):
            assert time.monotonic() < until, f"never true: {script}"
            time.sleep(0.02)
        return found

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def one(self, selector):
        return self.driver.find_element("css selector", selector)

    def click(self, selector):
        self.one(selector).click()

    def press(self, key):
        """Press a key, wherever the focus is."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(key).perform()

    def text(self, selector):
        return self.one(selector).text

    def search(self, words):
        """Type *words* into the search field and take the first thing found."""
        field = self.one("#search")
        field.clear()
        field.send_keys(words + "\ue007")

    def boxes(self):
        """The keys of what is drawn."""
        return self.driver.execute_script("return [...document.querySelectorAll('#world .box')].map((box) => box.dataset.key)")

    def places(self):
        """Where each thing is drawn, in the coordinates of the picture."""
        script = """return Object.fromEntries([...document.querySelectorAll('#world .box')].map((box) => {
            const { x, y } = box.querySelector('rect, path').getBBox();
            return [box.dataset.key, [Math.round(x), Math.round(y)]];
        }));"""
        return self.driver.execute_script(script)

    def requests(self):
        """The addresses that the page asked for, but itself."""
        asked = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent" and message["params"]["type"] != "Document":
                address = message["params"]["request"]["url"]
                asked += [] if address.startswith(("data:", "blob:")) else [address]  # Chromium's own signs, and what is saved
        return asked

    def complaints(self):
        """What stands in the console: errors, and violations of the policy."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def saved(self, suffix, seconds=20):
        """The text of the file with this suffix that the page saved last."""
        until = time.monotonic() + seconds
        while not (found := sorted(self.downloads.glob(f"*{suffix}"))) or list(self.downloads.glob("*.crdownload")):
            assert time.monotonic() < until, f"no {suffix} was saved"
            time.sleep(0.05)
        return found[-1].read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """One Chromium for all tests."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install -e '.[dev]'")
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("needs a browser: apt-get install chromium chromium-driver")
    downloads = tmp_path_factory.mktemp("downloads")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads), "download.prompt_for_download": False})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield Explorer(driver, downloads)
    driver.quit()


@pytest.fixture
def explorer(browser):
    """The browser, with nothing saved yet; whatever a test does, nothing may be asked for and nothing complained of."""
    for path in browser.downloads.iterdir():
        path.unlink()
    yield browser
    assert browser.requests() == [] and browser.complaints() == []
