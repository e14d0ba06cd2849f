/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MAC addresses: deriving and parsing. */

#include "base/common.h"
#include "base/error.h"
#include "base/mac.h"
#include "check.h"
#include "domxml-case.h"

#include <errno.h>

/* Derived addresses never change, and differ for each domain and request. */
static void test_derived(void)
{
    static const struct {
        const char *uuid, *request, *mac;
    } cases[] = {
        {UUID, "net-0", "56:28:97:62:63:48"},
        {UUID, "net-1", "56:7f:6b:ab:68:1c"},
        {"00000000-0000-4000-8000-00000000000b", "net-0", "56:3e:dc:82:1d:b2"},
    };
    char mac[VFA_MAC_SIZE], read[VFA_MAC_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CHECK(strcmp(vfa_mac_derive(cases[i].uuid, cases[i].request, mac), cases[i].mac) == 0,
              "%s %s: %s", cases[i].uuid, cases[i].request, mac);
        CHECK(vfa_mac_parse(mac, read, NULL) == 0 && strcmp(mac, read) == 0, "%s", mac);
    }
}

static void test_read(void)
{
    static const struct {
        const char *text;
        const char *mac;   /* NULL: refused */
        const char *error; /* if refused */
    } cases[] = {
        {"52:54:00:01:02:03", "52:54:00:01:02:03", NULL},
        {"FE:Dc:bA:98:76:5f", "fe:dc:ba:98:76:5f", NULL},
        {"00:00:00:00:00:01", "00:00:00:00:00:01", NULL},
        {"", NULL, "'' is not a MAC address"},
        {"52:54:00:01:02", NULL, "is not a MAC address"},
        {"52:54:00:01:02:", NULL, "is not a MAC address"},
        {"52:54:00:01:02:0", NULL, "is not a MAC address"},
        {"52:54:00:01:02:03:", NULL, "is not a MAC address"},
        {"52:54:00:01:02:033", NULL, "is not a MAC address"},
        {"52:54:00:01:02:0g", NULL, "is not a MAC address"},
        {" 52:54:00:01:02:03", NULL, "is not a MAC address"},
        {"52-54-00-01-02-03", NULL, "is not a MAC address"},
        {"5254:00:01:02:03:04", NULL, "is not a MAC address"},
        {"01:00:5e:00:00:01", NULL, "is a multicast address"},
        {"ff:ff:ff:ff:ff:ff", NULL, "is a multicast address"},
        {"00:00:00:00:00:00", NULL, "is all zeros, which no interface can have"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        char mac[VFA_MAC_SIZE] = "untouched";
        int r = vfa_mac_parse(cases[i].text, mac, &err);

        if (cases[i].mac)
            CHECK(r == 0 && strcmp(mac, cases[i].mac) == 0, "%s: %s", cases[i].text, mac);
        else
            CHECK(r == -EINVAL && check_has(&err, cases[i].error) && strcmp(mac, "untouched") == 0,
                  "%s: %d %s", cases[i].text, r, vfa_error_text(&err));
    }
}

int main(void)
{
    test_derived();
    test_read();
    return check_result();
}
