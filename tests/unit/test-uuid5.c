/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Name-based UUIDs, as others compute them. */
#include "check.h"
#include "uuid5.h"

#define DNS "6ba7b810-9dad-11d1-80b4-00c04fd430c8" /* RFC 4122, appendix C */

static void test_known(void)
{
    static const struct {
        const char *namespace, *name, *uuid;
    } cases[] = {
        {DNS, "www.example.com", "2ed6657d-e927-568b-95e1-2665a8aea6a2"},
        {DNS, "python.org", "886313e1-3b8a-5372-9b90-0c9aee199e5d"},
        {"6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "python.org",
         "886313e1-3b8a-5372-9b90-0c9aee199e5d"},
        {"", "x", ""},
        {"6ba7b810-9dad-11d1-80b4-00c04fd430c", "x", ""},
        {"6ba7b810-9dad-11d1-80b4-00c04fd430c8-", "x", ""},
        {"6ba7b810_9dad-11d1-80b4-00c04fd430c8", "x", ""},
        {"6ba7b810-9dad-11d1-80b4-00c04fd430cg", "x", ""},
        {"0x7b8100-9dad-11d1-80b4-00c04fd430c8", "x", ""},
    };
    char buf[VFA_UUID5_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        CHECK(strcmp(vfa_uuid5(cases[i].namespace, cases[i].name, buf), cases[i].uuid) == 0,
              "%zu: %s", i, buf);
}

/* Around the ends of SHA-1's blocks: that many x, as Python has it. */
static void test_lengths(void)
{
    static const struct {
        size_t n;
        const char *uuid;
    } cases[] = {
        {0, "4ebd0208-8328-5d69-8c44-ec50939c0967"},
        {1, "05b16a01-46c6-56dd-bd6e-c6dfb4a1427a"},
        {39, "2f80c0d1-1c62-579f-8d68-e61ad5592c9b"},
        {40, "e56fd57a-7633-5e1d-8f80-70e05ac413e5"},
        {47, "a112377b-8258-5ef7-b5b0-d2540bc03abb"},
        {48, "83993b6c-dea9-55ca-be5b-9989c85943fc"},
        {103, "69b5a616-6ae8-5c37-8b46-37d527314c4d"},
        {104, "c917ca2c-8395-5e00-8f28-a898d41a4b8d"},
        {111, "1a48738a-dc98-5032-bf56-974c361d949d"},
        {112, "0243b19e-8bd4-5b57-95a2-1fcacc3142a0"},
        {300, "8563d838-2cd7-5fbc-9b5c-88a26c27da93"},
    };
    char name[301], buf[VFA_UUID5_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        memset(name, 'x', cases[i].n);
        name[cases[i].n] = '\0';
        CHECK(strcmp(vfa_uuid5(DNS, name, buf), cases[i].uuid) == 0, "%zu: %s", cases[i].n, buf);
    }
}

int main(void)
{
    test_known();
    test_lengths();
    return check_result();
}
