/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfa_connect_check_here(): only the libvirt of this host that the configuration names may change
 * claims. No connection is made: this file provides virConnectGetURI().
 */

#include "base/common.h"
#include "base/error.h"
#include "config/config.h"
#include "check.h"
#include "helpers/vfalias/cmd.h"
#include "helpers/vfalias/connect.h"

char *__wrap_virConnectGetURI(virConnectPtr conn);

static const char *uri;

char *__wrap_virConnectGetURI(virConnectPtr conn)
{
    return strdup(uri);
}

static const struct {
    const char *configured;
    const char *given; /* --connect */
    const char *uri;   /* the connection's URI; NULL: the given URI */
    bool here;
} cases[] = {
    {"qemu:///system", NULL, "qemu:///system", true},
    {"mine", NULL, "qemu:///system", true}, /* an alias of libvirt.conf */
    {"mine", "mine", "qemu:///system", true},
    {"qemu:///system", "qemu:///system", NULL, true},
    {"qemu:///system", "qemu+unix:///system", NULL, true},
    {"qemu:///system", "qemu://localhost/system", NULL, true},
    {"qemu:///system", "qemu+ssh://root@localhost/system", NULL, true},
    {"qemu:///system", "qemu:///session", NULL, false},
    {"qemu:///system", "test:///default", NULL, false},
    {"qemu:///system", "qem:///system", NULL, false},
    {"qemu:///system", "qemu+unix:///system?socket=/tmp/other", NULL, false},
    {"qemu+unix:///system?socket=/a", "qemu+unix:///system?socket=/a", NULL, true},
    {"qemu:///system", "qemu+ssh://other/system", NULL, false},
    {"qemu+ssh://other/system", NULL, "qemu+ssh://other/system", false},
};

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        struct vfa_config config = {.libvirt_uri = (char *)cases[i].configured};
        const struct vfa_cmd_context ctx = {.config = &config, .connect_uri = cases[i].given};
        int r;

        uri = cases[i].uri ? cases[i].uri : cases[i].given;
        r = vfa_connect_check_here(&ctx, NULL, &err);
        CHECK((r == 0) == cases[i].here, "%s, --connect %s: %s", cases[i].configured, uri,
              vfa_error_text(&err));
    }
    return check_result();
}
