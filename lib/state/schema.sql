-- SPDX-License-Identifier: LGPL-2.1-or-later
-- The state file, version 3. The rules of claims stand here, so that no program can break them.
--
-- Once a version has been released, a change makes another one: lib/state/private.h has its number, lib/state/schema.c brings
-- files of older versions to it, and tests/data/state keeps the text of each that was released.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Counters that only grow, by which a process sees what others did. scans: the index was replaced.
-- freed: a device may have become free. ended: a domain has lost a claim. unsettled: a definition may name a device
-- that its domain cannot have.
INSERT INTO meta VALUES ('scans', '0'), ('freed', '0'), ('ended', '0'), ('unsettled', '0');

-- ---- the index: which devices satisfy which alias ----

-- Devices that the configuration allows. spec: number of the device_spec that allows it; -1: none is configured. healthy:
-- whether nothing but claims and quarantine kept it from being given to a guest when the hardware was scanned; NULL: not
-- known, as that was not checked or somebody had the device.
CREATE TABLE device (
    address TEXT PRIMARY KEY,
    parent TEXT,
    type INTEGER NOT NULL,
    vendor INTEGER NOT NULL,
    product INTEGER NOT NULL,
    class INTEGER NOT NULL,
    numa_node INTEGER NOT NULL,
    iommu_group INTEGER NOT NULL,
    spec INTEGER NOT NULL DEFAULT -1,
    healthy INTEGER CHECK (healthy IN (0, 1))
) WITHOUT ROWID;
CREATE INDEX device_parent ON device (parent) WHERE parent IS NOT NULL;

-- Devices of an alias that look alike to who chooses: same device_spec, NUMA node and PF. So a choice
-- looks at some pools and one device, however many there are. first: the lowest address in it. kept: how
-- many of the free ones are. healthy: how many of its members were.
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

-- busy: how many claims keep the device from being claimed (its own, its PF's, its VFs'). kept: how many
-- domains that are shut off would lose what is tentative for them (likewise). healthy: as that of a device, for what the
-- alias gives to a guest.
CREATE TABLE member (
    pool INTEGER NOT NULL,
    device TEXT NOT NULL,
    busy INTEGER NOT NULL DEFAULT 0,
    kept INTEGER NOT NULL DEFAULT 0,
    healthy INTEGER CHECK (healthy IN (0, 1)),
    PRIMARY KEY (pool, device)
) WITHOUT ROWID;
CREATE INDEX member_device ON member (device);
CREATE INDEX member_free ON member (pool, device) WHERE busy = 0 AND kept = 0;
CREATE INDEX member_kept ON member (pool, device) WHERE busy = 0 AND kept > 0;

-- How many devices look alike to a user, how many of them are healthy, and of how many that is not known. first: the
-- lowest address. Empty if the devices were not checked when the hardware was scanned.
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

-- A domain holds a claim that is incoming, claimed or active. In the two states that follow the device is nobody's,
-- and not free: releasing, until what was changed of it is put back; cleaning, until its cleaner has run. uuid,
-- domain and request then tell who had it last, and the name of the request is free for the next claim.
--
-- since: of the claim. state_since: of its state. why: for which reason the domain lost it. attempts, error: how
-- often the present step (attaching, putting back, cleaning) has failed, and what the last failure said. cleaner: the
-- program that has to run before the device is free; NULL: none.
CREATE TABLE claim (
    device TEXT PRIMARY KEY,
    parent TEXT,
    iommu_group INTEGER NOT NULL DEFAULT -1,
    kind TEXT NOT NULL CHECK (kind IN ('pci')),
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
CREATE INDEX claim_parent ON claim (parent) WHERE parent IS NOT NULL;
CREATE INDEX claim_group ON claim (iommu_group) WHERE iommu_group >= 0;
CREATE INDEX claim_domain ON claim (domain);

-- What vfalias changed about a device, as it was before: the settings of a VF as text, and whether its netdev was up
-- (NULL: that was not changed).
CREATE TABLE saved (
    device TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    up INTEGER CHECK (up IN (0, 1))
) WITHOUT ROWID;

-- It belongs to a claim, and goes before it: a device is not free while it is not as it was. Where putting it back has
-- failed for good, the device is in quarantine, and what was saved stays for a later attempt.
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

-- Requests of running domains that are left alone until asked anew: their user detached the device by
-- hand, or they are optional and found none. With a borrower: for as long as the program of that number is at
-- work (lock.h), which took the device out for a while; the claim stays.
CREATE TABLE withdrawn (
    uuid TEXT NOT NULL,
    request TEXT NOT NULL,
    borrower INTEGER,
    PRIMARY KEY (uuid, request)
) WITHOUT ROWID;
CREATE INDEX withdrawn_borrower ON withdrawn (borrower) WHERE borrower IS NOT NULL;

-- Domains whose guest is to wait for its devices at power-on (state.h). id: another one for each start.
CREATE TABLE hold (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE CHECK (length(uuid) = 36),
    held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    since INTEGER NOT NULL
);

-- Which request had a device last: it gets it again if it is free. One row a device, so it does not grow.
CREATE TABLE last (
    device TEXT PRIMARY KEY,
    uuid TEXT NOT NULL,
    request TEXT NOT NULL,
    UNIQUE (uuid, request)
) WITHOUT ROWID;

-- Devices for the placeholders in definitions. No claims: a device may be here for several domains, and a claim
-- of any domain overtakes it.
CREATE TABLE tentative (
    uuid TEXT NOT NULL CHECK (length(uuid) = 36),
    request TEXT NOT NULL,
    domain TEXT NOT NULL,
    device TEXT NOT NULL,
    parent TEXT,
    iommu_group INTEGER NOT NULL,
    PRIMARY KEY (uuid, request)
) WITHOUT ROWID;
CREATE INDEX tentative_device ON tentative (device);
CREATE INDEX tentative_parent ON tentative (parent) WHERE parent IS NOT NULL;
CREATE INDEX tentative_group ON tentative (iommu_group) WHERE iommu_group >= 0;

-- Domains whose start was refused for a placeholder, until vfaliasd has looked at their definition.
CREATE TABLE unmet (
    uuid TEXT PRIMARY KEY
) WITHOUT ROWID;

-- Devices that are not to be given out until somebody has looked at them. cause: an administrator or a judgement of
-- vfalias (other), settings that could not be put back, a cleaner that failed, or a device_spec by which it is used once.
CREATE TABLE quarantine (
    device TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    cause TEXT NOT NULL DEFAULT 'other' CHECK (cause IN ('other', 'settings', 'clean', 'once'))
) WITHOUT ROWID;

-- Devices that could not be attached to a guest, however often that was tried: all others are chosen before them. Until a
-- guest has the device after all, a scan does not find it, or an administrator has the hardware scanned.
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

-- A PF and its VFs exclude each other. What a running domain has (active) is a fact, and stands beside a device that
-- is being released.
CREATE TRIGGER claim_family BEFORE INSERT ON claim
WHEN EXISTS (SELECT 1 FROM claim WHERE (parent = NEW.device OR device = NEW.parent)
             AND (NEW.state <> 'active' OR state NOT IN ('releasing', 'cleaning')))
BEGIN
    SELECT RAISE(ABORT, 'family');
END;

-- An IOMMU group is one guest's, and nobody's while one of its devices is being released.
CREATE TRIGGER claim_iommu_group BEFORE INSERT ON claim
WHEN NEW.iommu_group >= 0
 AND EXISTS (SELECT 1 FROM claim WHERE iommu_group = NEW.iommu_group AND iommu_group >= 0
             AND iif(state IN ('releasing', 'cleaning'), NEW.state <> 'active', uuid <> NEW.uuid))
BEGIN
    SELECT RAISE(ABORT, 'IOMMU group');
END;

-- A claim stays with its device, domain and request.
CREATE TRIGGER claim_fixed BEFORE UPDATE OF device, parent, iommu_group, uuid, request ON claim
BEGIN
    SELECT RAISE(ABORT, 'a claim does not move');
END;

-- Its domain does not get back what it has lost; a device that is being cleaned has been put back.
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

CREATE TRIGGER claim_ended AFTER UPDATE OF state ON claim
WHEN NEW.state = 'releasing' AND OLD.state NOT IN ('releasing', 'cleaning')
BEGIN
    UPDATE meta SET value = value + 1 WHERE key = 'ended';
END;

CREATE TRIGGER claim_dropped AFTER DELETE ON claim WHEN OLD.state NOT IN ('releasing', 'cleaning')
BEGIN
    UPDATE meta SET value = value + 1 WHERE key = 'ended';
END;

CREATE TRIGGER claim_remembered AFTER INSERT ON claim WHEN NEW.alias IS NOT NULL
BEGIN
    INSERT OR REPLACE INTO last VALUES (NEW.device, NEW.uuid, NEW.request);
END;

-- ---- what is tentative ----

CREATE TRIGGER claim_overtakes AFTER INSERT ON claim
WHEN EXISTS (SELECT 1 FROM tentative WHERE uuid <> NEW.uuid
             AND (device = NEW.device OR parent = NEW.device OR device = NEW.parent
                  OR (iommu_group = NEW.iommu_group AND iommu_group >= 0)))
BEGIN
    UPDATE meta SET value = value + 1 WHERE key = 'unsettled';
END;

CREATE TRIGGER quarantine_overtakes AFTER INSERT ON quarantine
WHEN EXISTS (SELECT 1 FROM tentative WHERE device = NEW.device)
BEGIN
    UPDATE meta SET value = value + 1 WHERE key = 'unsettled';
END;

-- While its domain has it, it stays in the definition.
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

CREATE TRIGGER tentative_kept AFTER INSERT ON tentative
BEGIN
    UPDATE member SET kept = kept + 1 WHERE device IN (
        SELECT NEW.device
        UNION ALL SELECT NEW.parent WHERE NEW.parent IS NOT NULL
        UNION ALL SELECT address FROM device WHERE parent = NEW.device);
END;

CREATE TRIGGER tentative_left AFTER DELETE ON tentative
BEGIN
    UPDATE member SET kept = kept - 1 WHERE device IN (
        SELECT OLD.device
        UNION ALL SELECT OLD.parent WHERE OLD.parent IS NOT NULL
        UNION ALL SELECT address FROM device WHERE parent = OLD.device);
END;

-- ---- claims and the index ----

CREATE TRIGGER claim_busy AFTER INSERT ON claim
BEGIN
    UPDATE member SET busy = busy + 1 WHERE device IN (
        SELECT NEW.device
        UNION ALL SELECT NEW.parent WHERE NEW.parent IS NOT NULL
        UNION ALL SELECT address FROM device WHERE parent = NEW.device);
END;

CREATE TRIGGER claim_idle AFTER DELETE ON claim
BEGIN
    UPDATE member SET busy = busy - 1 WHERE device IN (
        SELECT OLD.device
        UNION ALL SELECT OLD.parent WHERE OLD.parent IS NOT NULL
        UNION ALL SELECT address FROM device WHERE parent = OLD.device);
    UPDATE meta SET value = value + 1 WHERE key = 'freed';
END;

-- The index is replaced while claims, and what is tentative, stand.
CREATE TRIGGER member_new AFTER INSERT ON member
BEGIN
    UPDATE pool SET free = free + 1 WHERE id = NEW.pool;
    UPDATE member SET busy =
        (SELECT count(*) FROM claim WHERE device = NEW.device)
        + (SELECT count(*) FROM claim WHERE parent = NEW.device)
        + (SELECT count(*) FROM device d JOIN claim c ON c.device = d.parent
           WHERE d.address = NEW.device),
    kept =
        (SELECT count(*) FROM tentative WHERE device = NEW.device)
        + (SELECT count(*) FROM tentative WHERE parent = NEW.device)
        + (SELECT count(*) FROM device d JOIN tentative t ON t.device = d.parent
           WHERE d.address = NEW.device)
    WHERE pool = NEW.pool AND device = NEW.device;
END;

CREATE TRIGGER member_taken AFTER UPDATE OF busy ON member WHEN OLD.busy = 0 AND NEW.busy > 0
BEGIN
    UPDATE pool SET free = free - 1, used = used + 1, kept = kept - (OLD.kept > 0) WHERE id = NEW.pool;
END;

CREATE TRIGGER member_freed AFTER UPDATE OF busy ON member WHEN OLD.busy > 0 AND NEW.busy = 0
BEGIN
    UPDATE pool SET free = free + 1, used = used - 1, kept = kept + (NEW.kept > 0) WHERE id = NEW.pool;
END;

CREATE TRIGGER member_kept AFTER UPDATE OF kept ON member
WHEN OLD.busy = 0 AND NEW.busy = 0 AND (OLD.kept > 0) <> (NEW.kept > 0)
BEGIN
    UPDATE pool SET kept = kept + (NEW.kept > 0) - (OLD.kept > 0) WHERE id = NEW.pool;
END;
