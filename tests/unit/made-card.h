/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A network card for unit tests, pf0 with VF 1 and that one's netdev pf0v1, in place of the kernel:
 * the program is linked with --wrap for vfa_netlink_*() and vfa_sysfs_is_host().
 *
 * Whenever something is set, it looks with another handle of the state file: what was there before
 * must be on record.
 */
#ifndef VFA_MADE_CARD_H
#define VFA_MADE_CARD_H

#include "check.h"
#include "netlink.h"
#include "state.h"

#include <errno.h>
#include <signal.h>

#define UUID "aaaaaaaa-0000-4000-8000-000000000000"
#define VF   "0000:01:10.2" /* number 1 */
#define USUAL                                                                                      \
    "trust=no spoofchk=yes link_state=auto min_tx_rate=0 max_tx_rate=0 vlan=0 vlan_qos=0 "         \
    "vlan_proto=802.1Q"

static struct {
    struct vfa_vf_settings vf;
    struct vfa_link pf, own;
    unsigned refused;   /* settings, as bits */
    unsigned sets, all; /* calls: that set; any */
    unsigned fail_at;   /* the call that fails, 0: none */
    bool gone, die;     /* die: killed by the first that sets */
    bool is_host;
} card;
static char folder[64], state_path[96];

static inline struct vfa_saved read_saved(void)
{
    struct vfa_saved_list list = {NULL, 0};
    struct vfa_saved saved = {.up = VFA_SAVED_NONE};
    struct vfa_state *state = NULL;

    if (vfa_state_open(state_path, folder, VFA_STATE_READ, &state, NULL) != 0 ||
        vfa_state_saved(state, &(struct vfa_saved_of){.uuid = UUID}, &list, NULL) != 0)
        abort();
    if (list.n)
        saved = list.items[0];
    vfa_saved_list_clear(&list);
    vfa_state_close(state);
    return saved;
}

static int called(struct vfa_error *err)
{
    if (card.gone)
        return VFA_NETLINK_GONE;
    return ++card.all == card.fail_at ? vfa_fail(err, EIO, "call %u failed", card.all) : 0;
}

static int called_to_set(const char *what, struct vfa_error *err)
{
    int r = called(err);

    CHECK(read_saved().device[0], "%s is set, and what it was is not on record", what);
    if (card.die)
        raise(SIGKILL);
    card.sets += r == 0;
    return r;
}

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
    return r;
}

static struct vfa_link *link_of(const char *netdev)
{
    CHECK(strcmp(netdev, "pf0") == 0 || strcmp(netdev, "pf0v1") == 0, "%s", netdev);
    return strcmp(netdev, "pf0") == 0 ? &card.pf : &card.own;
}

int __wrap_vfa_netlink_read_link(struct vfa_netlink *nl, const char *netdev, struct vfa_link *ret,
                                 struct vfa_error *err)
{
    int r = called(err);

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

#endif
