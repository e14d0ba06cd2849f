/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Settings of a claimed VF: which ones are saved, set, refused, and restored before the claim ends.
 * The card of made-card.h checks that the old settings are saved before any setting is changed.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "state/claims.h"
#include "state/drop.h"
#include "state/saved.h"
#include "state/state.h"
#include "host/host.h"
#include "provision/provisioner.h"
#include "claim/release.h"
#include "made-card.h"

#include <sys/wait.h>

/* ---- wanted settings, on the usual card ---- */

#define BEST          VFA_SETTINGS_BEST_EFFORT
#define NOTHING_SAVED ""

static const struct apply_case {
    const char *wanted;
    enum vfa_attach_kind kind;
    enum vfa_settings_policy policy;
    unsigned refused;
    const char *vf;     /* settings of the VF after apply; NULL: USUAL */
    const char *saved;  /* saved settings */
    const char *result; /* the refusal; best effort: "" for one warning; NULL: success */
    bool up;            /* the VF's netdev, after apply */
} cases[] = {
    {.wanted = "", .saved = NOTHING_SAVED},
    {.wanted = "trust=yes",
     .saved = "trust=no",
     .vf = "trust=yes spoofchk=yes link_state=auto min_tx_rate=0 max_tx_rate=0 vlan=0 vlan_qos=0 "
           "vlan_proto=802.1Q"},
    {.wanted = "trust=no spoofchk=yes link_state=auto", .saved = NOTHING_SAVED}, /* no change */
    {.wanted = "max_tx_rate=100",
     .saved = "min_tx_rate=0 max_tx_rate=0",
     .vf = "trust=no spoofchk=yes link_state=auto min_tx_rate=0 max_tx_rate=100 vlan=0 vlan_qos=0 "
           "vlan_proto=802.1Q"},
    {.wanted = "vlan=42 vlan_qos=3",
     .saved = "vlan=0 vlan_qos=0 vlan_proto=802.1Q",
     .vf = "trust=no spoofchk=yes link_state=auto min_tx_rate=0 max_tx_rate=0 vlan=42 vlan_qos=3 "
           "vlan_proto=802.1Q"},
    /* libvirt will change the VLAN of an interface */
    {.wanted = "vlan=0", .kind = INTERFACE, .saved = "vlan=0 vlan_qos=0 vlan_proto=802.1Q"},
    {.wanted = "vlan=0", .kind = HOSTDEV, .saved = NOTHING_SAVED},
    /* refusals by the driver */
    {.wanted = "trust=yes link_state=enable",
     .refused = 1u << VFA_VF_LINK_STATE,
     .saved = NOTHING_SAVED,
     .result = "cannot set link_state of VF 1 of pf0: Operation not supp"},
    {.wanted = "trust=yes link_state=enable",
     .refused = 1u << VFA_VF_LINK_STATE,
     .policy = BEST,
     .saved = "trust=no link_state=auto",
     .result = "",
     .vf = "trust=yes spoofchk=yes link_state=auto min_tx_rate=0 max_tx_rate=0 vlan=0 vlan_qos=0 "
           "vlan_proto=802.1Q"},
    {.wanted = "query_rss=yes",
     .saved = NOTHING_SAVED,
     .result = "cannot set query_rss of VF 1 of pf0: its driver does not tell what it is now"},
    {.wanted = "query_rss=yes", .policy = BEST, .saved = NOTHING_SAVED, .result = ""},
    /* the MTU */
    {.wanted = "mtu=1500", .saved = NOTHING_SAVED},
    {.wanted = "mtu=9000",
     .saved = NOTHING_SAVED,
     .result = "cannot have mtu 9000 on VF 1 of pf0: the PF has mtu 1500"},
    {.wanted = "mtu=9000", .kind = INTERFACE, .policy = BEST, .saved = NOTHING_SAVED, .result = ""},
    {.wanted = "mtu=9000", .kind = MACVTAP, .saved = "mtu=1500", .up = true},
    /* a macvtap needs its netdev up */
    {.wanted = "", .kind = MACVTAP, .saved = NOTHING_SAVED, .up = true},
    {.wanted = "trust=yes link_state=enable",
     .kind = MACVTAP,
     .refused = 1u << VFA_VF_LINK_STATE,
     .saved = NOTHING_SAVED,
     .result = "cannot set link_state"},
};

static void check_applied(const struct apply_case *c, int r, const struct vfa_error *err)
{
    bool refused = c->result && c->policy != BEST;
    const struct vfa_vf_settings want = settings(c->saved);
    const struct vfa_saved saved = read_saved();

    if (refused)
        CHECK(r == VFA_VF_REFUSED && check_has(err, c->result), "%s: %s", c->wanted,
              r ? vfa_error_text(err) : "0");
    else
        CHECK(r == 0, "%s: %s", c->wanted, r ? vfa_error_text(err) : "");
    CHECK(warnings == (c->result && c->policy == BEST), "%s: %u", c->wanted, warnings);
    CHECK(is_now(c->vf ? c->vf : USUAL), "%s", c->wanted);
    CHECK(card.own.up == c->up, "%s: up", c->wanted);
    CHECK(vfa_vf_settings_same(&saved.settings, &want), "%s: saved", c->wanted);
    CHECK(saved.up == (c->up ? VFA_SAVED_NO : VFA_SAVED_NONE), "%s: saved up", c->wanted);
}

static void test_cases(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        const struct apply_case *c = &cases[i];
        struct vfa_host host = begin(VF);
        size_t n = 0;

        card.refused = c->refused;
        check_applied(c, apply(&host, c->wanted, c->kind, c->policy, &err), &err);
        CHECK(vfa_release(&host, UUID, NULL, VFA_WHY_STOPPED, &n, NULL) == 0 && n == 1,
              "%s: release", c->wanted);
        CHECK(release_all(&host) == 0, "%s: finish", c->wanted);
        CHECK(is_now(USUAL) && !card.own.up && card.own.mtu == 1500, "%s: set back", c->wanted);
        CHECK(!is_quarantined(&host), "%s", c->wanted);
        end(&host);
    }
}

/* ---- a VF that sysfs has and the kernel does not report ---- */

static const struct {
    const char *wanted;
    enum vfa_attach_kind kind;
    enum vfa_settings_policy policy;
    unsigned unreported;
    const char *result; /* like the fields of the cases above */
} unreported_cases[] = {
    {"trust=yes", HOSTDEV, 0, 2, NULL},
    {"trust=yes", MACVTAP, 0, 2, NULL},
    {"trust=yes", HOSTDEV, 0, 1000, "the driver does not tell the settings of VF 1 of pf0"},
    {"trust=yes", HOSTDEV, BEST, 1000, ""},
    {"trust=yes", MACVTAP, BEST, 1000, ""},
};

static void test_silence(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(unreported_cases); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        bool best = unreported_cases[i].policy == BEST,
             macvtap = unreported_cases[i].kind == MACVTAP;
        struct vfa_host host = begin(VF);
        int r;

        card.unreported = unreported_cases[i].unreported;
        r = apply(&host, unreported_cases[i].wanted, unreported_cases[i].kind,
                  unreported_cases[i].policy, &err);
        CHECK(unreported_cases[i].result && !best
                  ? r == VFA_VF_REFUSED && check_has(&err, unreported_cases[i].result)
                  : r == 0,
              "%zu: %d %s", i, r, err.code ? vfa_error_text(&err) : "");
        CHECK(is_now(USUAL) == (unreported_cases[i].result != NULL), "%zu", i);
        CHECK(card.own.up == macvtap && warnings == best, "%zu: %u", i, warnings);
        end(&host);
    }
}

/* The kernel does not find a netdev: each netdev, for each number of calls. */
static void test_missed(void)
{
    static const char *const netdevs[] = {"pf0", "pf0v1"};
    static const char *const results[] = {"the driver does not tell the settings of VF 1 of pf0",
                                          "the netdev 'pf0v1' of " VF " is gone"};

    for (size_t i = 0; i < ARRAY_SIZE(netdevs); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        const enum vfa_attach_kind kind = i == 0 ? HOSTDEV : MACVTAP;
        struct vfa_host host = begin(VF);

        card.missed = netdevs[i];
        card.misses = 2;
        CHECK(apply(&host, "mtu=1400", kind, 0, NULL) == 0, "%s", netdevs[i]);
        card.misses = 1000;
        CHECK(apply(&host, "mtu=1300", kind, 0, &err) == VFA_VF_REFUSED &&
                  check_has(&err, results[i]),
              "%s: %s", netdevs[i], err.code ? vfa_error_text(&err) : "");
        card.misses = 0;
        end(&host);
    }
}

/* ---- applied twice, failed, killed ---- */

static void test_older_stays(void)
{
    struct vfa_host host = begin(VF);
    struct vfa_saved saved;

    CHECK(apply(&host, "trust=yes", HOSTDEV, 0, NULL) == 0, "once");
    CHECK(apply(&host, "trust=yes", HOSTDEV, 0, NULL) == 0 && card.sets == 1, "as it is");
    CHECK(apply(&host, "trust=no spoofchk=no", MACVTAP, 0, NULL) == 0, "others");
    saved = read_saved();
    CHECK(saved.settings.given == (1u << VFA_VF_TRUST | 1u << VFA_VF_SPOOFCHK), "both");
    CHECK(saved.settings.values[VFA_VF_TRUST] == 0 && saved.settings.values[VFA_VF_SPOOFCHK] == 1 &&
              saved.up == VFA_SAVED_NO,
          "as it was in the beginning");
    CHECK(release_all(&host) == 0 && is_now(USUAL), "set back");
    CHECK(!card.own.up && count_claims(&host) == 0, "all of it");
    end(&host);
}

/* Killed between saving and setting: the old settings are saved, and the next apply succeeds. */
static void test_killed(void)
{
    struct vfa_host host = begin(VF);
    int status = 1;
    pid_t pid;

    end(&host);
    card.die = true;
    pid = fork();
    if (pid == 0) {
        vfa_state_open(state_path, folder, VFA_STATE_WRITE, &host.state, NULL);
        apply(&host, "trust=yes spoofchk=no", MACVTAP, 0, NULL);
        _exit(1); /* no setting was set, so the process was not killed */
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "%d", status);
    card.die = false;
    CHECK(read_saved().settings.given != 0, "on record");
    vfa_state_open(state_path, folder, VFA_STATE_WRITE, &host.state, NULL);
    CHECK(apply(&host, "trust=yes spoofchk=no", MACVTAP, 0, NULL) == 0 && card.own.up, "again");
    CHECK(release_all(&host) == 0 && is_now(USUAL) && !card.own.up, "back");
    end(&host);
}

/* Each call fails once. Then the VF has its old settings, or it is quarantined. */
static void test_failing_calls(void)
{
    bool failed = true;
    unsigned i;

    for (i = 1; failed; i++) {
        struct vfa_host host = begin(VF);

        card.fail_at = i;
        apply(&host, "trust=yes spoofchk=no vlan=9 mtu=9000", MACVTAP, 0, NULL);
        CHECK(release_all(&host) == 0, "%u", i);
        CHECK(count_claims(&host) == 0 && is_quarantined(&host) == (read_saved().device[0] != 0),
              "%u: nothing is left but for a later attempt", i);
        CHECK(is_quarantined(&host) || (is_now(USUAL) && !card.own.up && card.own.mtu == 1500),
              "%u: as it was, or not to be had", i);
        failed = card.all >= i;
        end(&host);
    }
    CHECK(i > 10, "%u", i);
}

/* ---- the claim ---- */

static void test_stale_claim(void)
{
    struct vfa_host host = begin(VF);

    release_all(&host);
    CHECK(apply(&host, "trust=yes", HOSTDEV, 0, NULL) == VFA_VF_STALE && card.sets == 0, "gone");
    end(&host);
    host = begin("0000:01:10.0"); /* the request has another device now */
    CHECK(apply(&host, "trust=yes", HOSTDEV, 0, NULL) == VFA_VF_STALE && card.sets == 0, "other");
    end(&host);
}

static void test_schema(void)
{
    const struct vfa_saved saved = {.device = "0000:01:10.0", .up = VFA_SAVED_NO};
    struct vfa_host host = begin(VF);
    size_t n = 9;

    CHECK(vfa_state_save(host.state, &saved, NULL) == -EEXIST, "nobody has that one");
    CHECK(apply(&host, "trust=yes", HOSTDEV, 0, NULL) == 0, "apply");
    CHECK(vfa_state_release(host.state, UUID, NULL, NULL, NULL) == -EEXIST, "by UUID");
    CHECK(vfa_state_withdraw(host.state, UUID, REQUEST, NULL) == -EEXIST, "withdrawn");
    CHECK(count_claims(&host) == 1, "the claim stays");
    CHECK(vfa_release_withdraw(&host, UUID, REQUEST, NULL) == 0 && !is_now(USUAL), "this way");
    CHECK(release_all(&host) == 0 && is_now(USUAL), "no driver is asked before");
    CHECK(count_claims(&host) == 0, "gone");
    end(&host);
    host = begin(VF);
    CHECK(apply(&host, "trust=yes", HOSTDEV, 0, NULL) == 0, "apply");
    CHECK(vfa_release_name(&host, "other", VFA_WHY_STOPPED, &n, NULL) == 0 && n == 0, "another's");
    CHECK(vfa_release_name(&host, "d", VFA_WHY_STOPPED, &n, NULL) == 0 && n == 1, "by name");
    CHECK(release_all(&host) == 0 && is_now(USUAL), "put back");
    end(&host);
}

/* With a copy of the state no device is changed. */
static void test_copy(void)
{
    struct vfa_host host = begin(VF), copy = host;
    unsigned sets;

    CHECK(apply(&host, "trust=yes", HOSTDEV, 0, NULL) == 0, "apply");
    sets = card.sets;
    CHECK(vfa_state_open_copy(state_path, folder, &copy.state, NULL) == 0, "copy");
    CHECK(vfa_release(&copy, UUID, NULL, VFA_WHY_STOPPED, NULL, NULL) == 0 &&
              count_claims(&copy) == 0,
          "there");
    CHECK(card.sets == sets && count_claims(&host) == 1, "not here");
    end(&copy);
    end(&host);
}

/* ---- another host's sysfs, and devices that are not VFs of a network card ---- */

static void test_foreign_tree(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = begin(VF);

    card.is_host = false;
    CHECK(apply(&host, "trust=yes", MACVTAP, 0, NULL) == 0 && card.all == 0, "nothing happens");
    card.is_host = true;
    CHECK(apply(&host, "trust=yes", HOSTDEV, 0, NULL) == 0, "apply");
    card.is_host = false;
    CHECK(vfa_release(&host, UUID, NULL, VFA_WHY_STOPPED, NULL, NULL) == 0, "release");
    CHECK(vfa_release_finish(&host, VFA_RELEASE_WAIT, NULL, &err) == -EPERM &&
              check_has(&err, "'/made' is not this host's"),
          "%s", err.code ? vfa_error_text(&err) : "");
    CHECK(count_claims(&host) == 1, "the claim stays");
    end(&host);
}

static const struct {
    const char *device, *wanted;
    enum vfa_attach_kind kind;
    const char *refused; /* NULL: success */
} others[] = {
    {"0000:03:00.1", "trust=yes", HOSTDEV, "0000:03:00.1 is no VF of a network card: its class"},
    {"0000:04:00.0", "trust=yes", HOSTDEV, "0000:04:00.0 is no VF of a network card: it has no PF"},
    {"0000:05:00.0", "trust=yes", HOSTDEV, "0000:05:00.0 is gone"},
    {"0000:03:00.1", "", HOSTDEV, NULL},
    {"0000:03:00.1", "", MACVTAP, "0000:03:00.1 has no netdev on this host"},
    {"0000:04:00.0", "mtu=9000", MACVTAP, NULL}, /* its netdev has the same name as the VF's */
};

static void test_other_devices(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        const struct vfa_desired desired = {.settings = settings(others[i].wanted),
                                            .kind = others[i].kind};
        const struct vfa_claim claim = the_claim(others[i].device);
        struct vfa_host host = begin(others[i].device);
        int r = vfa_provisioner_apply(&host, &claim, &desired, &err);

        CHECK(others[i].refused ? r == VFA_VF_REFUSED && check_has(&err, others[i].refused)
                                : r == 0,
              "%s: %s", others[i].device, err.code ? vfa_error_text(&err) : "");
        CHECK(release_all(&host) == 0, "%s", others[i].device);
        CHECK(!card.own.up && card.own.mtu == 1500, "%s", others[i].device);
        end(&host);
    }
}

/* ---- the VLAN that libvirt sets ---- */

static const struct {
    enum vfa_attach_kind kind;
    uint32_t libvirt; /* the VLAN that libvirt sets, with QoS 0 */
    uint32_t vlan, qos;
} vlans[] = {
    {INTERFACE, 42, 42, 3}, {INTERFACE, 7, 7, 3}, /* from the interface element */
    {INTERFACE, 0, 42, 3},  {MACVTAP, 42, 42, 3},
    {HOSTDEV, 42, 42, 0}, /* an administrator set it: libvirt does not */
};

static void test_vlan(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(vlans); i++) {
        const struct vfa_desired desired = {.settings = settings("vlan=42 vlan_qos=3"),
                                            .kind = vlans[i].kind};
        const struct vfa_claim claim = the_claim(VF);
        struct vfa_host host = begin(VF);

        CHECK(vfa_provisioner_apply(&host, &claim, &desired, NULL) == 0, "%zu", i);
        card.vf.values[VFA_VF_VLAN] = vlans[i].libvirt;
        card.vf.values[VFA_VF_VLAN_QOS] = 0;
        CHECK(vfa_provisioner_after_attach(&host, &claim, &desired, NULL) == 0, "%zu", i);
        CHECK(card.vf.values[VFA_VF_VLAN] == vlans[i].vlan &&
                  card.vf.values[VFA_VF_VLAN_QOS] == vlans[i].qos,
              "%zu: %u %u", i, (unsigned)card.vf.values[VFA_VF_VLAN],
              (unsigned)card.vf.values[VFA_VF_VLAN_QOS]);
        CHECK(release_all(&host) == 0 && is_now(USUAL), "%zu", i);
        end(&host);
    }
}

int main(void)
{
    make_tree();
    test_cases();
    test_silence();
    test_missed();
    test_older_stays();
    test_killed();
    test_failing_calls();
    test_stale_claim();
    test_schema();
    test_copy();
    test_foreign_tree();
    test_other_devices();
    test_vlan();
    made_end(&sysfs);
    return check_result();
}
