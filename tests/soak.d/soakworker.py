# SPDX-License-Identifier: LGPL-2.1-or-later
"""One of the processes of tests/soak. It owns some domains, does random operations on them and on the host, and checks
each result against the model.

A worker owns its domains as libvirt locks a domain: no two hooks run for one domain. The checks:
- a start that succeeds has a claim for each request, on a device of the alias that no other running domain has, and
  that was not in quarantine, unplugged or forbidden during the whole run of the hook;
- a release without a fault leaves no claim of the domain;
- restore and reconnect never fail.
After a fault, or while the state file is lost or the configuration is changed, only conditions that hold even then are
checked."""
import fcntl
import json
import os
import random
import sqlite3
import time
from xml.etree import ElementTree

from hookhost import CLI, HOOK
from soakdomain import ELSEWHERE, Domain, draw_wish
from soakhost import lock_domain
from soakrun import NO_FAULT, Runner, draw_fault

LISTINGS = (["claims", "--json"], ["devices", "--json"], ["stats", "--json"], ["quarantine", "list", "--json"],
            ["explain", "net", "--json"])
HOLDING = ("incoming", "claimed", "active")


def read_rows(host, query, *args):
    """None: there is no state file now, or it is being lost."""
    epoch = host.model.epoch
    try:
        db = sqlite3.connect("file:%s?mode=rw" % host.state, uri=True, isolation_level=None, timeout=30)
        try:
            return db.execute(query, args).fetchall()
        finally:
            db.close()
    except sqlite3.OperationalError:
        return None
    except sqlite3.DatabaseError as e:
        if epoch == host.model.epoch and not epoch & 1:
            host.violation("the state file cannot be read: %s" % e)
        return None


class Worker:
    def __init__(self, host, number, workers, seed):
        self.host, self.number, self.model = host, number, host.model
        self.chance = random.Random(seed * 1000 + number)
        self.domains = [Domain(host, number * 2 + 1), Domain(host, number * 2 + 2)]
        self.others = [Domain(host, n) for n in range(1, workers * 2 + 1)]
        self.runner = Runner(host, number)
        self.gate = os.open(host.folder / "gate", os.O_RDWR | os.O_CREAT, 0o600)
        self.locks = os.open(host.folder / "locks", os.O_RDWR)
        self.seen = 0  # the last epoch that was seen
        self.host_actions = [(8, self.rescan), (20, self.list)]
        if number == 0:
            self.host_actions.append((20, self.lose_state))
        if number == 1:
            self.host_actions.append((60, self.change_config))
        if 2 <= number < 2 + len(host.cards):
            self.host_actions.append((20, self.change_vfs))
        if number >= 5:
            self.host_actions += [(20, self.change_quarantine), (8, self.gc)]

    def work(self):
        while not self.model.stop:
            while self.model.pause:
                time.sleep(0.001)
            fcntl.flock(self.gate, fcntl.LOCK_SH)
            if self.seen != self.model.epoch:
                self.notice_loss()
            self.step()
            fcntl.flock(self.gate, fcntl.LOCK_UN)
        for domain in self.domains:
            with DomainLock(self, domain):
                if domain.running:
                    self.stop(domain, NO_FAULT)
                self.release(domain, NO_FAULT)

    def step(self):
        if self.chance.random() < 0.08:
            weights, actions = zip(*self.host_actions)
            self.chance.choices(actions, weights)[0]()
            return
        domain = self.chance.choice(self.domains)
        what = self.chance.random()
        if what < 0.02:
            self.release_verb(domain)
            return
        with DomainLock(self, domain):
            if not domain.running:
                self.start_somehow(domain) if what < 0.9 else self.release(domain)
            elif what < 0.4:
                self.reconnect(domain)
            elif what < 0.45:
                self.crash(domain)
            else:
                self.stop(domain)

    # ---- the present state ----

    def stable(self):
        """A token. If it is true, and equal before and after a run, the host did not change meanwhile."""
        model = self.model
        return (model.epoch, model.config_changes) if not (model.epoch | model.config_changes) & 1 else None

    def same_state(self, epoch):
        return not epoch & 1 and self.model.epoch == epoch

    def claims(self, domain):
        """{request: (device, state)} of the domain's held claims."""
        rows = read_rows(self.host, "SELECT request, device, state FROM claim WHERE uuid = ?", domain.uuid)
        return {request: (device, state) for request, device, state in rows or () if state in HOLDING}

    def violation(self, domain, text):
        self.runner.violation("domain '%s': %s (wish %s, live %s)" % (domain.name, text, vars(domain.wish), domain.live))

    def hook(self, domain, operation, sub, xml, fault=None, extra="-"):
        fault, token = draw_fault(self.chance) if fault is None else fault, self.stable()
        done = self.runner.run(operation, [str(HOOK), domain.name, operation, sub, extra], xml, fault)
        if done.status > 1 and not fault.kind and token and token == self.stable():
            self.violation(domain, "%s failed, and nothing was in its way: %s" % (operation, done))
        return done

    def notice_loss(self):
        """A device that was unplugged when the state file was rebuilt does not belong to its domain any more."""
        self.seen = self.model.epoch
        for domain in self.domains:
            lost = [name for name, device in domain.live.items()
                    if self.model.holder[self.host.index[device]] != domain.number]
            for name in lost:
                del domain.live[name]
            if lost and domain.running:
                domain.write_status()

    # ---- starts ----

    def start_somehow(self, domain):
        how = self.chance.random()
        domain.wish = draw_wish(self.chance, self.host, 0.3 if how < 0.6 else 0.8)
        xml = domain.xml()
        if how > 0.6:
            operation = self.chance.choice(("migrate", "restore", "resolve"))
            xml = self.arrive(domain, operation)
        if xml and (how < 0.95):
            self.start(domain, xml)

    def arrive(self, domain, operation):
        """Returns the XML to start the domain with, or None. A domain may also not arrive."""
        wish = domain.wish
        if operation != "restore" and self.chance.random() < 0.5:
            wish.placed = {name: ELSEWHERE for name in wish.placed}
        alias = {name: domain.alias_of(name) for name in wish.placed}
        xml, epoch = domain.xml(), self.model.epoch
        if operation == "resolve":
            done = self.runner.run(operation, [str(CLI), "resolve"], xml, draw_fault(self.chance))
        else:
            done = self.hook(domain, operation, "begin", xml)
        self.check_never_fails(domain, operation, done)
        if done.killed or done.status != 0:
            return xml if operation == "restore" else None
        if done.out and not done.out.rstrip().endswith(b"</domain>"):
            self.violation(domain, "%s gives a part of the XML: %s" % (operation, done))
        if done.out:
            xml = done.out
        wish.placed = {name: address_in(xml, name, self.host) for name in wish.placed}
        wish.requests.update({name: alias[name] for name in wish.placed})
        claims = self.claims(domain)
        if not done.fault.kind and self.same_state(epoch) and operation != "restore":
            for name, address in wish.placed.items():
                if claims.get(name, (None,))[0] != address:
                    self.violation(domain, "%s put %s into the XML, claims are %s: %s" % (operation, address, claims, done))
        return xml

    def start(self, domain, xml):
        self.host.made.active[domain.number] = 1
        before, was, token, epoch = self.claims(domain), self.flags(), self.stable(), self.model.epoch
        done = self.hook(domain, "prepare", "begin", xml)
        if done.killed or done.status != 0:
            self.host.made.active[domain.number] = 0
            self.hook(domain, "release", "end", xml, extra="failed")
            return
        claims = self.claims(domain)
        if self.same_state(epoch):
            self.check_start(domain, claims, done, undisturbed=not done.fault.kind and token and token == self.stable())
            self.check_choice(domain, before, claims, was, token, done)
        domain.live = {name: device for name, (device, _) in claims.items() if domain.asks_for(name)}
        for name, address in domain.wish.placed.items():
            domain.live.setdefault(name, address)
        if not self.qemu_starts(domain) or not self.take(domain, epoch):
            self.host.made.active[domain.number] = 0
            self.hook(domain, "release", "end", xml, NO_FAULT, extra="failed")
            return
        domain.running = True
        domain.write_status()
        self.hook(domain, "started", "begin", xml)

    def qemu_starts(self, domain):
        """QEMU does not start if the host device of the domain's own XML does not exist. If the device exists and was
        not recorded because of a fault, it is not checked further: vfalias cannot know it."""
        static = domain.wish.static
        if not static:
            return True
        absent = self.model.absent[self.host.index[static]]
        return (static in domain.live.values() and not absent) or self.give_back(domain)

    def check_start(self, domain, claims, done, undisturbed):
        """A domain without requests starts, whatever happens to the hook or to the configuration."""
        wish = domain.wish
        if not undisturbed and not wish.asks():
            return
        for name, alias in wish.requests.items():
            if name in wish.optional and name not in claims:
                continue
            device = claims.get(name, (None,))[0]
            if device not in (self.host.net if alias == "net" else self.host.accel):
                self.violation(domain, "started, and request '%s' has %s: %s" % (name, device, done))
        for name, address in wish.placed.items():
            if claims.get(name, (None,))[0] != address:
                self.violation(domain, "started with %s, claims are %s: %s" % (address, claims, done))
        more = {name for name in claims if not domain.asks_for(name)}
        if more:
            self.violation(domain, "started with more than it asks for: %s: %s" % (claims, done))

    def flags(self):
        return {name: self.host.flags(name) for name in ("quarantined", "absent")}

    def check_choice(self, domain, before, claims, was, token, done):
        """A device that was kept for an arrival may have changed since. A device in the XML that is no device of the
        alias is the user's choice."""
        now = self.flags()
        kept = {device for device, _ in before.values()}
        stable = token and token == self.stable()
        for name, (device, _) in claims.items():
            if name.startswith("static:") or device in kept:
                continue
            if name in domain.wish.placed and not (stable and self.host.allowed(device)):
                continue
            number = self.host.index[device]
            for what, flags in was.items():
                if flags[number][0] and flags[number] == now[what][number]:
                    self.violation(domain, "was given %s for '%s', which is %s" % (device, name, what))
            if stable and not self.host.allowed(device):
                self.violation(domain, "was given %s for '%s', which no device_spec allows" % (device, name))
            made = self.host.made_vf(device)
            if not done.fault.kind and name in domain.wish.placed and made and was["absent"][number] == now["absent"][number] and \
                    not made.is_as_wanted(domain.wish.tap):
                self.violation(domain, "starts with %s, which is not set as the alias says: %s" % (device, list(made.values)))

    def take(self, domain, epoch):
        """Records the devices of the domain. False: while the state file is lost, the domain's own host device may
        belong to another domain, or be in the group of another domain's device, which only the kernel knows."""
        model, host = self.model, self.host
        if not self.same_state(epoch) and any(name.startswith("static:") for name in domain.live):
            return self.give_back(domain)
        for name, device in domain.live.items():
            holder = model.holder[host.index[device]] if device in host.index else 0
            if holder not in (0, domain.number):
                self.violation(domain, "was given %s, which domain 'd%d' has" % (device, holder))
        for device in domain.live.values():
            if device in host.index:
                host.set_flag("holder", device, domain.number)
        return True

    def give_back(self, domain):
        for device in domain.live.values():
            if device in self.host.index and self.model.holder[self.host.index[device]] == domain.number:
                self.host.set_flag("holder", device, 0)
        domain.live = {}
        return False

    # ---- what happens to a running domain ----

    def stop(self, domain, fault=None):
        for name, device in domain.live.items():
            holder = self.model.holder[self.host.index[device]]
            if holder not in (0, domain.number):
                self.violation(domain, "runs with %s for '%s', which domain 'd%d' was given" % (device, name, holder))
        xml = domain.live_xml()
        self.crash(domain, counted=False)
        self.release(domain, fault, xml)

    def crash(self, domain, counted=True):
        """The domain is gone, and no hook is called."""
        self.host.made.active[domain.number] = 0
        self.give_back(domain)
        domain.remove_status()
        domain.running = False
        if counted:
            self.runner.count("crash")

    def release(self, domain, fault=None, xml=None):
        token = self.stable()
        done = self.hook(domain, "release", "end", xml or domain.xml(), fault, extra="shutdown")
        self.check_never_fails(domain, "release", done)
        if done.fault.kind or not token or token != self.stable():
            return
        claims = self.claims(domain)
        if claims and token == self.stable():
            self.violation(domain, "was released, and has %s: %s" % (claims, done))

    def reconnect(self, domain):
        token, was = self.stable(), self.flags()["absent"]
        done = self.hook(domain, "reconnect", "begin", domain.live_xml())
        self.check_never_fails(domain, "reconnect", done)
        if done.fault.kind or not token or token != self.stable():
            return
        claims, now = self.claims(domain), self.flags()["absent"]
        if token != self.stable():
            return
        states = dict(claims.values())
        for name, device in domain.live.items():
            number = self.host.index[device]
            if was[number][0] == 0 and was[number] == now[number] and states.get(device) != "active":
                self.violation(domain, "has %s for '%s' and reconnects, its claims are %s" % (device, name, claims))

    def check_never_fails(self, domain, operation, done):
        if operation in ("restore", "reconnect", "release") and not done.killed and (done.status, done.err) != (0, b""):
            self.violation(domain, "%s failed: %s" % (operation, done))

    def release_verb(self, domain):
        """Runs without the domain's lock: libvirt takes this lock to answer."""
        done = self.runner.run("release verb", [str(CLI), "release", domain.name], b"", draw_fault(self.chance),
                               self.host.libvirt_env)
        if done.status == 0 and domain.running:
            self.violation(domain, "runs, and 'vfalias release' succeeds: %s" % done)

    # ---- what happens to the host ----

    def cli(self, operation, *args, fault=None, env=None):
        """A failure because of the configuration, or because the state file is being lost, is no violation. The exit
        status of explain is no violation either. Every other failure is."""
        fault, token = draw_fault(self.chance) if fault is None else fault, self.stable()
        done = self.runner.run(operation, [str(CLI), *args], b"", fault, env)
        if done.status != 0 and not fault.kind and token and token == self.stable() and args[0] != "explain":
            self.runner.violation("vfalias %s failed: %s" % (" ".join(args), done))
        return done

    def gc(self):
        self.cli("gc", "gc", env=self.host.libvirt_env)

    def rescan(self):
        self.cli("rescan", "rescan")

    def list(self):
        listing = self.chance.choice(LISTINGS)
        done = self.cli("listing", *listing)
        if done.out and done.status == 0:
            try:
                json.loads(done.out)
            except ValueError:
                self.runner.violation("vfalias %s is no JSON: %s" % (" ".join(listing), done))

    def change_quarantine(self):
        """Each worker has its own devices for this. A device that a release has put into quarantine is taken out as an
        administrator does it: the VF gets its initial settings."""
        mine = self.host.devices[self.number - 5::19]
        rows = read_rows(self.host, "SELECT device, reason FROM quarantine") or []
        for device, reason in rows:
            number = self.host.index.get(device)
            if device in mine and (reason == "soak" or not self.model.holder[number]) and self.chance.random() < 0.7:
                self.host.set_flag("quarantined", device, 0)
                if reason != "soak" and self.host.made_vf(device):
                    self.host.made_vf(device).make_again()
                self.runner.run("quarantine", [str(CLI), "quarantine", "remove", device], b"", draw_fault(self.chance))
                return
        device, epoch = self.chance.choice(mine), self.model.epoch
        self.host.set_flag("quarantined", device, 0)
        done = self.cli("quarantine", "quarantine", "add", device, "soak")
        if done.status == 0 and self.same_state(epoch):
            self.host.set_flag("quarantined", device, 1)

    def change_config(self):
        model, version = self.model, self.chance.choice((None, 0, 0, 1, 2))
        for next_version in (version, 0) if version is None else (version,):
            if not model.config_changes & 1:
                model.config_changes += 1
            self.host.configure(next_version)
            if next_version is None:
                time.sleep(self.chance.random() * 0.03)
        model.config_version = next_version
        model.config_changes += 1
        self.runner.count("configure")

    def change_vfs(self):
        card = self.host.cards[self.number - 2]
        card.unplug()
        time.sleep(self.chance.random() * 0.03)
        card.plug(len(card.vfs) if self.chance.random() < 0.7 else len(card.vfs) // 2)
        self.runner.count("VFs")
        self.host.note(self.number, "VFs of %s: %d are there" % (card.pf.address, sum(vf.path.exists() for vf, _ in card.vfs)))
        self.rescan()

    def lose_state(self):
        """Removes the state file during other operations, and then once more while no program runs: a file that is
        removed under SQLite may be followed by a damaged file. Then does what vfaliasd does: makes the claims of each
        running domain again from its live XML, and lets other domains claim only after that."""
        self.model.epoch += 1
        self.remove_state()
        fcntl.flock(self.gate, fcntl.LOCK_UN)
        self.model.pause = 1
        fcntl.flock(self.gate, fcntl.LOCK_EX)
        self.remove_state()
        self.runner.count("state lost")
        self.host.note(self.number, "the state file is lost")
        for domain in self.others:
            self.assert_again(domain)
        self.runner.run("rescan", [str(CLI), "rescan"])
        for device in self.host.devices:
            self.host.set_flag("quarantined", device, 0)
        for address in self.host.net:
            if not self.model.holder[self.host.index[address]]:
                self.host.made_vf(address).make_again()  # no program knows the settings of a domain that is gone
        self.set_synced()
        self.model.epoch += 1
        self.model.pause = 0

    def remove_state(self):
        for name in self.chance.sample(("state", "state-journal", "state.damaged"), 3):
            (self.host.state.parent / name).unlink(missing_ok=True)

    def assert_again(self, domain):
        """The guest has lost a device that is unplugged."""
        for device in self.host.devices:
            number = self.host.index[device]
            if self.model.holder[number] == domain.number and self.model.absent[number]:
                self.host.set_flag("holder", device, 0)
        try:
            with open(domain.status_file, "rb") as f:
                xml = f.read()
        except FileNotFoundError:
            return
        done = self.hook(domain, "reconnect", "begin", xml, NO_FAULT)
        self.check_never_fails(domain, "reconnect", done)

    def set_synced(self):
        db = sqlite3.connect("file:%s?mode=rw" % self.host.state, uri=True, isolation_level=None, timeout=30)
        db.execute("UPDATE meta SET value = '1' WHERE key = 'synced'")
        db.close()


def address_in(xml, name, host):
    """The address of the device in the XML for a request."""
    for element in ElementTree.fromstring(xml).find("devices"):
        alias = element.find("alias")
        if alias is None or alias.get("name") != "ua-vf-" + name:
            continue
        source = element.find("source")
        if element.tag == "interface":
            return next((a for a, netdev in host.netdev.items() if netdev == source.get("dev")), None)
        at = source.find("address")
        return "%04x:%02x:%02x.%x" % tuple(int(at.get(k), 16) for k in ("domain", "bus", "slot", "function"))
    return None


class DomainLock:
    def __init__(self, worker, domain):
        self.worker, self.domain = worker, domain

    def __enter__(self):
        lock_domain(self.worker.locks, fcntl.F_WRLCK, self.domain.number)

    def __exit__(self, *_):
        lock_domain(self.worker.locks, fcntl.F_UNLCK, self.domain.number)
