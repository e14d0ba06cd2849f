/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists that grow by one element. */

#include "base/array.h"
#include "base/common.h"
#include "check.h"

struct item {
    const char *text;
    unsigned number;
};

static void test_grow(void)
{
    VFA_AUTO(vfa_freep) struct item *items = NULL;
    size_t n = 0;

    for (; n < 100; n++) {
        struct item *item = vfa_array_grow(&items, n);

        CHECK(item == &items[n]);
        CHECK(!item->text && item->number == 0);
        *item = (struct item){"text", (unsigned)n};
    }
    for (size_t i = 0; i < n; i++)
        CHECK(strcmp(items[i].text, "text") == 0 && items[i].number == i);
}

/* An element that the caller did not count is returned again, with all bytes zero. */
static void test_not_counted(void)
{
    VFA_AUTO(vfa_freep) struct item *items = NULL;
    struct item *item = vfa_array_grow(&items, 0);

    CHECK(item != NULL);
    item->number = 7;
    item = vfa_array_grow(&items, 0);
    CHECK(item == items && item->number == 0);
}

static void test_overflow(void)
{
    VFA_AUTO(vfa_freep) struct item *items = NULL;
    struct item *item = vfa_array_grow(&items, 0), *before = items;

    CHECK(item != NULL);
    CHECK(vfa_array_grow(&items, SIZE_MAX) == NULL);
    CHECK(vfa_array_grow(&items, SIZE_MAX / sizeof(*items)) == NULL);
    CHECK(items == before);
}

int main(void)
{
    test_grow();
    test_not_counted();
    test_overflow();
    return check_result();
}
