/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A network card for unit tests, in place of the kernel: pf0 with VF 1, whose netdev is pf0v1. The
 * program is linked with --wrap for vfa_netlink_*(), vfa_sysfs_is_host() and vfa_patience_wait().
 * The header also makes a sysfs tree with some other devices, and a state with one claimed device.
 *
 * Each call that changes the card checks, with another handle of the state file, that the old
 * settings are saved.
 */
#ifndef VFA_MADE_CARD_H
#define VFA_MADE_CARD_H

#include "base/common.h"
#include "base/error.h"
#include "base/patience.h"
#include "device/netlink.h"
#include "device/sysfs.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "config/config.h"
#include "state/claims.h"
#include "state/quarantine.h"
#include "state/saved.h"
#include "state/state.h"
#include "host/host.h"
#include "provision/provisioner.h"
#include "claim/release.h"
#include "check.h"
#include "made-keys.h"
#include "made-sysfs.h"

#include <errno.h>
#include <signal.h>

#define UUID    "aaaaaaaa-0000-4000-8000-000000000000"
#define VF      "0000:01:10.2" /* number 1 */
#define REQUEST "net-0"
#define USUAL                                                                                      \
    "trust=no spoofchk=yes link_state=auto min_tx_rate=0 max_tx_rate=0 vlan=0 vlan_qos=0 "         \
    "vlan_proto=802.1Q"

static struct {
    struct vfa_vf_settings vf;
    struct vfa_link pf, own;
    unsigned refused;   /* settings, as bits */
    unsigned sets, all; /* sets: successful calls that change the card; all: all calls */
    unsigned fail_at;   /* number of the call that fails; 0: no call */
    int fail_with;      /* its errno, 0: EIO */
    unsigned busy;      /* number of changing calls that fail with busy_with first */
    int busy_with;
    void (*on_set)(void);  /* called by each changing call before the change */
    void (*on_wait)(void); /* called by each wait for a driver or another program */
    unsigned unreported;   /* number of reading calls that do not find the VF */
    const char *missed;    /* the netdev that is not found, `misses` times */
    unsigned misses;
    bool gone, die; /* mode `die`: the first changing call kills the process */
    bool is_host;
    bool vgt; /* as mlx4: VLAN 0 with QoS 0 means no VLAN, and reads as 4095 */
} card;
static char folder[64], state_path[96];

static inline struct vfa_saved read_saved(void)
{
    struct vfa_saved_list list = {NULL, 0};
    struct vfa_saved saved = {.up = VFA_SAVED_NONE};
    struct vfa_state *state = NULL;

    if (vfa_state_open(state_path, folder, VFA_STATE_READ, &state, NULL) != 0 ||
        vfa_state_saved(state, NULL, &list, NULL) != 0)
        abort();
    if (list.n)
        saved = list.items[0];
    saved.unreadable = NULL;
    saved.attributes = (struct vfa_attributes){NULL, 0}; /* owned by the list */
    vfa_saved_list_clear(&list);
    vfa_state_close(state);
    return saved;
}

static int called(struct vfa_error *err)
{
    if (card.gone)
        return VFA_NETLINK_GONE;
    if (++card.all != card.fail_at)
        return 0;
    return vfa_fail(err, card.fail_with ? card.fail_with : EIO, "call %u failed", card.all);
}

static int called_to_set(const char *what, struct vfa_error *err)
{
    int r = called(err);

    CHECK(read_saved().device[0], "%s is set, and what it was is not on record", what);
    if (card.die)
        raise(SIGKILL);
    if (card.on_set)
        card.on_set();
    if (r == 0 && card.busy > 0) {
        card.busy--;
        r = vfa_fail(err, card.busy_with, "cannot set %s: not now", what);
    }
    card.sets += r == 0;
    return r;
}

bool __wrap_vfa_patience_wait(struct vfa_patience *patience);
bool __wrap_vfa_sysfs_is_host(const struct vfa_sysfs *sysfs);
int __wrap_vfa_netlink_open(struct vfa_netlink **ret, struct vfa_error *err);
struct vfa_netlink *__wrap_vfa_netlink_close(struct vfa_netlink *nl);
int __wrap_vfa_netlink_read_vf(struct vfa_netlink *nl, const char *pf, unsigned vf,
                               struct vfa_vf_settings *ret, struct vfa_error *err);
int __wrap_vfa_netlink_set_vf(struct vfa_netlink *nl, const char *pf, unsigned vf,
                              enum vfa_vf_setting setting, const struct vfa_vf_settings *values,
                              struct vfa_error *err);
int __wrap_vfa_netlink_read_link(struct vfa_netlink *nl, const char *netdev, struct vfa_link *ret,
                                 struct vfa_error *err);
int __wrap_vfa_netlink_set_up(struct vfa_netlink *nl, const char *netdev, bool up,
                              struct vfa_error *err);
int __wrap_vfa_netlink_set_mtu(struct vfa_netlink *nl, const char *netdev, uint32_t mtu,
                               struct vfa_error *err);

/* Does not wait. Returns true as often as a wait of 2 s would. */
bool __wrap_vfa_patience_wait(struct vfa_patience *patience)
{
    if (patience->deadline == 0 || patience->pause_ms++ >= 30)
        return false;
    if (card.on_wait)
        card.on_wait();
    return true;
}

bool __wrap_vfa_sysfs_is_host(const struct vfa_sysfs *sysfs)
{
    return card.is_host;
}

int __wrap_vfa_netlink_open(struct vfa_netlink **ret, struct vfa_error *err)
{
    *ret = calloc(1, 1);
    return 0;
}

struct vfa_netlink *__wrap_vfa_netlink_close(struct vfa_netlink *nl)
{
    free(nl);
    return NULL;
}

int __wrap_vfa_netlink_read_vf(struct vfa_netlink *nl, const char *pf, unsigned vf,
                               struct vfa_vf_settings *ret, struct vfa_error *err)
{
    int r = called(err);

    CHECK(strcmp(pf, "pf0") == 0 && vf == 1, "VF %u of %s", vf, pf);
    if (r == 0 && card.unreported > 0) {
        card.unreported--;
        return VFA_NETLINK_GONE;
    }
    if (r == 0)
        *ret = card.vf;
    return r;
}

int __wrap_vfa_netlink_set_vf(struct vfa_netlink *nl, const char *pf, unsigned vf,
                              enum vfa_vf_setting setting, const struct vfa_vf_settings *values,
                              struct vfa_error *err)
{
    int r = called_to_set(vfa_vf_setting_name(setting), err);

    CHECK(strcmp(pf, "pf0") == 0 && vf == 1, "VF %u of %s", vf, pf);
    if (r == 0 && (card.refused & 1u << setting))
        r = vfa_fail(err, EIO, "cannot set %s of VF 1 of pf0: Operation not supported",
                     vfa_vf_setting_name(setting));
    for (unsigned i = 0; r == 0 && i < VFA_VF_SETTINGS; i++) {
        if (vfa_vf_setting_group(setting) & 1u << i)
            card.vf.values[i] = values->values[i];
    }
    if (card.vgt && !card.vf.values[VFA_VF_VLAN] && !card.vf.values[VFA_VF_VLAN_QOS])
        card.vf.values[VFA_VF_VLAN] = 4095;
    return r;
}

static bool is_missed(const char *netdev)
{
    if (!card.missed || strcmp(netdev, card.missed) != 0 || card.misses == 0)
        return false;
    card.misses--;
    return true;
}

static struct vfa_link *link_of(const char *netdev)
{
    CHECK(strcmp(netdev, "pf0") == 0 || strcmp(netdev, "pf0v1") == 0, "%s", netdev);
    return strcmp(netdev, "pf0") == 0 ? &card.pf : &card.own;
}

int __wrap_vfa_netlink_read_link(struct vfa_netlink *nl, const char *netdev, struct vfa_link *ret,
                                 struct vfa_error *err)
{
    int r = is_missed(netdev) ? VFA_NETLINK_GONE : called(err);

    if (r == 0)
        *ret = *link_of(netdev);
    return r;
}

int __wrap_vfa_netlink_set_up(struct vfa_netlink *nl, const char *netdev, bool up,
                              struct vfa_error *err)
{
    int r = called_to_set("up", err);

    if (r == 0)
        link_of(netdev)->up = up;
    return r;
}

int __wrap_vfa_netlink_set_mtu(struct vfa_netlink *nl, const char *netdev, uint32_t mtu,
                               struct vfa_error *err)
{
    int r = called_to_set("mtu", err);

    if (r == 0)
        link_of(netdev)->mtu = mtu;
    return r;
}

/* ---- a host with the card ---- */

#define HOSTDEV   VFA_ATTACH_HOSTDEV
#define INTERFACE VFA_ATTACH_INTERFACE
#define MACVTAP   VFA_ATTACH_MACVTAP

static struct vfa_sysfs sysfs;
static struct vfa_config config = {.sysfs_root = (char *)"/made", .state_path = state_path};
static unsigned warnings;

static inline struct vfa_vf_settings settings(const char *text)
{
    struct vfa_vf_settings read;

    if (vfa_vf_settings_read(text, &read, NULL) != 0)
        made_give_up(text);
    return read;
}

static inline void make_tree(void)
{
    sysfs = made_begin();
    strcpy(folder, made_root);
    snprintf(state_path, sizeof(state_path), "%s/state", folder);
    made_file("bus/pci/devices/0000:01:00.0/class", "0x020000");
    made_folder("bus/pci/devices/0000:01:00.0/net/pf0");
    made_file("bus/pci/devices/0000:01:00.0/net/eth0/phys_port_name", "pf0vf0"); /* a representor */
    made_link("bus/pci/devices/0000:01:00.0/virtfn0", "../0000:01:10.0");
    made_link("bus/pci/devices/0000:01:00.0/virtfn1", "../" VF);
    made_file("bus/pci/devices/" VF "/class", "0x020000");
    made_file("bus/pci/devices/" VF "/vendor", "0x8086");
    made_file("bus/pci/devices/" VF "/device", "0x10ca");
    made_link("bus/pci/devices/" VF "/physfn", "../0000:01:00.0");
    made_folder("bus/pci/devices/" VF "/net/pf0v1");
    made_file("bus/pci/devices/0000:03:00.1/class", "0x010802");
    made_link("bus/pci/devices/0000:03:00.1/physfn", "../0000:03:00.0");
    made_file("bus/pci/devices/0000:04:00.0/class", "0x020000");
    made_folder("bus/pci/devices/0000:04:00.0/net/pf0v1");
}

static inline void warn(const char *text)
{
    CHECK(strncmp(text, "domain 'd': request 'net-0': ", 29) == 0 ||
              strncmp(text, VF " is quarantined: ", 29) == 0,
          "%s", text);
    warnings++;
}

static inline struct vfa_claim the_claim(const char *device)
{
    return (struct vfa_claim){.device = (char *)device,
                              .keys = made_keys(device, NULL, -1),
                              .kind = (char *)"pci",
                              .uuid = (char *)UUID,
                              .domain = (char *)"d",
                              .request = (char *)REQUEST,
                              .alias = (char *)"net",
                              .state = VFA_CLAIM_CLAIMED,
                              .since = 1000};
}

/* A new state with a claim on the device, and the usual card. */
static inline struct vfa_host begin(const char *device)
{
    struct vfa_host host = {.config = &config, .sysfs = sysfs, .warn = warn};
    const struct vfa_claim claim = the_claim(device);

    memset(&card, 0, sizeof(card));
    card.vf = settings(USUAL);
    card.pf = (struct vfa_link){.up = true, .running = true, .mtu = 1500};
    card.own = (struct vfa_link){.up = false, .mtu = 1500};
    warnings = 0;
    card.is_host = true;
    unlink(state_path);
    if (vfa_state_open(state_path, folder, VFA_STATE_WRITE, &host.state, NULL) != 0 ||
        vfa_state_claim(host.state, &claim, NULL) != 0)
        made_give_up("state");
    return host;
}

static inline void end(struct vfa_host *host)
{
    host->state = vfa_state_close(host->state);
}

static inline int apply(struct vfa_host *host, const char *wanted, enum vfa_attach_kind kind,
                        enum vfa_settings_policy policy, struct vfa_error *err)
{
    const struct vfa_desired desired = {
        .settings = settings(wanted), .policy = policy, .kind = kind};
    const struct vfa_claim claim = the_claim(VF);

    return vfa_provisioner_apply(host, &claim, &desired, err);
}

static inline bool is_now(const char *text)
{
    const struct vfa_vf_settings want = settings(text);

    return vfa_vf_settings_same(&card.vf, &want);
}

static inline unsigned count_claims(struct vfa_host *host)
{
    VFA_AUTO(vfa_claims_clear) struct vfa_claims claims = {NULL, 0};

    CHECK(vfa_state_all_claims(host->state, NULL, &claims, NULL) == 0, "claims");
    return (unsigned)claims.n;
}

/* Both steps of a release, as when the domain stops. Returns the number of claims that are not
 * released. */
static inline size_t release_all(struct vfa_host *host)
{
    struct vfa_release_left left = {0};

    CHECK(vfa_release(host, UUID, NULL, VFA_WHY_STOPPED, NULL, NULL) == 0, "release");
    CHECK(vfa_release_finish(host, VFA_RELEASE_WAIT, &left, NULL) == 0, "finish");
    return left.n;
}

static inline bool is_quarantined(struct vfa_host *host)
{
    VFA_AUTO(vfa_quarantine_clear) struct vfa_quarantine list = {NULL, 0};

    CHECK(vfa_state_quarantined(host->state, VF, &list, NULL) == 0, "quarantine");
    return list.n > 0;
}

#endif
