/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What can be set on the VF of a network card before a guest gets it: rtnetlink's IFLA_VF_*, and
 * the MTU. Names, ranges and text forms stand here and nowhere else: an alias' JSON, a request's
 * XML, the state file and messages all go through these texts. Pure: what is done with the values,
 * and what a driver makes of them, is the business of vf-apply.h.
 *
 * The ranges are those of the kernel (linux/if_link.h, linux/if_vlan.h, linux/if_ether.h).
 */
#ifndef VFA_DEVICE_VF_SETTINGS_H
#define VFA_DEVICE_VF_SETTINGS_H

#include "base/common.h"
#include "base/error.h"

enum vfa_vf_setting {
    VFA_VF_TRUST,       /* 0, 1 */
    VFA_VF_SPOOFCHK,    /* 0, 1 */
    VFA_VF_LINK_STATE,  /* IFLA_VF_LINK_STATE_AUTO, _ENABLE, _DISABLE */
    VFA_VF_MIN_TX_RATE, /* Mbit/s; 0: none */
    VFA_VF_MAX_TX_RATE, /* Mbit/s; 0: no limit */
    VFA_VF_QUERY_RSS,   /* 0, 1 */
    VFA_VF_MTU,         /* bytes */
    VFA_VF_VLAN,        /* 0: untagged */
    VFA_VF_VLAN_QOS,    /* 0..7 */
    VFA_VF_VLAN_PROTO,  /* ETH_P_8021Q, ETH_P_8021AD */
    VFA_VF_SETTINGS
};

struct vfa_vf_settings {
    unsigned given;                   /* bit 1 << enum vfa_vf_setting */
    uint32_t values[VFA_VF_SETTINGS]; /* 0 where not given */
};

static inline bool vfa_vf_has(const struct vfa_vf_settings *settings, enum vfa_vf_setting setting)
{
    return settings->given & 1u << setting;
}

/* "trust", "link_state": as in an alias' JSON and a request's XML. */
const char *vfa_vf_setting_name(enum vfa_vf_setting setting);

/* The settings that the kernel changes together with this one, itself included, as bits: VLAN, QoS
 * and protocol are one request, as are the two rates. */
unsigned vfa_vf_setting_group(enum vfa_vf_setting setting);

void vfa_vf_settings_put(struct vfa_vf_settings *settings, enum vfa_vf_setting setting,
                         uint32_t value);

/* Sets one by its name and text: "yes"/"no", a number, a word. -EINVAL says what is wrong with the
 * name or the text ("trust 'on': yes or no is wanted"). */
int vfa_vf_settings_parse(struct vfa_vf_settings *settings, const char *name, const char *text,
                          struct vfa_error *err);

/* What was given makes sense as a whole: no rate below the one it must reach, no QoS or protocol
 * of no VLAN. Not for parts that are yet to be merged. 0 or -EINVAL. */
int vfa_vf_settings_check(const struct vfa_vf_settings *settings, struct vfa_error *err);

/* Each setting that `over` gives replaces the one in `settings`. */
void vfa_vf_settings_merge(struct vfa_vf_settings *settings, const struct vfa_vf_settings *over);

bool vfa_vf_settings_same(const struct vfa_vf_settings *a, const struct vfa_vf_settings *b);

/* The text of one value, which vfa_vf_settings_parse() reads if a user may ask for it. Returns buf.
 */
#define VFA_VF_SETTING_SIZE 16
char *vfa_vf_setting_format(enum vfa_vf_setting setting, uint32_t value, char *buf);

/* "trust=yes vlan=42", in the order of the enum; "" if nothing is given. The buffer has room for
 * all of them. Returns buf. */
#define VFA_VF_SETTINGS_SIZE 256
char *vfa_vf_settings_format(const struct vfa_vf_settings *settings, char *buf);

/* The inverse, for any value: what a driver told must come back, also where it is none that a user
 * may ask for. -EINVAL: it is no such text. */
int vfa_vf_settings_read(const char *text, struct vfa_vf_settings *ret, struct vfa_error *err);

#endif
