/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings of VFs: parsing, formatting, merging, and invalid combinations. */

#include "base/common.h"
#include "base/error.h"
#include "device/vf-settings.h"
#include "check.h"

#include <errno.h>

/* "NAME=TEXT", and its text form or "!" and the error. */
static const struct {
    const char *name, *text, *result;
} values[] = {
    {"trust", "yes", "trust=yes"},
    {"trust", "no", "trust=no"},
    {"trust", "on", "!trust 'on': it is none of no, yes"},
    {"trust", "true", "!trust 'true'"},
    {"trust", "", "!trust ''"},
    {"spoofchk", "no", "spoofchk=no"},
    {"query_rss", "yes", "query_rss=yes"},
    {"link_state", "auto", "link_state=auto"},
    {"link_state", "enable", "link_state=enable"},
    {"link_state", "disable", "link_state=disable"},
    {"link_state", "up", "!link_state 'up': it is none of auto, enable, disable"},
    {"min_tx_rate", "0", "min_tx_rate=0"},
    {"max_tx_rate", "4294967295", "max_tx_rate=4294967295"},
    {"max_tx_rate", "4294967296", "!max_tx_rate '4294967296': a whole number in 0 to 4294967295"},
    {"max_tx_rate", " 1", "!max_tx_rate ' 1'"},
    {"max_tx_rate", "-1", "!max_tx_rate '-1'"},
    {"mtu", "68", "mtu=68"},
    {"mtu", "67", "!mtu '67': a whole number in 68 to 65535 is wanted"},
    {"mtu", "65536", "!mtu '65536'"},
    {"vlan", "0", "vlan=0"},
    {"vlan", "4094", "vlan=4094"},
    {"vlan", "4095", "!vlan '4095'"},
    {"vlan_qos", "7", "vlan_qos=7"},
    {"vlan_qos", "8", "!vlan_qos '8': a whole number in 0 to 7 is wanted"},
    {"vlan_proto", "802.1Q", "vlan_proto=802.1Q"},
    {"vlan_proto", "802.1ad", "vlan_proto=802.1ad"},
    {"vlan_proto", "802.1q", "!vlan_proto '802.1q': it is none of 802.1Q, 802.1ad"},
    {"mac", "52:54:00:01:02:03", "!there is no setting 'mac'"},
    {"Trust", "yes", "!there is no setting 'Trust'"},
    {"", "yes", "!there is no setting ''"},
};

static void test_values(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        const char *name = values[i].name, *text = values[i].text, *want = values[i].result;
        struct vfa_vf_settings got = {0};
        char buf[VFA_VF_SETTINGS_SIZE];
        int r = vfa_vf_settings_parse(&got, name, text, &err);

        if (*want == '!') {
            CHECK(r == -EINVAL && check_has(&err, want + 1), "%s=%s", name, text);
            CHECK(got.given == 0, "%s=%s", name, text);
            continue;
        }
        CHECK(r == 0, "%s=%s", name, text);
        CHECK(strcmp(vfa_vf_settings_format(&got, buf), want) == 0, "%s", buf);
    }
}

/* Settings, settings to merge into them, and the result. Then the error of the check; NULL: no
 * error. */
static const struct {
    const char *below, *over, *merged, *wrong;
} pairs[] = {
    {"", "", "", NULL},
    {"trust=yes", "", "trust=yes", NULL},
    {"", "trust=yes", "trust=yes", NULL},
    {"trust=yes spoofchk=no", "trust=no", "trust=no spoofchk=no", NULL},
    {"vlan=42", "vlan_qos=3", "vlan=42 vlan_qos=3", NULL},
    {"", "vlan_qos=3", "vlan_qos=3", "vlan_qos has no effect without vlan"},
    {"", "vlan_proto=802.1ad", "vlan_proto=802.1ad", "vlan_proto has no effect without vlan"},
    {"max_tx_rate=10", "min_tx_rate=10", "min_tx_rate=10 max_tx_rate=10", NULL},
    {"max_tx_rate=10", "min_tx_rate=11", "min_tx_rate=11 max_tx_rate=10",
     "min_tx_rate 11 is more than max_tx_rate 10"},
    {"max_tx_rate=10", "min_tx_rate=11 max_tx_rate=0", "min_tx_rate=11 max_tx_rate=0", NULL},
};

static void test_pairs(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct vfa_vf_settings below, over;
        char buf[VFA_VF_SETTINGS_SIZE];
        int r;

        CHECK(vfa_vf_settings_read(pairs[i].below, &below, NULL) == 0, "%zu", i);
        CHECK(vfa_vf_settings_read(pairs[i].over, &over, NULL) == 0, "%zu", i);
        vfa_vf_settings_merge(&below, &over);
        CHECK(strcmp(vfa_vf_settings_format(&below, buf), pairs[i].merged) == 0, "%s", buf);
        r = vfa_vf_settings_check(&below, &err);
        CHECK(pairs[i].wrong ? r == -EINVAL && check_has(&err, pairs[i].wrong) : r == 0, "%zu", i);
    }
}

/* Every value that is written to the state is read back; the buffer holds all settings. */
static void test_all(void)
{
    struct vfa_vf_settings all = {0}, back;
    char buf[VFA_VF_SETTINGS_SIZE];

    for (unsigned i = 0; i < VFA_VF_SETTINGS; i++)
        vfa_vf_settings_put(&all, (enum vfa_vf_setting)i, 1);
    all.values[VFA_VF_MIN_TX_RATE] = all.values[VFA_VF_MAX_TX_RATE] = UINT32_MAX;
    all.values[VFA_VF_MTU] = UINT32_MAX; /* a driver may report any value */
    all.values[VFA_VF_VLAN] = 4095;
    all.values[VFA_VF_VLAN_QOS] = UINT32_MAX;
    all.values[VFA_VF_LINK_STATE] = UINT32_MAX;
    all.values[VFA_VF_VLAN_PROTO] = 0x88a8;
    vfa_vf_settings_format(&all, buf);
    CHECK(vfa_vf_settings_read(buf, &back, NULL) == 0, "%s", buf);
    CHECK(vfa_vf_settings_same(&all, &back), "%s", buf);
    back.values[VFA_VF_VLAN]--;
    CHECK(!vfa_vf_settings_same(&all, &back), "another value");
}

static void test_bad_texts(void)
{
    static const char *const bad[] = {"trust", "trust=maybe", "vlan=4294967296", "vlan=-1",
                                      "vlan=", "=yes",        "nothing=1"};
    struct vfa_vf_settings got;
    char longer[VFA_VF_SETTINGS_SIZE + 1];

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK(vfa_vf_settings_read(bad[i], &got, NULL) == -EINVAL, "%s", bad[i]);
    memset(longer, ' ', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    CHECK(vfa_vf_settings_read(longer, &got, NULL) == -EINVAL, "too long");
}

static void test_groups(void)
{
    unsigned vlan = 1u << VFA_VF_VLAN | 1u << VFA_VF_VLAN_QOS | 1u << VFA_VF_VLAN_PROTO;

    CHECK(vfa_vf_setting_group(VFA_VF_VLAN_QOS) == vlan, "vlan");
    CHECK(vfa_vf_setting_group(VFA_VF_TRUST) == 1u << VFA_VF_TRUST, "alone");
    for (unsigned i = 0; i < VFA_VF_SETTINGS; i++)
        CHECK(vfa_vf_setting_group((enum vfa_vf_setting)i) & 1u << i, "%u", i);
}

int main(void)
{
    test_values();
    test_pairs();
    test_all();
    test_bad_texts();
    test_groups();
    return check_result();
}
