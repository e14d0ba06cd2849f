/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names and values of attributes below a device's folder, and their text form. */

#include "base/common.h"
#include "base/error.h"
#include "device/attributes.h"
#include "check.h"

#include <errno.h>

/* ---- names ---- */

static const struct {
    const char *name;
    const char *refused; /* a part of the reason; NULL: allowed */
} names[] = {
    {"reset_method", NULL},
    {"nvidia/current_vgpu_type", NULL},
    {"power/control", NULL},
    {"d3cold_allowed", NULL},
    {"msi_bus", NULL},
    {"link/l1_aspm", NULL},
    {"net/enp1s0v0/mtu", NULL},
    {"config_table", NULL}, /* only names that begin with resource or sriov_ are prefixes */
    {"resets", NULL},
    {"...", NULL},
    {"a/..b", NULL},
    {"remove/value", NULL}, /* the name of the file counts */
    {"", "1 to 255 bytes"},
    {"/", "relative"},
    {"/etc/passwd", "relative"},
    {"..", "'.' and '..'"},
    {"../0000:01:00.0/sriov_numvfs", "'.' and '..'"},
    {"power/../reset", "'.' and '..'"},
    {"power/..", "'.' and '..'"},
    {".", "'.' and '..'"},
    {"./reset_method", "'.' and '..'"},
    {"power/./control", "'.' and '..'"},
    {"power//control", "without a name"},
    {"power/", "without a name"},
    {"power control", "without blanks"},
    {"power\n", "without blanks"},
    {"r\xc3\xa9set", "printable ASCII"},
    {"0000:02:00.0/reset_method", "another device"},
    {"x/0000:02:00.0/y/z", "another device"},
    {"bind", "binds drivers"},
    {"config", "registers"},
    {"create", "makes or removes"},
    {"mdev_supported_types/nvidia-63/create", "makes or removes"},
    {"delete", "makes or removes"},
    {"delete_device", "makes or removes"},
    {"driver_override", "binds drivers"},
    {"enable", "acts on the device"},
    {"new_device", "makes or removes"},
    {"new_id", "binds drivers"},
    {"numa_node", "chooses devices"},
    {"remove", "makes or removes"},
    {"83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/remove", "makes or removes"},
    {"remove_id", "binds drivers"},
    {"rescan", "makes or removes"},
    {"pci_bus/0000:02/rescan", "makes or removes"},
    {"reset", "acts on the device"},
    {"reset_subordinate", "acts on the device"},
    {"resource", "registers"},
    {"resource0", "registers"},
    {"resource2_wc", "registers"},
    {"resource1_resize", "registers"},
    {"rom", "registers"},
    {"sriov_numvfs", "makes or removes"},
    {"sriov_drivers_autoprobe", "makes or removes"},
    {"uevent", "acts on the device"},
    {"power/uevent", "acts on the device"},
    {"driver/unbind", "binds drivers"},
    {"vpd", "registers"},
};

static void test_names(void)
{
    char longest[VFA_ATTRIBUTE_NAME_MAX + 2];

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *refusal = vfa_attribute_refusal(names[i].name), *want = names[i].refused;

        CHECK(want ? refusal && strstr(refusal, want) : !refusal, "'%s': %s", names[i].name,
              refusal ? refusal : "allowed");
    }
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    CHECK(strlen(longest) == 256 && vfa_attribute_refusal(longest), "256");
    CHECK(!vfa_attribute_refusal(longest + 1), "255");
}

/* ---- values ---- */

static void test_value_limits(void)
{
    char longest[VFA_ATTRIBUTE_VALUE_MAX + 2];

    memset(longest, '7', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    CHECK(strlen(longest) == 4096 && vfa_attribute_value_refusal(longest), "4096");
    CHECK(!vfa_attribute_value_refusal(longest + 1), "4095");
    CHECK(!vfa_attribute_value_refusal(""), "no reset method at all");
    CHECK(!vfa_attribute_value_refusal("flr bus"), "blanks");
    CHECK(!vfa_attribute_value_refusal("\xc3\xa9"), "UTF-8");
    CHECK(vfa_attribute_value_refusal("742\n") != NULL, "newline");
    CHECK(vfa_attribute_value_refusal("\x7f") != NULL, "DEL");
}

static const struct {
    const char *a, *b;
    bool same;
    const char *written; /* for a */
} values[] = {
    {"742", "742", true, "742"},
    {"742", "742\n", true, "742"},
    {" 742\t\n\n", "742", true, "742"},
    {"742", "743", false, "742"},
    {"742", "7420", false, "742"},
    {"", "\n", true, ""},
    {"\n", "0", false, ""},
    {"flr bus", "flr bus\n", true, "flr bus"},
    {"flr  bus", "flr bus\n", true, "flr  bus"},
    {"flr\tbus", "flr bus\n", true, "flr\tbus"},
    {"flr bus", "bus flr\n", false, "flr bus"}, /* the order of reset_method counts */
    {"flr bus", "flr\n", false, "flr bus"},
    {"flrbus", "flr bus", false, "flrbus"},
    {"bus", "", false, "bus"},
    {"none [mq-deadline]\n", "mq-deadline", true, "mq-deadline"},
    {"[none] mq-deadline\n", "mq-deadline", false, "none"},
    {"[none]\n", "none", true, "none"},
    {"[a] [b]", "a", false, "[a] [b]"},
    {"a[0]", "0", false, "a[0]"},
    {"[]", "", false, "[]"},
    {"0x2e6", "742\n", true, "0x2e6"},
    {"0x2E6", "0x2e6\n", true, "0x2E6"},
    {"0x0", "0", true, "0x0"},
    {"010", "10", false, "010"}, /* the kernel reads 010 as 8 */
    {"2e6", "742", false, "2e6"},
    {"on", "1", false, "on"},
    {"On", "on", false, "On"},
    {"4294967296", "0", false, "4294967296"},
    {"4294967296", "4294967296\n", true, "4294967296"},
    {"-1", "-1\n", true, "-1"},
};

static void test_same(void)
{
    char text[64];

    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        CHECK(vfa_attribute_same(values[i].a, values[i].b) == values[i].same, "'%s' and '%s'",
              values[i].a, values[i].b);
        CHECK(vfa_attribute_same(values[i].b, values[i].a) == values[i].same, "'%s' and '%s'",
              values[i].b, values[i].a);
        vfa_attribute_to_write(values[i].a, text);
        CHECK(strcmp(text, values[i].written) == 0, "'%s': '%s'", values[i].a, text);
        CHECK(vfa_attribute_same(text, values[i].a), "what is written says the same: '%s'", text);
    }
}

/* ---- lists ---- */

static struct vfa_attributes list_of(const char *text)
{
    struct vfa_attributes list = {NULL, 0};

    CHECK(vfa_attributes_read(text, &list, NULL) == 0, "%s", text);
    return list;
}

static bool has_text(const struct vfa_attributes *list, const char *text)
{
    VFA_AUTO(vfa_freep) char *now = NULL;

    return vfa_attributes_format(list, &now, NULL) == 0 && strcmp(now ? now : "", text) == 0;
}

static bool same_lists(const struct vfa_attributes *a, const struct vfa_attributes *b)
{
    return vfa_attributes_same(a->items, a->n, b->items, b->n);
}

static void test_lists(void)
{
    VFA_AUTO(vfa_attributes_clear) struct vfa_attributes list = {NULL, 0};
    VFA_AUTO(vfa_attributes_clear) struct vfa_attributes over = list_of("b 3\nc 4\n");

    CHECK(vfa_attributes_set(&list, "a", "1", NULL) == 0 &&
              vfa_attributes_set(&list, "b", "2", NULL) == 0,
          "set");
    CHECK(!same_lists(&list, &over), "other names");
    CHECK(vfa_attributes_merge(&list, &over, NULL) == 0 && has_text(&list, "a 1\nb 3\nc 4\n"),
          "merged");
    CHECK(strcmp(vfa_attributes_find(&list, "b")->value, "3") == 0, "found");
    CHECK(!vfa_attributes_find(&list, "d"), "not found");
    vfa_attributes_clear(&over);
    CHECK(vfa_attributes_merge(&over, &list, NULL) == 0 && same_lists(&list, &over), "a copy");
    CHECK(vfa_attributes_set(&over, "a", "0", NULL) == 0 && !same_lists(&list, &over),
          "another value");
    vfa_attributes_clear(&list);
    CHECK(has_text(&list, "") && list.n == 0, "empty");
}

/* ---- the text form ---- */

static void test_text(void)
{
    VFA_AUTO(vfa_attributes_clear) struct vfa_attributes list = {NULL, 0};
    VFA_AUTO(vfa_attributes_clear) struct vfa_attributes again = {NULL, 0};
    VFA_AUTO(vfa_freep) char *text = NULL;

    vfa_attributes_set(&list, "reset_method", "", NULL);
    vfa_attributes_set(&list, "a/b", " two words\nand \\x41 \x01\xff'\"", NULL);
    CHECK(vfa_attributes_format(&list, &text, NULL) == 0 &&
              strcmp(text, "reset_method \n"
                           "a/b  two words\\x0aand \\x5cx41 \\x01\\xff'\"\n") == 0,
          "%s", text);
    CHECK(vfa_attributes_read(text, &again, NULL) == 0 && same_lists(&list, &again), "read back");
    vfa_attributes_clear(&list);
    free(text);
    text = (char *)"";
    CHECK(vfa_attributes_format(&list, &text, NULL) == 0 && !text, "none: NULL");
    CHECK(vfa_attributes_read(NULL, &list, NULL) == 0 && list.n == 0, "NULL: none");
    CHECK(vfa_attributes_read("", &list, NULL) == 0 && list.n == 0, "none");
}

static void test_text_of_others(void)
{
    static const char *const broken[] = {"a",        "a\n",       " 1\n",      "a 1\nb\n", "a \\\n",
                                         "a \\x4\n", "a \\y41\n", "a \\x4g\n", "a \\x00\n"};

    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct vfa_attributes list = {NULL, 0};

        CHECK(vfa_attributes_read(broken[i], &list, &err) == -EINVAL && list.n == 0 && err.msg,
              "%zu", i);
    }
}

int main(void)
{
    test_names();
    test_value_limits();
    test_same();
    test_lists();
    test_text();
    test_text_of_others();
    return check_result();
}
