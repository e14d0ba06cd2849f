/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UUIDs: valid and invalid texts, and the resulting spelling. */

#include "base/common.h"
#include "base/uuid.h"
#include "check.h"

#define PLAIN "0123abcd-4567-89ef-0000-ffffffffffff"

static const struct {
    const char *text, *uuid; /* NULL: refused */
} uuids[] = {
    {PLAIN, PLAIN},
    {"0123ABCD-4567-89EF-0000-FFFFFFFFFFFF", PLAIN},
    {"0123aBcD-4567-89Ef-0000-fFfFfFffffff", PLAIN},
    {"00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"},
    {"", NULL},
    {"-", NULL},
    {"0123abcd-4567-89ef-0000-fffffffffff", NULL},
    {"0123abcd-4567-89ef-0000-fffffffffffff", NULL},
    {"0123abcd-4567-89ef-0000-ffffffffffff ", NULL},
    {" 123abcd-4567-89ef-0000-ffffffffffff", NULL},
    {"0123abcg-4567-89ef-0000-ffffffffffff", NULL},
    {"0123abcG-4567-89ef-0000-ffffffffffff", NULL},
    {"0123abcd:4567-89ef-0000-ffffffffffff", NULL},
    {"0123abcd04567-89ef-0000-ffffffffffff", NULL},
    {"0123abc-d4567-89ef-0000-ffffffffffff", NULL},
    {"0123abcd456789ef0000ffffffffffff", NULL}, /* libvirt always writes hyphens */
    {"{123abcd-4567-89ef-0000-fffffffffff}", NULL},
    {"0123abcd-4567-89ef-0000-ffffffffff\xc3\xa9", NULL},
};

static void test_texts(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(uuids); i++) {
        char uuid[VFA_UUID_SIZE] = "";
        bool ok = vfa_uuid_parse(uuids[i].text, uuid);

        CHECK(ok == (uuids[i].uuid != NULL), "'%s'", uuids[i].text);
        CHECK(!ok || !uuids[i].uuid || strcmp(uuid, uuids[i].uuid) == 0, "'%s' is '%s'",
              uuids[i].text, uuid);
    }
}

/* Parsing the result again does not change it. */
static void test_again(void)
{
    char once[VFA_UUID_SIZE], twice[VFA_UUID_SIZE];

    CHECK(vfa_uuid_parse("0123ABCD-4567-89EF-0000-FFFFFFFFFFFF", once), "it is one");
    CHECK(vfa_uuid_parse(once, twice) && strcmp(once, twice) == 0, "'%s'", once);
    CHECK(strlen(once) == VFA_UUID_SIZE - 1, "'%s'", once);
}

int main(void)
{
    test_texts();
    test_again();
    return check_result();
}
