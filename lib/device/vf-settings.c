/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See vf-settings.h. One table has the name and the range of each setting. */

#include "vf-settings.h"

#include "base/error.h"
#include "base/parse.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <string.h>

#define MAX_VLAN 4094 /* 4095 is reserved */
#define MAX_QOS  7

struct word {
    const char *text;
    uint32_t value;
};

/* Each list ends with a NULL text. */
static const struct word booleans[] = {{"no", 0}, {"yes", 1}, {NULL, 0}};
static const struct word link_states[] = {{"auto", IFLA_VF_LINK_STATE_AUTO},
                                          {"enable", IFLA_VF_LINK_STATE_ENABLE},
                                          {"disable", IFLA_VF_LINK_STATE_DISABLE},
                                          {NULL, 0}};
static const struct word vlan_protos[] = {
    {"802.1Q", ETH_P_8021Q}, {"802.1ad", ETH_P_8021AD}, {NULL, 0}};

#define RATES (1u << VFA_VF_MIN_TX_RATE | 1u << VFA_VF_MAX_TX_RATE)
#define VLANS (1u << VFA_VF_VLAN | 1u << VFA_VF_VLAN_QOS | 1u << VFA_VF_VLAN_PROTO)

static const struct setting {
    const char *name;
    const struct word *words; /* NULL: a number, min to max */
    uint32_t min, max;
    unsigned group; /* bits of the settings changed together; 0: only this one */
} table[VFA_VF_SETTINGS] = {
    [VFA_VF_TRUST] = {"trust", booleans, 0, 0, 0},
    [VFA_VF_SPOOFCHK] = {"spoofchk", booleans, 0, 0, 0},
    [VFA_VF_LINK_STATE] = {"link_state", link_states, 0, 0, 0},
    [VFA_VF_MIN_TX_RATE] = {"min_tx_rate", NULL, 0, UINT32_MAX, RATES},
    [VFA_VF_MAX_TX_RATE] = {"max_tx_rate", NULL, 0, UINT32_MAX, RATES},
    [VFA_VF_QUERY_RSS] = {"query_rss", booleans, 0, 0, 0},
    [VFA_VF_MTU] = {"mtu", NULL, ETH_MIN_MTU, ETH_MAX_MTU, 0},
    [VFA_VF_VLAN] = {"vlan", NULL, 0, MAX_VLAN, VLANS},
    [VFA_VF_VLAN_QOS] = {"vlan_qos", NULL, 0, MAX_QOS, VLANS},
    [VFA_VF_VLAN_PROTO] = {"vlan_proto", vlan_protos, 0, 0, VLANS},
};

const char *vfa_vf_setting_name(enum vfa_vf_setting setting)
{
    return table[setting].name;
}

unsigned vfa_vf_setting_group(enum vfa_vf_setting setting)
{
    return table[setting].group ? table[setting].group : 1u << setting;
}

void vfa_vf_settings_put(struct vfa_vf_settings *settings, enum vfa_vf_setting setting,
                         uint32_t value)
{
    settings->given |= 1u << setting;
    settings->values[setting] = value;
}

/* ---- text to value ---- */

static int parse_word(const struct setting *setting, const char *text, uint32_t *ret,
                      struct vfa_error *err)
{
    char list[64] = "";

    for (const struct word *word = setting->words; word->text; word++) {
        size_t used = strlen(list);

        if (strcmp(text, word->text) == 0) {
            *ret = word->value;
            return 0;
        }
        snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", word->text);
    }
    return vfa_fail(err, EINVAL, "%s '%.40s': it is none of %s", setting->name, text, list);
}

static int parse_value(const struct setting *setting, const char *text, uint32_t *ret,
                       struct vfa_error *err)
{
    uint32_t number;

    if (setting->words)
        return parse_word(setting, text, ret, err);
    if (vfa_parse_u32(text, setting->max, &number) < 0 || number < setting->min)
        return vfa_fail(err, EINVAL, "%s '%.40s': a whole number in %u to %u is wanted",
                        setting->name, text, (unsigned)setting->min, (unsigned)setting->max);
    *ret = number;
    return 0;
}

/* Parses a value that a driver reported: it may be out of range, or a number without a word. */
static int parse_reported(const struct setting *setting, const char *text, uint32_t *ret,
                          struct vfa_error *err)
{
    return vfa_parse_u32(text, UINT32_MAX, ret) == 0 ? 0 : parse_value(setting, text, ret, err);
}

typedef int parse_fn(const struct setting *setting, const char *text, uint32_t *ret,
                     struct vfa_error *err);

static int parse_as(parse_fn *parse, struct vfa_vf_settings *settings, const char *name,
                    const char *text, struct vfa_error *err)
{
    for (unsigned i = 0; i < VFA_VF_SETTINGS; i++) {
        uint32_t value = 0;
        int r;

        if (strcmp(name, table[i].name) != 0)
            continue;
        r = parse(&table[i], text, &value, err);
        if (r == 0)
            vfa_vf_settings_put(settings, (enum vfa_vf_setting)i, value);
        return r;
    }
    return vfa_fail(err, EINVAL, "there is no setting '%.40s'", name);
}

int vfa_vf_settings_parse(struct vfa_vf_settings *settings, const char *name, const char *text,
                          struct vfa_error *err)
{
    return parse_as(parse_value, settings, name, text, err);
}

/* ---- sets of settings ---- */

int vfa_vf_settings_check(const struct vfa_vf_settings *settings, struct vfa_error *err)
{
    uint32_t min = settings->values[VFA_VF_MIN_TX_RATE];
    uint32_t max = settings->values[VFA_VF_MAX_TX_RATE];

    if (max && min > max)
        return vfa_fail(err, EINVAL, "min_tx_rate %u is more than max_tx_rate %u", (unsigned)min,
                        (unsigned)max);
    for (unsigned i = VFA_VF_VLAN_QOS; i <= VFA_VF_VLAN_PROTO; i++) {
        if (vfa_vf_has(settings, (enum vfa_vf_setting)i) && !vfa_vf_has(settings, VFA_VF_VLAN))
            return vfa_fail(err, EINVAL, "%s has no effect without vlan", table[i].name);
    }
    return 0;
}

void vfa_vf_settings_merge(struct vfa_vf_settings *settings, const struct vfa_vf_settings *over)
{
    for (unsigned i = 0; i < VFA_VF_SETTINGS; i++) {
        if (vfa_vf_has(over, (enum vfa_vf_setting)i))
            vfa_vf_settings_put(settings, (enum vfa_vf_setting)i, over->values[i]);
    }
}

bool vfa_vf_settings_same(const struct vfa_vf_settings *a, const struct vfa_vf_settings *b)
{
    return a->given == b->given && memcmp(a->values, b->values, sizeof(a->values)) == 0;
}

/* ---- sets as text ---- */

static const char *word_of(const struct setting *setting, uint32_t value)
{
    for (const struct word *word = setting->words; word->text; word++) {
        if (word->value == value)
            return word->text;
    }
    return NULL; /* a driver reported an unknown number */
}

char *vfa_vf_setting_format(enum vfa_vf_setting setting, uint32_t value, char *buf)
{
    const char *word = table[setting].words ? word_of(&table[setting], value) : NULL;

    if (word)
        snprintf(buf, VFA_VF_SETTING_SIZE, "%s", word);
    else
        snprintf(buf, VFA_VF_SETTING_SIZE, "%u", (unsigned)value);
    return buf;
}

char *vfa_vf_settings_format(const struct vfa_vf_settings *settings, char *buf)
{
    size_t used = 0;

    *buf = '\0';
    for (unsigned i = 0; i < VFA_VF_SETTINGS; i++) {
        char value[VFA_VF_SETTING_SIZE];

        if (vfa_vf_has(settings, (enum vfa_vf_setting)i))
            used += (size_t)snprintf(
                buf + used, VFA_VF_SETTINGS_SIZE - used, "%s%s=%s", used ? " " : "", table[i].name,
                vfa_vf_setting_format((enum vfa_vf_setting)i, settings->values[i], value));
    }
    return buf;
}

int vfa_vf_settings_read(const char *text, struct vfa_vf_settings *ret, struct vfa_error *err)
{
    struct vfa_vf_settings settings = {0};
    char copy[VFA_VF_SETTINGS_SIZE], *rest = copy, *word;

    if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
        return vfa_fail(err, EINVAL, "settings '%.40s...' are too long", text);
    while ((word = strsep(&rest, " "))) {
        char *value = strchr(word, '=');
        int r;

        if (!*word)
            continue;
        if (!value)
            return vfa_fail(err, EINVAL, "setting '%.40s' has no value", word);
        *value++ = '\0';
        r = parse_as(parse_reported, &settings, word, value, err);
        if (r < 0)
            return r;
    }
    *ret = settings;
    return 0;
}
