/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rtnetlink with the running kernel, in a new network namespace. The loopback device is a netdev
 * that can be changed and that has no VFs. tests/lab tests drivers with VFs.
 */

#include "base/common.h"
#include "base/error.h"
#include "device/netlink.h"
#include "device/vf-settings.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

static void test_link(struct vfa_netlink *nl)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    struct vfa_link link;

    CHECK(vfa_netlink_read_link(nl, "lo", &link, &err) == 0, "%s", vfa_error_text(&err));
    CHECK(!link.up && link.mtu == 65536, "as the kernel makes it: %u", (unsigned)link.mtu);
    CHECK(vfa_netlink_set_up(nl, "lo", true, NULL) == 0, "up");
    CHECK(vfa_netlink_set_mtu(nl, "lo", 9000, NULL) == 0, "mtu");
    CHECK(vfa_netlink_read_link(nl, "lo", &link, NULL) == 0, "again");
    CHECK(link.up && link.mtu == 9000, "up, %u", (unsigned)link.mtu);
    CHECK(vfa_netlink_set_up(nl, "lo", false, NULL) == 0, "down");
    CHECK(vfa_netlink_read_link(nl, "lo", &link, NULL) == 0 && !link.up, "down");
}

static void test_gone(struct vfa_netlink *nl)
{
    struct vfa_vf_settings settings = {0};
    struct vfa_link link;

    CHECK(vfa_netlink_read_link(nl, "nosuch0", &link, NULL) == VFA_NETLINK_GONE, "read");
    CHECK(vfa_netlink_set_up(nl, "nosuch0", true, NULL) == VFA_NETLINK_GONE, "up");
    CHECK(vfa_netlink_set_mtu(nl, "nosuch0", 1500, NULL) == VFA_NETLINK_GONE, "mtu");
    CHECK(vfa_netlink_read_vf(nl, "nosuch0", 0, &settings, NULL) == VFA_NETLINK_GONE, "VF");
    CHECK(vfa_netlink_set_vf(nl, "nosuch0", 0, VFA_VF_TRUST, &settings, NULL) == VFA_NETLINK_GONE,
          "set");
    CHECK(vfa_netlink_read_vf(nl, "lo", 0, &settings, NULL) == VFA_NETLINK_GONE, "no VFs");
    CHECK(settings.given == 0, "untouched");
}

/* Each setting becomes a message that the kernel understands, but refuses: there are no VFs. */
static void test_refused(struct vfa_netlink *nl)
{
    const struct vfa_vf_settings settings = {0};

    for (unsigned i = 0; i < VFA_VF_SETTINGS; i++) {
        VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
        enum vfa_vf_setting setting = (enum vfa_vf_setting)i;
        char text[128];
        int r;

        if (setting == VFA_VF_MTU)
            continue;
        r = vfa_netlink_set_vf(nl, "lo", 3, setting, &settings, &err);
        snprintf(text, sizeof(text), "cannot set %s of VF 3 of lo: Operation not supported",
                 vfa_vf_setting_name(setting));
        CHECK(r == -EOPNOTSUPP && strcmp(vfa_error_text(&err), text) == 0, "%s",
              vfa_error_text(&err));
    }
}

static void test_bad_values(struct vfa_netlink *nl)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;

    CHECK(vfa_netlink_set_mtu(nl, "lo", UINT32_MAX, &err) == -EINVAL &&
              check_has(&err, "cannot set mtu of lo: "),
          "%s", vfa_error_text(&err));
}

/* No child process inherits the socket. */
static void test_closed_on_exec(int fd)
{
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC, "fd %d", fd);
}

int main(void)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_netlink_closep) struct vfa_netlink *nl = NULL;
    int next;

    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
        perror("no network namespace of its own");
        return 77;
    }
    next = dup(STDERR_FILENO);
    close(next);
    CHECK(vfa_netlink_open(&nl, &err) == 0, "%s", vfa_error_text(&err));
    if (!nl)
        return 1;
    test_closed_on_exec(next); /* the lowest free descriptor */
    test_link(nl);
    test_gone(nl);
    test_refused(nl);
    test_bad_values(nl);
    return check_result();
}
