/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sets of small numbers, and their text form. */

#include "base/bitset.h"
#include "base/common.h"
#include "check.h"

#include <errno.h>

static const struct {
    const char *text;
    const char *shown; /* NULL: refused */
} lists[] = {
    {"0", "0"},
    {"0-3,8", "0-3,8"},
    {"8,0-3", "0-3,8"},
    {"0-3,2-5", "0-5"},
    {"1,2,3", "1-3"},
    {"0-7,^3", "0-2,4-7"},
    {"^3,0-7", "0-7"}, /* the order counts, as in libvirt: ^3 has no effect here */
    {" 1 , 2-4\n", "1-4"},
    {"", ""},
    {" \n", ""}, /* the cpulist of a node with memory only */
    {"8191", "8191"},
    {"63-64", "63-64"},
    {"8192", NULL},
    {"0-8192", NULL},
    {"3-1", NULL},
    {"-1", NULL},
    {"1-", NULL},
    {"^1-2", NULL},
    {"^", NULL},
    {"1,,2", NULL},
    {"1,", NULL},
    {"a", NULL},
    {"0x1", NULL},
    {"1 2", NULL},
    {"4294967296", NULL},
};

static void test_lists(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        struct vfa_bitset set = {{0}}, before = {{0}};
        char buf[64];
        int r;

        vfa_bitset_add(&before, 99);
        r = vfa_bitset_parse(lists[i].text, &set);
        CHECK(r == (lists[i].shown ? 0 : -EINVAL), "'%s': %d", lists[i].text, r);
        if (lists[i].shown)
            CHECK(strcmp(vfa_bitset_format(&set, buf, sizeof(buf)), lists[i].shown) == 0,
                  "'%s': %s", lists[i].text, buf);
        else
            CHECK(vfa_bitset_parse(lists[i].text, &before) < 0 &&
                      strcmp(vfa_bitset_format(&before, buf, sizeof(buf)), "99") == 0,
                  "'%s': %s", lists[i].text, buf);
    }
}

static void test_parse_adds(void)
{
    struct vfa_bitset set = {{0}};
    char buf[64];

    CHECK(vfa_bitset_parse("1", &set) == 0 && vfa_bitset_parse("5-6", &set) == 0, "two");
    CHECK(strcmp(vfa_bitset_format(&set, buf, sizeof(buf)), "1,5-6") == 0, "%s", buf);
    CHECK(vfa_bitset_parse("^5", &set) == 0, "taken out of what was there");
    CHECK(strcmp(vfa_bitset_format(&set, buf, sizeof(buf)), "1,6") == 0, "%s", buf);
}

static void test_members(void)
{
    struct vfa_bitset set = {{0}}, more = {{0}};

    CHECK(vfa_bitset_empty(&set), "new");
    vfa_bitset_add(&set, VFA_BITSET_BITS); /* ignored */
    vfa_bitset_remove(&set, VFA_BITSET_BITS);
    CHECK(vfa_bitset_empty(&set) && !vfa_bitset_has(&set, VFA_BITSET_BITS), "end");
    vfa_bitset_add(&set, 0);
    vfa_bitset_add(&set, 64);
    vfa_bitset_add(&set, VFA_BITSET_BITS - 1);
    CHECK(!vfa_bitset_empty(&set) && vfa_bitset_has(&set, 64) && !vfa_bitset_has(&set, 63), "has");
    CHECK(vfa_bitset_next(&set, 0) == 0 && vfa_bitset_next(&set, 1) == 64, "next");
    CHECK(vfa_bitset_next(&set, 65) == VFA_BITSET_BITS - 1, "next over empty words");
    CHECK(vfa_bitset_next(&set, VFA_BITSET_BITS) == -1, "behind the end");
    vfa_bitset_remove(&set, 64);
    CHECK(!vfa_bitset_has(&set, 64) && vfa_bitset_has(&set, 0), "removed");
    vfa_bitset_add(&more, 7);
    vfa_bitset_unite(&set, &more);
    CHECK(vfa_bitset_has(&set, 7) && vfa_bitset_has(&set, 0) && !vfa_bitset_has(&more, 0), "unite");
}

static void test_format_cuts(void)
{
    struct vfa_bitset set = {{0}};

    for (unsigned i = 0; i < 200; i += 2)
        vfa_bitset_add(&set, i);
    for (size_t size = 1; size < 40; size++) {
        char buf[41];

        memset(buf, '#', sizeof(buf));
        vfa_bitset_format(&set, buf, size);
        CHECK(strlen(buf) < size && buf[size] == '#', "%zu: %s", size, buf);
        CHECK(strncmp(buf, "0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,", strlen(buf)) == 0, "%s",
              buf);
    }
}

int main(void)
{
    test_lists();
    test_parse_adds();
    test_members();
    test_format_cuts();
    return check_result();
}
