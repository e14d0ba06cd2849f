-- SPDX-License-Identifier: LGPL-2.1-or-later
-- The schema of the state file, version 4. It enforces the rules of claims, so that no program can
-- break them.
--
-- A released version does not change: a change makes a new version. VFA_SCHEMA_VERSION in
-- lib/state/private.h has the number, vfa_state_make_schema() upgrades files of older versions, and
-- tests/data/state keeps the text of each released version.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Counters. They only grow, so a process sees what other processes did.
--   scans      the index was replaced
--   freed      a device may have become free
--   ended      a domain has lost a claim
--   unsettled  a definition may name a device that its domain cannot have (a stale definition)
INSERT INTO meta VALUES ('scans', '0'), ('freed', '0'), ('ended', '0'), ('unsettled', '0');

-- ---- the index: which devices satisfy which alias ----

-- Devices that the configuration allows. id is the identity of the device (device/device.h).
--   spec     index of the device_spec that allows the device; -1: no device_spec is configured
--   slots    how many claims it serves: of a maker the number of devices that it makes, else 1
--   healthy  1 if, at the scan, nothing but claims and quarantine kept the device from a guest;
--            NULL: not known, because the device was not checked or was in use
CREATE TABLE device (
    id TEXT PRIMARY KEY,
    parent TEXT,
    type INTEGER NOT NULL,
    vendor INTEGER NOT NULL,
    product INTEGER NOT NULL,
    class INTEGER NOT NULL,
    numa_node INTEGER NOT NULL,
    iommu_group INTEGER NOT NULL,
    spec INTEGER NOT NULL DEFAULT -1,
    slots INTEGER NOT NULL DEFAULT 1,
    healthy INTEGER CHECK (healthy IN (0, 1))
) WITHOUT ROWID;

-- The conflict keys of these devices (device/keys.h): what a claim of the device would hold.
CREATE TABLE device_key (
    key TEXT NOT NULL,
    mode TEXT NOT NULL,
    device TEXT NOT NULL,
    PRIMARY KEY (key, mode, device)
) WITHOUT ROWID;

-- Devices of an alias that are alike for the choice: same device_spec, NUMA node and PF. An
-- allocation therefore reads some pools and one device, however many devices there are.
--   first    lowest identity in the pool
--   free     number of slots that no claim excludes
--   used     number of the other slots
--   kept     number of members with free slots that are tentative (kept > 0)
--   healthy  number of slots of members that are healthy
CREATE TABLE pool (
    id INTEGER PRIMARY KEY,
    alias TEXT NOT NULL,
    spec INTEGER NOT NULL,
    numa_node INTEGER NOT NULL,
    parent TEXT NOT NULL,
    first TEXT NOT NULL,
    free INTEGER NOT NULL DEFAULT 0,
    used INTEGER NOT NULL DEFAULT 0,
    kept INTEGER NOT NULL DEFAULT 0,
    healthy INTEGER NOT NULL DEFAULT 0,
    UNIQUE (alias, spec, numa_node, parent)
);
CREATE INDEX pool_free ON pool (alias, first) WHERE free > 0;

-- The devices of a pool. Triggers keep busy and kept up to date.
--   slots    as device.slots; at most 1000000. A member has a free slot while busy < slots
--   busy     number of slots that keys of claims take: one for a key of mode S, all (1000000) for
--            one of mode X, none for one of mode G, as a claim in its IOMMU group does not exclude
--            the device from every use
--   kept     the same for keys of tentative rows: a claim on the device would take a tentative
--            device from a definition
--   healthy  as device.healthy, for the kind of attachment of the alias
CREATE TABLE member (
    pool INTEGER NOT NULL,
    device TEXT NOT NULL,
    slots INTEGER NOT NULL DEFAULT 1,
    busy INTEGER NOT NULL DEFAULT 0,
    kept INTEGER NOT NULL DEFAULT 0,
    healthy INTEGER CHECK (healthy IN (0, 1)),
    PRIMARY KEY (pool, device)
) WITHOUT ROWID;
CREATE INDEX member_device ON member (device);
CREATE INDEX member_free ON member (pool, device) WHERE busy < slots AND kept = 0;
CREATE INDEX member_kept ON member (pool, device) WHERE busy < slots AND kept > 0;

-- Counts of devices that are alike for a user. Empty if the scan did not check the devices.
--   first    lowest identity
--   healthy  number of slots of devices that are healthy
--   unknown  number of slots of devices whose health is not known
CREATE TABLE stock (
    vendor INTEGER NOT NULL,
    product INTEGER NOT NULL,
    numa_node INTEGER NOT NULL,
    type INTEGER NOT NULL,
    spec INTEGER NOT NULL,
    first TEXT NOT NULL,
    healthy INTEGER NOT NULL,
    unknown INTEGER NOT NULL,
    PRIMARY KEY (vendor, product, numa_node, type, spec)
) WITHOUT ROWID;

-- ---- claims ----

-- A domain holds a claim that is incoming, claimed or active. In the two other states no domain has
-- the device, and the device is not free: releasing, until its saved settings are restored; then
-- cleaning, until its cleaner has run. uuid, domain and request then name the last holder, and a
-- new claim may have the same request.
--   device       identity of the device
--   keys         its conflict keys, as a JSON object: {"TEXT": "MODE", ...}
--   kind         kind of the device (device/kind.h)
--   maker        identity of the maker of a made device; NULL: the device exists by itself
--   since        when the claim was made
--   state_since  when the claim entered its state
--   why          why the domain lost the device
--   cleaner      program that must run before the device is free; NULL: none
--   attempts     number of failures of the present step (attach, restore, clean)
--   error        text of the last failure
--   placeholder  1: no request; the device stands in the XML of the domain
CREATE TABLE claim (
    device TEXT PRIMARY KEY,
    keys TEXT NOT NULL DEFAULT '{}',
    kind TEXT NOT NULL,
    maker TEXT,
    uuid TEXT NOT NULL CHECK (length(uuid) = 36),
    domain TEXT NOT NULL,
    request TEXT NOT NULL,
    alias TEXT,
    state TEXT NOT NULL CHECK (state IN ('incoming', 'claimed', 'active', 'releasing', 'cleaning')),
    since INTEGER NOT NULL,
    state_since INTEGER NOT NULL DEFAULT 0,
    why TEXT,
    cleaner TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    placeholder INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE UNIQUE INDEX claim_request ON claim (uuid, request) WHERE state NOT IN ('releasing', 'cleaning');
CREATE INDEX claim_owner ON claim (uuid, request);
CREATE INDEX claim_ending ON claim (state) WHERE state IN ('releasing', 'cleaning');
CREATE INDEX claim_domain ON claim (domain);

-- The conflict keys of claims and of tentative rows.
--   tentative  1: of a tentative row
--   mode       G, S or X (device/keys.h). The queries compare the letters.
--   owner      of a claim: its device; of a tentative row: 'UUID REQUEST'
--   uuid       the domain
--   ended      1: of a claim that is releasing or cleaning, so no domain has the device
CREATE TABLE conflict_key (
    key TEXT NOT NULL,
    tentative INTEGER NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('G', 'S', 'X')),
    owner TEXT NOT NULL,
    uuid TEXT NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (key, tentative, mode, owner)
) WITHOUT ROWID;
CREATE INDEX conflict_key_owner ON conflict_key (owner);

-- The rule of conflicts: who excludes whom, and by which key. X excludes all, S excludes X, and G
-- excludes other domains, and claims that no domain has.
CREATE VIEW conflict AS
SELECT mine.key AS key, mine.owner AS owner, mine.uuid AS uuid, mine.tentative AS tentative,
       other.owner AS other, other.uuid AS other_uuid, other.tentative AS other_tentative,
       other.ended AS other_ended
FROM conflict_key AS mine CROSS JOIN conflict_key AS other
    ON other.key = mine.key AND other.tentative IN (0, 1)
    AND other.mode >= iif(mine.mode = 'S', 'X', 'G')
WHERE other.owner <> mine.owner
    AND (mine.mode <> 'G' OR other.uuid <> mine.uuid OR other.ended = 1);

-- The original settings of a device that vfalias changed, or that the device is to be destroyed.
--   settings    settings of the VF, as text
--   up          whether its netdev was up; NULL: vfalias did not change that
--   attributes  attributes below its folder in sysfs, as text; NULL: none
--   recipe      how the device is, or was, made, as text: it is to be destroyed. NULL: it exists by
--               itself
CREATE TABLE saved (
    device TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    up INTEGER CHECK (up IN (0, 1)),
    attributes TEXT,
    recipe TEXT
) WITHOUT ROWID;

-- Saved settings belong to a claim and must be deleted before the claim: a device with changed
-- settings is not free. If restoring the settings has failed for good, the device is in quarantine:
-- then the claim may go, and the saved settings stay for a later attempt.
CREATE TRIGGER saved_claimed BEFORE INSERT ON saved
WHEN NOT EXISTS (SELECT 1 FROM claim WHERE device = NEW.device)
BEGIN
    SELECT RAISE(ABORT, 'nobody has the device');
END;

CREATE TRIGGER claim_saved BEFORE DELETE ON claim
WHEN EXISTS (SELECT 1 FROM saved WHERE device = OLD.device)
 AND NOT EXISTS (SELECT 1 FROM quarantine WHERE device = OLD.device)
BEGIN
    SELECT RAISE(ABORT, 'its device is not as it was before');
END;

-- Requests of running domains that vfalias leaves alone until the requests of the domain change:
-- the user detached the device by hand, or the request is optional and no device was free.
--   borrower  number of a lease holder: a program that took the device out of the guest for a
--             while. The row then counts as long as that program runs (lock.h); the claim stays.
CREATE TABLE withdrawn (
    uuid TEXT NOT NULL,
    request TEXT NOT NULL,
    borrower INTEGER,
    PRIMARY KEY (uuid, request)
) WITHOUT ROWID;
CREATE INDEX withdrawn_borrower ON withdrawn (borrower) WHERE borrower IS NOT NULL;

-- Domains whose guest is suspended at power-on until it has its devices (hold.h).
--   id    differs for each start of a domain
--   held  1: vfaliasd suspends, or has suspended, the guest
CREATE TABLE hold (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE CHECK (length(uuid) = 36),
    held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    since INTEGER NOT NULL
);

-- The request that had a device last: the request gets the same device again if it is free. One row
-- for each device, so the table does not grow without bound.
CREATE TABLE last (
    device TEXT PRIMARY KEY,
    uuid TEXT NOT NULL,
    request TEXT NOT NULL,
    UNIQUE (uuid, request)
) WITHOUT ROWID;

-- The devices of placeholders in definitions. They are no claims: a device may be tentative for
-- several domains, and any domain may claim it. keys is as in claim.
CREATE TABLE tentative (
    uuid TEXT NOT NULL CHECK (length(uuid) = 36),
    request TEXT NOT NULL,
    domain TEXT NOT NULL,
    device TEXT NOT NULL,
    keys TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (uuid, request)
) WITHOUT ROWID;
CREATE INDEX tentative_device ON tentative (device);

-- Domains whose start was refused because of a placeholder. vfaliasd removes the row when it has
-- repaired the definition.
CREATE TABLE unmet (
    uuid TEXT PRIMARY KEY
) WITHOUT ROWID;

-- Devices that no domain gets until an administrator ends the quarantine.
--   cause  other: by an administrator, or the original settings are not known; settings: the saved
--          settings could not be restored; clean: the cleaner failed; once: the device_spec allows
--          one use only
CREATE TABLE quarantine (
    device TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    cause TEXT NOT NULL DEFAULT 'other' CHECK (cause IN ('other', 'settings', 'clean', 'once'))
) WITHOUT ROWID;

-- Devices that could not be attached to a guest (VFA_ATTACH_ATTEMPTS in claims.h): all other
-- devices are chosen before them. The row goes when a guest has the device, when a scan does not
-- find the device, or when an administrator scans the hardware.
CREATE TABLE failed (
    device TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TRIGGER failed_works AFTER UPDATE OF state ON claim WHEN NEW.state = 'active'
BEGIN
    DELETE FROM failed WHERE device = NEW.device;
END;

CREATE TRIGGER failed_is_there AFTER INSERT ON claim WHEN NEW.state = 'active'
BEGIN
    DELETE FROM failed WHERE device = NEW.device;
END;

CREATE TRIGGER quarantine_saved BEFORE DELETE ON quarantine
WHEN EXISTS (SELECT 1 FROM saved WHERE device = OLD.device)
 AND NOT EXISTS (SELECT 1 FROM claim WHERE device = OLD.device)
BEGIN
    SELECT RAISE(ABORT, 'its device is not as it was before');
END;

CREATE TRIGGER quarantine_ended AFTER DELETE ON quarantine
BEGIN
    UPDATE meta SET value = value + 1 WHERE key = 'freed';
END;

-- No claim conflicts with another one. An active claim records what a running domain has, so it is
-- allowed while no domain has the other device. A claim that conflicts with a tentative row of
-- another domain makes the definition of that domain stale.
CREATE TRIGGER claim_keys AFTER INSERT ON claim
BEGIN
    INSERT INTO conflict_key
    SELECT k.key, 0, k.value, NEW.device, NEW.uuid, NEW.state IN ('releasing', 'cleaning')
    FROM json_each(NEW.keys) k;
    SELECT RAISE(ABORT, 'conflict') FROM conflict
    WHERE owner = NEW.device AND other_tentative = 0
    AND (NEW.state <> 'active' OR other_ended = 0);
    UPDATE meta SET value = value + 1 WHERE key = 'unsettled'
    AND EXISTS (SELECT 1 FROM conflict WHERE owner = NEW.device AND other_tentative = 1
                AND other_uuid <> NEW.uuid);
END;

CREATE TRIGGER claim_keys_ended AFTER UPDATE OF state ON claim
WHEN NEW.state = 'releasing' AND OLD.state NOT IN ('releasing', 'cleaning')
BEGIN
    UPDATE conflict_key SET ended = 1 WHERE owner = NEW.device;
    UPDATE meta SET value = value + 1 WHERE key = 'ended';
END;

CREATE TRIGGER claim_keys_gone AFTER DELETE ON claim
BEGIN
    DELETE FROM conflict_key WHERE owner = OLD.device;
    UPDATE meta SET value = value + 1 WHERE key = 'freed'
    OR (key = 'ended' AND OLD.state NOT IN ('releasing', 'cleaning'));
END;

-- A claim never changes its device, domain or request.
CREATE TRIGGER claim_fixed BEFORE UPDATE OF device, keys, maker, uuid, request ON claim
BEGIN
    SELECT RAISE(ABORT, 'a claim does not move');
END;

-- A domain does not get a lost device back. Cleaning begins after the saved settings were restored.
CREATE TRIGGER claim_ends BEFORE UPDATE OF state ON claim
WHEN OLD.state IN ('releasing', 'cleaning') AND NEW.state <> OLD.state
 AND NOT (OLD.state = 'releasing' AND NEW.state = 'cleaning')
BEGIN
    SELECT RAISE(ABORT, 'its domain has lost the device');
END;

CREATE TRIGGER claim_unclean BEFORE UPDATE OF state ON claim
WHEN NEW.state = 'cleaning' AND EXISTS (SELECT 1 FROM saved WHERE device = NEW.device)
BEGIN
    SELECT RAISE(ABORT, 'its device is not as it was before');
END;

CREATE TRIGGER claim_remembered AFTER INSERT ON claim WHEN NEW.alias IS NOT NULL AND NEW.maker IS NULL
BEGIN
    INSERT OR REPLACE INTO last VALUES (NEW.device, NEW.uuid, NEW.request);
END;

-- ---- tentative devices ----

CREATE TRIGGER quarantine_overtakes AFTER INSERT ON quarantine
WHEN EXISTS (SELECT 1 FROM tentative WHERE device = NEW.device)
BEGIN
    UPDATE meta SET value = value + 1 WHERE key = 'unsettled';
END;

-- A device in quarantine stays in the definition of the domain that has it. The definition becomes
-- stale when the domain loses the device.
CREATE TRIGGER quarantined_lost AFTER UPDATE OF state ON claim
WHEN NEW.state = 'releasing' AND OLD.state NOT IN ('releasing', 'cleaning')
 AND EXISTS (SELECT 1 FROM quarantine WHERE device = NEW.device)
 AND EXISTS (SELECT 1 FROM tentative WHERE device = NEW.device)
BEGIN
    UPDATE meta SET value = value + 1 WHERE key = 'unsettled';
END;

CREATE TRIGGER quarantined_left AFTER DELETE ON claim
WHEN OLD.state NOT IN ('releasing', 'cleaning')
 AND EXISTS (SELECT 1 FROM quarantine WHERE device = OLD.device)
 AND EXISTS (SELECT 1 FROM tentative WHERE device = OLD.device)
BEGIN
    UPDATE meta SET value = value + 1 WHERE key = 'unsettled';
END;

CREATE TRIGGER unmet_noted AFTER INSERT ON unmet
BEGIN
    UPDATE meta SET value = value + 1 WHERE key = 'unsettled';
END;

CREATE TRIGGER tentative_fixed BEFORE UPDATE ON tentative
BEGIN
    SELECT RAISE(ABORT, 'what is tentative does not move');
END;

CREATE TRIGGER tentative_keys AFTER INSERT ON tentative
BEGIN
    INSERT INTO conflict_key
    SELECT k.key, 1, k.value, NEW.uuid || ' ' || NEW.request, NEW.uuid, 0
    FROM json_each(NEW.keys) k;
END;

CREATE TRIGGER tentative_keys_gone AFTER DELETE ON tentative
BEGIN
    DELETE FROM conflict_key WHERE owner = OLD.uuid || ' ' || OLD.request;
END;

-- ---- claims and the index ----

CREATE TRIGGER conflict_key_new AFTER INSERT ON conflict_key WHEN NEW.mode <> 'G'
BEGIN
    UPDATE member SET busy = busy + (NEW.tentative = 0) * iif(NEW.mode = 'X', 1000000, 1),
    kept = kept + (NEW.tentative = 1)
    WHERE device IN (SELECT device FROM device_key
                     WHERE key = NEW.key AND mode >= iif(NEW.mode = 'S', 'X', 'S'));
END;

CREATE TRIGGER conflict_key_gone AFTER DELETE ON conflict_key WHEN OLD.mode <> 'G'
BEGIN
    UPDATE member SET busy = busy - (OLD.tentative = 0) * iif(OLD.mode = 'X', 1000000, 1),
    kept = kept - (OLD.tentative = 1)
    WHERE device IN (SELECT device FROM device_key
                     WHERE key = OLD.key AND mode >= iif(OLD.mode = 'S', 'X', 'S'));
END;

CREATE TRIGGER member_changed AFTER UPDATE OF slots, busy, kept ON member
WHEN min(OLD.busy, OLD.slots) <> min(NEW.busy, NEW.slots) OR (OLD.kept > 0) <> (NEW.kept > 0)
    OR OLD.slots <> NEW.slots
BEGIN
    UPDATE pool SET free = free + max(NEW.slots - NEW.busy, 0) - max(OLD.slots - OLD.busy, 0),
    used = used + min(NEW.busy, NEW.slots) - min(OLD.busy, OLD.slots),
    kept = kept + (NEW.busy < NEW.slots AND NEW.kept > 0) - (OLD.busy < OLD.slots AND OLD.kept > 0)
    WHERE id = NEW.pool;
END;
