/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * device_spec and alias against what makes devices: management devices, and types of mediated
 * devices. Each maker has a letter, so that the set of matching makers is a word. Also: which
 * attributes of sysfs may be written, and who binds a device.
 */

#include "base/common.h"
#include "base/error.h"
#include "base/tags.h"
#include "device/device.h"
#include "device/inventory.h"
#include "spec/makers.h"
#include "spec/spec.h"
#include "check.h"

#define TEXT(text) ((char *)(text))

static struct vfa_device devices[] = {
    {.id = "0000:3b:00.0",
     .addr = {0, 0x3b, 0, 0},
     .type = VFA_TYPE_PF,
     .vendor = 0x15b3,
     .product = 0x101d,
     .class = 0x020000,
     .netdev = TEXT("ens1f0"),
     .driver = TEXT("mlx5_core")},
    {.id = "0000:3b:00.1",
     .addr = {0, 0x3b, 0, 1},
     .type = VFA_TYPE_PF,
     .vendor = 0x15b3,
     .product = 0x101d,
     .class = 0x020000,
     .netdev = TEXT("ens1f1"),
     .driver = TEXT("mlx5_core")},
    {.id = "0000:3b:00.2",
     .addr = {0, 0x3b, 0, 2},
     .parent = {0, 0x3b, 0, 0},
     .type = VFA_TYPE_VF,
     .vendor = 0x15b3,
     .product = 0x101e,
     .class = 0x020000,
     .netdev = TEXT("ens1f0v0"),
     .driver = TEXT("mlx5_core")},
    {.id = "0000:65:00.0",
     .addr = {0, 0x65, 0, 0},
     .type = VFA_TYPE_PCI,
     .vendor = 0x10de,
     .product = 0x1db6},
    {.id = "10000:01:00.0",
     .addr = {0x10000, 1, 0, 0},
     .type = VFA_TYPE_PCI,
     .vendor = 0x15b3,
     .product = 0x101d},
};
static const struct vfa_inventory inventory = {.devices = devices, .n = ARRAY_SIZE(devices)};

#define NET   (1u << VFA_TYPE_VDPA)
#define BLOCK (1u << VFA_TYPE_VDPA_BLOCK)
#define MDEV  (1u << VFA_TYPE_MDEV)

static const struct {
    const char *id;
    unsigned types;
    const struct vfa_device *function;
} makers[] = {
    {"mgmtdev:auxiliary/mlx5_core.sf.4", NET, &devices[0]},  /* a: a subfunction of ens1f0 */
    {"mgmtdev:pci/0000:3b:00.1", NET, &devices[1]},          /* b: ens1f1 */
    {"mgmtdev:pci/0000:3b:00.2", NET, &devices[2]},          /* c: a VF of ens1f0 */
    {"mgmtdev:vdpasim_net", NET, NULL},                      /* d */
    {"mgmtdev:vdpasim_blk", BLOCK, NULL},                    /* e */
    {"mgmtdev:vduse", NET | BLOCK, NULL},                    /* f */
    {"mdev-type:0000:65:00.0/nvidia-63", MDEV, &devices[3]}, /* g */
    {"mdev-type:0000:65:00.0/nvidia-64", MDEV, &devices[3]}, /* h */
    {"mdev-type:mtty/mtty-2", MDEV, NULL},                   /* i */
    {"mgmtdev:pci/10000:01:00.0", NET, &devices[4]},         /* j: behind VMD */
    /* no makers */
    {"0000:3b:00.0", NET | MDEV, &devices[0]},
    {"vdpa:vnet0", NET, NULL},
    {"mgmtdev:", NET, NULL},
    {"mdev-type:mtty", MDEV, NULL},
    {"mdev-type:/mtty-2", MDEV, NULL},
    {"mdev-type:mtty/", MDEV, NULL},
    {"mdev-type:012345678901234567890123456789012345678901234567890123456789012345678901/t", MDEV,
     NULL},
    {"", NET | BLOCK | MDEV, NULL},
};

static void note(char *word, size_t i)
{
    size_t n = strlen(word);

    word[n] = (char)('a' + i);
    word[n + 1] = '\0';
}

/* ---- device_spec ---- */

#define ANY_IDS .vendor = VFA_ID_ANY, .product = VFA_ID_ANY

static const struct {
    struct vfa_spec spec;
    const char *address;
    const char *result;
} specs[] = {
    /* without mgmtdev: management devices on the PCI functions that the spec matches */
    {{ANY_IDS}, NULL, "abc"},
    {{ANY_IDS}, "*:*:*.*", "abc"},
    {{.vendor = 0x15b3, .product = VFA_ID_ANY}, NULL, "abc"},
    {{.vendor = 0x15b3, .product = 0x101e}, NULL, "c"},
    {{.vendor = 0x10de, .product = VFA_ID_ANY}, NULL, ""},
    {{.vendor = VFA_ID_NONE, .product = VFA_ID_ANY}, NULL, ""},
    {{ANY_IDS, .devname = TEXT("ens1f0")}, NULL, "ac"}, /* the card, and its VFs */
    {{ANY_IDS, .devname = TEXT("ens1f1")}, NULL, "b"},
    {{ANY_IDS, .devname = TEXT("ens1f0v0")}, NULL, "c"},
    {{ANY_IDS, .devname = TEXT("vdpasim_net")}, NULL, ""},
    {{ANY_IDS}, "0000:3b:00.0", "ac"},
    {{ANY_IDS}, "3b:00.0", "a"},
    {{.vendor = VFA_ID_ANY, .product = 0x101e}, "0000:3b:00.0", "c"},
    /* mgmtdev */
    {{ANY_IDS, .mgmtdev = TEXT("vdpasim_net")}, NULL, "d"},
    {{ANY_IDS, .mgmtdev = TEXT("vdpasim_*")}, NULL, "de"},
    {{ANY_IDS, .mgmtdev = TEXT("vdpasim")}, NULL, ""},
    {{ANY_IDS, .mgmtdev = TEXT("*")}, NULL, "abcdef"},
    {{ANY_IDS, .mgmtdev = TEXT("*:00.[12]")}, NULL, "bc"},
    {{ANY_IDS, .mgmtdev = TEXT("auxiliary/mlx5_core.sf.*")}, NULL, "a"},
    {{ANY_IDS, .mgmtdev = TEXT("*"), .devname = TEXT("ens1f0")}, NULL, "ac"},
    {{ANY_IDS, .mgmtdev = TEXT("auxiliary/*"), .devname = TEXT("ens1f1")}, NULL, ""},
    {{.vendor = 0x15b3, .product = VFA_ID_ANY, .mgmtdev = TEXT("*")}, NULL, "abc"},
    {{ANY_IDS, .mgmtdev = TEXT("vdpasim_net")}, "*:*:*.*", "d"},
    {{ANY_IDS, .mgmtdev = TEXT("vdpasim_net")}, "0000:3b:00.0", ""},
    /* mediated devices need mdev_types or mdev_parent */
    {{ANY_IDS, .mdev_types = (char *[]){TEXT("nvidia-63")}, .n_mdev_types = 1}, NULL, "g"},
    {{ANY_IDS, .mdev_types = (char *[]){TEXT("nvidia-6")}, .n_mdev_types = 1}, NULL, ""},
    {{ANY_IDS, .mdev_types = (char *[]){TEXT("x"), TEXT("nvidia-64")}, .n_mdev_types = 2},
     NULL,
     "h"},
    {{ANY_IDS, .mdev_types = (char *[]){TEXT("*")}, .n_mdev_types = 1}, NULL, "ghi"},
    {{ANY_IDS, .mdev_types = (char *[]){TEXT("*")}, .n_mdev_types = 1}, "0000:65:00.0", "gh"},
    {{ANY_IDS, .mdev_types = (char *[]){TEXT("*")}, .n_mdev_types = 1}, "0000:3b:00.0", ""},
    {{.vendor = 0x10de,
      .product = VFA_ID_ANY,
      .mdev_types = (char *[]){TEXT("nvidia-6*")},
      .n_mdev_types = 1},
     NULL,
     "gh"},
    {{ANY_IDS, .mdev_parent = TEXT("mtty")}, NULL, "i"},
    {{ANY_IDS, .mdev_parent = TEXT("m*y")}, NULL, "i"},
    {{ANY_IDS, .mdev_parent = TEXT("*")}, NULL, "ghi"},
    {{ANY_IDS, .mdev_parent = TEXT("mtt")}, NULL, ""},
    {{ANY_IDS, .mdev_parent = TEXT("mtty"), .mdev_types = (char *[]){TEXT("mtty-1")},
      .n_mdev_types = 1},
     NULL,
     ""},
};

static void test_specs(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
        VFA_AUTO(vfa_address_pattern_freep) struct vfa_address_pattern *pattern = NULL;
        struct vfa_spec spec = specs[i].spec;
        char word[ARRAY_SIZE(makers) + 1] = "";

        if (specs[i].address)
            CHECK(vfa_address_pattern_glob(specs[i].address, &pattern, NULL) == 0, "%zu", i);
        spec.address = pattern;
        for (size_t j = 0; j < ARRAY_SIZE(makers); j++) {
            if (vfa_spec_matches_maker(&spec, &inventory, makers[j].id, makers[j].function))
                note(word, j);
        }
        CHECK(strcmp(word, specs[i].result) == 0, "spec %zu: %s, not %s", i, word, specs[i].result);
    }
}

/* A spec about makers does not give out the PCI function itself. */
static void test_functions(void)
{
    char *types[] = {TEXT("*")};
    struct vfa_spec spec = {ANY_IDS};

    CHECK(vfa_spec_matches(&spec, &inventory, &devices[3]), "");
    spec.mgmtdev = TEXT("*");
    CHECK(!vfa_spec_matches(&spec, &inventory, &devices[3]), "mgmtdev");
    CHECK(vfa_spec_names_makers(&spec) && vfa_spec_allows_vdpa(&spec), "");
    spec = (struct vfa_spec){ANY_IDS, .mdev_types = types, .n_mdev_types = 1};
    CHECK(!vfa_spec_matches(&spec, &inventory, &devices[3]), "mdev_types");
    CHECK(vfa_spec_allows_mdev_type(&spec, "x") && !vfa_spec_allows_vdpa(&spec), "");
    spec = (struct vfa_spec){ANY_IDS, .mdev_parent = TEXT("*")};
    CHECK(!vfa_spec_matches(&spec, &inventory, &devices[3]), "mdev_parent");
    CHECK(vfa_spec_allows_mdev_type(&spec, "x"), "");
    spec = (struct vfa_spec){ANY_IDS};
    CHECK(!vfa_spec_allows_mdev_type(&spec, "x") && !vfa_spec_names_makers(&spec), "");
}

/* ---- alias ---- */

#define CHOICE .vendor = VFA_ID_ANY, .product = VFA_ID_ANY, .class = -1

static struct vfa_tag rack[] = {{TEXT("rack"), TEXT("7")}};
static struct vfa_tag remote[] = {{TEXT("remote_managed"), TEXT("yes")}};

static const struct {
    unsigned types;
    struct vfa_alias_choice choice;
    struct vfa_tag *tags; /* one tag of the spec; NULL: no spec */
    const char *result;
} aliases[] = {
    {NET, {CHOICE}, NULL, "abcdfj"},
    {BLOCK, {CHOICE}, NULL, "ef"},
    {MDEV, {CHOICE, .mdev_type = TEXT("nvidia-63")}, NULL, "g"},
    {MDEV, {CHOICE, .mdev_type = TEXT("mtty-2")}, NULL, "i"},
    {MDEV, {CHOICE, .mdev_type = TEXT("nvidia-6")}, NULL, ""},
    {NET, {CHOICE, .mdev_type = TEXT("nvidia-63")}, NULL, ""},
    {1u << VFA_TYPE_PF | 1u << VFA_TYPE_VF | 1u << VFA_TYPE_PCI, {CHOICE}, NULL, ""},
    {0, {CHOICE}, NULL, ""},
    /* the PCI function below has the ids, the class and the driver */
    {NET, {.vendor = 0x15b3, .product = VFA_ID_ANY, .class = -1}, NULL, "abcj"},
    {NET, {.vendor = VFA_ID_ANY, .product = 0x101e, .class = -1}, NULL, "c"},
    {NET,
     {.vendor = VFA_ID_ANY, .product = VFA_ID_ANY, .class = 2, .class_shift = 16},
     NULL,
     "abc"},
    {NET, {CHOICE, .driver = TEXT("mlx5_core")}, NULL, "abc"},
    {MDEV,
     {.vendor = 0x10de, .product = VFA_ID_ANY, .class = -1, .mdev_type = TEXT("mtty-2")},
     NULL,
     ""},
    /* tags */
    {BLOCK, {CHOICE, .tags = {rack, 1}}, NULL, ""},
    {BLOCK, {CHOICE, .tags = {rack, 1}}, rack, "ef"},
    {BLOCK, {CHOICE}, remote, ""},
    {BLOCK, {CHOICE, .tags = {remote, 1}}, remote, "ef"},
};

static void test_aliases(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
        struct vfa_alias_choice choices[] = {{.vendor = 1, .product = 1}, aliases[i].choice};
        const struct vfa_alias alias = {
            .name = TEXT("x"), .types = aliases[i].types, .choices = choices, .n_choices = 2};
        const struct vfa_spec spec = {ANY_IDS, .tags = {aliases[i].tags, 1}};
        char word[ARRAY_SIZE(makers) + 1] = "";

        for (size_t j = 0; j < ARRAY_SIZE(makers); j++) {
            if (vfa_alias_selects_maker(&alias, makers[j].id, makers[j].types, makers[j].function,
                                        aliases[i].tags ? &spec : NULL))
                note(word, j);
        }
        CHECK(strcmp(word, aliases[i].result) == 0, "alias %zu: %s, not %s", i, word,
              aliases[i].result);
    }
}

/* ---- who binds the device ---- */

static void test_managed(void)
{
    struct vfa_tag no[] = {{TEXT("managed"), TEXT("false")}};
    struct vfa_tag yes[] = {{TEXT("live_migratable"), TEXT("true")},
                            {TEXT("managed"), TEXT("true")}};
    const struct vfa_spec none = {ANY_IDS}, unmanaged = {ANY_IDS, .tags = {no, 1}},
                          managed = {ANY_IDS, .tags = {yes, 2}};
    const struct vfa_alias silent = {.managed = false};
    struct vfa_alias says = {.managed = false};

    CHECK(vfa_alias_managed(NULL, NULL) && vfa_alias_managed(&silent, NULL), "the default");
    CHECK(vfa_alias_managed(&silent, &none) && vfa_alias_managed(&silent, &managed), "");
    CHECK(!vfa_alias_managed(&silent, &unmanaged) && !vfa_alias_managed(NULL, &unmanaged), "");
    says.said[VFA_ALIAS_MANAGED].file = "x";
    CHECK(!vfa_alias_managed(&says, NULL) && !vfa_alias_managed(&says, &managed), "the alias");
    says.managed = true;
    CHECK(vfa_alias_managed(&says, &unmanaged), "the alias");
    CHECK(!vfa_spec_live_migratable(NULL) && !vfa_spec_live_migratable(&none) &&
              !vfa_spec_live_migratable(&unmanaged) && vfa_spec_live_migratable(&managed),
          "");
}

/* ---- attributes of sysfs ---- */

static void test_attributes(void)
{
    static const char *const allowed[] = {"nvidia/current_vgpu_type",
                                          "power/control",
                                          "a",
                                          "..a",
                                          "a..",
                                          ".a",
                                          "...",
                                          "a/b/c/d",
                                          "resourcefully/x",
                                          "config/x",
                                          "reset_method"};
    static const char *const refused[] = {"",
                                          "/",
                                          "/a",
                                          "a/",
                                          "a//b",
                                          ".",
                                          "..",
                                          "./a",
                                          "../a",
                                          "a/..",
                                          "a/./b",
                                          "a/../b",
                                          "a\nb",
                                          "remove",
                                          "rescan",
                                          "a/remove",
                                          "create",
                                          "driver_override",
                                          "sriov_numvfs",
                                          "resource",
                                          "resource0",
                                          "resource4_wc",
                                          "resource0_resize",
                                          "rom",
                                          "config",
                                          "reset",
                                          "vpd",
                                          "enable",
                                          "uevent",
                                          "numa_node",
                                          "driver/bind",
                                          "driver/unbind",
                                          "driver/new_id",
                                          "driver/remove_id",
                                          "mdev_supported_types/nvidia-63/create"};
    char name[VFA_ATTRIBUTE_NAME_MAX + 2];

    for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
        CHECK(!vfa_attribute_refusal(allowed[i]), "%s", allowed[i]);
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        CHECK(vfa_attribute_refusal(refused[i]), "%s", refused[i]);
    memset(name, 'x', sizeof(name));
    name[VFA_ATTRIBUTE_NAME_MAX + 1] = '\0';
    CHECK(vfa_attribute_refusal(name), "too long");
    name[VFA_ATTRIBUTE_NAME_MAX] = '\0';
    CHECK(!vfa_attribute_refusal(name), "the longest");
}

/* ---- names ---- */

static void test_maker_names(void)
{
    char name[VFA_MAKER_PATTERN_MAX + 2];

    CHECK(vfa_maker_pattern_ok("auxiliary/mlx5_core.sf.4") && vfa_maker_pattern_ok("[!a]*?"), "");
    CHECK(!vfa_maker_pattern_ok("") && !vfa_maker_pattern_ok("a b") &&
              !vfa_maker_pattern_ok("a\x7f"),
          "");
    CHECK(!vfa_maker_pattern_ok("a\"") && !vfa_maker_pattern_ok("'a") &&
              !vfa_maker_pattern_ok("a\\b"),
          "");
    CHECK(!vfa_maker_pattern_ok("\xc3\xa9"), "");
    memset(name, 'x', sizeof(name));
    name[VFA_MAKER_PATTERN_MAX + 1] = '\0';
    CHECK(!vfa_maker_pattern_ok(name), "too long");
    name[VFA_MAKER_PATTERN_MAX] = '\0';
    CHECK(vfa_maker_pattern_ok(name), "the longest");
}

int main(void)
{
    test_specs();
    test_functions();
    test_aliases();
    test_managed();
    test_attributes();
    test_maker_names();
    return check_result();
}
