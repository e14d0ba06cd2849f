/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The settings of an alias: JSON in, numbers as rtnetlink wants them out. The ranges are those of
 * the kernel (linux/if_link.h, linux/if_vlan.h, linux/if_ether.h); what a driver makes of them
 * shows only when they are set.
 *
 * Invariant: what was given makes sense as a whole.
 */
#include "config-private.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <string.h>

#define MAX_VLAN 4094 /* 4095 is reserved */
#define MAX_QOS  7

enum kind {
    KIND_BOOL,
    KIND_NUMBER,
    KIND_LINK,
    KIND_PROTO,
};

static const struct setting {
    const char *name;
    enum kind kind;
    uint32_t min, max; /* of numbers */
} settings[VFA_VF_SETTINGS] = {
    [VFA_VF_TRUST] = {"trust", KIND_BOOL, 0, 0},
    [VFA_VF_SPOOFCHK] = {"spoofchk", KIND_BOOL, 0, 0},
    [VFA_VF_LINK_STATE] = {"link_state", KIND_LINK, 0, 0},
    [VFA_VF_MIN_TX_RATE] = {"min_tx_rate", KIND_NUMBER, 0, UINT32_MAX},
    [VFA_VF_MAX_TX_RATE] = {"max_tx_rate", KIND_NUMBER, 0, UINT32_MAX},
    [VFA_VF_QUERY_RSS] = {"query_rss", KIND_BOOL, 0, 0},
    [VFA_VF_MTU] = {"mtu", KIND_NUMBER, ETH_MIN_MTU, ETH_MAX_MTU},
    [VFA_VF_VLAN] = {"vlan", KIND_NUMBER, 0, MAX_VLAN},
    [VFA_VF_VLAN_QOS] = {"vlan_qos", KIND_NUMBER, 0, MAX_QOS},
    [VFA_VF_VLAN_PROTO] = {"vlan_proto", KIND_PROTO, 0, 0},
};

static const struct vfa_config_word link_states[] = {
    {"auto", IFLA_VF_LINK_STATE_AUTO},
    {"enable", IFLA_VF_LINK_STATE_ENABLE},
    {"disable", IFLA_VF_LINK_STATE_DISABLE},
};

static const struct vfa_config_word vlan_protos[] = {{"802.1Q", ETH_P_8021Q},
                                                     {"802.1ad", ETH_P_8021AD}};

static int read_word(const struct vfa_where *where, const char *key, struct json_object *value,
                     const struct vfa_config_word *words, size_t n, uint32_t *ret,
                     struct vfa_error *err)
{
    unsigned word = 0;
    int r;

    if (!json_object_is_type(value, json_type_string))
        return vfa_config_fail(where, err, "cannot use %s: it is not a string", key);
    r = vfa_config_word(where, key, json_object_get_string(value), words, n, &word, err);
    *ret = word;
    return r;
}

static int read_value(const struct vfa_where *where, const struct setting *setting,
                      struct json_object *value, uint32_t *ret, struct vfa_error *err)
{
    bool truth = false;
    char key[64];
    int r = 0;

    snprintf(key, sizeof(key), "settings: %s", setting->name);
    switch (setting->kind) {
    case KIND_BOOL:
        r = vfa_config_bool(where, key, value, &truth, err);
        *ret = truth;
        return r;
    case KIND_NUMBER:
        return vfa_config_number(where, key, value, setting->min, setting->max, ret, err);
    case KIND_LINK:
        return read_word(where, key, value, link_states, ARRAY_SIZE(link_states), ret, err);
    case KIND_PROTO:
        return read_word(where, key, value, vlan_protos, ARRAY_SIZE(vlan_protos), ret, err);
    }
    return r;
}

static int read_key(const struct vfa_where *where, const char *key, struct json_object *value,
                    struct vfa_vf_settings *ret, struct vfa_error *err)
{
    for (unsigned i = 0; i < ARRAY_SIZE(settings); i++) {
        if (strcmp(key, settings[i].name) != 0)
            continue;
        ret->given |= 1u << i;
        return read_value(where, &settings[i], value, &ret->values[i], err);
    }
    return vfa_config_fail(where, err, "cannot use settings: there is no setting '%.40s'", key);
}

static bool has(const struct vfa_vf_settings *given, enum vfa_vf_setting setting)
{
    return given->given & 1u << setting;
}

static int check(const struct vfa_where *where, const struct vfa_vf_settings *given,
                 struct vfa_error *err)
{
    uint32_t min = given->values[VFA_VF_MIN_TX_RATE], max = given->values[VFA_VF_MAX_TX_RATE];

    if (!given->given)
        return vfa_config_fail(where, err, "cannot use settings: nothing is set");
    if (has(given, VFA_VF_MAX_TX_RATE) && max && min > max)
        return vfa_config_fail(where, err,
                               "cannot use settings: min_tx_rate %u is more than max_tx_rate %u",
                               (unsigned)min, (unsigned)max);
    for (unsigned i = VFA_VF_VLAN_QOS; i <= VFA_VF_VLAN_PROTO; i++) {
        if (has(given, (enum vfa_vf_setting)i) && !has(given, VFA_VF_VLAN))
            return vfa_config_fail(where, err, "cannot use settings: %s is nothing without a vlan",
                                   settings[i].name);
    }
    return 0;
}

int vfa_config_vf_settings(const struct vfa_where *where, struct json_object *value,
                           struct vfa_vf_settings *ret, struct vfa_error *err)
{
    struct vfa_vf_settings given = {0};
    int r;

    if (!json_object_is_type(value, json_type_object))
        return vfa_config_fail(where, err, "cannot use settings: an object is wanted");
    json_object_object_foreach(value, key, member)
    {
        r = read_key(where, key, member, &given, err);
        if (r < 0)
            return r;
    }
    r = check(where, &given, err);
    if (r == 0)
        *ret = given;
    return r;
}
