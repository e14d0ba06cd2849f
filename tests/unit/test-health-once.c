/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One run reads the addresses of the host's interfaces once, not once for each candidate. The fake
 * tree of this test counts as the host's /sys. */

#include "base/common.h"
#include "base/error.h"
#include "device/health.h"
#include "device/sysfs.h"
#include "config/config.h"
#include "host/host.h"
#include "claim/claim.h"
#include "claim/prepare.h"
#include "made-host.h"

#include <ifaddrs.h>
#include <netinet/in.h>

static unsigned n_calls;
static struct sockaddr_in address = {.sin_family = AF_INET};
static char names[VFS][16];
static struct ifaddrs list[VFS];

bool __wrap_vfa_sysfs_is_host(const struct vfa_sysfs *tree);
int __wrap_getifaddrs(struct ifaddrs **ret);
void __wrap_freeifaddrs(struct ifaddrs *addresses);

bool __wrap_vfa_sysfs_is_host(const struct vfa_sysfs *tree)
{
    return true;
}

int __wrap_getifaddrs(struct ifaddrs **ret)
{
    n_calls++;
    *ret = list;
    return 0;
}

void __wrap_freeifaddrs(struct ifaddrs *addresses)
{
}

/* The interface of each VF is up and has an address; with `but_last`, the last VF has none. */
static void give_addresses(bool but_last)
{
    for (int i = 0; i < VFS; i++) {
        char path[96];

        snprintf(names[i], sizeof(names[i]), "pf0v%d", but_last && i == VFS - 1 ? 9 : i);
        list[i] = (struct ifaddrs){.ifa_name = names[i],
                                   .ifa_addr = (struct sockaddr *)(void *)&address,
                                   .ifa_next = i + 1 < VFS ? &list[i + 1] : NULL};
        snprintf(path, sizeof(path), "bus/pci/devices/%s/net/pf0v%d/flags", vf(i), i);
        made_file(path, "0x1003");
    }
}

static void test_start(const char *label, int want)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_host host = open_host(true);
    int r;

    n_calls = 0;
    r = vfa_prepare_domain(&host, parse(DOM(META(ASKS), "")), &err);
    CHECK(r == want, "%s: %d %s", label, r, vfa_error_text(&err));
    CHECK(n_calls == 1, "%s: asked %u times", label, n_calls);
    vfa_host_clear(&host);
}

int main(void)
{
    make_host();
    give_addresses(false);
    test_start("none is free", VFA_CLAIM_REFUSED);
    give_addresses(true);
    test_start("the last is free", 0);
    parse(NULL);
    vfa_config_free(config);
    made_end(&sysfs);
    return check_result();
}
