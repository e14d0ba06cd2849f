# SPDX-License-Identifier: LGPL-2.1-or-later
"""The conditions that the state file must fulfil: at any moment, for a reader; and at the end, when no domain runs."""
import sqlite3
import subprocess
import time

from hookhost import CLI, uuid
from soakworker import HOLDING

POOLS = ("SELECT id FROM pool WHERE used <> (SELECT sum(min(busy, slots)) FROM member WHERE pool = id)"
         " OR free <> (SELECT sum(max(slots - busy, 0)) FROM member WHERE pool = id)")
BUSY = ("SELECT m.device FROM member m WHERE m.busy <> (SELECT total(iif(k.value = 'X', 1000000, 1)) FROM claim c CROSS JOIN json_each(c.keys) k"
        " JOIN device_key d ON d.key = k.key AND d.device = m.device"
        " WHERE k.value <> 'G' AND (k.value = 'X' OR d.mode = 'X'))")
# A running domain's claim is a fact: it may exist together with a claim that is being released.
HELD = "(SELECT * FROM claim WHERE state NOT IN ('releasing', 'cleaning'))"
FAMILY = ("SELECT a.device FROM %s a JOIN device d ON d.parent = a.device JOIN %s b ON b.device = d.id"
          % (HELD, HELD))
GROUP = ("SELECT a.device FROM %s a JOIN device d ON d.id = a.device AND d.iommu_group >= 0"
         " JOIN device e ON e.iommu_group = d.iommu_group JOIN %s b ON b.device = e.id"
         " WHERE a.uuid <> b.uuid AND a.keys LIKE '%%iommu%%' AND b.keys LIKE '%%iommu%%'" % (HELD, HELD))
NOBODYS = ("SELECT device FROM saved WHERE device NOT IN (SELECT device FROM claim)"
           " AND device NOT IN (SELECT device FROM quarantine)")


class Check:
    def __init__(self, host, domains):
        self.host, self.domains = host, domains
        self.numbers = {uuid(number): number for number in range(1, domains + 1)}

    def read(self):
        """{device: (uuid, state)}, and contradictions in the file itself; None: there is no state file now."""
        try:
            db = sqlite3.connect("file:%s?mode=rw" % self.host.state, uri=True, isolation_level=None, timeout=30)
        except sqlite3.OperationalError:
            return None
        try:
            db.execute("BEGIN")
            claims = {device: (owner, state) for device, owner, state in
                      db.execute("SELECT device, uuid, state FROM claim")}
            wrong = [(query, rows) for query in (POOLS, BUSY, FAMILY, GROUP, NOBODYS)
                     for rows in [db.execute(query).fetchall()] if rows]
            return claims, wrong
        except sqlite3.DatabaseError:
            return None  # empty, or removed meanwhile; check_rows() looks again at the end
        finally:
            db.close()

    def state(self):
        """If a domain ran with a device before and after the file was read, the domain has the claim."""
        epoch = self.host.model.epoch
        before = self.host.flags("holder")
        found = self.read()
        after = self.host.flags("holder")
        if found is None or epoch & 1 or epoch != self.host.model.epoch:
            return
        claims, wrong = found
        for query, rows in wrong:
            self.host.violation("the state file is wrong: %s: %s" % (query, rows))
        for number, device in enumerate(self.host.devices):
            if not before[number][0] or before[number] != after[number]:
                continue
            owner, state = claims.get(device, (None, None))
            if self.numbers.get(owner) != before[number][0] or state not in HOLDING:
                self.host.violation("domain 'd%d' runs with %s, which %s has (%s)" % (
                    before[number][0], device, owner or "nobody", state))

    # ---- the end ----

    def cli(self, *args):
        return subprocess.run([str(CLI), *args], capture_output=True, text=True, env=self.host.libvirt_env, timeout=60)

    def end(self):
        """All devices are plugged in, the configuration is the first version; leftovers of killed programs are
        collected."""
        for card in self.host.cards:
            card.plug(len(card.vfs))
        self.host.configure(0)
        self.collect()
        self.state()
        found = self.read()
        if found is None:
            self.host.violation("at the end there is no state file")
            return
        for device, (owner, state) in found[0].items():
            self.host.violation("at the end %s still has %s (%s)" % (owner, device, state))
        self.check_rows()
        self.check_cards()
        self.check_files()

    def collect(self):
        """gc does not drop claims of this second. Incoming claims expire after two seconds."""
        until = time.monotonic() + 20
        while True:
            done = self.cli("gc")
            if done.returncode != 0:
                self.host.violation("at the end 'vfalias gc' fails: %s" % done)
                return
            found = self.read()
            if not found or not found[0] or time.monotonic() > until:
                break
            time.sleep(0.5)
        done = self.cli("rescan")
        if done.returncode != 0:
            self.host.violation("at the end 'vfalias rescan' fails: %s" % done)

    def rows(self, query):
        db = sqlite3.connect("file:%s?mode=ro" % self.host.state, uri=True, isolation_level=None)
        try:
            return db.execute(query).fetchall()
        finally:
            db.close()

    def check_rows(self):
        if self.rows("PRAGMA integrity_check") != [("ok",)]:
            self.host.violation("at the end the state file is damaged")
        for table in ("saved WHERE device NOT IN (SELECT device FROM quarantine)", "withdrawn", "hold"):
            rows = self.rows("SELECT * FROM " + table)
            if rows:
                self.host.violation("at the end there is something in %s: %s" % (table, rows))

    def check_cards(self):
        """A VF has the settings that it had before any guest, or it is in quarantine because of them. A quarantine that an
        administrator began keeps its reason; then the settings are still saved."""
        saved = {device for device, in self.rows("SELECT device FROM saved")}
        kept = {device for device, reason in self.rows("SELECT device, reason FROM quarantine")
                if reason != "soak" or device in saved}
        for address in self.host.net:
            vf = self.host.made_vf(address)
            if not vf.is_usual() and address not in kept:
                self.host.violation("at the end %s is set: %s, up %d, mtu %d; quarantine %s, saved %s" % (
                    address, list(vf.values), vf.up, vf.mtu,
                    self.rows("SELECT * FROM quarantine WHERE device = '%s'" % address), address in saved))

    def check_files(self):
        """The folder has STATE and its locks, and no other file: no program has left a file that it was writing."""
        kept = {"state", "state.lock", "state.repair", "state.release", "state.scan"}
        for path in list(self.host.state.parent.iterdir()) + list(self.host.folder.glob("*.new")):
            if path.name not in kept:
                self.host.violation("at the end there is '%s'" % path)
