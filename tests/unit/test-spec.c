/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * device_spec and alias against devices. The host is a table in which each device has a letter, so
 * that the set of matching devices is a word.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/tags.h"
#include "device/device.h"
#include "device/inventory.h"
#include "spec/match.h"
#include "spec/spec.h"
#include "check.h"

#include <time.h>

#define NETDEV(name) ((char *)(name))

/*   a  a bridge               f  a VF of d with a netdev      k  in domain 0001
 *   b  a NIC without SR-IOV   g  a VF of d                    l  in a VMD domain
 *   c  another function       h  a QAT PF                     m  a VF in a VMD domain
 *   d  a NIC PF               i  a VF of h
 *   e  a second PF            j  a VF of h on another slot
 */
#define ALL "abcdefghijk"

#define DEVICE(text, dev_type, vendor_id, product_id, dev_class, node, group)                      \
    .id = text, .type = dev_type, .vendor = vendor_id, .product = product_id, .class = dev_class,  \
    .numa_node = node, .iommu_group = group

static struct vfa_device devices[] = {
    {DEVICE("0000:00:00.0", VFA_TYPE_PCI, 0x8086, 0x2020, 0x060000, 0, 0)},
    {DEVICE("0000:00:1f.6", VFA_TYPE_PCI, 0x8086, 0x15bb, 0x020000, 0, 1), .addr = {0, 0, 0x1f, 6},
     .netdev = NETDEV("eno0")},
    {DEVICE("0000:00:1f.7", VFA_TYPE_PCI, 0x1af4, 0x0001, 0x088000, -1, 2),
     .addr = {0, 0, 0x1f, 7}},
    {DEVICE("0000:0b:00.0", VFA_TYPE_PF, 0x8086, 0x1521, 0x020000, 0, 3), .addr = {0, 0x0b, 0, 0},
     .netdev = NETDEV("ens2f0")},
    {DEVICE("0000:0b:00.1", VFA_TYPE_PF, 0x8086, 0x1521, 0x020000, 0, 4), .addr = {0, 0x0b, 0, 1},
     .netdev = NETDEV("ens2f1")},
    {DEVICE("0000:0b:10.0", VFA_TYPE_VF, 0x8086, 0x1520, 0x020000, 0, 5),
     .addr = {0, 0x0b, 0x10, 0}, .parent = {0, 0x0b, 0, 0}, .netdev = NETDEV("ens2f0v0"),
     .driver = (char *)"igbvf"},
    {DEVICE("0000:0b:10.4", VFA_TYPE_VF, 0x8086, 0x1520, 0x020000, 0, 6),
     .addr = {0, 0x0b, 0x10, 4}, .parent = {0, 0x0b, 0, 0}, .driver = (char *)"vfio-pci"},
    {DEVICE("0000:3d:00.0", VFA_TYPE_PF, 0x8086, 0x0435, 0x0b4000, 1, 7), .addr = {0, 0x3d, 0, 0}},
    {DEVICE("0000:3d:01.0", VFA_TYPE_VF, 0x8086, 0x0443, 0x0b4000, 1, 8), .addr = {0, 0x3d, 1, 0},
     .parent = {0, 0x3d, 0, 0}},
    {DEVICE("0000:3d:02.7", VFA_TYPE_VF, 0x8086, 0x0443, 0x0b4000, 1, 9), .addr = {0, 0x3d, 2, 7},
     .parent = {0, 0x3d, 0, 0}},
    {DEVICE("0001:0b:00.0", VFA_TYPE_PCI, 0x10de, 0x20b2, 0x030200, 1, 10),
     .addr = {1, 0x0b, 0, 0}},
    {DEVICE("10000:0b:00.0", VFA_TYPE_PF, 0x8086, 0x0a54, 0x010802, 0, 11),
     .addr = {0x10000, 0x0b, 0, 0}, .netdev = NETDEV("vmd")},
    {DEVICE("10000:0b:00.1", VFA_TYPE_VF, 0x8086, 0x0a54, 0x010802, 0, 12),
     .addr = {0x10000, 0x0b, 0, 1}, .parent = {0x10000, 0x0b, 0, 0}},
};
static const struct vfa_inventory inventory = {.devices = devices, .n = ARRAY_SIZE(devices)};

/* Returns the letters of the devices that the spec allows. */
static const char *allowed(const struct vfa_spec *spec)
{
    static char word[ARRAY_SIZE(devices) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
        if (vfa_spec_matches(spec, &inventory, &devices[i]))
            word[n++] = (char)('a' + i);
    }
    word[n] = '\0';
    return word;
}

/* ---- address strings: letters, or the error after "!" ---- */
static const struct {
    const char *text, *result;
} globs[] = {
    /* any */
    {"", ALL},
    {"*", ALL},
    {"*:*:*.*", ALL},
    {"::.", ALL},
    {" * : * : * . *", ALL},
    {":", ALL},
    /* fields align right */
    {"0b", ""},
    {"1f", "bc"},
    {"0b:", "defgk"},
    {":0b:", "defgk"},
    {"0b::", ""},
    {"1::", "k"},
    {"0b:10", "fg"},
    {"0b:10.", "fg"},
    {"0b:10.4", "g"},
    {"*.7", "cj"},
    {"0000:*:*.7", "cj"},
    /* hexadecimal in all its forms, blanks around it */
    {"0000:0B:10.4", "g"},
    {"0x0:0X0b:0x10.0x4", "g"},
    {" 0000 :0b: 10 . 4 ", "g"},
    {"00000:00b:010.04", "g"},
    {"+0:0_b:1_0.4", "g"},
    /* all four fields: the device, and its VFs if it is a PF */
    {"0000:0b:00.0", "dfg"},
    {"0:b:0.0", "dfg"},
    {"0000:0b:00.1", "e"},
    {"0000:3d:00.0", "hij"},
    {"0000:0b:10.0", "f"},
    {"0001:0b:00.0", "k"},
    /* fewer fields: only the PF */
    {"0b:00.0", "dk"},
    {"*:0b:00.0", "dk"},
    {"0000:0b:00", "de"},
    {"0000:0b:00.*", "de"},
    /* no such device, or no device can have the address */
    {"ffff:ff:1f.7", ""},
    {"0000:0b:10.-4", ""},
    {"-1::", ""},
    {"0000:0b:10.-0", "f"},
    /* errors */
    {"0000:0b:1?.4", "!slot '1?' is neither a hexadecimal number nor '*'"},
    {"0000:0b:1*.4", "!slot '1*'"},
    {"0000:0b:[01]0.4", "!slot"},
    {"0000:0b:10.[04]", "!function '[04]'"},
    {"0b-0c:10.4", "!bus '0b-0c'"},
    {"0000:0b:10.4.4", "!function '4.4'"},
    {"0000:0b:10..4", "!function '.4'"},
    {"0000:0b:10. ", "!function ''"},
    {"0000:0a:0b:00.5", "!more than three fields"},
    {":::", "!more than three fields"},
    {"any", "!slot 'any'"},
    {"**", "!slot '**'"},
    {"0b:1 0.4", "!slot '1 0'"},
    {"10000:01:00.0", "!domain '10000' is larger than ffff"},
    {"0000:100:00.0", "!bus '100' is larger than ff"},
    {"20", "!slot '20' is larger than 1f"},
    {"1f.8", "!function '8' is larger than 7"},
    {"fffffffffffffffff:0b:00.0", "!domain"},
};

static void check_pattern(const char *what, int r, struct vfa_address_pattern *pattern,
                          const struct vfa_error *err, const char *result)
{
    struct vfa_spec spec = {.vendor = VFA_ID_ANY, .product = VFA_ID_ANY, .address = pattern};

    if (*result == '!') {
        CHECK(r < 0 && check_has(err, result + 1), "%s: %s", what,
              err->code ? vfa_error_text(err) : "no error");
    } else {
        CHECK(r == 0, "%s: %s", what, err->code ? vfa_error_text(err) : "");
        CHECK(r == 0 && strcmp(allowed(&spec), result) == 0, "%s: %s, not %s", what, allowed(&spec),
              result);
    }
}

static void test_globs(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(globs); i++) {
        VFA_AUTO(vfa_address_pattern_freep) struct vfa_address_pattern *pattern = NULL;
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        int r = vfa_address_pattern_glob(globs[i].text, &pattern, &err);

        check_pattern(globs[i].text, r, pattern, &err, globs[i].result);
    }
}

/* ---- address objects ---- */
static const struct {
    const char *domain, *bus, *slot, *function, *result;
} regexes[] = {
    {NULL, NULL, NULL, NULL, ALL},
    {".*", ".*", ".*", ".*", ALL},
    {NULL, "", NULL, NULL, ALL},
    /* anchored at the start only */
    {NULL, "0", NULL, NULL, "abcdefgk"},
    {NULL, "b", NULL, NULL, ""},
    {NULL, ".b", NULL, NULL, "defgk"},
    {NULL, "0$", NULL, NULL, ""},
    {NULL, "^0b$", NULL, NULL, "defgk"},
    {NULL, "0b|3d", NULL, NULL, "defghijk"},
    {"1", NULL, NULL, NULL, ""},
    {"0001", NULL, NULL, NULL, "k"},
    /* case-sensitive, on padded lower-case fields */
    {NULL, "0B", NULL, NULL, ""},
    {NULL, "(?i)0B", NULL, NULL, "defgk"},
    {NULL, NULL, "1[0-f]", "[04]", "fg"},
    {NULL, NULL, NULL, "00", ""},
    /* four literal fields: the device, and its VFs if it is a PF */
    {"0000", "0b", "00", "0", "dfg"},
    {"0000", "3d", "00", "0", "hij"},
    {"0000", "0b", "00", "[0]", "d"},
    {"^0000", "0b", "00", "0", "d"},
    {NULL, "0b", "00", "0", "dk"},
    {"0", "0b", "00", "0", "dk"},
    /* the syntax of Python's re, not POSIX' */
    {NULL, "\\d\\w", "1\\d", "(?!4)", "f"},
    {NULL, "(?P<x>0)b", NULL, NULL, "defgk"},
    {NULL, "(?:0)b", "(?=1)", NULL, "fg"},
    {NULL, "0{,1}b", NULL, NULL, "defgk"},
    {NULL, "[{,2}]?0", NULL, NULL, "abcdefgk"},
    {NULL, "0b{", NULL, NULL, ""},
    {NULL, "\\{,1}", NULL, NULL, ""},
    {NULL, "0*+b", NULL, NULL, "defgk"},
    {NULL, "[]0]b", NULL, NULL, "defgk"},
    {NULL, "(?#any)0b", NULL, NULL, "defgk"},
    {NULL, "0(?#any)?b", NULL, NULL, "defgk"},
    {NULL, "(?i)(?s)0B", NULL, NULL, "defgk"},
    {NULL, "(?i:0B)", NULL, NULL, "defgk"},
    {NULL, "[[:digit:]]", NULL, NULL, ""}, /* one of [ : d g i t, then a ] */
    {NULL, "[[0]b", NULL, NULL, "defgk"},
    {NULL, "\u00e9|0b", NULL, NULL, "defgk"},
    /* errors */
    {NULL, "*", NULL, NULL, "!'*' for bus: nothing to repeat"},
    {"(*)", NULL, NULL, NULL, "!'(*)' for domain: nothing to repeat"},
    {"(*ANYCRLF)0", NULL, NULL, NULL, "!nothing to repeat"},
    {NULL, NULL, "x|+", NULL, "!for slot: nothing to repeat"},
    {NULL, NULL, NULL, "^*", "!for function: nothing to repeat"},
    {NULL, "0**", NULL, NULL, "!multiple repeat"},
    {NULL, "0{2}{3}", NULL, NULL, "!multiple repeat"},
    {NULL, "0???", NULL, NULL, "!multiple repeat"},
    {NULL, "[", NULL, NULL, "!for bus"},
    {NULL, "[^]", NULL, NULL, "!for bus"},
    {NULL, "0b(", NULL, NULL, "!for bus"},
    {NULL, "0b)", NULL, NULL, "!for bus"},
    {NULL, "0b\\", NULL, NULL, "!a backslash at the end"},
    {NULL, "[\\", NULL, NULL, "!a backslash at the end"},
    {NULL, "\\K", NULL, NULL, "!an unknown escape"},
    {NULL, "\\Q0b", NULL, NULL, "!an unknown escape"},
    {NULL, "[\\h]", NULL, NULL, "!an unknown escape"},
    {NULL, "(?R)", NULL, NULL, "!an unknown extension"},
    {NULL, "(?<x>0)", NULL, NULL, "!an unknown extension"},
    {NULL, "(?P>x)", NULL, NULL, "!an unknown extension"},
    {NULL, "(?|0)", NULL, NULL, "!an unknown extension"},
    {NULL, "(?#", NULL, NULL, "!not closed"},
    {NULL, "0b(?i)", NULL, NULL, "!not at the start"},
    {NULL, "(?:(?i)0B)", NULL, NULL, "!not at the start"},
    {NULL, "(?u)0b", NULL, NULL, "!an unknown extension"},
    {NULL, "0{3,2}", NULL, NULL, "!for bus"},
};

static void test_regexes(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(regexes); i++) {
        VFA_AUTO(vfa_address_pattern_freep) struct vfa_address_pattern *pattern = NULL;
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        char what[80];
        int r = vfa_address_pattern_regex(regexes[i].domain, regexes[i].bus, regexes[i].slot,
                                          regexes[i].function, &pattern, &err);

        snprintf(what, sizeof(what), "regex %zu: %s:%s:%s.%s", i,
                 regexes[i].domain ? regexes[i].domain : "", regexes[i].bus ? regexes[i].bus : "",
                 regexes[i].slot ? regexes[i].slot : "",
                 regexes[i].function ? regexes[i].function : "");
        check_pattern(what, r, pattern, &err, regexes[i].result);
    }
}

/* Hostile expressions, slow to compile or to match. Each is refused or matches nothing, quickly. */
static void test_hostile(void)
{
    static const char *const bombs[] = {
        "(((((((0*)*)*)*)*)*)*)*x",
        "(.*)*(.*)*(.*)*(.*)*(.*)*(.*)*x",
        "(((a{1000}){1000}){1000}){1000}",
        "((((((((((((((((((((((((((((((((((((((((0))))))))))))))))))))))))))))))))))))))))",
        "(?:(?:(?:0?){0,99}){0,99}){0,99}x",
    };
    char *lengthy = malloc(100001);
    clock_t start = clock();

    memset(lengthy, '0', 100000);
    lengthy[100000] = '\0';
    for (size_t i = 0; i <= ARRAY_SIZE(bombs); i++) {
        const char *text = i < ARRAY_SIZE(bombs) ? bombs[i] : lengthy;
        VFA_AUTO(vfa_address_pattern_freep) struct vfa_address_pattern *pattern = NULL;
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct vfa_spec spec = {.vendor = VFA_ID_ANY, .product = VFA_ID_ANY};

        if (vfa_address_pattern_regex(text, NULL, NULL, NULL, &pattern, &err) < 0)
            continue;
        spec.address = pattern;
        CHECK(strcmp(allowed(&spec), "") == 0, "%.60s", text);
    }
    CHECK((double)(clock() - start) / CLOCKS_PER_SEC < 5, "hostile expressions take too long");
    free(lengthy);
}

/* ---- the other keys of a device_spec ---- */
static const struct {
    int vendor, product;
    const char *devname, *result;
} selections[] = {
    {VFA_ID_ANY, VFA_ID_ANY, NULL, ALL},
    {0x8086, VFA_ID_ANY, NULL, "abdefghij"},
    {VFA_ID_ANY, 0x0443, NULL, "ij"},
    {0x8086, 0x1521, NULL, "de"},
    {0x10de, 0x1521, NULL, ""},
    {VFA_ID_NONE, VFA_ID_ANY, NULL, ""},
    {VFA_ID_ANY, VFA_ID_NONE, NULL, ""},
    {VFA_ID_ANY, VFA_ID_ANY, "eno0", "b"},
    {VFA_ID_ANY, VFA_ID_ANY, "ens2f0", "dfg"},
    {VFA_ID_ANY, VFA_ID_ANY, "ens2f1", "e"},
    {VFA_ID_ANY, VFA_ID_ANY, "ens2f0v0", "f"},
    {VFA_ID_ANY, 0x1520, "ens2f0", "fg"},
    {VFA_ID_ANY, VFA_ID_ANY, "ENS2F0", ""},
    {VFA_ID_ANY, VFA_ID_ANY, "ens2f", ""},
    {VFA_ID_ANY, VFA_ID_ANY, "nosuch", ""},
    {VFA_ID_ANY, VFA_ID_ANY, "vmd", ""},
};

static void test_selections(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(selections); i++) {
        const struct vfa_spec spec = {.vendor = selections[i].vendor,
                                      .product = selections[i].product,
                                      .devname = (char *)selections[i].devname};

        CHECK(strcmp(allowed(&spec), selections[i].result) == 0, "%zu: %s, not %s", i,
              allowed(&spec), selections[i].result);
    }
}

/* ---- aliases ---- */
#define PCI     (1u << VFA_TYPE_PCI)
#define PF      (1u << VFA_TYPE_PF)
#define VF      (1u << VFA_TYPE_VF)
#define ID(v)   .vendor = (v) >> 16, .product = (v)&0xffff
#define ANY_ID  .vendor = VFA_ID_ANY, .product = VFA_ID_ANY
#define NO_MORE .class = -1

static struct vfa_tag physnet[] = {{(char *)"physical_network", (char *)"PhysNet1"}};
static struct vfa_tag remote[] = {{(char *)"remote_managed", (char *)"Yes"}};
static struct vfa_tag local[] = {{(char *)"remote_managed", (char *)"no"}};
static struct vfa_tag lower[] = {{(char *)"physical_network", (char *)"physnet1"}};
static struct vfa_tag other[] = {{(char *)"physical_network", (char *)"physnet2"}};

static const struct {
    const char *label;
    unsigned types;
    struct vfa_alias_choice choices[2];
    size_t n;
    struct vfa_tag *tags; /* of the only device_spec, which allows every device; NULL: no spec */
    const char *result;
} aliases[] = {
    {"ids", PCI | VF, {{ID(0x80860443), NO_MORE}}, 1, NULL, "ij"},
    {"a PF's ids, no type", PCI | VF, {{ID(0x80861521), NO_MORE}}, 1, NULL, ""},
    {"a PF's ids, type-PF", PF, {{ID(0x80861521), NO_MORE}}, 1, NULL, "de"},
    {"a VF's ids, type-PCI", PCI, {{ID(0x80860443), NO_MORE}}, 1, NULL, ""},
    {"ORed", PCI | VF, {{ID(0x80860443), NO_MORE}, {ID(0x10de20b2), NO_MORE}}, 2, NULL, "ijk"},
    {"one digit of class", PCI | VF, {{ANY_ID, .class = 0x02, .class_shift = 16}}, 1, NULL, "bfg"},
    {"with subclass", PCI | VF, {{ANY_ID, .class = 0x0b40, .class_shift = 8}}, 1, NULL, "ij"},
    {"whole class", PCI | VF, {{ANY_ID, .class = 0x030200}}, 1, NULL, "k"},
    {"another class", PCI | VF, {{ANY_ID, .class = 0x030201}}, 1, NULL, ""},
    {"driver", VF, {{ANY_ID, NO_MORE, .driver = (char *)"igbvf"}}, 1, NULL, "f"},
    {"driver and ids", VF, {{ID(0x80860443), NO_MORE, .driver = (char *)"igbvf"}}, 1, NULL, ""},
    {"tag", VF, {{ANY_ID, NO_MORE, .tags = {physnet, 1}}}, 1, physnet, "fgijm"},
    {"tag in another case", VF, {{ANY_ID, NO_MORE, .tags = {lower, 1}}}, 1, physnet, "fgijm"},
    {"tag of another value", VF, {{ANY_ID, NO_MORE, .tags = {other, 1}}}, 1, physnet, ""},
    {"tag, no spec", VF, {{ANY_ID, NO_MORE, .tags = {physnet, 1}}}, 1, NULL, ""},
    {"tag or ids",
     VF,
     {{ANY_ID, NO_MORE, .tags = {other, 1}}, {ID(0x80860443), NO_MORE}},
     2,
     physnet,
     "ij"},
    {"remote_managed, not asked for", VF, {{ID(0x80860443), NO_MORE}}, 1, remote, ""},
    {"remote_managed that is false", VF, {{ID(0x80860443), NO_MORE}}, 1, local, "ij"},
    {"remote_managed, asked for",
     VF,
     {{ID(0x80860443), NO_MORE, .tags = {remote, 1}}},
     1,
     remote,
     "ij"},
};

static void test_aliases(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
        const struct vfa_alias alias = {.name = (char *)"x",
                                        .types = aliases[i].types,
                                        .choices = (struct vfa_alias_choice *)aliases[i].choices,
                                        .n_choices = aliases[i].n};
        const struct vfa_spec spec = {
            .vendor = VFA_ID_ANY, .product = VFA_ID_ANY, .tags = {aliases[i].tags, 1}};
        char word[ARRAY_SIZE(devices) + 1] = "";
        size_t n = 0;

        for (size_t j = 0; j < ARRAY_SIZE(devices); j++) {
            if (vfa_alias_matches_driver(&alias, &devices[j], aliases[i].tags ? &spec : NULL))
                word[n++] = (char)('a' + j);
        }
        CHECK(strcmp(word, aliases[i].result) == 0, "%s: %s, not %s", aliases[i].label, word,
              aliases[i].result);
    }
}

int main(void)
{
    test_globs();
    test_regexes();
    test_hostile();
    test_selections();
    test_aliases();
    return check_result();
}
