/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Settings of the VF of a network card that are applied before a guest gets the VF: IFLA_VF_* of
 * rtnetlink, and the MTU. Only this module knows names, ranges and text forms: an alias' JSON, a
 * request's XML, the state file and messages all use these texts. Pure: provision/vf-apply.h
 * applies the values.
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

/* Returns the name in an alias' JSON and a request's XML: "trust", "link_state". */
const char *vfa_vf_setting_name(enum vfa_vf_setting setting);

/* Returns the settings that one request of the kernel changes together with this setting, itself
 * included, as bits: VLAN, QoS and protocol; the two rates. */
unsigned vfa_vf_setting_group(enum vfa_vf_setting setting);

void vfa_vf_settings_put(struct vfa_vf_settings *settings, enum vfa_vf_setting setting,
                         uint32_t value);

/* Sets a setting by name and text: "yes"/"no", a number, a word. -EINVAL: unknown name or invalid
 * text; the error reads "trust 'on': it is none of no, yes". */
int vfa_vf_settings_parse(struct vfa_vf_settings *settings, const char *name, const char *text,
                          struct vfa_error *err);

/* Checks the settings together: min_tx_rate is not above max_tx_rate, no QoS or protocol without a
 * VLAN. Call it after merging. Returns 0 or -EINVAL. */
int vfa_vf_settings_check(const struct vfa_vf_settings *settings, struct vfa_error *err);

/* Each setting that `over` gives replaces the one in `settings`. */
void vfa_vf_settings_merge(struct vfa_vf_settings *settings, const struct vfa_vf_settings *over);

bool vfa_vf_settings_same(const struct vfa_vf_settings *a, const struct vfa_vf_settings *b);

/* Writes the text of a value to buf. vfa_vf_settings_parse() reads it if the value is in range.
 * Returns buf. */
#define VFA_VF_SETTING_SIZE 16
char *vfa_vf_setting_format(enum vfa_vf_setting setting, uint32_t value, char *buf);

/* Writes "trust=yes vlan=42", in the order of the enum, to buf, which has VFA_VF_SETTINGS_SIZE
 * bytes: enough for all settings. "" if none is given. Returns buf. */
#define VFA_VF_SETTINGS_SIZE 256
char *vfa_vf_settings_format(const struct vfa_vf_settings *settings, char *buf);

/* Reads the text of vfa_vf_settings_format(). Accepts values out of range, because the text may
 * hold values that a driver reported. -EINVAL: not such a text. */
int vfa_vf_settings_read(const char *text, struct vfa_vf_settings *ret, struct vfa_error *err);

#endif
