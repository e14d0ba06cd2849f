/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys of an alias that this program adds to Nova's: valid and invalid values, warnings, and
 * merging aliases.
 */

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "config-case.h"

/* ---- device selection and attachment ---- */
static const struct text_case requirements[] = {
    {ALIAS("{\"name\": \"n\", \"device_type\": \"type-VF\", \"physical_network\": \"p\", "
           "\"attach\": \"interface\"}"),
     "n types 4 numa legacy interface\n  2 *:* physical_network=p\n"},
    {ALIAS("{\"name\": \"n\", \"vendor_id\": \"8086\", \"physical_network\": \"p\"}"),
     "n types 5 numa legacy\n  2 8086:* physical_network=p\n"},
    {ALIAS("{\"name\": \"n\", \"class\": \"12\", \"on_attach_failure\": \"destroy\"}"),
     "n types 5 numa legacy destroy\n  2 *:* class 12>>16\n"},
    {ALIAS("{\"name\": \"n\", \"class\": \"0x0B40\"}"),
     "n types 5 numa legacy\n  2 *:* class b40>>8\n"},
    {ALIAS("{\"name\": \"n\", \"class\": \"030000\", \"driver\": \"vfio-pci\"}"),
     "n types 5 numa legacy\n  2 *:* class 30000>>0 driver vfio-pci\n"},
    {ALIAS("{\"name\": \"n\", \"class\": \"2\"}"), "!class '2': two, four or six"},
    {ALIAS("{\"name\": \"n\", \"class\": \"0200x\"}"), "!class '0200x'"},
    {ALIAS("{\"name\": \"n\", \"class\": \"0x0x\"}"), "!class '0x0x'"},
    {ALIAS("{\"name\": \"n\", \"class\": 12}"), "!class: it is not a string"},
    {ALIAS("{\"name\": \"n\", \"driver\": \"\"}"), "!driver ''"},
    {ALIAS("{\"name\": \"n\", \"driver\": \"../x\"}"), "!driver '../x'"},
    {ALIAS("{\"name\": \"n\", " IDS ", \"attach\": \"vhost\"}"),
     "!attach 'vhost': it is none of hostdev, interface, macvtap"},
    {ALIAS("{\"name\": \"n\", " IDS ", \"on_attach_failure\": \"\"}"), "!on_attach_failure ''"},
    {ALIAS("{\"name\": \"n\", \"physical_network\": null}"), "!physical_network: it is not"},
    {ALIAS("{\"name\": \"n\", \"physical_network\": [\"p\"]}"), "!physical_network: it is not"},
};

/* ---- one key in addition to name, vendor_id and product_id ----
 * ' stands for the " of JSON. The result is the text after "n types 5 numa legacy".
 */
static const struct text_case keys[] = {
    {"'permit': 'web'", " <web>"},
    {"'permit': ['web*', 'DB[1-3]', '11111111-2222-3333-4444-555555555555']",
     " <web*> <DB[1-3]> <11111111-2222-3333-4444-555555555555>"},
    {"'permit': ['a', 'a']", " <a> <a>"},
    {"'permit': 'a', 'permit': ['b']", " <b>"},
    {"'permit': []", "!:2: cannot use permit: an empty list would permit the alias to nobody"},
    {"'permit': ''", "!permit '': no domain has such a name"},
    {"'permit': ['a', '']", "!permit '': no domain has such a name"},
    {"'permit': ['a', 5]", "!permit: it is not a string"},
    {"'permit': [['a']]", "!permit: it is not a string"},
    {"'permit': {'a': 'b'}", "!permit: it is not a string"},
    {"'permit': null", "!permit: it is not a string"},
    {"'permit': true", "!permit: it is not a string"},

    {"'max_per_domain': 1", " max 1"},
    {"'max_per_domain': 256", " max 256"},
    {"'max_per_domain': '16'", " max 16"},
    {"'max_per_domain': 0", "!max_per_domain '0': a whole number in 1 to 256 is wanted"},
    {"'max_per_domain': '0'", "!a whole number in 1 to 256"},
    {"'max_per_domain': 257", "!max_per_domain '257'"},
    {"'max_per_domain': -1", "!max_per_domain '-1'"},
    {"'max_per_domain': '+1'", "!max_per_domain '+1'"},
    {"'max_per_domain': ' 1'", "!max_per_domain ' 1'"},
    {"'max_per_domain': 1.0", "!max_per_domain '1.0'"},
    {"'max_per_domain': 1e1", "!max_per_domain"},
    {"'max_per_domain': 99999999999999999999", "!max_per_domain"},
    {"'max_per_domain': ''", "!max_per_domain ''"},
    {"'max_per_domain': null", "!max_per_domain 'null'"},
    {"'max_per_domain': [1]", "!max_per_domain '[1]'"},

    {"'order': 'spread'", " spread"},
    {"'order': 'pack'", " pack"},
    {"'order': 'Spread'", "!order 'Spread': it is none of spread, pack"},
    {"'order': 'address'", "!order 'address'"},
    {"'order': ''", "!order ''"},
    {"'order': 1", "!order: it is not a string"},

    {"'xml_name': 'net-1_A'", " = net-1_A"},
    {"'xml_name': 'n'", " = n"},
    {"'xml_name': ''", "!xml_name '': one or more of the characters A-Za-z0-9_-"},
    {"'xml_name': 'a b'", "!xml_name 'a b'"},
    {"'xml_name': 'a.b'", "!xml_name 'a.b'"},
    {"'xml_name': '\\u00e9'", "!xml_name"},
    {"'xml_name': 5", "!xml_name: it is not a string"},

    {"'hold': true", " hold 1"},
    {"'hold': 'yes'", " hold 1"},
    {"'hold': false", " hold 0"},
    {"'hold': 'no'", " hold 0"},
    {"'hold': 'true'", "!hold 'true': true, false, \"yes\" or \"no\" is wanted"},
    {"'hold': 'Yes'", "!hold 'Yes'"},
    {"'hold': 1", "!hold '1'"},
    {"'hold': null", "!hold 'null'"},

    {"'settings_policy': 'required'", ""},
    {"'settings_policy': 'best_effort'", " best effort"},
    {"'settings_policy': 'best-effort'", "!settings_policy 'best-effort': it is none of required"},
    {"'settings_policy': false", "!settings_policy: it is not a string"},

    {"'setting': {}", "!cannot use key 'setting': it is no key of an alias"},
    {"'Permit': 'a'", "!cannot use key 'Permit'"},
};

/* ---- the members of settings ---- */
static const struct text_case settings[] = {
    {"'trust': true", " 0:1"},
    {"'trust': 'no', 'spoofchk': false, 'query_rss': 'yes'", " 0:0 1:0 5:1"},
    {"'trust': 'on'", "!cannot use settings: trust 'on': it is none of no, yes"},
    {"'spoofchk': 1", "!settings: spoofchk '1': it is none of"},
    {"'query_rss': null", "!settings: query_rss 'null'"},
    {"'link_state': 'auto'", " 2:0"},
    {"'link_state': 'enable'", " 2:1"},
    {"'link_state': 'disable'", " 2:2"},
    {"'link_state': 'up'", "!settings: link_state 'up': it is none of auto, enable, disable"},
    {"'link_state': true", "!settings: link_state 'yes': it is none of auto"},
    {"'min_tx_rate': 100, 'max_tx_rate': '1000'", " 3:100 4:1000"},
    {"'min_tx_rate': 0, 'max_tx_rate': 4294967295", " 3:0 4:4294967295"},
    {"'min_tx_rate': 5, 'max_tx_rate': 5", " 3:5 4:5"},
    {"'min_tx_rate': 5, 'max_tx_rate': 0", " 3:5 4:0"},
    {"'max_tx_rate': 5, 'min_tx_rate': 6", "!settings: min_tx_rate 6 is more than max_tx_rate 5"},
    {"'max_tx_rate': 4294967296", "!settings: max_tx_rate '4294967296': a whole number in 0 to"},
    {"'max_tx_rate': '1Gbit'", "!settings: max_tx_rate '1Gbit'"},
    {"'min_tx_rate': -1", "!settings: min_tx_rate '-1'"},
    {"'mtu': 9000", " 6:9000"},
    {"'mtu': 68", " 6:68"},
    {"'mtu': '65535'", " 6:65535"},
    {"'mtu': 67", "!settings: mtu '67': a whole number in 68 to 65535 is wanted"},
    {"'mtu': 65536", "!settings: mtu '65536'"},
    {"'vlan': 42", " 7:42"},
    {"'vlan': 0", " 7:0"},
    {"'vlan': '4094', 'vlan_qos': 7, 'vlan_proto': '802.1ad'", " 7:4094 8:7 9:34984"},
    {"'vlan_proto': '802.1Q', 'vlan': 1", " 7:1 9:33024"},
    {"'vlan': 4095", "!settings: vlan '4095': a whole number in 0 to 4094 is wanted"},
    {"'vlan': [1, 2]", "!settings: vlan '[1,2]'"},
    {"'vlan': 1, 'vlan_qos': 8", "!settings: vlan_qos '8': a whole number in 0 to 7 is wanted"},
    {"'vlan': 1, 'vlan_proto': '802.1q'", "!vlan_proto '802.1q': it is none of 802.1Q, 802.1ad"},
    {"'vlan_qos': 1", "!settings: vlan_qos has no effect without vlan"},
    {"'vlan_proto': '802.1Q'", "!settings: vlan_proto has no effect without vlan"},
    {"", "!cannot use settings: nothing is set"},
    {"'mac': '52:54:00:01:02:03'", "!cannot use settings: there is no setting 'mac'"},
    {"'Trust': true", "!cannot use settings: there is no setting 'Trust'"},
};

static void write_keys(const char *before, const char *text, const char *after)
{
    char file[512];

    snprintf(file, sizeof(file),
             "[pci]\nalias = {'name': 'n', 'vendor_id': '8086', "
             "'product_id': '0443', %s%s%s}\n",
             before, text, after);
    for (char *p = file; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    write_file(path, file);
}

static void check_keys(const struct text_case *c, const char *what, size_t i)
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *got = NULL, *want = NULL;
    int r = vfa_config_load(path, &config, &err);

    if (*c->result == '!') {
        CHECK(r == -EINVAL && check_has(&err, c->result + 1), "%s %zu: %s", what, i,
              r < 0 ? vfa_error_text(&err) : "no error");
        return;
    }
    CHECK(r == 0, "%s %zu: %s", what, i, r < 0 ? vfa_error_text(&err) : "");
    if (r < 0 || asprintf(&want, "n types 5 numa legacy%s\n  2 8086:0443\n", c->result) < 0)
        return;
    got = dump(config);
    CHECK(strcmp(got, want) == 0, "%s %zu: %s", what, i, got);
}

static void test_keys(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        write_keys("", keys[i].text, "");
        check_keys(&keys[i], "key", i);
    }
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        write_keys("'settings': {", settings[i].text, "}");
        check_keys(&settings[i], "setting", i);
    }
    write_keys("", "'settings': ['trust']", "");
    check_keys(&(const struct text_case){"", "!cannot use settings: an object is wanted"}, "", 0);
}

/* ---- the words of attach ---- */
static void test_attach_words(void)
{
    static const struct {
        const char *text;
        enum vfa_attach_kind kind;
    } cases[] = {
        {"'hold': true", VFA_ATTACH_HOSTDEV},
        {"'attach': 'hostdev'", VFA_ATTACH_HOSTDEV},
        {"'attach': 'interface'", VFA_ATTACH_INTERFACE},
        {"'attach': 'macvtap'", VFA_ATTACH_MACVTAP},
        {"'device_type': 'vdpa', 'attach': 'vdpa'", VFA_ATTACH_VDPA},
        {"'device_type': 'vdpa-block', 'attach': 'vdpa-disk'", VFA_ATTACH_VDPA_DISK},
        {"'device_type': 'mdev', 'mdev_type': 't', 'attach': 'mdev'", VFA_ATTACH_MDEV},
        {NULL, VFA_ATTACH_BRIDGE}, /* has no ids: test-config-made.c */
    };

    CHECK(ARRAY_SIZE(cases) == 1 + VFA_ATTACH_KINDS, "a kind without a case");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;

        if (!cases[i].text)
            continue;
        write_keys("", cases[i].text, "");
        CHECK(vfa_config_load(path, &config, NULL) == 0 &&
                  config->aliases[0].attach == cases[i].kind,
              "%s", cases[i].text);
    }
}

/* ---- a key of aliases is never a tag, even if a device_spec sets a tag of that name ---- */
static const struct text_case tags[] = {
    {ALIAS("{\"name\": \"n\", \"hold\": \"7\"}\ndevice_spec = {\"hold\": \"7\"}"),
     "!hold '7': true, false"},
    {ALIAS("{\"name\": \"n\", " IDS ", \"order\": \"pack\"}\ndevice_spec = {\"order\": 7}"),
     "3 *:* order=7\nn types 5 numa legacy pack\n  2 8086:0443\n"},
};

/* ---- several aliases ---- */
#define TWO(name1, keys1, name2, keys2)                                                            \
    ALIAS("{\"name\": \"" name1 "\", " IDS keys1 "}\nalias = {\"name\": \"" name2 "\", " IDS keys2 \
          "}")
#define FIRST(keys)  TWO("n", keys, "n", "")
#define SECOND(keys) TWO("n", "", "n", keys)
#define BOTH(a, b)   TWO("n", a, "n", b)
#define CHOICES      "\n  2 8086:0443\n  3 8086:0443\n"
#define OTHER(key)   "!:3: cannot use alias 'n': it has another " key " than at /tmp/"
static const struct text_case several[] = {
    /* a key that only one of two aliases has applies to both */
    {FIRST(", \"permit\": \"a\""), "n types 5 numa legacy <a>" CHOICES},
    {SECOND(", \"permit\": \"a\""), "n types 5 numa legacy <a>" CHOICES},
    {SECOND(", \"max_per_domain\": 2, \"order\": \"pack\", \"xml_name\": \"x\""),
     "n types 5 numa legacy pack max 2 = x" CHOICES},
    {SECOND(", \"hold\": \"yes\", \"settings\": {\"vlan\": 5}, \"settings_policy\": "
            "\"best_effort\""),
     "n types 5 numa legacy hold 1 7:5 best effort" CHOICES},
    {BOTH(", \"attach\": \"interface\"", ", \"on_attach_failure\": \"destroy\""),
     "n types 5 numa legacy interface destroy" CHOICES},
    /* both aliases may have a key, with equal values */
    {BOTH(", \"permit\": \"a\"", ", \"permit\": [\"a\"]"), "n types 5 numa legacy <a>" CHOICES},
    {BOTH(", \"max_per_domain\": \"2\"", ", \"max_per_domain\": 2"),
     "n types 5 numa legacy max 2" CHOICES},
    {BOTH(", \"hold\": \"no\"", ", \"hold\": false"), "n types 5 numa legacy hold 0" CHOICES},
    {BOTH(", \"settings\": {\"trust\": \"yes\"}", ", \"settings\": {\"trust\": true}"),
     "n types 5 numa legacy 0:1" CHOICES},
    {BOTH(", \"xml_name\": \"x\"", ", \"xml_name\": \"x\""), "n types 5 numa legacy = x" CHOICES},
    /* but not with different values */
    {BOTH(", \"permit\": \"a\"", ", \"permit\": \"b\""), OTHER("permit")},
    {BOTH(", \"permit\": [\"a\", \"b\"]", ", \"permit\": [\"b\", \"a\"]"), OTHER("permit")},
    {BOTH(", \"permit\": [\"a\", \"b\"]", ", \"permit\": \"a\""), OTHER("permit")},
    {BOTH(", \"max_per_domain\": 1", ", \"max_per_domain\": 2"), OTHER("max_per_domain")},
    {BOTH(", \"order\": \"spread\"", ", \"order\": \"pack\""), OTHER("order")},
    {BOTH(", \"xml_name\": \"x\"", ", \"xml_name\": \"y\""), OTHER("xml_name")},
    {BOTH(", \"hold\": true", ", \"hold\": false"), OTHER("hold")},
    {BOTH(", \"settings\": {\"mtu\": 9000}", ", \"settings\": {\"mtu\": 1500}"), OTHER("settings")},
    {BOTH(", \"settings\": {\"vlan\": 0}", ", \"settings\": {\"trust\": false}"),
     OTHER("settings")},
    {BOTH(", \"settings_policy\": \"required\"", ", \"settings_policy\": \"best_effort\""),
     OTHER("settings_policy")},
    {BOTH(", \"attach\": \"hostdev\"", ", \"attach\": \"interface\""), OTHER("attach")},
    /* the error names the line of the key */
    {FIRST("") "alias = {\"name\": \"n\", " IDS ", \"order\": \"pack\"}\n"
               "alias = {\"name\": \"n\", " IDS ", \"order\": \"spread\"}\n",
     "!x.conf:5: cannot use alias 'n': it has another order than at "},
    /* names */
    {TWO("a", ", \"xml_name\": \"x\"", "b", ", \"xml_name\": \"y\""),
     "a types 5 numa legacy = x\n  2 8086:0443\nb types 5 numa legacy = y\n  3 8086:0443\n"},
    {TWO("a", ", \"xml_name\": \"x\"", "b", ", \"xml_name\": \"x\""),
     "!:3: cannot use xml_name 'x': a request with this name could also mean alias 'a' at /tmp/"},
    {TWO("a", "", "b", ", \"xml_name\": \"a\""),
     "!:3: cannot use xml_name 'a': a request with this name could also mean alias 'a' at /tmp/"},
    {TWO("a", ", \"xml_name\": \"b\"", "b", ""),
     "!:3: cannot use alias 'b': a request with this name could also mean alias 'a' at /tmp/"},
    {FIRST("") "alias = {\"name\": \"a\", " IDS ", \"xml_name\": \"x\"}\n"
               "alias = {\"name\": \"n\", " IDS ", \"xml_name\": \"x\"}\n",
     "!:5: cannot use xml_name 'x': a request with this name could also mean alias 'a' at /tmp/"},
    {"[pci]\nalias = {\"name\": \"n\", " IDS ", \"xml_name\": \"q\"}\n"
     "alias = q=capabilities:devices: (device_type=NIC)\n",
     "!:3: cannot use alias 'q': a request with this name could also mean alias 'n' at /tmp/"},
};

static void test_the_line_that_said_it(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_config *config = NULL;

    write_file(path, FIRST("") "alias = {\"name\": \"n\", " IDS ", \"order\": \"pack\"}\n"
                               "alias = {\"name\": \"n\", " IDS ", \"order\": \"spread\"}\n");
    CHECK(vfa_config_load(path, &config, &err) == -EINVAL, "");
    CHECK(check_has(&err, "x.conf:4"), "%s", vfa_error_text(&err));
}

static void test_lookup(void)
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;

    write_file(path, TWO("a b", ", \"xml_name\": \"x\"", "c", ""));
    CHECK(vfa_config_load(path, &config, NULL) == 0, "");
    if (!config)
        return;
    CHECK(vfa_config_alias(config, "a b") == &config->aliases[0], "by name");
    CHECK(vfa_config_alias(config, "x") == &config->aliases[0], "by xml_name");
    CHECK(vfa_config_alias(config, "c") == &config->aliases[1], "");
    CHECK(vfa_config_alias(config, "a") == NULL && vfa_config_alias(config, "") == NULL, "");
}

static void test_names(void)
{
    VFA_AUTO(vfa_config_freep) struct vfa_config *config = NULL;
    VFA_AUTO(vfa_config_freep) struct vfa_config *none = NULL;
    VFA_AUTO(vfa_freep) char *plain = NULL, *quoted = NULL, *empty = NULL;

    write_file(path, TWO("a b", ", \"xml_name\": \"x\"", "c", ""));
    CHECK(vfa_config_load(path, &config, NULL) == 0, "");
    write_file(path, SPEC("{\"rack\": \"7\"}"));
    CHECK(vfa_config_load(path, &none, NULL) == 0, "");
    if (!config || !none)
        return;
    plain = vfa_config_alias_names(config, "");
    quoted = vfa_config_alias_names(config, "'");
    empty = vfa_config_alias_names(none, "'");
    CHECK(plain && strcmp(plain, "a b, c") == 0, "%s", plain);
    CHECK(quoted && strcmp(quoted, "'a b', 'c'") == 0, "%s", quoted);
    CHECK(empty && strcmp(empty, "") == 0, "%s", empty);
    CHECK(vfa_config_sets_tag(none, "rack") && !vfa_config_sets_tag(none, "Rack"), "");
    CHECK(!vfa_config_sets_tag(config, "rack"), "");
}

/* ---- warnings ---- */
static const struct warning_case warnings[] = {
    {ALIAS("{\"name\": \"a.b\", " IDS "}"), ":2: alias 'a.b' has characters"},
    {ALIAS("{\"name\": \"a b\", " IDS ", \"xml_name\": \"ab\"}"), NULL},
    {TWO("a b", ", \"device_type\": \"type-VF\"", "a b",
         ", \"device_type\": \"type-VF\", \"xml_name\": \"ab\""),
     NULL},
    {ALIAS("{\"name\": \"a\", " IDS ", \"permit\": \"x\", \"max_per_domain\": 1, \"order\": "
           "\"pack\"}"),
     NULL},
    {ALIAS("{\"name\": \"a\", " IDS ", \"hold\": true}"), NULL},
    {ALIAS("{\"name\": \"a\", " IDS ", \"settings\": {\"trust\": true}}"), NULL},
    {ALIAS("{\"name\": \"a\", " IDS ", \"settings_policy\": \"required\"}"), NULL},
    {SPEC("{\"vendor_id\": \"8086\", \"permit\": \"x\"}"),
     "key 'permit' is only a tag and selects no device: it is a key of an alias"},
};

int main(void)
{
    make_folder();
    RUN(requirements);
    test_keys();
    test_attach_words();
    RUN(tags);
    RUN(several);
    test_the_line_that_said_it();
    test_lookup();
    test_names();
    for (size_t i = 0; i < ARRAY_SIZE(warnings); i++)
        check_warning(&warnings[i], i);
    remove_folder();
    return check_result();
}
