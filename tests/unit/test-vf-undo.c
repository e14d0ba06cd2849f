/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The settings that a VF had before a guest got it are restored. If that fails, the VF goes into
 * quarantine. Uses the card of made-card.h.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "state/claims.h"
#include "state/meta.h"
#include "host/host.h"
#include "provision/provisioner.h"
#include "claim/reassert.h"
#include "made-card.h"

#include <sqlite3.h>

/* ---- what the driver reports ---- */

static uint32_t vlan_now(void)
{
    return card.vf.values[VFA_VF_VLAN];
}

/* 4095 from a driver means no VLAN: vlan=0 changes nothing, 4095 after libvirt's attach is not kept
 * as a number, and undo restores no VLAN. */
static void test_no_vlan(void)
{
    const struct vfa_desired desired = {.settings = settings("vlan=42 vlan_qos=3"),
                                        .kind = INTERFACE};
    const struct vfa_claim claim = the_claim(VF);
    struct vfa_host host = begin(VF);

    card.vgt = true;
    card.vf.values[VFA_VF_VLAN] = 4095;
    CHECK(apply(&host, "vlan=0", HOSTDEV, 0, NULL) == 0 && card.sets == 0, "it has none");
    CHECK(vfa_provisioner_apply(&host, &claim, &desired, NULL) == 0 && vlan_now() == 42, "set");
    card.vf.values[VFA_VF_VLAN] = 4095; /* as libvirt leaves it */
    card.vf.values[VFA_VF_VLAN_QOS] = 0;
    CHECK(vfa_provisioner_after_attach(&host, &claim, &desired, NULL) == 0 && vlan_now() == 42,
          "set again");
    CHECK(release_all(&host) == 0 && count_claims(&host) == 0, "release");
    CHECK(vlan_now() == 4095 && !is_quarantined(&host), "none again: %u", (unsigned)vlan_now());
    end(&host);
}

/* ---- saved settings ---- */

static void put_saved(const char *text)
{
    VFA_AUTO(vfa_freep) char *sql = NULL;
    sqlite3 *db = NULL;

    if (asprintf(&sql, "INSERT OR REPLACE INTO saved (device, settings) VALUES ('" VF "', '%s')",
                 text) < 0 ||
        sqlite3_open(state_path, &db) != SQLITE_OK ||
        sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        made_give_up("saved");
    sqlite3_close(db);
}

/* All values that a driver reported are read and restored, also values that no request may have. */
static void test_saved_numbers(void)
{
    static const struct {
        const char *text;
        enum vfa_vf_setting setting;
        uint32_t value;
    } cases[] = {
        {"vlan=4095 vlan_qos=0 vlan_proto=802.1Q", VFA_VF_VLAN, 4095},
        {"vlan=42 vlan_qos=9 vlan_proto=802.1Q", VFA_VF_VLAN_QOS, 9},
        {"link_state=7", VFA_VF_LINK_STATE, 7},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct vfa_host host = begin(VF);

        put_saved(cases[i].text);
        CHECK(release_all(&host) == 0, "%s", cases[i].text);
        CHECK(count_claims(&host) == 0 && !is_quarantined(&host), "%s", cases[i].text);
        CHECK(card.vf.values[cases[i].setting] == cases[i].value, "%s: %u", cases[i].text,
              (unsigned)card.vf.values[cases[i].setting]);
        end(&host);
    }
}

/* The VF is quarantined and the claim ends: otherwise its domain could never start again. */
static void test_unreadable(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = begin(VF);

    put_saved("trust=maybe");
    CHECK(apply(&host, "trust=yes", HOSTDEV, 0, &err) == -EINVAL && card.sets == 0 &&
              check_has(&err, "cannot save the settings of " VF ": what was saved before cannot "
                              "be read: trust 'maybe': it is none of no, yes"),
          "nothing is set over it");
    CHECK(release_all(&host) == 0 && count_claims(&host) == 0, "release");
    CHECK(is_quarantined(&host) && warnings == 1 && read_saved().device[0], "not to be had");
    CHECK(card.sets == 0, "nothing is made up");
    end(&host);
}

/* ---- restoring ---- */

static void test_quarantine(void)
{
    struct vfa_host host = begin(VF);

    CHECK(apply(&host, "trust=yes spoofchk=no", MACVTAP, 0, NULL) == 0, "apply");
    card.refused = 1u << VFA_VF_TRUST;
    CHECK(release_all(&host) == 0, "release");
    CHECK(count_claims(&host) == 0 && is_quarantined(&host) && warnings == 1, "not to be had");
    CHECK(card.vf.values[VFA_VF_SPOOFCHK] == 1, "what can be is set back");
    end(&host);
}

#define VF_PATH   "bus/pci/devices/" VF
#define AWAY_PATH "bus/pci/away"

static void move(const char *from, const char *to)
{
    if (renameat(sysfs.rootfd, from, sysfs.rootfd, to) < 0)
        made_give_up(from);
}

static void make_vf_vanish(void)
{
    move(VF_PATH, AWAY_PATH);
}

static void make_vf_return(void)
{
    move(AWAY_PATH, VF_PATH);
}

static void test_gone(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = begin(VF);

    CHECK(apply(&host, "trust=yes", HOSTDEV, 0, NULL) == 0, "apply");
    card.gone = true;
    make_vf_vanish();
    CHECK(apply(&host, "trust=no", HOSTDEV, 0, &err) == VFA_VF_REFUSED &&
              check_has(&err, VF " is gone"),
          "apply");
    CHECK(release_all(&host) == 0 && count_claims(&host) == 0, "release");
    CHECK(!is_quarantined(&host), "it will come back as new");
    end(&host);
    make_vf_return();
}

#define PF_NETDEV "bus/pci/devices/0000:01:00.0/net/pf0"

static void make_netdev_return(void)
{
    move(AWAY_PATH, PF_NETDEV);
    card.on_wait = NULL;
}

/* While a PF is reset or reloaded, it has no netdev and the VF cannot be changed. */
static void test_pf_without_netdev(void)
{
    struct vfa_host host = begin(VF);

    CHECK(apply(&host, "trust=yes", HOSTDEV, 0, NULL) == 0, "apply");
    move(PF_NETDEV, AWAY_PATH);
    CHECK(release_all(&host) == 1 && count_claims(&host) == 1, "not now");
    CHECK(!is_quarantined(&host) && read_saved().device[0], "not given up");
    make_netdev_return();
    CHECK(release_all(&host) == 0 && count_claims(&host) == 0 && is_now(USUAL), "later");
    end(&host);

    host = begin(VF);
    CHECK(apply(&host, "trust=yes", HOSTDEV, 0, NULL) == 0, "apply");
    move(PF_NETDEV, AWAY_PATH);
    card.on_wait = make_netdev_return;
    CHECK(release_all(&host) == 0 && count_claims(&host) == 0 && is_now(USUAL), "soon");
    end(&host);
}

/* While a VF resets, the kernel reports the PF without the VF: the VF is not gone. */
static void test_unreported(void)
{
    struct vfa_host host = begin(VF);

    CHECK(apply(&host, "trust=yes", HOSTDEV, 0, NULL) == 0, "apply");
    card.unreported = 2;
    CHECK(release_all(&host) == 0 && count_claims(&host) == 0, "release");
    CHECK(is_now(USUAL) && !is_quarantined(&host), "put back once it is told of");
    end(&host);
    host = begin(VF);
    CHECK(apply(&host, "trust=yes", HOSTDEV, 0, NULL) == 0, "apply");
    card.unreported = 100000;
    CHECK(release_all(&host) == 1 && read_saved().device[0], "not free while nothing is told");
    end(&host);
}

/* ---- a lost state file ---- */

#define DOMAIN(requests, device)                                                                   \
    "<domain type='kvm' id='1'><name>d</name><uuid>" UUID "</uuid><metadata><v:requests "          \
    "xmlns:v='urn:vfalias:1'>" requests "</v:requests></metadata><devices>" device                 \
    "</devices></domain>"
#define OURS(name)                                                                                 \
    "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='0x10' "        \
    "function='2'/></source>" name "</hostdev>"
#define NET OURS("<alias name='ua-vf-net-0'/>")

/* The claims of a running domain are made again from its XML. */
static const struct lost_case {
    const char *label, *xml;
    const char *alias_settings;
    bool kept;        /* the claim still exists */
    bool synced;      /* no state was lost: a user attached the device */
    bool quarantined; /* the VF is quarantined after vfa_reassert() */
} lost_cases[] = {
    {"by alias", DOMAIN("<v:request alias='net'/>", NET), "trust=yes", .quarantined = true},
    {"a placeholder", DOMAIN("", NET), "vlan=42", .quarantined = true},
    {"by request", DOMAIN("<v:request alias='net'><v:settings trust='yes'/></v:request>", NET), "",
     .quarantined = true},
    {"nothing was set", DOMAIN("<v:request alias='net'/>", NET), "", .quarantined = false},
    {"not ours", DOMAIN("", OURS("")), "trust=yes", .quarantined = false},
    {"not lost", DOMAIN("<v:request alias='net'/>", NET), "trust=yes", .synced = true},
    {"rebuilt already", DOMAIN("<v:request alias='net'/>", NET), "trust=yes", .kept = true},
};

static void check_lost(const struct lost_case *c, struct vfa_host *host)
{
    VFA_AUTO(vfa_domain_freep) struct vfa_domain *domain = NULL;

    if (vfa_domxml_parse(c->xml, strlen(c->xml), &domain, NULL) < 0)
        made_give_up(c->label);
    for (int i = 0; i < 2; i++) { /* as when libvirt's daemon restarts */
        CHECK(vfa_reassert(host, domain, NULL) == 0, "%s", c->label);
        CHECK(count_claims(host) == 1, "%s: the guest keeps it", c->label);
        CHECK(is_quarantined(host) == c->quarantined, "%s: quarantined", c->label);
        CHECK(warnings == c->quarantined, "%s: told once", c->label);
    }
    CHECK(release_all(host) == 0 && count_claims(host) == 0, "%s", c->label);
    CHECK(is_quarantined(host) == c->quarantined, "%s: stays so", c->label);
}

static void test_lost(void)
{
    struct vfa_alias alias = {.name = (char *)"net"};

    config.aliases = &alias;
    config.n_aliases = 1;
    made_file("guest.xml", "<domstatus/>"); /* a status file of libvirt: a domain runs */
    for (size_t i = 0; i < ARRAY_SIZE(lost_cases); i++) {
        struct vfa_host host = begin(VF);

        alias.settings = settings(lost_cases[i].alias_settings);
        if (!lost_cases[i].kept)
            release_all(&host);
        if (lost_cases[i].synced)
            vfa_state_set_synced(host.state, NULL);
        check_lost(&lost_cases[i], &host);
        end(&host);
    }
    made_without("guest.xml");
    config.n_aliases = 0;
}

int main(void)
{
    make_tree();
    test_no_vlan();
    test_saved_numbers();
    test_unreadable();
    test_quarantine();
    test_gone();
    test_unreported();
    test_pf_without_netdev();
    test_lost();
    made_end(&sysfs);
    return check_result();
}
