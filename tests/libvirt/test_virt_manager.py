# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-manager, used as vfalias-requests(7) says, by its windows (the program "windows"). virt-manager does not know
vfalias."""
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from guests import guest, ports
from namespace import ENVIRONMENT
from privatehost import QATS
from test_tools import names
from watching import LIMIT, Lines, News

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "man/vfalias-requests.pod"
MANAGER = "Virtual Machine Manager"
# Metadata that virt-manager writes, and metadata of another program.
OTHERS = ('<libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">'
          '<libosinfo:os id="http://libosinfo.org/linux/2022"/></libosinfo:libosinfo>'
          '<other:thing xmlns:other="urn:other" a="1">text<other:more/></other:thing>')
# /tmp is private, so files of these programs disappear with the namespace. The tree may be below the other /tmp.
START = ('exec 3<"$0" && mount -t tmpfs tmpfs /tmp && '
         'exec /usr/bin/python3 /dev/fd/3 virt-manager --no-fork --connect qemu:///system')
ATSPI = "import gi; gi.require_version('Atspi', '2.0')"


class Desktop:
    """virt-manager on a private host, and its user. desktop.VERB(WORDS...) runs a verb of the program "windows"."""

    def __init__(self, host):
        self._process = subprocess.Popen(
            host.command(["unshare", "--mount", "sh", "-c", START, HERE / "windows"]), text=True, cwd="/",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**ENVIRONMENT, "LC_ALL": "C.UTF-8", "HOME": "/tmp", "GSETTINGS_BACKEND": "memory"})
        self.lines = Lines(News(), self._process.stderr)
        self._open = []

    def close(self):
        self._process.stdin.close()
        self._process.wait(LIMIT)

    def __getattr__(self, verb):
        def do(*words):
            print(json.dumps([verb, *words]), file=self._process.stdin, flush=True)
            answer = json.loads(self._process.stdout.readline() or '{"failed": "it has ended"}')
            assert "failed" not in answer, "%s %s: %s\n%s" % (verb, words, answer["failed"],
                                                              "\n".join(self.lines.lines[-20:]))
            return answer["done"]
        return do

    def open(self, domain):
        """Opens the window of a domain with its hardware. Returns the title."""
        title = domain + " on QEMU/KVM"
        self.choose(MANAGER, domain + "\nShutoff")
        self.press(MANAGER, "Open")
        self.press(title, "Details")
        self._open.append(title)
        return title

    def close_windows(self):
        """Closes the windows of domains, before the domains are removed."""
        while self._open:
            title = self._open.pop()
            self.press(title, "Close")
            self.gone(title)

    def run(self, title, domain):
        """Starts the domain, and waits until virt-manager shows that it runs."""
        self.press(title, "Run")
        self.choose(MANAGER, domain + "\nRunning")


@pytest.fixture(scope="module")
def running_desktop(running_host):
    missing = [name for name in ("virt-manager", "Xvfb", "dbus-daemon") if not shutil.which(name)]
    if subprocess.run(["/usr/bin/python3", "-c", ATSPI], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        missing.append("AT-SPI for GObject introspection")
    if missing:
        pytest.skip("needs " + ", ".join(missing))
    if not running_host.libvirtd.running():
        running_host.libvirtd.start()
    desktop = Desktop(running_host)
    try:
        desktop.press(MANAGER, "Preferences")
        desktop.press("Preferences", "Enable XML editing")
        desktop.press("Preferences", "Close")
        yield desktop
    finally:
        desktop.close()


@pytest.fixture
def desktop(host, running_desktop):
    yield running_desktop
    running_desktop.close_windows()
    host.remove_domains()


def fragment():
    """The <metadata> that vfalias-requests(7) says to write there, and its content."""
    text = PAGE.read_text(encoding="utf-8").partition("In B<virt-manager>")[2]
    found = re.search(r"((?: {4}.*\n)+)", text)[1]
    inner = re.search(r"<metadata>\n(.*\n) +</metadata>", found, re.S)[1]
    return found, inner


WHOLE, INNER = fragment()


def paste(desktop, title, below, text):
    """Inserts text into the XML that is shown, as a new line below another line."""
    desktop.turn(title, "XML")
    before, line, after = desktop.read(title, "XML editor").partition(below + "\n")
    assert line
    desktop.write(title, "XML editor", before + line + text + after)


def ask(host, desktop, domain):
    """Asks for a QAT, in the XML tab."""
    title = desktop.open(domain)
    paste(desktop, title, "<metadata>", INNER)
    desktop.press(title, "config-apply")
    host.news.until(lambda: names(host, domain) == ["qat-0"], "a request")
    return title


def test_asks_in_the_xml_tab(host, desktop):
    """A machine as virt-manager makes it. If it runs, the request counts from its next start, as virt-manager says."""
    host.define(guest("asks", metadata=OTHERS, machine="q35"))
    title = ask(host, desktop, "asks")
    assert all(each in host.xml("asks") for each in ("libosinfo:os id", "text<other:more/></other:thing>"))
    desktop.run(title, "asks")
    assert host.devices("asks") == QATS[:1]
    paste(desktop, title, "<vfalias:requests xmlns:vfalias=\"urn:vfalias:1\">", INNER.splitlines(True)[1])
    desktop.press(title, "config-apply")
    assert "These changes will take effect after the next guest shutdown" in desktop.message("alert")
    desktop.press("alert", "OK")
    assert names(host, "asks") == ["qat-0", "qat-1"] and host.devices("asks") == QATS[:1]


def test_machine_without_metadata(host, desktop):
    host.define(guest("plain", machine="q35"))
    title = desktop.open("plain")
    paste(desktop, title, "<name>plain</name>", WHOLE)
    desktop.press(title, "config-apply")
    host.news.until(lambda: names(host, "plain") == ["qat-0"], "a request")


def test_refused_start(host, desktop):
    """The user can read the reason."""
    host.define(guest("has", *["qat"] * 3, machine="pc"))
    host.virsh("start", "has")
    host.define(guest("wants", metadata=OTHERS, machine="q35", devices=ports(3)))
    title = ask(host, desktop, "wants")
    desktop.press(title, "Run")
    assert desktop.message("alert").endswith(
        "vfalias: domain 'wants': no free device for request 'qat-0': alias 'qat' has 3 devices, 3 claimed")
    desktop.press("alert", "Close")
    assert len(host.devices()) == 3


def test_what_else_is_done_leaves_the_request(host, desktop):
    """The memory is changed, and the domain is cloned. The clone asks for its own device."""
    host.define(guest("first", metadata=OTHERS, machine="q35", devices=ports(3)))
    title = ask(host, desktop, "first")
    desktop.turn(title, "Details")
    desktop.choose(title, "Memory")
    desktop.number(title, "Max Memory Select", 32)
    desktop.press(title, "config-apply")
    host.news.until(lambda: "<memory unit='KiB'>32768</memory>" in host.xml("first"), "more memory")
    desktop.press(title, "Clone...")
    desktop.press("Clone Virtual Machine", "Clone")
    desktop.gone("Clone Virtual Machine")
    assert names(host, "first") == names(host, "first-clone") == ["qat-0"]
    for domain in "first", "first-clone":
        host.virsh("start", domain)
    assert host.devices() == QATS[:2]


PLACEHOLDER = """
<interface type='hostdev' managed='yes'>
  <source><address type='pci' domain='0xffff' bus='0xff' slot='0x1f' function='0'/></source>
  <alias name='ua-vf-qat-0'/>
</interface>"""
PORT = "<controller type='pci' index='15' model='pcie-root-port'><alias name='ua-slot-gpu-0'/></controller>"


@pytest.mark.parametrize("domain, page, text, look", [
    ("filled", "Network", PLACEHOLDER, lambda host: "slot='0x02' function='0x0'" in host.xml("filled")),
    ("labelled", "Controller", PORT, lambda host: names(host, "labelled") == ["gpu-0"])],
    ids=["placeholder", "port"])
def test_new_hardware(host, desktop, domain, page, text, look):
    host.define(guest(domain, metadata=OTHERS, machine="q35", devices=ports(3)))
    title = desktop.open(domain)
    desktop.press(title, "add-hardware")
    desktop.choose("Add New Virtual Hardware", page)
    desktop.turn("Add New Virtual Hardware", "XML")
    desktop.write("Add New Virtual Hardware", "XML editor", text)
    desktop.press("Add New Virtual Hardware", "Finish")
    host.news.until(lambda: look(host), "it in the definition")
