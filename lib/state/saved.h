/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Saved settings: what the devices of claims were like before vfalias changed them.
 *
 * No device becomes free while it has saved settings: its claim cannot be deleted (schema.sql,
 * trigger claim_saved) unless the device is in quarantine, and then the quarantine cannot end
 * (trigger quarantine_saved). Results and errors: see state.h.
 */
#ifndef VFA_STATE_SAVED_H
#define VFA_STATE_SAVED_H

#include "base/common.h"
#include "base/error.h"
#include "device/attributes.h"
#include "device/device.h"
#include "device/vf-settings.h"
#include "state.h"

/* Whether the netdev of the VF was up. */
enum vfa_saved_up {
    VFA_SAVED_NONE = -1, /* not changed */
    VFA_SAVED_NO,
    VFA_SAVED_YES,
};
struct vfa_saved {
    char device[VFA_DEVICE_ID_SIZE];
    struct vfa_vf_settings settings; /* the changed settings only; mtu: of the VF's own netdev */
    enum vfa_saved_up up;
    struct vfa_attributes attributes; /* of the device in sysfs; the changed ones only */
    char *recipe; /* how the device was made: it is to be destroyed. NULL: it exists by itself */
    char *unreadable; /* why settings or attributes cannot be read and are empty; NULL: they were */
};
/* Frees what it owns. */
void vfa_saved_clear(struct vfa_saved *saved);
/* Whether settings of a VF or the state of its netdev are saved. */
static inline bool vfa_saved_has_vf(const struct vfa_saved *saved)
{
    return saved->settings.given || saved->up != VFA_SAVED_NONE;
}
struct vfa_saved_list {
    struct vfa_saved *items; /* sorted by device */
    size_t n;
};
/* Frees the list with its texts; the list is empty then. */
void vfa_saved_list_clear(struct vfa_saved_list *list);

/* Saves settings and attributes of a claimed device. Those that are already saved are older and
 * stay. A recipe replaces an older one, and NULL keeps it. -EEXIST if the device has no claim
 * (schema.sql, trigger saved_claimed); -EINVAL if the saved settings cannot be read: they are not
 * overwritten. `saved->unreadable` is ignored. */
int vfa_state_save(struct vfa_state *state, const struct vfa_saved *saved, struct vfa_error *err);

/* Reads the saved settings of one device, or (device NULL) of all devices. The list is empty if
 * there are none. Clear *ret with vfa_saved_list_clear(). */
int vfa_state_saved(struct vfa_state *state, const char *device, struct vfa_saved_list *ret,
                    struct vfa_error *err);
/* Deletes the saved settings of a device, after they were restored. Returns 0 as well if there are
 * none. */
int vfa_state_forget_saved(struct vfa_state *state, const char *device, struct vfa_error *err);

/* Two steps for a device that another domain turns out to have, both in one transaction. The first
 * deletes the claim and sets the saved settings aside. The second, after the claim of the other
 * domain was added, gives the saved settings to that claim. */
int vfa_state_unseat(struct vfa_state *state, const char *device, struct vfa_error *err);
int vfa_state_hand_over(struct vfa_state *state, const char *device, struct vfa_error *err);

#endif
