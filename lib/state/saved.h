/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the devices of claims were like before vfalias changed them. The schema lets no device
 * become free while there is something to put back: its claim does not go, unless the device is in
 * quarantine, which does not end then.
 */
#ifndef VFA_STATE_SAVED_H
#define VFA_STATE_SAVED_H

#include "base/common.h"
#include "base/error.h"
#include "base/pci-address.h"
#include "device/vf-settings.h"
#include "state.h"

enum vfa_saved_up {
    VFA_SAVED_NONE = -1, /* not changed */
    VFA_SAVED_NO,
    VFA_SAVED_YES,
};
struct vfa_saved {
    char device[VFA_PCI_ADDR_SIZE];
    struct vfa_vf_settings settings; /* those that were changed; mtu: of the VF's own netdev */
    enum vfa_saved_up up;            /* whether that netdev was up */
    char *unreadable; /* why the settings cannot be read, and so are none here; else NULL */
};
void vfa_saved_clear(struct vfa_saved *saved);
struct vfa_saved_list {
    struct vfa_saved *items;
    size_t n;
};
void vfa_saved_list_clear(struct vfa_saved_list *list);

/* Of a claimed device. What is saved of it already is older and stays; nothing is saved over what
 * cannot be read (-EINVAL). `unreadable` is not looked at. */
int vfa_state_save(struct vfa_state *state, const struct vfa_saved *saved, struct vfa_error *err);

/* All, or (device not NULL) what is saved of one. Clear *ret with vfa_saved_list_clear(). */
int vfa_state_saved(struct vfa_state *state, const char *device, struct vfa_saved_list *ret,
                    struct vfa_error *err);
int vfa_state_forget_saved(struct vfa_state *state, const char *device, struct vfa_error *err);

/* For a device that another domain turns out to have. In one transaction: drops its claim, which
 * leaves what is saved behind; and, once the other domain has a claim of it, hands that what was
 * left. */
int vfa_state_unseat(struct vfa_state *state, const char *device, struct vfa_error *err);
int vfa_state_hand_over(struct vfa_state *state, const char *device, struct vfa_error *err);

#endif
